import { CHECKSUM_NONE, NO_HEADER, type Packet } from "@seville/packet";
import type { SegmentSink } from "./outcome.ts";

/**
 * `count` packets for frames of `headerLength` and up to `payload` bytes, the last of which has `last`; or `undefined` if
 * the pool has not that many, and then none is taken.
 */
export function allocateAll(
  packet: Packet,
  count: number,
  headerLength: number,
  payload: number,
  last: number,
  headroom: number,
): Packet[] | undefined {
  const size = count === 1 ? headerLength + last : headerLength + payload;
  const segments = packet.pool.allocMany(count, size, headroom);
  if (segments === undefined) return undefined;
  for (const segment of segments) segment.tail = segment.data + size;
  const end = segments[count - 1] as Packet;
  end.tail = end.data + headerLength + last;
  return segments;
}

export function releaseAll(packets: readonly Packet[]): void {
  for (const packet of packets) packet.release();
}

/** Gives a segment the metadata of the super-packet from which it comes (`__copy_skb_header`). It is no super-packet. */
export function describe(segment: Packet, packet: Packet): void {
  const delta = segment.data - packet.data;
  const { macHeader, innerMacHeader } = packet;
  segment.macHeader = macHeader === NO_HEADER ? NO_HEADER : macHeader + delta;
  segment.networkHeader = packet.networkHeader + delta;
  segment.transportHeader = packet.transportHeader === NO_HEADER ? NO_HEADER : packet.transportHeader + delta;
  segment.protocol = packet.protocol;
  segment.pktType = packet.pktType;
  segment.ifindex = packet.ifindex;
  segment.tstamp = packet.tstamp;
  segment.hash = packet.hash;
  segment.mark = packet.mark;
  segment.priority = packet.priority;
  segment.queueMapping = packet.queueMapping;
  segment.vlanTci = packet.vlanTci;
  segment.cb = packet.cb;
  segment.ipSummed = CHECKSUM_NONE;
  if (packet.innerNetworkHeader === NO_HEADER) return;
  segment.innerMacHeader = innerMacHeader === NO_HEADER ? NO_HEADER : innerMacHeader + delta;
  segment.innerNetworkHeader = packet.innerNetworkHeader + delta;
  segment.innerTransportHeader =
    packet.innerTransportHeader === NO_HEADER ? NO_HEADER : packet.innerTransportHeader + delta;
}

/** Releases the super-packet and hands its segments over, in order. */
export function handOver(packet: Packet, segments: readonly Packet[], sink: SegmentSink<Packet>): void {
  packet.release();
  let next = 0;
  try {
    for (const segment of segments) {
      next++;
      sink(segment);
    }
  } finally {
    // Only after a sink that threw is there anything left.
    for (; next < segments.length; next++) (segments[next] as Packet).release();
  }
}
