import { GSO_BY_FRAGS, SKB_GSO_DODGY, SKB_GSO_FRAGLIST, SKB_GSO_PARTIAL, type Packet } from "@seville/packet";
import { MAX_PIECES } from "../kernel/plan.ts";
import { allocateAll, handOver } from "./allocate.ts";
import { isIntactFragList, segmentFragList } from "./fraglist.ts";
import { readLayout, type Layout } from "./layout.ts";
import {
  GSO_MAX_SEGS,
  refused,
  UDP_MAX_SEGMENTS,
  type SegmentOptions,
  type SegmentOutcome,
  type SegmentRefusal,
  type SegmentSink,
} from "./outcome.ts";
import { payloadPieces } from "./pieces.ts";
import { segmentSctp } from "./sctp.ts";
import { checksumWay, describeSplit, splitBySize, type SplitJob } from "./split.ts";
import { segmentUfo } from "./ufo.ts";

/**
 * Splits a super-packet into the packets for which it stands, each in a slot of its own of the same pool, with every
 * length, identification, sequence number, flag and checksum as the kernel's `skb_gso_segment` would set it, and hands
 * them to `sink` in order. The super-packet is released. Its payload may lie in its slot, in `fragList`, or both.
 *
 * Nothing that a packet's bytes or metadata say makes it throw. If it is refused nothing has changed (but that it may
 * have been linearized): the packet is still the caller's.
 *
 * @param packet its data begins at the frame's first byte; the header offsets that its `gsoType` needs are set
 */
export function segment(packet: Packet, sink: SegmentSink<Packet>, options: SegmentOptions = {}): SegmentOutcome {
  const { gsoSize, gsoType } = packet;
  if (gsoSize === 0) return refused("not-gso");
  if (gsoType === 0) return refused("lro");
  if (!(gsoSize > 0) || gsoSize > GSO_BY_FRAGS || !Number.isInteger(gsoSize)) return refused("malformed");
  const layout = readLayout(packet, options);
  if (typeof layout === "string") return refused(layout);
  if ((gsoType & SKB_GSO_FRAGLIST) !== 0 && isIntactFragList(packet, layout)) {
    return segmentFragList(packet, layout, sink);
  }
  if (layout.kind === "sctp") return segmentSctp(packet, layout, sink, options);
  if (gsoSize === GSO_BY_FRAGS) return refused("type");
  if (layout.kind === "ufo") return segmentUfo(packet, layout, sink, options);
  const job = planSplit(packet, layout, options);
  if (typeof job === "string") return refused(job);
  const count = Math.max(1, Math.ceil(job.payload / job.size));
  const last = job.payload - job.size * (count - 1);
  const headroom = options.headroom ?? packet.headroom;
  const segments = allocateAll(packet, count, layout.headerLength, Math.min(job.size, job.payload), last, headroom);
  if (segments === undefined) return refused("nomem");
  const targets = segments.map((one) => one.data);
  splitBySize(job, targets, count);
  for (const one of segments) {
    describeSplit(one, job);
    if (job.multiple > 1) markPartial(one, packet, layout, job);
  }
  handOver(packet, segments, sink);
  return { ok: true, segments: count };
}

/** What {@link segmentInto} wrote: `segments` frames of `length` bytes, but the last one of `lastLength`. */
export type SplitOutcome =
  | { readonly ok: true; readonly segments: number; readonly length: number; readonly lastLength: number }
  | { readonly ok: false; readonly reason: SegmentRefusal };

/**
 * {@link segment} for TCP and USO without packets: writes the frames at `targets`, offsets in the memory of the packet's
 * pool, as a device does that has a ring of buffers. The packet stays as it is and the caller's. Checksums are finished,
 * unless the options say that somebody else does. GSO_PARTIAL is not for this.
 *
 * @param room bytes that there are at each target, which must not overlap the packet
 */
