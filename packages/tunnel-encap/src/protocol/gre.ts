import { postPull, setGreChecksum, tryConvert, validate } from "@seville/checksum";
import { serial32, type DropReason } from "@seville/core";
import { ETH_P_TEB, IPPROTO_GRE, SKB_GSO_GRE, SKB_GSO_GRE_CSUM, type Packet } from "@seville/packet";
import * as gre from "../header/gre.ts";
import type { GreTunnel } from "../tunnel/config.ts";
import type { Encapsulation, TunnelParts, TunnelState } from "../tunnel/encapsulation.ts";
import type { TunnelInfo } from "../tunnel/info.ts";
import type { OuterPath } from "../tunnel/path.ts";

/** GRE and GRE-TAP as tunnel protocols (RFC 2784, RFC 2890; net/ipv4/ip_gre.c; T3). */
export const greEncapsulation: Encapsulation<GreTunnel> = {
  ipProtocol: () => IPPROTO_GRE,
  headerLength: (tunnel) => gre.lengthOf(outFlags(tunnel)),
  isEthernet: (tunnel) => tunnel.kind === "gretap",
  gsoType: ({ tunnel }) => (tunnel.ocsum === true ? SKB_GSO_GRE_CSUM : SKB_GSO_GRE),
  push,
  pull,
};

function outFlags({ ocsum, okey, oseq }: GreTunnel): number {
  let flags = 0;
  if (ocsum === true) flags |= gre.FLAG_CHECKSUM;
  if (okey !== undefined) flags |= gre.FLAG_KEY;
  if (oseq === true) flags |= gre.FLAG_SEQUENCE;
  return flags;
}

function push(
  parts: TunnelParts<GreTunnel>,
  packet: Packet,
  etherType: number,
  path: OuterPath,
): DropReason | undefined {
  const { tunnel } = parts;
  return pushGre(parts, packet, {
    protocol: etherType,
    key: path.id ?? tunnel.okey,
    checksum: tunnel.ocsum === true,
    sequence: tunnel.oseq === true,
  });
}

/** What {@link pushGre} writes. */
export interface GrePush {
  readonly protocol: number;
  readonly key: number | undefined;
  readonly checksum: boolean;
  readonly sequence: boolean;
}

/** Writes a GRE header in front of the data, with the checksum of all that follows (`gre_build_header`). */
export function pushGre(
  { context, state }: Pick<TunnelParts, "context" | "state">,
  packet: Packet,
  what: GrePush,
): DropReason | undefined {
  const flags =
    (what.checksum ? gre.FLAG_CHECKSUM : 0) |
    (what.key === undefined ? 0 : gre.FLAG_KEY) |
    (what.sequence ? gre.FLAG_SEQUENCE : 0);
  const at = packet.push(gre.lengthOf(flags));
  gre.write(packet.pool.memory.view, at, {
    protocol: what.protocol,
    key: what.key,
    checksum: what.checksum ? 0 : undefined,
    sequence: what.sequence ? takeSequence(state) : undefined,
  });
  // Segmentation fills in those of a super-packet.
  if (!what.checksum || packet.gsoSize !== 0) return undefined;
  return setGreChecksum(context.kernels, packet, at) ? undefined : "NOMEM";
}

function takeSequence(state: TunnelState): number {
  const sequence = state.oSeqno;
  state.oSeqno = (sequence + 1) >>> 0;
  return sequence;
}

function pull(parts: TunnelParts<GreTunnel>, packet: Packet, info: TunnelInfo): DropReason | undefined {
  const { tunnel } = parts;
  const dropped = pullGre(parts, packet, info, {
    checksum: tunnel.icsum === true,
    key: tunnel.ikey,
    sequence: tunnel.iseq === true,
  });
  if (dropped !== undefined) return dropped;
  if (info.isEthernet !== (tunnel.kind === "gretap")) return "UNHANDLED_PROTO";
  return undefined;
}

/** What the receiving end wants of a GRE header. */
export interface GreExpectation {
  readonly checksum: boolean;
  readonly key: number | undefined;
  readonly sequence: boolean;
}

/**
 * Takes a GRE header off: verifies its checksum if it has one (`gre_parse_header`), and holds it to what this end expects
 * (`__ip_tunnel_rcv`): a missing checksum, another key, a missing or old sequence number drop the packet.
 */
export function pullGre(
  { context, state }: Pick<TunnelParts, "context" | "state">,
  packet: Packet,
  info: TunnelInfo,
  expected: GreExpectation,
): DropReason | undefined {
  const { kernels } = context;
  const { view } = packet.pool.memory;
  if (!packet.mayPull(gre.HEADER_LENGTH)) return "HDR_TRUNC";
  // Source routes (RFC 1701) and version 1 (PPTP) have headers of other lengths.
  if (gre.version(view, packet.data) !== 0) return "DEV_HDR";
  if (!packet.mayPull(gre.headerLength(view, packet.data))) return "HDR_TRUNC";
  if (gre.check(view, packet.data, packet.tail) !== undefined) return "DEV_HDR";
  const flags = gre.flags(view, packet.data);
  const hasChecksum = (flags & gre.FLAG_CHECKSUM) !== 0;
  if (hasChecksum) {
    const verdict = validate(kernels, packet, 0);
    info.checksum = verdict;
    if (verdict === "bad") return "GRE_CSUM";
    tryConvert(packet, verdict, 0);
  }
  if (hasChecksum !== expected.checksum) return hasChecksum ? "GRE_CSUM_UNEXPECTED" : "GRE_CSUM_MISSING";

  const at = packet.data;
  info.hasKey = (flags & gre.FLAG_KEY) !== 0;
  info.id = info.hasKey ? gre.key(view, at) : 0;
  if (info.hasKey !== (expected.key !== undefined) || (expected.key ?? 0) !== info.id) return "NO_SOCKET";
  if ((flags & gre.FLAG_SEQUENCE) !== 0) info.sequence = gre.sequence(view, at);
  if (expected.sequence && info.sequence === undefined) return "GRE_SEQ_MISSING";
  if (expected.sequence && !isInOrder(state, info.sequence as number)) return "GRE_SEQ_OLD";
  const length = gre.lengthOf(flags);
  packet.protocol = gre.protocol(view, at);
  info.isEthernet = packet.protocol === ETH_P_TEB;
  packet.pull(length);
  postPull(kernels, packet, length);
  return undefined;
}

/** RFC 2890 §2.2: what is older than the last one is dropped; a gap is not. */
function isInOrder(state: TunnelState, sequence: number): boolean {
  if (state.iSeqno !== undefined && state.iSeqno !== 0 && serial32.distance(state.iSeqno, sequence) < 0) return false;
  state.iSeqno = (sequence + 1) >>> 0;
  return true;
}
