import { copyTxRecord } from "@seville/congestion";
import { tcp as wire } from "@seville/packet";
import type { TcpConnection } from "./connection.ts";
import { SEGMENT_TRUESIZE } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { wakeCongestionControl } from "./establish.ts";
import { createSendBuffer } from "./send-buffer.ts";
import { SegmentQueue } from "./segment-queue.ts";
import { sentListInsertAfter, sentListRemove } from "./sent-list.ts";
import { LOST, SACKED_ACKED, SACKED_RETRANS, type TxSegment } from "./tx-segment.ts";

/*
 * Segments in the write queue (not sent) and in the retransmission queue (sent): making, splitting, trimming, dropping them, and
 * keeping the counters of the flight right while that happens.
 */

/** Makes the queues and the buffer, which an idle connection does without. */
export function needQueues(tcp: TcpContext, c: TcpConnection): void {
  c.writeQueue ??= new SegmentQueue();
  c.rtxQueue ??= new SegmentQueue();
  c.sendBuffer ??= createSendBuffer(tcp.pool);
}

/** Gives queues and buffer back when nothing is in them. */
export function dropEmptyQueues(c: TcpConnection): void {
  if (c.writeQueue === undefined || c.writeQueue.length > 0 || (c.rtxQueue?.length ?? 0) > 0) return;
  c.writeQueue = undefined;
  c.rtxQueue = undefined;
  c.sendBuffer?.clear();
  c.sendBuffer = undefined;
}

export function sendHead(c: TcpConnection): TxSegment | undefined {
  return c.writeQueue?.first();
}

export function writeTail(c: TcpConnection): TxSegment | undefined {
  return c.writeQueue?.last();
}

export function rtxHead(c: TcpConnection): TxSegment | undefined {
  return c.rtxQueue?.first();
}

export function writeQueueEmpty(c: TcpConnection): boolean {
  return c.writeQueue === undefined || c.writeQueue.length === 0;
}

export function rtxQueueEmpty(c: TcpConnection): boolean {
  return c.rtxQueue === undefined || c.rtxQueue.length === 0;
}

/** A segment that begins at `c.writeSeq`, at the end of the write queue. */
export function newTail(tcp: TcpContext, c: TcpConnection, flags: number): TxSegment {
  needQueues(tcp, c);
  wakeCongestionControl(tcp, c);
  const segment = tcp.takeSegment();
  segment.seq = c.writeSeq;
  segment.endSeq = c.writeSeq;
  segment.flags = flags;
  segment.offset = c.sendBuffer?.end ?? 0;
  c.wmemQueued += SEGMENT_TRUESIZE;
  c.writeQueue?.push(segment);
  return segment;
}

/** `segment` is done with: out of the account, its object for the next. It must be in no queue any more. */
export function freeSegment(tcp: TcpContext, c: TcpConnection, segment: TxSegment): void {
  sentListRemove(c, segment);
  c.wmemQueued -= SEGMENT_TRUESIZE + segment.length;
  if (c.retransmitHint === segment) c.retransmitHint = undefined;
  tcp.giveSegment(segment);
}

/** How many segments of `mss` bytes it is (`tcp_set_skb_tso_segs`). */
export function setSegments(segment: TxSegment, mss: number): number {
  if (segment.length <= mss) {
    segment.gsoSize = 0;
    segment.pcount = 1;
    return 1;
  }
  segment.gsoSize = mss;
  segment.pcount = Math.ceil(segment.length / mss);
  return segment.pcount;
}

/** Segments in flight have become `decrease` fewer because one was cut otherwise (`tcp_adjust_pcount`). */
function adjustCounts(c: TcpConnection, segment: TxSegment, decrease: number): void {
  c.packetsOut -= decrease;
  if ((segment.sacked & SACKED_ACKED) !== 0) c.sackedOut -= decrease;
  if ((segment.sacked & SACKED_RETRANS) !== 0) c.retransOut -= decrease;
  if ((segment.sacked & LOST) !== 0) c.lostOut -= decrease;
  if (!c.sackOk && decrease > 0) c.sackedOut -= Math.min(c.sackedOut, decrease);
}

/** Cuts a sent segment into segments of another size, and counts it so. */
export function recount(c: TcpConnection, segment: TxSegment, mss: number): void {
  const was = segment.pcount;
  setSegments(segment, mss);
  if (was !== segment.pcount) adjustCounts(c, segment, was - segment.pcount);
}

/**
 * Splits the segment at `index` of the write or the retransmission queue after `length` bytes and answers the second part (`tcp_fragment`,
 * `tso_fragment`). PSH and FIN go with the second part; both were sent when the whole was.
 */
export function splitSegment(
  tcp: TcpContext,
  c: TcpConnection,
  queue: SegmentQueue,
  index: number,
  length: number,
  mss: number,
): TxSegment {
  const segment = queue.at(index) as TxSegment;
  const rest = tcp.takeSegment();
  c.wmemQueued += SEGMENT_TRUESIZE;
  rest.seq = (segment.seq + length + ((segment.flags & wire.SYN) === 0 ? 0 : 1)) | 0;
  rest.endSeq = segment.endSeq;
  rest.offset = segment.offset + length;
  rest.length = segment.length - length;
  rest.flags = segment.flags & ~wire.SYN;
  rest.sacked = segment.sacked;
  rest.eor = segment.eor;
  segment.endSeq = rest.seq;
  segment.length = length;
  segment.flags &= ~(wire.FIN | wire.PSH);
  segment.eor = false;
  copyTxRecord(rest, segment);
  const was = segment.pcount;
  setSegments(segment, mss);
  setSegments(rest, mss);
  if (queue === c.rtxQueue) {
    const fewer = was - segment.pcount - rest.pcount;
    if (fewer !== 0) adjustCounts(c, segment, fewer);
    sentListInsertAfter(c, segment, rest);
  }
  queue.insertAfter(index, rest);
  return rest;
}

/** The first `length` bytes were acknowledged or moved elsewhere (`tcp_trim_head`). */
export function trimHead(c: TcpConnection, segment: TxSegment, length: number): void {
  segment.seq = (segment.seq + length) | 0;
  segment.offset += length;
  segment.length -= length;
  c.wmemQueued -= length;
  if (segment.pcount > 1) setSegments(segment, segment.gsoSize);
}

/** All that was written and not acknowledged is forgotten (`tcp_write_queue_purge`). */
export function purgeWriteQueue(tcp: TcpContext, c: TcpConnection): void {
  const { writeQueue, rtxQueue } = c;
  for (let s = rtxQueue?.shift(); s !== undefined; s = rtxQueue?.shift()) freeSegment(tcp, c, s);
  for (let s = writeQueue?.shift(); s !== undefined; s = writeQueue?.shift()) freeSegment(tcp, c, s);
  c.sendBuffer?.clear();
  c.writeQueue = undefined;
  c.rtxQueue = undefined;
  c.sendBuffer = undefined;
  c.retransmitHint = undefined;
  c.wmemQueued = 0;
  c.packetsOut = 0;
  c.backoff = 0;
}

/** The urgent mode of the sender: what was marked has not all been acknowledged (`tcp_urg_mode`). */
export function urgentMode(c: TcpConnection): boolean {
  return c.sndUna !== c.sndUp;
}
