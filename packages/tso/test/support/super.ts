import {
  CHECKSUM_PARTIAL,
  ETH_P_IP,
  ETH_P_IPV6,
  PacketPool,
  SKB_GSO_GRE,
  SKB_GSO_GRE_CSUM,
  SKB_GSO_IPXIP4,
  SKB_GSO_IPXIP6,
  SKB_GSO_TCP_ACCECN,
  SKB_GSO_TCP_ECN,
  SKB_GSO_TCP_FIXEDID,
  SKB_GSO_TCP_FIXEDID_INNER,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  type Packet,
} from "@seville/packet";
import { pseudoHeader4, pseudoHeader6At, fold } from "@seville/checksum";
import { frameOf, offsetsOf, type Flow } from "./flow.ts";

/** A pool that finds leaks, double releases and uses after release. */
export function makePool(options: { wasm?: boolean; small?: number; super?: number } = {}): PacketPool {
  return new PacketPool({ small: 256, jumbo: 16, super: 8, debug: true, ...options });
}

export interface SuperOptions {
  readonly size: number;
  /** PARTIAL with the pseudo-header's sum in the field, as the stack leaves it. Default: yes. */
  readonly partial?: boolean;
  /** Lengths of the pieces in which the payload lies in `fragList`, behind what stays in the slot. */
  readonly pieces?: readonly number[];
}

/** The super-packet of `flow` with all of `payload`. */
export function superPacket(pool: PacketPool, flow: Flow, payload: Uint8Array, options: SuperOptions): Packet {
  const frame = frameOf(flow, payload);
  const pieces = options.pieces ?? [];
  const linear = frame.length - pieces.reduce((sum, one) => sum + one, 0);
  const packet = pool.from(frame.subarray(0, linear), 130);
  if (packet === undefined) throw new Error("the test's pool is too small");
  describeFlow(packet, flow);
  let at = linear;
  for (const length of pieces) {
    const fragment = pool.from(frame.subarray(at, at + length));
    if (fragment === undefined) throw new Error("the test's pool is too small");
    (packet.fragList ??= []).push(fragment);
    at += length;
  }
  packet.gsoSize = options.size;
  packet.gsoType = gsoTypeOf(flow);
  packet.gsoSegs = Math.ceil(payload.length / options.size);
  if (options.partial !== false) leavePartial(packet, flow, frame.length);
  return packet;
}

/** Sets the offsets of the headers, as whoever pushed them does. */
export function describeFlow(packet: Packet, flow: Flow): void {
  const offsets = offsetsOf(flow);
  const { data } = packet;
  packet.macHeader = data;
  packet.networkHeader = data + offsets.network;
  packet.transportHeader = data + offsets.transport;
  packet.protocol = (flow.tunnel === "none" ? flow.family : flow.outerFamily) === 4 ? ETH_P_IP : ETH_P_IPV6;
  if (flow.tunnel === "none") return;
  packet.innerMacHeader = data + offsets.innerMac;
  packet.innerNetworkHeader = data + offsets.innerNetwork;
  packet.innerTransportHeader = data + offsets.innerTransport;
  packet.encapsulation = true;
}

export function gsoTypeOf(flow: Flow): number {
  let type: number = flow.kind === "udp" ? SKB_GSO_UDP_L4 : flow.family === 4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
  if (flow.kind === "tcp" && (flow.flags & 0x80) !== 0) type |= SKB_GSO_TCP_ECN;
  if (flow.accEcn === true) type |= SKB_GSO_TCP_ACCECN;
  const isTunnel = flow.tunnel !== "none";
  if (flow.fixedId && flow.family === 4) type |= isTunnel ? SKB_GSO_TCP_FIXEDID_INNER : SKB_GSO_TCP_FIXEDID;
  if (isTunnel && flow.fixedOuterId && flow.outerFamily === 4) type |= SKB_GSO_TCP_FIXEDID;
  return (type | tunnelBit(flow)) >>> 0;
}

function tunnelBit({ tunnel, outerFamily }: Flow): number {
  switch (tunnel) {
    case "none":
      return 0;
    case "vxlan":
    case "geneve":
      return SKB_GSO_UDP_TUNNEL;
    case "vxlan-csum":
    case "geneve-csum":
    case "fou-csum":
      return SKB_GSO_UDP_TUNNEL_CSUM;
    case "gre":
    case "gretap":
      return SKB_GSO_GRE;
    case "gre-csum":
    case "gre-key-csum":
      return SKB_GSO_GRE_CSUM;
    case "ip":
      return outerFamily === 4 ? SKB_GSO_IPXIP4 : SKB_GSO_IPXIP6;
  }
}

/** What a stack leaves for the device: the sum of the innermost pseudo-header, with the length of it all. */
function leavePartial(packet: Packet, flow: Flow, total: number): void {
  const { view, u8 } = packet.pool.memory;
  const offsets = offsetsOf(flow);
  const network = packet.data + (flow.tunnel === "none" ? offsets.network : offsets.innerNetwork);
  const transport = flow.tunnel === "none" ? offsets.transport : offsets.innerTransport;
  const protocol = flow.kind === "tcp" ? 6 : 17;
  const length = total - transport;
  const sum =
    flow.family === 4
      ? pseudoHeader4(view.getUint32(network + 12), view.getUint32(network + 16), protocol, length)
      : pseudoHeader6At(u8, network + 8, network + 24, protocol, length);
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = packet.data + transport;
  packet.csumOffset = flow.kind === "tcp" ? 16 : 6;
  view.setUint16(packet.csumStart + packet.csumOffset, fold(sum));
}

/** Bytes that differ from place to place. */
export function payloadOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}
