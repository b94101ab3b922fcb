import { FLAG_DSACK_TLP, FLAG_DSACKING_ACK } from "./ack-flags.ts";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import type { Segment } from "./parts.ts";
import { checkSackReordering } from "./reordering.ts";
import { SHIFT_DONE, SHIFT_MERGED, SHIFT_NONE, shiftSacked } from "./sack-shift.ts";
import { tagOne } from "./sack-tag.ts";
import type { SegmentQueue } from "./segment-queue.ts";
import { after, before } from "./seq.ts";
import { SACKED_ACKED, type TxSegment } from "./tx-segment.ts";
import { splitSegment } from "./write-queue.ts";

/*
 * The sender's side of SACK (RFC 2018 §5, RFC 2883): marks what the blocks of an acknowledgment cover (tcp_sacktag_write_queue).
 */

/** Edges of the blocks that count, in order of their left edges. */
const used = new Int32Array(8);

/** Works the blocks of `s` into the scoreboard, and answers the flags for the acknowledgment. What it found is in `tcp.sack`. */
export function sacktag(tcp: TcpContext, c: TcpConnection, s: Segment, priorSndUna: number): number {
  const state = tcp.sack;
  state.flag = 0;
  state.reord = c.sndNxt;
  if (c.sackedOut === 0) c.highestSack = c.sndUna;
  const count = s.options.sackCount;
  const dsack = checkDsack(tcp, c, s, priorSndUna);
  // Very old acknowledgments say nothing about now.
  if (before(s.ack, (priorSndUna - c.maxWindow) | 0)) return 0;
  const queue = c.rtxQueue;
  if (c.packetsOut === 0 || queue === undefined) return state.flag;
  let blocks = 0;
  /** Where the block that reports a duplicate has gone. */
  let dsackIndex = -1;
  for (let i = 0; i < count; i++) {
    const start = s.options.sack[2 * i] as number;
    const end = s.options.sack[2 * i + 1] as number;
    const isDsack = i === 0 && dsack;
    if (!isValidBlock(c, isDsack, start, end)) {
      countInvalid(tcp, c, s, isDsack, end);
      continue;
    }
    if (!after(end, priorSndUna)) continue;
    // Insertion sort: there are four at most.
    let at = blocks++;
    for (; at > 0 && after(used[2 * at - 2] as number, start); at--) {
      used[2 * at] = used[2 * at - 2] as number;
      used[2 * at + 1] = used[2 * at - 1] as number;
      if (dsackIndex === at - 1) dsackIndex = at;
    }
    used[2 * at] = start;
    used[2 * at + 1] = end;
    if (isDsack) dsackIndex = at;
  }
  const cacheValid = c.sackedOut > 0;
  for (let i = 0; i < blocks; i++) {
    const isDsack = i === dsackIndex;
    // A duplicate within a larger block is marked as such while that one is walked.
    const nextDup = i + 1 === dsackIndex;
    walk(
      tcp,
      c,
      queue,
      used[2 * i] as number,
      used[2 * i + 1] as number,
      isDsack,
      nextDup ? i + 1 : -1,
      cacheValid && !isDsack && !nextDup,
    );
  }
  remember(c, blocks);
  if (c.caState !== "loss" || c.undoMarker) checkSackReordering(tcp, c, state.reord, false);
  return state.flag;
}

/** The next acknowledgment repeats most of these blocks: what they cover need not be walked again. */
function remember(c: TcpConnection, blocks: number): void {
  if (blocks > 0) {
    c.sackCache ??= new Int32Array(8);
    c.sackCache.set(used);
  }
  c.sackCacheCount = blocks;
}

/** Whether the first block reports something that came twice (RFC 2883 §4), of which account is taken (`tcp_check_dsack`). */
function checkDsack(tcp: TcpContext, c: TcpConnection, s: Segment, priorSndUna: number): boolean {
  const { sack, sackCount } = s.options;
  if (sackCount === 0) return false;
  const start = sack[0] as number;
  const end = sack[1] as number;
  if (before(start, s.ack)) tcp.ext.TCPDSACKRecv++;
  else if (sackCount > 1 && !after(end, sack[3] as number) && !before(start, sack[2] as number)) {
    tcp.ext.TCPDSACKOfoRecv++;
  } else return false;
  const duplicates = dsackSeen(tcp, c, start, end);
  if (duplicates === 0) {
    tcp.ext.TCPDSACKIgnoredDubious++;
    return false;
  }
  tcp.ext.TCPDSACKRecvSegs += duplicates;
  // Of data that has left the queue already.
  if (c.undoMarker && c.undoRetrans > 0 && !after(end, priorSndUna) && after(end, c.undoMarkerSeq)) {
    c.undoRetrans = Math.max(0, c.undoRetrans - duplicates);
  }
  return true;
}

