import { isUnnecessary, postPull, preTrim, setUdpChecksum, tryConvert, validateUdp } from "@seville/checksum";
import type { DropReason } from "@seville/core";
import { IPPROTO_UDP, udp, type Packet } from "@seville/packet";
import type { TunnelContext } from "./context.ts";
import type { TunnelInfo } from "./info.ts";
import { pseudoHeaderAt, pseudoHeaderOf, type OuterHeader } from "./outer-ip.ts";

/** What {@link pushUdp} is told of the UDP header. */
export interface UdpPush {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly checksum: boolean;
}

/**
 * Writes a UDP header in front of the data. Its length counts all that follows, padding behind the inner packet
 * included, and so does its checksum (T16). The checksum is made in the order of `udp_set_csum`: local checksum offload
 * where an inner one is PARTIAL, else it becomes the PARTIAL one (T7).
 */
export function pushUdp(
  { kernels }: TunnelContext,
  packet: Packet,
  outer: OuterHeader,
  what: UdpPush,
): DropReason | undefined {
  const at = packet.push(udp.HEADER_LENGTH);
  const length = packet.totalLength;
  udp.write(packet.pool.memory.view, at, {
    sourcePort: what.sourcePort,
    destinationPort: what.destinationPort,
    // That of a super-packet may not fit its field: segmentation fills it in.
    length: length & 0xffff,
    checksum: 0,
  });
  const pseudo = pseudoHeaderOf(outer.local, outer.remote, IPPROTO_UDP, length);
  const way = setUdpChecksum(kernels, packet, at, pseudo, !what.checksum);
  return way === "failed" ? "NOMEM" : undefined;
}

/**
 * Verifies and takes off the UDP header at `data`; `networkHeader` is at the outer IP header (T13). What lies behind the
 * UDP length is cut. A checksum of 0 passes if `zeroAllowed`. After a good one the sum of the rest is known (C14).
 */
export function pullUdp(
  { kernels }: TunnelContext,
  packet: Packet,
  info: TunnelInfo,
  zeroAllowed: boolean,
): DropReason | undefined {
  if (!packet.mayPull(udp.HEADER_LENGTH)) return "HDR_TRUNC";
  const { view, u8 } = packet.pool.memory;
  const length = udp.length(view, packet.data);
  if (packet.gsoSize === 0) {
    if (length < udp.HEADER_LENGTH || length > packet.totalLength) return "PKT_TOO_SMALL";
    if (!preTrim(kernels, packet, length)) return "PKT_TOO_SMALL";
    packet.trim(length);
  }
  const at = packet.data;
  const known = packet.gsoSize !== 0 || isUnnecessary(packet);
  const pseudo = known ? 0 : pseudoHeaderAt(view, u8, packet.networkHeader, IPPROTO_UDP, length);
  const verdict = validateUdp(kernels, packet, pseudo, zeroAllowed);
  info.checksum = verdict;
  if (verdict === "bad") return "UDP_CSUM";
  // Only a checksum that is there says something of the rest.
  if (udp.checksum(view, at) !== 0) {
    tryConvert(packet, verdict, pseudoHeaderAt(view, u8, packet.networkHeader, IPPROTO_UDP, length));
  }
  packet.pull(udp.HEADER_LENGTH);
  postPull(kernels, packet, udp.HEADER_LENGTH);
  return undefined;
}
