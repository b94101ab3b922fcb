import { cwndReduction, packetsInFlight } from "@seville/congestion";
import { TIMER_NONE, TIMER_RETRANS, type TcpConnection } from "./connection.ts";
import { NAGLE_OFF } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { rackDetectLoss } from "./loss.ts";
import { currentMss } from "./mtu.ts";
import { enterRecovery } from "./recover.ts";
import { retransmit, xmitRetransmitQueue } from "./retransmit.ts";
import { windowTest } from "./segmentation.ts";
import { clearXmitTimer, rearmRto } from "./xmit-timer.ts";
import { sendHead, splitSegment } from "./write-queue.ts";
import { PUSH_PROBE, writeXmit } from "./write-xmit.ts";

/*
 * The other two uses of the transmit timer: tail loss probes (RFC 8985 §7) and reordering timeouts (RFC 8985 §6.3).
 */

/** No acknowledgment came for two RTTs: new data, or the last segment again, makes the peer say what it has (`tcp_send_loss_probe`). */
export function sendLossProbe(tcp: TcpContext, c: TcpConnection): void {
  if (!c.tlpOut && probe(tcp, c)) {
    c.tlpOut = true;
    c.tlpHighSeq = c.sndNxt;
    tcp.ext.TCPLossProbes++;
    // The RTO counts from now.
    c.pending = TIMER_NONE;
  }
  rearmRto(tcp, c);
}

function probe(tcp: TcpContext, c: TcpConnection): boolean {
  const mss = currentMss(tcp, c);
  c.tlpRetrans = false;
  const head = sendHead(c);
  if (head !== undefined && windowTest(c, head, mss)) {
    const before = c.packetsOut;
    writeXmit(tcp, c, mss, NAGLE_OFF, PUSH_PROBE);
    return c.packetsOut > before;
  }
  const queue = c.rtxQueue;
  let segment = queue?.last();
  if (queue === undefined || segment === undefined || segment.pcount === 0) return false;
  const { pcount } = segment;
  if (pcount > 1 && segment.length > (pcount - 1) * mss) {
    segment = splitSegment(tcp, c, queue, queue.length - 1, (pcount - 1) * mss, mss);
  }
  if (retransmit(tcp, c, segment, queue.length - 1, 1) !== undefined) return false;
  c.tlpRetrans = true;
  return true;
}

/** What RACK waited for did not come: it is lost (`tcp_rack_reo_timeout`). */
export function reorderingTimeout(tcp: TcpContext, c: TcpConnection): void {
  const lost = c.lost;
  const inFlight = packetsInFlight(c);
  rackDetectLoss(tcp, c);
  if (inFlight !== packetsInFlight(c)) {
    if (c.caState !== "recovery") {
      enterRecovery(tcp, c, false);
      if (c.congestion !== undefined && c.congestion.congControl === undefined) {
        cwndReduction(c, 1, c.lost - lost, false);
      }
    }
    xmitRetransmitQueue(tcp, c);
  }
  if (c.pending !== TIMER_RETRANS) rearmRto(tcp, c);
  if (c.packetsOut === 0) clearXmitTimer(c);
}
