import { ETH_P_IP, ETH_P_IPV6, ETH_P_TEB, IPPROTO_IPIP, IPPROTO_IPV6 } from "@seville/packet";
import * as geneve from "../header/geneve.ts";
import * as gue from "../header/gue.ts";
import * as vxlan from "../header/vxlan.ts";
import type { Unwrapped } from "./frame.ts";

/** Reads a datagram's payload. `undefined`: it is not of the protocol, or says what is not understood. */
export type Unwrap = (payload: Uint8Array) => Unwrapped | undefined;

const ETHERNET_BYTES = 14;

/** A frame must have its header, an IP packet a byte that says its version. */
function inner(payload: Uint8Array, at: number, etherType: number): Pick<Unwrapped, "data" | "linkType"> | undefined {
  const data = payload.subarray(at);
  if (etherType === ETH_P_TEB) return data.length < ETHERNET_BYTES ? undefined : { data, linkType: 1 };
  if (etherType !== ETH_P_IP && etherType !== ETH_P_IPV6) return undefined;
  return data[0] === undefined || data[0] >>> 4 !== (etherType === ETH_P_IP ? 4 : 6)
    ? undefined
    : { data, linkType: 101 };
}

function viewOf(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
}

/**
 * VXLAN. Reserved bits are ignored, as RFC 7348 §5 asks of receivers: unlike a kernel's device this one must read what
 * others mirror to it, whatever their extensions. GPE is told by its port.
 */
export function unwrapVxlan(gpe: boolean): Unwrap {
  return (payload) => {
    const view = viewOf(payload);
    if (vxlan.check(view, 0, payload.length) !== undefined) return undefined;
    const found = inner(payload, vxlan.HEADER_LENGTH, gpe ? etherTypeOfGpe(vxlan.nextProtocol(view, 0)) : ETH_P_TEB);
    if (found === undefined) return undefined;
    const isPolicy = !gpe && (vxlan.flags(view, 0) & vxlan.FLAG_GBP) !== 0;
    const vni = vxlan.vni(view, 0);
    return isPolicy ? { ...found, vni, gbp: vxlan.groupPolicy(view, 0) } : { ...found, vni };
  };
}

function etherTypeOfGpe(next: number): number {
  if (next === vxlan.GPE_NP_IPV4) return ETH_P_IP;
  if (next === vxlan.GPE_NP_IPV6) return ETH_P_IPV6;
  return next === vxlan.GPE_NP_ETHERNET ? ETH_P_TEB : 0;
}

/** Geneve. A critical option is for who asked for it: with one that is not in `known` the packet is not read (RFC 8926 §3.5). */
export function unwrapGeneve(known: ReadonlySet<number>): Unwrap {
  return (payload) => {
    const view = viewOf(payload);
    if (geneve.check(view, 0, payload.length) !== undefined) return undefined;
    const end = geneve.headerLength(view, 0);
    if (geneve.hasUnknownCritical(view, geneve.HEADER_LENGTH, end, known)) return undefined;
    const found = inner(payload, end, geneve.protocol(view, 0));
    if (found === undefined) return undefined;
    const options = geneve.parseOptions(view, geneve.HEADER_LENGTH, end);
    return { ...found, vni: geneve.vni(view, 0), options };
  };
}

/** GUE, both variants, with IP packets inside. Remote checksum offload leaves their checksum undone: it is passed on as it is. */
export const unwrapGue: Unwrap = (payload) => {
  const view = viewOf(payload);
  if (payload.length === 0) return undefined;
  if (gue.variant(view, 0) === gue.VARIANT_DIRECT_IP) {
    const found = inner(payload, 0, (payload[0] ?? 0) >>> 4 === 4 ? ETH_P_IP : ETH_P_IPV6);
    return found === undefined ? undefined : { ...found, vni: undefined };
  }
  if (gue.check(view, 0, payload.length) !== undefined || gue.isControl(view, 0)) return undefined;
  const found = inner(payload, gue.headerLength(view, 0), etherTypeOfIp(gue.protocol(view, 0)));
  return found === undefined ? undefined : { ...found, vni: undefined };
};

function etherTypeOfIp(protocol: number): number {
  if (protocol === IPPROTO_IPIP) return ETH_P_IP;
  return protocol === IPPROTO_IPV6 ? ETH_P_IPV6 : 0;
}
