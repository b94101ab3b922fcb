import type { TcpConnection } from "./connection.ts";
import type { TxSegment } from "./tx-segment.ts";

/*
 * Segments in flight by the time at which they were last sent (`tsorted_sent_queue`): what RACK walks.
 */

/** `segment` was sent just now: it is the newest. */
export function sentListAppend(c: TcpConnection, segment: TxSegment): void {
  if (segment.tsLinked) sentListRemove(c, segment);
  segment.tsPrev = c.tsTail;
  segment.tsNext = undefined;
  if (c.tsTail === undefined) c.tsHead = segment;
  else c.tsTail.tsNext = segment;
  c.tsTail = segment;
  segment.tsLinked = true;
}

/** `segment` was split off the end of `sibling` and was sent with it. Does nothing if that one is not in the list. */
export function sentListInsertAfter(c: TcpConnection, sibling: TxSegment, segment: TxSegment): void {
  if (!sibling.tsLinked) return;
  const next = sibling.tsNext;
  segment.tsPrev = sibling;
  segment.tsNext = next;
  sibling.tsNext = segment;
  if (next === undefined) c.tsTail = segment;
  else next.tsPrev = segment;
  segment.tsLinked = true;
}

/** `segment` was delivered or is lost: RACK need not look at it. */
export function sentListRemove(c: TcpConnection, segment: TxSegment): void {
  if (!segment.tsLinked) return;
  const { tsPrev, tsNext } = segment;
  if (tsPrev === undefined) c.tsHead = tsNext;
  else tsPrev.tsNext = tsNext;
  if (tsNext === undefined) c.tsTail = tsPrev;
  else tsNext.tsPrev = tsPrev;
  segment.tsPrev = undefined;
  segment.tsNext = undefined;
  segment.tsLinked = false;
}
