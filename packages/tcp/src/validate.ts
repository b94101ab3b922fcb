import { tcp as wire } from "@seville/packet";
import { challengeAllowed, oowRateLimited, sendChallengeAck } from "./challenge.ts";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { enterQuickackMode } from "./delayed-ack.ts";
import { resetReceived } from "./done.ts";
import { dropSegment } from "./drop.ts";
import { fastOpenDisable } from "./fast-open-client.ts";
import type { Segment } from "./parts.ts";
import { after, before } from "./seq.ts";
import { duplicateReceived } from "./receive-data.ts";
import { pawsDiscard } from "./timestamps.ts";
import { sendAck, sendActiveReset } from "./transmit.ts";
import { freeSpace, receiveWindow } from "./window.ts";

/*
 * Is this segment acceptable at all? (RFC 9293 §3.10.7.4 first to fourth, RFC 7323 §5, RFC 5961; tcp_validate_incoming)
 */

/** Takes the options that every segment has into the connection: its timestamps. */
export function takeTimestamps(c: TcpConnection, s: Segment): void {
  c.sawTstamp = s.options.hasTimestamps && c.tstampOk;
  if (!c.sawTstamp) return;
  c.rcvTsval = s.options.tsval;
  // An echo of nothing stays nothing.
  c.rcvTsecr = s.options.tsecr === 0 ? 0 : (s.options.tsecr - c.tsOffset) | 0;
}

/** Whether to go on with it. If not, all that is to be answered has been. */
export function validateIncoming(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  const rst = (s.flags & wire.RST) !== 0;
  const syn = (s.flags & wire.SYN) !== 0;
  if (tcp.settings.resetRules === "bsd" && (rst || (syn && c.state !== "SYN_RECV"))) {
    bsdResetOrSyn(tcp, c, s, rst);
    return false;
  }
  if (c.tstampOk && !s.options.hasTimestamps && !rst && !tcp.settings.tolerateMissingTimestamps) {
    dropSegment(tcp, "TCP_RFC7323_PAWS");
    return false;
  }
  if (c.sawTstamp && pawsDiscard(c, s) && !rst) {
    if (syn) return synChallenge(tcp, c, s);
    tcp.ext.PAWSEstab++;
    if (!oowRateLimited(tcp, s, c, "TCPACKSkippedPAWS")) sendDuplicateAck(tcp, c, s);
    dropSegment(tcp, "TCP_RFC7323_PAWS");
    return false;
  }
  if (!inSequence(c, s)) {
    if (rst) {
      if (resetAfterFin(c, s)) resetReceived(tcp, c);
    } else if (syn) return synChallenge(tcp, c, s);
    else if (!oowRateLimited(tcp, s, c, "TCPACKSkippedSeq")) sendDuplicateAck(tcp, c, s);
    dropSegment(tcp, before(s.endSeq, c.rcvWup) ? "TCP_OLD_SEQUENCE" : "TCP_INVALID_SEQUENCE");
    return false;
  }
  if (rst) {
    if (isExactReset(tcp, c, s)) resetReceived(tcp, c);
    else {
      if (c.fastOpen?.offered === true && c.dataSegsIn === 0 && c.state === "ESTABLISHED") fastOpenDisable(tcp);
      sendChallengeAck(tcp, c);
      dropSegment(tcp, "TCP_RESET");
    }
    return false;
  }
  if (syn && !isCrossedSynAck(c, s)) return synChallenge(tcp, c, s);
  return true;
}

/** RFC 9293 §3.4, with the window as it was offered (`tcp_sequence`). */
function inSequence(c: TcpConnection, s: Segment): boolean {
  return !before(s.endSeq, c.rcvWup) && !after(s.seq, (c.rcvNxt + receiveWindow(c)) | 0);
}

/** RFC 5961 §3.2: RCV.NXT exactly; or just before it after a FIN; or the end of what was SACKed. */
function isExactReset(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  if (s.seq === c.rcvNxt || resetAfterFin(c, s) || tcp.settings.insecureRst) return true;
  const blocks = c.sackBlocks;
  return c.sackOk && blocks !== undefined && blocks.count > 0 && c.receiveQueue?.highest === s.seq;
}

/** Some systems reset with the sequence number of their FIN (`tcp_reset_check`). */
function resetAfterFin(c: TcpConnection, s: Segment): boolean {
  if (s.seq !== ((c.rcvNxt - 1) | 0)) return false;
  return c.state === "CLOSE_WAIT" || c.state === "LAST_ACK" || c.state === "CLOSING";
}

/** SYNs crossed, and this is the answer to ours: its ACK counts (RFC 9293 §3.5 figure 8). */
function isCrossedSynAck(c: TcpConnection, s: Segment): boolean {
  return (
    c.state === "SYN_RECV" &&
    c.parent === undefined &&
    (s.flags & wire.ACK) !== 0 &&
    ((s.seq + 1) | 0) === s.endSeq &&
    ((s.seq + 1) | 0) === c.rcvNxt &&
    s.ack === c.sndNxt
  );
}

/** RFC 5961 §3.2 and §4.2 as the BSDs have them (tcp_do_segment): the window begins at what was acknowledged last, and its right edge is not in it. */
function bsdResetOrSyn(tcp: TcpContext, c: TcpConnection, s: Segment, rst: boolean): void {
  const offset = (s.seq - c.rcvWup) | 0;
  const window = Math.max(freeSpace(tcp, c), receiveWindow(c));
  const inWindow = offset >= 0 && (offset < window || (window === 0 && offset === 0));
  dropSegment(tcp, rst ? "TCP_RESET" : "TCP_INVALID_SYN");
  if (rst) {
    if (!inWindow) return;
    if (offset === 0 || tcp.settings.insecureRst) resetReceived(tcp, c);
    else sendChallengeAck(tcp, c);
    return;
  }
  tcp.ext.TCPSYNChallenge++;
  if (inWindow && tcp.settings.insecureSyn) {
    sendActiveReset(tcp, c);
    resetReceived(tcp, c);
  } else sendChallengeAck(tcp, c);
}

/** RFC 5961 §4.2. */
function synChallenge(tcp: TcpContext, c: TcpConnection, s: Segment): false {
  tcp.ext.TCPSYNChallenge++;
  if (tcp.settings.insecureSyn && !before(s.seq, c.rcvNxt)) resetReceived(tcp, c);
  else if (tcp.settings.challengeAck === "linux") sendChallengeAck(tcp, c);
  else if (challengeAllowed(tcp)) {
    tcp.ext.TCPChallengeACK++;
    sendAck(tcp, c);
  }
  dropSegment(tcp, "TCP_INVALID_SYN");
  return false;
}

/** Something old came again: our acknowledgment may have been lost (`tcp_send_dupack`). */
function sendDuplicateAck(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  if (s.endSeq !== s.seq && before(s.seq, c.rcvNxt)) {
    tcp.ext.DelayedACKLost++;
    enterQuickackMode(tcp, c, 16);
    duplicateReceived(tcp, c, s, s.seq, after(s.endSeq, c.rcvNxt) ? c.rcvNxt : s.endSeq);
  }
  sendAck(tcp, c);
}
