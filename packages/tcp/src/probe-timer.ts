import { backedOff, NO_TIME } from "@seville/congestion";
import { tcp as wire } from "@seville/packet";
import type { TcpExtMib } from "./counters.ts";
import { TIMER_PROBE0, type TcpConnection } from "./connection.ts";
import { RESOURCE_PROBE_INTERVAL } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { currentMss } from "./mtu.ts";
import { newDataSent } from "./new-data.ts";
import { orphanRetries, writeError } from "./retransmit-timer.ts";
import { before, between } from "./seq.ts";
import { sendProbe, transmitSegment } from "./transmit.ts";
import { wndEnd } from "./window.ts";
import { sendHead, setSegments, splitSegment, writeQueueEmpty } from "./write-queue.ts";
import { probe0When, resetXmitTimer, rtoMax } from "./xmit-timer.ts";

/*
 * Zero-window probes (RFC 9293 §3.8.6.1; tcp_probe_timer, tcp_write_wakeup).
 */

/** The window is closed, or silly, and has been for a while. */
export function probeTimer(tcp: TcpContext, c: TcpConnection): void {
  if (c.packetsOut > 0 || sendHead(c) === undefined) {
    c.probesOut = 0;
    c.probesTstamp = NO_TIME;
    return;
  }
  // A peer that answers is probed for ever (RFC 1122 §4.2.2.17), unless the user has said how long.
  if (c.probesTstamp === NO_TIME) c.probesTstamp = c.now;
  else if (c.options.userTimeout !== 0 && c.now - c.probesTstamp >= c.options.userTimeout) {
    writeError(tcp, c);
    return;
  }
  let most = tcp.settings.tcp_retries2;
  if (c.orphan) {
    const alive = backedOff(c.rto, c.backoff, rtoMax(tcp, c)) < rtoMax(tcp, c);
    most = orphanRetries(tcp, c, alive);
    if (!alive && c.backoff >= most) {
      writeError(tcp, c);
      return;
    }
  }
  if (c.probesOut >= most) writeError(tcp, c);
  else sendProbe0(tcp, c);
}

/** `tcp_send_probe0`. */
function sendProbe0(tcp: TcpContext, c: TcpConnection): void {
  const sent = writeWakeup(tcp, c, "TCPWinProbe");
  if (c.packetsOut > 0 || writeQueueEmpty(c)) {
    c.probesOut = 0;
    c.backoff = 0;
    c.probesTstamp = NO_TIME;
    return;
  }
  c.probesOut++;
  if (!sent) {
    resetXmitTimer(tcp, c, TIMER_PROBE0, RESOURCE_PROBE_INTERVAL);
    return;
  }
  if (c.backoff < tcp.settings.tcp_retries2) c.backoff++;
  resetXmitTimer(tcp, c, TIMER_PROBE0, probe0When(tcp, c));
}

/** Something that the peer must answer: what fits into the window, else an old sequence number (`tcp_write_wakeup`). */
export function writeWakeup(tcp: TcpContext, c: TcpConnection, counter: keyof TcpExtMib): boolean {
  if (c.state === "CLOSE") return true;
  const segment = sendHead(c);
  const queue = c.writeQueue;
  if (segment !== undefined && queue !== undefined && before(segment.seq, wndEnd(c))) {
    const mss = currentMss(tcp, c);
    const room = (wndEnd(c) - segment.seq) | 0;
    if (before(c.pushedSeq, segment.endSeq)) c.pushedSeq = segment.endSeq;
    if (room < ((segment.endSeq - segment.seq) | 0) || segment.length > mss) {
      segment.flags |= wire.PSH;
      const length = Math.min(room, mss);
      if (length < segment.length) splitSegment(tcp, c, queue, 0, length, mss);
    } else if (segment.pcount === 0) setSegments(segment, mss);
    segment.flags |= wire.PSH;
    if (segment.pcount === 0) setSegments(segment, mss);
    if (!transmitSegment(tcp, c, segment)) return false;
    queue.shift();
    newDataSent(tcp, c, segment);
    return true;
  }
  if (between(c.sndUp, (c.sndUna + 1) | 0, (c.sndUna + 0xffff) | 0)) {
    tcp.ext[counter]++;
    sendProbe(tcp, c, true);
  }
  tcp.ext[counter]++;
  return sendProbe(tcp, c, false);
}