/** How many segments came twice; 0: that cannot be (`tcp_dsack_seen`). */
function dsackSeen(tcp: TcpContext, c: TcpConnection, start: number, end: number): number {
  const state = tcp.sack;
  if (!before(start, end)) return 0;
  const length = (end - start) | 0;
  if (length > c.maxWindow) return 0;
  let segments = 1;
  if (length > c.mssCache) segments = Math.ceil(length / c.mssCache);
  else if (c.tlpOut && c.tlpHighSeq === end) state.flag |= FLAG_DSACK_TLP;
  c.dsackDups += segments;
  // More than was ever retransmitted: the network duplicates.
  if (c.dsackDups > c.totalRetrans) return 0;
  c.dsackSeen = true;
  if (c.reordSeen > 0 && (state.flag & FLAG_DSACK_TLP) === 0) c.rack.dsackSeen = true;
  state.flag |= FLAG_DSACKING_ACK;
  state.sackDelivered += segments;
  return segments;
}

/** A block within what is out; or, if it reports a duplicate, not too far below (`tcp_is_sackblock_valid`). */
function isValidBlock(c: TcpConnection, isDsack: boolean, start: number, end: number): boolean {
  if (after(end, c.sndNxt) || !before(start, end) || !before(start, c.sndNxt)) return false;
  if (after(start, c.sndUna)) return true;
  if (!isDsack || !c.undoMarker || after(end, c.sndUna)) return false;
  if (!before(start, c.undoMarkerSeq)) return true;
  return after(end, c.undoMarkerSeq) && !before(start, (end - c.maxWindow) | 0);
}

function countInvalid(tcp: TcpContext, c: TcpConnection, s: Segment, isDsack: boolean, end: number): void {
  if (isDsack) {
    if (c.undoMarker) tcp.ext.TCPDSACKIgnoredOld++;
    else tcp.ext.TCPDSACKIgnoredNoUndo++;
  } else if (s.ack === c.sndUna || after(end, c.sndUna)) tcp.ext.TCPSACKDiscard++;
}

/** Marks the segments of one block (`tcp_sacktag_walk`). */
function walk(
  tcp: TcpContext,
  c: TcpConnection,
  queue: SegmentQueue,
  start: number,
  end: number,
  isDsack: boolean,
  dupIndex: number,
  useCache: boolean,
): void {
  let index = queue.indexOf(start);
  for (let segment = queue.at(index); segment !== undefined; segment = queue.at(index)) {
    if (!before(segment.seq, end)) return;
    if (useCache && (segment.sacked & SACKED_ACKED) !== 0) {
      const to = cachedEnd(c, segment.seq);
      if (to !== segment.seq) {
        index = Math.max(queue.indexOf(to), index + 1);
        continue;
      }
    }
    let dup = isDsack;
    let inSack = 0;
    if (dupIndex >= 0 && before(segment.seq, used[2 * dupIndex + 1] as number)) {
      inSack = match(tcp, c, queue, index, used[2 * dupIndex] as number, used[2 * dupIndex + 1] as number);
      if (inSack > 0) dup = true;
    }
    if (inSack <= 0) {
      const shifted = shiftSacked(tcp, c, queue, index, start, end, dup);
      // What is left of it lies behind the block.
      if (shifted === SHIFT_DONE) return;
      if (shifted === SHIFT_MERGED) continue;
      inSack = shifted === SHIFT_NONE ? 0 : match(tcp, c, queue, index, start, end);
    }
    if (inSack < 0) return;
    if (inSack > 0) tagOne(tcp, c, segment, dup);
    index++;
  }
}

/** Behind the remembered block in which `seq` lies; `seq` itself if it lies in none. */
function cachedEnd(c: TcpConnection, seq: number): number {
  const cache = c.sackCache;
  for (let i = 0; cache !== undefined && i < c.sackCacheCount; i++) {
    const end = cache[2 * i + 1] as number;
    if (!before(seq, cache[2 * i] as number) && before(seq, end)) return end;
  }
  return seq;
}

/**
 * Whether the segment lies in the block: 1 yes, 0 no, -1 it cannot be told. One that does in part is split, at a boundary of the segments that went
 * out as one super-segment (`tcp_match_skb_to_sack`).
 */
function match(
  tcp: TcpContext,
  c: TcpConnection,
  queue: SegmentQueue,
  index: number,
  start: number,
  end: number,
): number {
  const segment = queue.at(index) as TxSegment;
  if (!after(start, segment.seq) && !before(end, segment.endSeq)) return 1;
  if (segment.pcount <= 1 || !after(segment.endSeq, start)) return 0;
  const mss = segment.gsoSize;
  const inSack = !after(start, segment.seq);
  let length = ((inSack ? end : start) - segment.seq) | 0;
  if (length < mss) {
    if (inSack) return -1;
    length = mss;
  }
  if (length > mss) {
    const whole = length - (length % mss);
    length = !inSack && whole < length ? whole + mss : whole;
  }
  if (length >= segment.length) return inSack ? 1 : 0;
  splitSegment(tcp, c, queue, index, length, mss);
  return inSack ? 1 : 0;
}
