import { add, bindChecksum, finish, mangleZero, sub, sumData } from "@seville/checksum";
import { IPPROTO_FRAGMENT, IPPROTO_UDP, ipv4, ipv6, udp, type Packet } from "@seville/packet";
import { describe, handOver } from "./allocate.ts";
import type { IpLevel, Layout } from "./layout.ts";
import { refused, type SegmentOptions, type SegmentOutcome, type SegmentSink } from "./outcome.ts";
import { pseudoOf } from "./pseudo.ts";
import { rewriteLevels } from "./rewrite.ts";
import { copyFragments } from "./sctp.ts";

/**
 * UFO: one datagram becomes IP fragments. No device can compute a checksum over several packets, so it is computed in full
 * first (S8; `udp4_ufo_fragment`, `udp6_ufo_fragment`). All fragments have the same identification.
 */
export function segmentUfo(
  packet: Packet,
  layout: Layout,
  sink: SegmentSink<Packet>,
  options: SegmentOptions,
): SegmentOutcome {
  const total = packet.totalLength - layout.headerLength;
  const size = packet.gsoSize;
  if (size % 8 !== 0) return refused("malformed");
  if (total <= size) return refused("too-small");
  // A reassembled IP packet is no longer than its length field can say (RFC 791 §3.1, RFC 8200 §4.5).
  if (total > 65_535 - 20) return refused("malformed");
  const level = layout.ips[layout.ips.length - 1] as IpLevel;
  if (level.version === 6 && options.fragmentId === undefined) return refused("fragment-id");

  const checksum = fullChecksum(packet, layout, level, total);
  const lengths: number[] = [];
  for (let left = total; left > 0; left -= size) lengths.push(Math.min(left, size));
  const inserted = level.version === 6 ? ipv6.FRAGMENT_HEADER_LENGTH : 0;
  const headroom = options.headroom ?? packet.headroom;
  const segments = copyFragments(packet, layout.headerLength, lengths, headroom + inserted);
  if (segments === undefined) return refused("nomem");
  const identification = level.version === 6 ? (options.fragmentId?.() ?? 0) >>> 0 : 0;
  const fixed: Layout = { ...layout, ips: layout.ips.map((ip) => (ip === level ? { ...ip, fixedId: true } : ip)) };
  for (const [index, segment] of segments.entries()) {
    const more = index < segments.length - 1;
    describe(segment, packet);
    if (index === 0) udp.setChecksum(segment.pool.memory.view, segment.data + layout.transport, checksum);
    if (level.version === 4) markFragment4(segment, level, index * size, more);
    else insertFragmentHeader(segment, layout, level, index * size, more, identification);
    rewriteLevels(segment, fixed, index);
  }
  handOver(packet, segments, sink);
  return { ok: true, segments: segments.length };
}

/** The UDP checksum of the whole datagram, whatever the field holds now. */
function fullChecksum(packet: Packet, layout: Layout, level: IpLevel, total: number): number {
  const { memory } = packet.pool;
  const stored = udp.checksum(memory.view, packet.data + layout.transport);
  const sum = sub(sumData(bindChecksum(memory), packet, layout.transport, total), stored);
  return mangleZero(finish(add(sum, pseudoOf(memory, packet.data, level, IPPROTO_UDP, total))));
}

function markFragment4(segment: Packet, level: IpLevel, offset: number, more: boolean): void {
  const word = (offset >> 3) | (more ? ipv4.FRAGMENT_MF : 0);
  ipv4.setFragmentWord(segment.pool.memory.view, segment.data + level.at, word);
}

/** Puts a fragment header in front of what was the transport header, behind all extension headers (`udp6_ufo_fragment`). */
function insertFragmentHeader(
  segment: Packet,
  layout: Layout,
  level: IpLevel,
  fragmentOffset: number,
  moreFragments: boolean,
  identification: number,
): void {
  const { u8, view } = segment.pool.memory;
  const front = layout.transport;
  const from = segment.data;
  const protocolAt = nextHeaderAt(view, from + level.at, from + front);
  const base = segment.push(ipv6.FRAGMENT_HEADER_LENGTH);
  u8.copyWithin(base, from, from + front);
  ipv6.writeFragment(view, base + front, {
    nextHeader: IPPROTO_UDP,
    fragmentOffset,
    moreFragments,
    identification,
  });
  view.setUint8(protocolAt - ipv6.FRAGMENT_HEADER_LENGTH, IPPROTO_FRAGMENT);
  // The headers before it moved; describe() set offsets for where they were.
  segment.macHeader -= segment.macHeader < 0 ? 0 : ipv6.FRAGMENT_HEADER_LENGTH;
  segment.networkHeader -= ipv6.FRAGMENT_HEADER_LENGTH;
  if (layout.tunnel === undefined) return;
  segment.transportHeader -= ipv6.FRAGMENT_HEADER_LENGTH;
  segment.innerMacHeader -= segment.innerMacHeader < 0 ? 0 : ipv6.FRAGMENT_HEADER_LENGTH;
  segment.innerNetworkHeader -= ipv6.FRAGMENT_HEADER_LENGTH;
}

/** Where the number of the header at `end` stands, in a chain of extension headers that ends there. */
function nextHeaderAt(view: DataView, network: number, end: number): number {
  return ipv6.walkExtensions(view, network, end + 8).protocolAt;
}
