import { caStateAtLeast, packetsInFlight, tsoSegments } from "@seville/congestion";
import { NS_PER_MS } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import type { TcpConnection } from "./connection.ts";
import { NAGLE_CORK, NAGLE_PUSH } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { after } from "./seq.ts";
import type { TxSegment } from "./tx-segment.ts";
import { wndEnd } from "./window.ts";
import { rtxHead, urgentMode, writeTail } from "./write-queue.ts";

/*
 * How much goes into one segment, and when it is better to wait for more (tcp_output.c; Nagle: RFC 9293 §3.7.4).
 */

/** Not more than half the greatest window that the peer ever offered (`tcp_bound_to_half_wnd`). */
export function boundToHalfWindow(c: TcpConnection, size: number): number {
  const cutoff = c.maxWindow > 536 ? Math.floor(c.maxWindow / 2) : c.maxWindow;
  return cutoff !== 0 && size > cutoff ? Math.max(cutoff, 68 - c.tcpHeaderLen) : size;
}

/** Up to how many bytes a write is collected into one segment (`tcp_xmit_size_goal`). */
export function sizeGoal(c: TcpConnection, mss: number, largeAllowed: boolean): number {
  if (!largeAllowed) return mss;
  const goal = boundToHalfWindow(c, c.gsoMaxSize);
  return Math.max(goal - (goal % mss), mss);
}

/** Most segments of one super-segment now (`tcp_tso_segs`). */
export function tsoSegs(tcp: TcpContext, c: TcpConnection, mss: number): number {
  const least = c.congestion?.minTsoSegs?.() ?? tcp.settings.tcp_min_tso_segs;
  const kept = c.mssCache;
  c.mssCache = mss;
  const segments = tsoSegments(c, least, tcp.settings.tcp_tso_rtt_log);
  c.mssCache = kept;
  return segments;
}

/** What cwnd lets go: never more than half of it, so that two super-segments are in flight (`tcp_cwnd_test`). */
export function cwndTest(c: TcpConnection): number {
  const inFlight = packetsInFlight(c);
  if (inFlight >= c.sndCwnd) return 0;
  return Math.min(Math.max(c.sndCwnd >> 1, 1), c.sndCwnd - inFlight);
}

/** At least the first segment lies within the window (`tcp_snd_wnd_test`). */
export function windowTest(c: TcpConnection, segment: TxSegment, mss: number): boolean {
  const end = segment.length > mss ? (segment.seq + mss) | 0 : segment.endSeq;
  return !after(end, wndEnd(c));
}

/** Minshall: a small segment is out that is not acknowledged. */
function smallOut(c: TcpConnection): boolean {
  return after(c.sndSml, c.sndUna) && !after(c.sndSml, c.sndNxt);
}

/** Nagle holds a `partial` segment back (`tcp_nagle_check`). */
function nagleHolds(c: TcpConnection, partial: boolean, nonagle: number): boolean {
  return partial && ((nonagle & NAGLE_CORK) !== 0 || (nonagle === 0 && c.packetsOut > 0 && smallOut(c)));
}

/** The segment may go as far as Nagle is concerned (`tcp_nagle_test`). */
export function nagleTest(c: TcpConnection, segment: TxSegment, mss: number, nonagle: number): boolean {
  if ((nonagle & NAGLE_PUSH) !== 0 || urgentMode(c) || (segment.flags & wire.FIN) !== 0) return true;
  return !nagleHolds(c, segment.length < mss, nonagle);
}

/** How many bytes of a long segment go now (`tcp_mss_split_point`). */
export function splitPoint(
  c: TcpConnection,
  segment: TxSegment,
  mss: number,
  maxSegments: number,
  nonagle: number,
): number {
  const window = (wndEnd(c) - segment.seq) | 0;
  const most = mss * maxSegments;
  if (most <= window && segment !== writeTail(c)) return most;
  const needed = Math.min(segment.length, window);
  if (most <= needed) return most;
  const partial = needed % mss;
  return nagleHolds(c, partial !== 0, nonagle) ? needed - partial : needed;
}

/** What kept a segment back. */
export const DEFER_NO = 0;
export const DEFER = 1;
export const DEFER_CWND = 2;
export const DEFER_RWND = 3;

/** Waiting for the next ACK would let a larger super-segment go (`tcp_tso_should_defer`). */
export function shouldDefer(tcp: TcpContext, c: TcpConnection, segment: TxSegment, maxSegments: number): number {
  if (caStateAtLeast(c.caState, "recovery")) return DEFER_NO;
  // Only right after a write.
  if (c.now - c.tcpWstamp >= NS_PER_MS) return DEFER_NO;
  const sendWindow = (wndEnd(c) - segment.seq) | 0;
  const congestionWindow = (c.sndCwnd - packetsInFlight(c)) * c.mssCache;
  const limit = Math.min(sendWindow, congestionWindow);
  if (limit >= maxSegments * c.mssCache) return DEFER_NO;
  if (segment !== writeTail(c) && limit >= segment.length) return DEFER_NO;
  const divisor = tcp.settings.tcp_tso_win_divisor;
  if (divisor !== 0) {
    if (limit >= Math.floor(Math.min(c.sndWnd, c.sndCwnd * c.mssCache) / divisor)) return DEFER_NO;
  } else if (limit > 3 * c.mssCache) return DEFER_NO;
  const head = rtxHead(c);
  if (head === undefined) return DEFER_NO;
  const srtt = Math.floor(c.srttUs / 8) * 1000;
  const ackIn = head.sentAt + srtt - c.now;
  if (ackIn > Math.min(srtt / 2, NS_PER_MS)) return DEFER_NO;
  if (congestionWindow < sendWindow) {
    if (congestionWindow <= segment.length) return DEFER_CWND;
  } else if (sendWindow <= segment.length) return DEFER_RWND;
  // It will not grow.
  return (segment.flags & wire.FIN) !== 0 || segment.eor ? DEFER_NO : DEFER;
}