export function segmentInto(
  packet: Packet,
  targets: ArrayLike<number>,
  room: number,
  options: SegmentOptions = {},
): SplitOutcome {
  const { gsoSize, gsoType } = packet;
  if (gsoSize === 0) return { ok: false, reason: "not-gso" };
  if (gsoType === 0) return { ok: false, reason: "lro" };
  if (!(gsoSize > 0) || gsoSize >= GSO_BY_FRAGS || !Number.isInteger(gsoSize))
    return { ok: false, reason: "malformed" };
  const layout = readLayout(packet, options);
  if (typeof layout === "string") return { ok: false, reason: layout };
  if (layout.kind !== "tcp" && layout.kind !== "udp") return { ok: false, reason: "type" };
  const job = planSplit(packet, layout, options.gsoPartial === true ? { ...options, gsoPartial: false } : options);
  if (typeof job === "string") return { ok: false, reason: job };
  const segments = Math.max(1, Math.ceil(job.payload / job.size));
  const length = layout.headerLength + Math.min(job.size, job.payload);
  if (segments > targets.length || length > room) return { ok: false, reason: "nomem" };
  splitBySize(job, targets, segments);
  return { ok: true, segments, length, lastLength: layout.headerLength + job.payload - job.size * (segments - 1) };
}

/** How TCP and USO are to be split, or why they cannot be. */
function planSplit(packet: Packet, layout: Layout, options: SegmentOptions): SplitJob | SegmentRefusal {
  const { gsoSize } = packet;
  const payload = packet.totalLength - layout.headerLength;
  // A train of one datagram is a datagram (udp_send_skb); TCP has no business here (S1).
  if (payload <= gsoSize && (layout.kind === "tcp" || payload === 0)) return "too-small";
  if (Math.ceil(payload / gsoSize) > (layout.kind === "udp" ? UDP_MAX_SEGMENTS : GSO_MAX_SEGS)) return "too-many";
  if (gsoSize + layout.headerLength > 65_535) return "malformed";
  if (!fitPieces(packet)) return "nomem";
  const deviceSums = (layout.tunnel === undefined ? options.csum : options.encCsum) === true;
  const way = checksumWay(layout, deviceSums);
  const multiple = options.gsoPartial === true && way === "device" ? partialSegments(payload, gsoSize) : 1;
  const size = gsoSize * multiple;
  const last = payload - size * (Math.max(1, Math.ceil(payload / size)) - 1);
  return {
    packet,
    layout,
    way,
    pieces: payloadPieces(packet, layout.headerLength),
    payload,
    size,
    multiple,
    lastIsMultiple: multiple > 1 && last > gsoSize,
  };
}

/** Capped so that a length is never taken for GSO_BY_FRAGS (`skb_segment`). */
function partialSegments(payload: number, gsoSize: number): number {
  return Math.max(1, Math.floor(Math.min(payload, GSO_BY_FRAGS - 1) / gsoSize));
}

/** More fragments than a plan has pieces for are brought into one slot first. */
function fitPieces(packet: Packet): boolean {
  if (packet.fragList === undefined) return true;
  return countFragments(packet.fragList) + 2 < MAX_PIECES / 2 || packet.linearize();
}

function countFragments(fragments: readonly Packet[]): number {
  let count = fragments.length;
  for (const { fragList } of fragments) if (fragList !== undefined) count += countFragments(fragList);
  return count;
}

/** A segment that the device is to split further (S7). The remainder, one segment long, is none. */
function markPartial(one: Packet, packet: Packet, layout: Layout, { size, multiple }: SplitJob): void {
  const { gsoSize } = packet;
  const payload = one.length - layout.headerLength;
  if (payload <= gsoSize) return;
  one.gsoSize = gsoSize;
  one.gsoType = (packet.gsoType | SKB_GSO_PARTIAL) & ~SKB_GSO_DODGY;
  one.gsoSegs = payload === size ? multiple : Math.ceil(payload / gsoSize);
}
