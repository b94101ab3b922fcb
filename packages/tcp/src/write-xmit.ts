import {
  cwndValidate,
  inCwndReduction,
  packetsInFlight,
  isCwndLimited,
  type ValidationOptions,
} from "@seville/congestion";
import { tcp as wire } from "@seville/packet";
import { CHRONO_RWND_LIMITED, CHRONO_SNDBUF_LIMITED, chronoStart, chronoStop } from "./chrono.ts";
import type { TcpConnection } from "./connection.ts";
import { NAGLE_PUSH } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { currentMss, mtuProbe } from "./mtu.ts";
import { newDataSent } from "./new-data.ts";
import {
  cwndTest,
  DEFER_CWND,
  DEFER_NO,
  DEFER_RWND,
  nagleTest,
  shouldDefer,
  splitPoint,
  tsoSegs,
  windowTest,
} from "./segmentation.ts";
import { smallQueueHolds } from "./small-queue.ts";
import { transmitSegment } from "./transmit.ts";
import type { TxSegment } from "./tx-segment.ts";
import {
  freeSegment,
  sendHead,
  setSegments,
  splitSegment,
  urgentMode,
  writeQueueEmpty,
  writeTail,
} from "./write-queue.ts";
import { checkProbeTimer, scheduleLossProbe } from "./xmit-timer.ts";

/*
 * New data goes out as far as window, congestion window, pacing and Nagle allow (tcp_write_xmit).
 */

/** All of the write queue as far as allowed. */
export const PUSH_ALL = 0;
/** At most one segment. */
export const PUSH_ONE = 1;
/** One segment, whatever cwnd says: a loss probe. */
export const PUSH_PROBE = 2;

/** Sends what may go (`__tcp_push_pending_frames`). */
export function pushPending(tcp: TcpContext, c: TcpConnection, nonagle: number = c.nonagle): void {
  if (c.state === "CLOSE" || writeQueueEmpty(c)) return;
  if (writeXmit(tcp, c, currentMss(tcp, c), nonagle, PUSH_ALL)) checkProbeTimer(tcp, c);
}

/** After an acknowledgment or a window update (`tcp_data_snd_check` without the space check). */
export function pushOne(tcp: TcpContext, c: TcpConnection, mss: number): void {
  writeXmit(tcp, c, mss, NAGLE_PUSH, PUSH_ONE);
}

/** Answers whether nothing is in flight although something is to be sent: then someone must probe. */
export function writeXmit(tcp: TcpContext, c: TcpConnection, mss: number, nonagle: number, push: number): boolean {
  let sentPackets = 0;
  let cwndLimited = false;
  let rwndLimited = false;
  if (push === PUSH_ALL) {
    const probed = mtuProbe(tcp, c);
    if (probed === 0) return false;
    if (probed > 0) sentPackets = 1;
  }
  const maxSegments = tsoSegs(tcp, c, mss);
  for (let segment = sendHead(c); segment !== undefined; segment = sendHead(c)) {
    if (pacingHolds(tcp, c)) break;
    let quota = cwndTest(c);
    if (quota === 0) {
      if (push !== PUSH_PROBE) break;
      quota = 1;
    }
    quota = Math.min(quota, maxSegments);
    if (quota * mss > segment.length) growSegment(tcp, c, segment, quota * mss - segment.length);
    const segments = setSegments(segment, mss);
    if (!windowTest(c, segment, mss)) {
      rwndLimited = true;
      break;
    }
    if (segments === 1) {
      if (!nagleTest(c, segment, mss, segment === writeTail(c) ? nonagle : NAGLE_PUSH)) break;
    } else if (push === PUSH_ALL) {
      const defer = shouldDefer(tcp, c, segment, maxSegments);
      if (defer !== DEFER_NO) {
        cwndLimited = defer === DEFER_CWND;
        rwndLimited = defer === DEFER_RWND;
        break;
      }
    }
    const limit = segments > 1 && !urgentMode(c) ? splitPoint(c, segment, mss, quota, nonagle) : mss;
    if (segment.length > limit && c.writeQueue !== undefined) {
      splitSegment(tcp, c, c.writeQueue, 0, limit, mss);
    }
    if (segment.endSeq === segment.seq) break;
    if (smallQueueHolds(tcp, c, segment, 0)) break;
    if (!transmitSegment(tcp, c, segment)) break;
    c.writeQueue?.shift();
    newDataSent(tcp, c, segment);
    if (segment.length < segment.pcount * mss) c.sndSml = segment.endSeq;
    sentPackets += segment.pcount;
    if (push !== PUSH_ALL) break;
  }
  if (rwndLimited) chronoStart(c, CHRONO_RWND_LIMITED);
  else chronoStop(c, CHRONO_RWND_LIMITED);
  cwndLimited ||= packetsInFlight(c) >= c.sndCwnd;
  if (sentPackets > 0 || cwndLimited) validateCwnd(tcp, c, cwndLimited);
  if (sentPackets > 0) {
    if (inCwndReduction(c)) c.prrOut += sentPackets;
    if (push !== PUSH_PROBE) scheduleLossProbe(tcp, c, false);
    return false;
  }
  return c.packetsOut === 0 && !writeQueueEmpty(c);
}

/** It is not yet time for the next segment: wakes us when it is (`tcp_pacing_check`). */
export function pacingHolds(tcp: TcpContext, c: TcpConnection): boolean {
  if (c.pacingStatus !== "needed" || c.tcpWstamp <= c.now) return false;
  if (c.pacingTimeout > c.tcpWstamp) {
    c.pacingTimeout = c.tcpWstamp;
    tcp.deadlines.atLatest(c, c.tcpWstamp);
  }
  return true;
}

function validateCwnd(tcp: TcpContext, c: TcpConnection, limited: boolean): void {
  const control = c.congestion;
  if (control === undefined) return;
  validation.initCwnd = c.route.initcwnd ?? tcp.settings.initialCwnd;
  validation.slowStartAfterIdle = tcp.settings.tcp_slow_start_after_idle !== 0;
  validation.sendBufferFull = c.noSpace;
  cwndValidate(c, control, limited, c.rto, validation);
  if (!isCwndLimited(c) && c.noSpace && writeQueueEmpty(c) && (c.state === "ESTABLISHED" || c.state === "CLOSE_WAIT")) {
    chronoStart(c, CHRONO_SNDBUF_LIMITED);
  }
}

const validation: { -readonly [K in keyof ValidationOptions]: ValidationOptions[K] } = {};

/** Fills a segment that was cut short with what the next one holds (`tcp_grow_skb`). */
function growSegment(tcp: TcpContext, c: TcpConnection, segment: TxSegment, missing: number): void {
  const next = c.writeQueue?.at(1);
  if (next === undefined || segment.eor || (segment.flags & (wire.SYN | wire.FIN)) !== 0) return;
  const take = Math.min(missing, next.length);
  if (take <= 0) return;
  segment.length += take;
  segment.endSeq = (segment.endSeq + take) | 0;
  next.seq = (next.seq + take) | 0;
  next.offset += take;
  next.length -= take;
  if (next.length > 0) return;
  segment.endSeq = next.endSeq;
  segment.flags |= next.flags;
  segment.eor = next.eor;
  c.writeQueue?.removeAt(1);
  freeSegment(tcp, c, next);
}
