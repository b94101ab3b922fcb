import { inCwndReduction, NO_TIME, packetsInFlight } from "@seville/congestion";
import { tcp as wire } from "@seville/packet";
import { TIMER_REO_TIMEOUT, TIMER_RETRANS, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { ecnClearSyn } from "./ecn.ts";
import { currentMss } from "./mtu.ts";
import { tsoSegs } from "./segmentation.ts";
import { after, before } from "./seq.ts";
import { smallQueueHolds } from "./small-queue.ts";
import { transmitSegment } from "./transmit.ts";
import { EVER_RETRANS, LOST, RETRANS, SACKED_ACKED, SACKED_RETRANS, type TxSegment } from "./tx-segment.ts";
import { wndEnd } from "./window.ts";
import { freeSegment, recount, splitSegment, trimHead, urgentMode } from "./write-queue.ts";
import { pacingHolds } from "./write-xmit.ts";
import { resetXmitTimer } from "./xmit-timer.ts";

/*
 * Sending again: one segment (tcp_retransmit_skb), or what is marked lost as far as the window allows (tcp_xmit_retransmit_queue).
 */

/** Why nothing was retransmitted. */
export type RetransmitFailure = "window" | "memory" | undefined;

/** Retransmits the segment at `index` of the retransmission queue, at most `segments` of it, and counts it. `undefined`: done. */
export function retransmitSegment(
  tcp: TcpContext,
  c: TcpConnection,
  index: number,
  segments: number,
): RetransmitFailure {
  const segment = c.rtxQueue?.at(index);
  if (segment === undefined) return "window";
  const failure = retransmit(tcp, c, segment, index, segments);
  if (failure === undefined) {
    // After an undo it may count as on its way already, and be lost again by a timeout: once is enough.
    if ((segment.sacked & SACKED_RETRANS) === 0) c.retransOut += segment.pcount;
    segment.sacked |= RETRANS;
  }
  if (c.retransStamp === NO_TIME) c.retransStamp = segment.sentAt;
  if (c.undoRetrans < 0) c.undoRetrans = 0;
  c.undoRetrans += segment.pcount;
  return failure;
}

/** Without counting it as retransmission in flight (`__tcp_retransmit_skb`). */
export function retransmit(
  tcp: TcpContext,
  c: TcpConnection,
  segment: TxSegment,
  index: number,
  segments: number,
): RetransmitFailure {
  // Nothing can be concluded from this probe any more.
  if (c.mtuProbe !== undefined) c.mtuProbe.search.probeSize = 0;
  const queue = c.rtxQueue;
  if (queue === undefined) return "window";
  if (before(segment.seq, c.sndUna)) {
    if ((segment.flags & wire.SYN) !== 0) {
      segment.flags &= ~wire.SYN;
      segment.seq = (segment.seq + 1) | 0;
    }
    const acked = (c.sndUna - segment.seq) | 0;
    if (acked > segment.length) return "window";
    if (acked > 0) trimHead(c, segment, acked);
  }
  const mss = currentMss(tcp, c);
  let window = (wndEnd(c) - segment.seq) | 0;
  if (window <= 0) {
    // What is beyond a shrunk window is not sent; the first segment is, as a probe.
    if (segment.seq !== c.sndUna) return "window";
    window = mss;
  }
  let length = mss * (urgentMode(c) ? 1 : segments);
  if (length > window) length = window - (window % mss) || window;
  if (segment.length > length) splitSegment(tcp, c, queue, index, length, mss);
  else {
    recount(c, segment, mss);
    window = Math.min(window, mss);
    if (segment.length < window) collapse(tcp, c, segment, index, window);
  }
  if ((segment.flags & (wire.SYN | wire.ECE | wire.CWR)) === (wire.SYN | wire.ECE | wire.CWR))
    ecnClearSyn(tcp, segment);
  const { pcount } = segment;
  tcp.mib.RetransSegs += pcount;
  if ((segment.flags & wire.SYN) !== 0) tcp.ext.TCPSynRetrans++;
  c.totalRetrans += pcount;
  c.bytesRetrans += segment.length;
  const sent = transmitSegment(tcp, c, segment);
  if (!sent) tcp.ext.TCPRetransFail += pcount;
  segment.sacked |= EVER_RETRANS;
  return sent ? undefined : "memory";
}

/** Takes the following small segments into this one (`tcp_retrans_try_collapse`). */
function collapse(tcp: TcpContext, c: TcpConnection, segment: TxSegment, index: number, room: number): void {
  const queue = c.rtxQueue;
  if (tcp.settings.tcp_retrans_collapse === 0 || queue === undefined || (segment.flags & wire.SYN) !== 0) return;
  if (segment.pcount > 1 || (segment.sacked & SACKED_ACKED) !== 0) return;
  let space = room - segment.length;
  for (;;) {
    const next = queue.at(index + 1);
    if (next === undefined || segment.eor || next.pcount > 1 || (next.sacked & SACKED_ACKED) !== 0) return;
    if ((next.flags & wire.SYN) !== 0) return;
    space -= next.length;
    if (space < 0 || after(next.endSeq, wndEnd(c))) return;
    segment.length += next.length;
    segment.endSeq = next.endSeq;
    segment.flags |= next.flags;
    segment.sacked |= next.sacked & EVER_RETRANS;
    segment.eor = next.eor;
    // The next one is no segment of its own any more.
    c.packetsOut -= next.pcount;
    if ((next.sacked & SACKED_RETRANS) !== 0) c.retransOut -= next.pcount;
    if ((next.sacked & LOST) !== 0) c.lostOut -= next.pcount;
    if (!c.sackOk) c.sackedOut -= Math.min(c.sackedOut, next.pcount);
    if (c.retransmitHint === next) c.retransmitHint = segment;
    queue.removeAt(index + 1);
    // Its bytes have moved, they are not gone.
    c.wmemQueued += next.length;
    freeSegment(tcp, c, next);
  }
}

/** Retransmits what is marked lost and not retransmitted yet, as far as cwnd goes (`tcp_xmit_retransmit_queue`). */
export function xmitRetransmitQueue(tcp: TcpContext, c: TcpConnection): void {
  const queue = c.rtxQueue;
  if (c.packetsOut === 0 || queue === undefined) return;
  const head = queue.first();
  const maxSegments = tsoSegs(tcp, c, currentMss(tcp, c));
  let index = c.retransmitHint === undefined ? 0 : queue.indexOf(c.retransmitHint.seq);
  let hole = false;
  let rearm = false;
  for (let segment = queue.at(index); segment !== undefined; segment = queue.at(++index)) {
    if (pacingHolds(tcp, c)) break;
    if (!hole) c.retransmitHint = segment;
    const segments = Math.min(c.sndCwnd - packetsInFlight(c), maxSegments);
    if (segments <= 0 || c.retransOut >= c.lostOut) break;
    const { sacked } = segment;
    if ((sacked & LOST) === 0) {
      if (!hole && (sacked & (SACKED_RETRANS | SACKED_ACKED)) === 0) hole = true;
      continue;
    }
    if ((sacked & (SACKED_ACKED | SACKED_RETRANS)) !== 0) continue;
    if (smallQueueHolds(tcp, c, segment, 1)) break;
    const loss = c.caState === "loss";
    if (retransmitSegment(tcp, c, index, segments) !== undefined) break;
    if (loss) tcp.ext.TCPSlowStartRetrans += segment.pcount;
    else tcp.ext.TCPFastRetrans += segment.pcount;
    if (inCwndReduction(c)) c.prrOut += segment.pcount;
    if (segment === head && c.pending !== TIMER_REO_TIMEOUT) rearm = true;
  }
  if (rearm) resetXmitTimer(tcp, c, TIMER_RETRANS, c.rto);
}
