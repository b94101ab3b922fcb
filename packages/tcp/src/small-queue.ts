import type { Nanos } from "@seville/core";
import { SEGMENT_TRUESIZE } from "./constants.ts";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import type { TxSegment } from "./tx-segment.ts";

/*
 * TCP small queues: of one connection no more waits below TCP than about a millisecond's worth, so that its own host's queues do not delay what
 * it would rather decide late (net/ipv4/tcp_output.c tcp_small_queue_check, tcp_wfree). Only where the driver says what has left.
 */

/** What a segment of `length` bytes counts until it has left, bytes. */
export function chargeOf(length: number): number {
  return length + SEGMENT_TRUESIZE;
}

/**
 * So much waits below that `segment` must not go yet; {@link segmentLeft} wakes the connection.
 *
 * @param factor 0 for new data, 1 for retransmissions, which may take twice as much
 */
export function smallQueueHolds(tcp: TcpContext, c: TcpConnection, segment: TxSegment, factor: 0 | 1): boolean {
  if (!tcp.smallQueues) return false;
  let limit = Math.max(2 * chargeOf(segment.length), c.pacingRate / 2 ** c.pacingShift);
  if (c.pacingStatus === "none") limit = Math.min(limit, tcp.settings.tcp_limit_output_bytes);
  if (c.wmemAlloc <= limit * 2 ** factor) return false;
  // Where little is in flight, the departure of one segment may not wait for another one's.
  if ((c.rtxQueue?.length ?? 0) <= 1) return false;
  c.throttled = true;
  return true;
}

/** `bytes` have left the host, or were dropped in it. */
export function segmentLeft(tcp: TcpContext, c: TcpConnection, bytes: number, now: Nanos): void {
  c.wmemAlloc = Math.max(0, c.wmemAlloc - bytes);
  if (!c.throttled) return;
  c.throttled = false;
  if (c.state === "CLOSE" || now >= c.pacingTimeout) return;
  // The pacer's timer does what is to be done: retransmits, then sends what is new (tcp_tsq_write).
  c.pacingTimeout = now;
  tcp.deadlines.atLatest(c, now);
}
