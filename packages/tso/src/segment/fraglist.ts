import { add, mangleZero, replaceByDifference, sub, bindSums } from "@seville/checksum";
import { ipv4, tcp, udp, type Packet } from "@seville/packet";
import { describe, handOver } from "./allocate.ts";
import type { IpLevel, Layout } from "./layout.ts";
import { refused, type SegmentOutcome, type SegmentSink } from "./outcome.ts";
import { rewriteLevels } from "./rewrite.ts";

/**
 * Whether the members of `fragList` are still the segments that GRO chained: nothing was pulled into the first one
 * (`skb_pagelen(skb) - headers == gso_size`), and each has its headers before its data.
 */
export function isIntactFragList(packet: Packet, { headerLength, kind, tunnel }: Layout): boolean {
  const { fragList, gsoSize } = packet;
  if (fragList === undefined || tunnel !== undefined || (kind !== "tcp" && kind !== "udp")) return false;
  if (packet.length - headerLength !== gsoSize) return false;
  const last = fragList.length - 1;
  return fragList.every(
    (one, i) =>
      one.fragList === undefined &&
      one.headroom >= headerLength &&
      (i === last ? one.length > 0 && one.length <= gsoSize : one.length === gsoSize),
  );
}

/**
 * FRAGLIST: the segments are there and only have to be taken apart. What changed in the headers of the first since they
 * were chained (NAT) is brought to the others: link-layer header, addresses and ports, with their checksums patched
 * (S9; `skb_segment_list`, `__tcpv4_gso_segment_list_csum`).
 */
export function segmentFragList(packet: Packet, layout: Layout, sink: SegmentSink<Packet>): SegmentOutcome {
  const others = packet.fragList ?? [];
  if (!makeWritable(packet, others, layout.headerLength)) return refused("nomem");
  packet.fragList = undefined;
  const { ipSummed, csum, csumLevel } = packet;
  const segments = [packet.clone(), ...others];
  const network = (layout.ips[0] as IpLevel).at;
  for (const [index, segment] of segments.entries()) {
    describe(segment, packet);
    segment.ipSummed = ipSummed;
    segment.csum = csum;
    segment.csumLevel = csumLevel;
    segment.gsoSize = 0;
    segment.gsoType = 0;
    segment.gsoSegs = 0;
    if (index > 0) synchronise(packet, segment, layout, network);
    if (layout.kind === "udp") setUdpLength(segment, layout.transport);
    // The identification of the first is that of the super-packet; the others follow it.
    if (index > 0) copyIdentification(packet, segment, layout.ips[0] as IpLevel);
    rewriteLevels(segment, layout, index);
  }
  handOver(packet, segments, sink);
  return { ok: true, segments: segments.length };
}

/** Pushes the headers of all back before their data and makes them writable; `false`: no memory, nothing has changed. */
function makeWritable(packet: Packet, others: readonly Packet[], headerLength: number): boolean {
  if (!packet.cowHead()) return false;
  for (const [index, one] of others.entries()) {
    one.push(headerLength);
    if (one.cowHead()) continue;
    for (let i = 0; i <= index; i++) (others[i] as Packet).pull(headerLength);
    return false;
  }
  return true;
}

/** Brings what is before the IP header, the addresses and the ports of `first` to `other`. */
function synchronise(first: Packet, other: Packet, layout: Layout, network: number): void {
  const { u8, view } = first.pool.memory;
  const sums = bindSums(first.pool.memory);
  u8.copyWithin(other.data, first.data, first.data + network);
  const level = layout.ips[0] as IpLevel;
  const [addresses, bytes] = level.version === 4 ? [level.at + 12, 8] : [level.at + 8, 32];
  const before = add(sums.sum(other.data + addresses, bytes), sums.sum(other.data + layout.transport, 4));
  u8.copyWithin(other.data + addresses, first.data + addresses, first.data + addresses + bytes);
  u8.copyWithin(other.data + layout.transport, first.data + layout.transport, first.data + layout.transport + 4);
  const after = add(sums.sum(other.data + addresses, bytes), sums.sum(other.data + layout.transport, 4));
  if (before === after) return;
  const isUdp = layout.kind === "udp";
  const field = other.data + layout.transport + (isUdp ? udp.CHECKSUM_OFFSET : tcp.CHECKSUM_OFFSET);
  const checksum = view.getUint16(field);
  if (isUdp && checksum === 0) return;
  const patched = replaceByDifference(checksum, sub(after, before));
  view.setUint16(field, isUdp ? mangleZero(patched) : patched);
}

function copyIdentification(first: Packet, other: Packet, level: IpLevel): void {
  if (level.version !== 4) return;
  const { view } = first.pool.memory;
  ipv4.setIdentification(view, other.data + level.at, ipv4.identification(view, first.data + level.at));
}

/** The first one's UDP header says how long the whole train is (`__udp_gso_segment_list`). */
function setUdpLength(segment: Packet, transport: number): void {
  const at = segment.data + transport;
  udp.setLength(segment.pool.memory.view, at, segment.tail - at);
}
