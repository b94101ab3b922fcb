import { tcp as wire } from "@seville/packet";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { rateDeliveredInPart } from "./delivered.ts";
import { noteHighest, tagRange } from "./sack-tag.ts";
import type { SegmentQueue } from "./segment-queue.ts";
import { after, before } from "./seq.ts";
import { EVER_RETRANS, LOST, SACKED_ACKED, SACKED_RETRANS, TAGBITS, type TxSegment } from "./tx-segment.ts";
import { freeSegment } from "./write-queue.ts";

/*
 * SACKed neighbours become one entry of the retransmission queue (tcp_shift_skb_data). A block that grows by a segment with each acknowledgment would else
 * leave an entry for each, and each costs the send buffer its overhead: on a long path with losses the buffer would be full of entries, not of data.
 */

/** Nothing was done: look whether the segment lies in the block. */
export const SHIFT_FALLBACK = 0;
/** The segment has nothing in the block that could be counted. */
export const SHIFT_NONE = 1;
/** What lay in the block is part of the segment before now. */
export const SHIFT_DONE = 2;
/** So is the whole segment, which is gone: `index` is that of what followed. */
export const SHIFT_MERGED = 3;

/** Most segments of one entry, and most bytes (17 fragments of 32 KiB). */
const MAX_PCOUNT = 65_535;
const MAX_BYTES = 17 * 32_768;

/** Shifts what of the segment at `index` lies in the block [`start`, `end`) into the SACKed segment before it. */
export function shiftSacked(
  tcp: TcpContext,
  c: TcpConnection,
  queue: SegmentQueue,
  index: number,
  start: number,
  end: number,
  dup: boolean,
): number {
  const segment = queue.at(index) as TxSegment;
  const prev = index === 0 ? undefined : queue.at(index - 1);
  if (prev === undefined || !isShiftable(c, segment, dup) || !isMergeable(prev, prev)) return fallback(tcp);
  const mss = unit(prev);
  let { length, pcount } = segment;
  if (after(start, segment.seq) || before(end, segment.endSeq)) {
    if (!after(segment.endSeq, start) || pcount <= 1) return SHIFT_NONE;
    if (after(start, segment.seq) || segment.gsoSize !== mss) return fallback(tcp);
    pcount = Math.floor(((end - segment.seq) | 0) / mss);
    length = pcount * mss;
    if (pcount === 0) return SHIFT_NONE;
  } else if (unit(segment) !== mss) return fallback(tcp);
  if (!after((segment.seq + length) | 0, c.sndUna) || !hasRoom(prev, pcount, length)) return fallback(tcp);
  const merged = shift(tcp, c, queue, index, pcount, length, dup);
  if (!merged) return SHIFT_DONE;
  // The hole is filled: what follows may be SACKed too.
  const next = queue.at(index);
  if (next !== undefined && isMergeable(prev, next) && unit(next) === mss && hasRoom(prev, next.pcount, next.length)) {
    shift(tcp, c, queue, index, next.pcount, next.length, false);
  }
  return SHIFT_MERGED;
}

function fallback(tcp: TcpContext): number {
  tcp.ext.TCPSackShiftFallback++;
  return SHIFT_FALLBACK;
}

function isShiftable(c: TcpConnection, segment: TxSegment, dup: boolean): boolean {
  if (!dup && (segment.sacked & (LOST | SACKED_RETRANS)) === SACKED_RETRANS) return false;
  return segment.length > 0 && (segment.flags & (wire.SYN | wire.FIN)) === 0 && after(segment.endSeq, c.sndUna);
}

/** `segment` is SACKed and nothing else, and `prev` may be continued. */
function isMergeable(prev: TxSegment, segment: TxSegment): boolean {
  const plain = (segment.flags & (wire.SYN | wire.FIN)) === 0;
  return plain && !prev.eor && segment.length > 0 && (segment.sacked & TAGBITS) === SACKED_ACKED;
}

/** Bytes of one segment of it (`tcp_skb_seglen`). */
function unit(segment: TxSegment): number {
  return segment.pcount === 1 ? segment.length : segment.gsoSize;
}

function hasRoom(to: TxSegment, pcount: number, length: number): boolean {
  return to.pcount + pcount <= MAX_PCOUNT && to.length + length <= MAX_BYTES;
}

/** Moves the first `pcount` segments of the one at `index` to the one before. Answers whether nothing is left of it (`tcp_shifted_skb`). */
function shift(
  tcp: TcpContext,
  c: TcpConnection,
  queue: SegmentQueue,
  index: number,
  pcount: number,
  length: number,
  dup: boolean,
): boolean {
  const prev = queue.at(index - 1) as TxSegment;
  const segment = queue.at(index) as TxSegment;
  const mss = unit(prev);
  const end = (segment.seq + length) | 0;
  const sacked = tagRange(tcp, c, segment, end, pcount, dup);
  rateDeliveredInPart(c, segment, tcp.sample);
  noteHighest(c, end);
  prev.endSeq = end;
  prev.length += length;
  prev.pcount += pcount;
  prev.gsoSize = mss;
  prev.sacked |= sacked & EVER_RETRANS;
  segment.seq = end;
  segment.offset += length;
  segment.length -= length;
  segment.pcount -= pcount;
  if (segment.pcount <= 1) segment.gsoSize = 0;
  if (segment.length > 0) {
    tcp.ext.TCPSackShifted++;
    return false;
  }
  tcp.ext.TCPSackMerged++;
  prev.flags |= segment.flags;
  prev.eor = segment.eor;
  if (c.retransmitHint === segment) c.retransmitHint = prev;
  // The later time of sending: RACK measures from it (`tcp_skb_collapse_tstamp`).
  if (segment.sentAt > prev.sentAt) prev.sentAt = segment.sentAt;
  queue.removeAt(index);
  freeSegment(tcp, c, segment);
  return true;
}
