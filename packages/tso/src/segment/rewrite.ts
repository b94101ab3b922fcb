import {
  add,
  finish,
  mangleZero,
  setPartialSctp,
  sctpChecksum,
  writeIpv4HeaderChecksum,
  writeSctpChecksum,
  SCTP_CHECKSUM_OFFSET,
  bindChecksum,
} from "@seville/checksum";
import { IPPROTO_UDP, ipv4, ipv6, udp, type Packet } from "@seville/packet";
import type { IpLevel, Layout } from "./layout.ts";
import { pseudoOf } from "./pseudo.ts";

/*
 * The slow way, for what cannot be said with templates: fragments and SCTP, whose checksums do not compose. The segment
 * is there with its payload, and every level is brought to its length, from the inside out.
 */

/** Finishes the IP headers and the tunnel of a segment that is complete behind them. `index` counts identifications. */
export function rewriteLevels(segment: Packet, layout: Layout, index: number): void {
  const [outer, inner] = layout.ips;
  if (inner === undefined) {
    rewriteIp(segment, outer as IpLevel, index);
    return;
  }
  rewriteIp(segment, inner, index);
  rewriteTunnel(segment, layout);
  rewriteIp(segment, outer as IpLevel, index);
}

function rewriteIp(segment: Packet, level: IpLevel, index: number): void {
  const { view } = segment.pool.memory;
  const at = segment.data + level.at;
  const length = segment.tail - at;
  if (level.version === 6) {
    ipv6.setPayloadLength(view, at, length - ipv6.HEADER_LENGTH);
    return;
  }
  ipv4.setTotalLength(view, at, length);
  if (!level.fixedId) ipv4.setIdentification(view, at, (ipv4.identification(view, at) + index) & 0xffff);
  writeIpv4HeaderChecksum(view, at);
}

function rewriteTunnel(segment: Packet, { tunnel, ips }: Layout): void {
  if (tunnel === undefined || tunnel.kind === "ip") return;
  const { memory } = segment.pool;
  const at = segment.data + tunnel.at;
  const length = segment.tail - at;
  const field = at + (tunnel.kind === "udp" ? udp.CHECKSUM_OFFSET : 4);
  if (tunnel.kind === "udp") udp.setLength(memory.view, at, length);
  if (!tunnel.checksum) {
    if (tunnel.kind === "udp") memory.view.setUint16(field, 0);
    return;
  }
  if (tunnel.kind === "gre") memory.view.setUint32(field, 0);
  else memory.view.setUint16(field, 0);
  const sum = bindChecksum(memory).sum(at, length);
  if (tunnel.kind === "gre") {
    memory.view.setUint16(field, finish(sum));
    return;
  }
  const pseudo = pseudoOf(memory, segment.data, ips[0] as IpLevel, IPPROTO_UDP, length);
  memory.view.setUint16(field, mangleZero(finish(add(sum, pseudo))));
}

/** Computes the CRC32c of an SCTP segment, or leaves it to the device. */
export function finishSctp(segment: Packet, transport: number, byDevice: boolean): void {
  const at = segment.data + transport;
  if (byDevice) {
    setPartialSctp(segment, at);
    return;
  }
  const { memory } = segment.pool;
  const crc = sctpChecksum(bindChecksum(memory), at, segment.tail - at);
  writeSctpChecksum(memory.view, at + SCTP_CHECKSUM_OFFSET, crc);
}
