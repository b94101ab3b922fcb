import { tcp as wire } from "@seville/packet";
import { acknowledge } from "./acknowledge.ts";
import { FLAG_NO_CHALLENGE_ACK, FLAG_SLOWPATH, FLAG_UPDATE_TS_RECENT } from "./ack-flags.ts";
import { sendChallengeAck } from "./challenge.ts";
import { ackUpdateRtt } from "./clean-rtx.ts";
import { RCV_SHUTDOWN, SEND_SHUTDOWN, type TcpConnection } from "./connection.ts";
import { TSTAMP_ALIGNED } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { ackSendCheck } from "./delayed-ack.ts";
import { done, resetReceived, setState } from "./done.ts";
import { dropSegment } from "./drop.ts";
import { initPacing, initRcvMss, initTransfer } from "./establish.ts";
import { tellConnected } from "./events.ts";
import { fastOpenEstablished } from "./fast-open-server.ts";
import { resetKeepTimer } from "./keepalive.ts";
import type { Segment } from "./parts.ts";
import { measureReceiverRtt, receiveData } from "./receive-data.ts";
import { checkSpace } from "./send-space.ts";
import { after, before } from "./seq.ts";
import { finTime, sendFin } from "./shutdown.ts";
import { synSentSegment } from "./syn-sent.ts";
import { repeatSynAck } from "./syn-ack.ts";
import { enterTimeWait } from "./time-wait.ts";
import { tryUndoSpuriousSyn } from "./undo.ts";
import { receiveUrgent } from "./urgent.ts";
import { takeTimestamps, validateIncoming } from "./validate.ts";
import { pushPending } from "./write-xmit.ts";
import { NO_TIME } from "@seville/congestion";

/*
 * A segment arrives for a connection (RFC 9293 §3.10.7; tcp_rcv_established, tcp_rcv_state_process).
 */

/** Answers whether the segment is to be answered with RST. */
export function connectionSegment(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  c.now = tcp.now;
  c.dozing = false;
  c.segsIn += Math.max(1, s.gsoSegs);
  if (s.payloadLength > 0) c.dataSegsIn += Math.max(1, s.gsoSegs);
  if (c.state === "ESTABLISHED") {
    established(tcp, c, s);
    return false;
  }
  if (c.state === "CLOSE") {
    dropSegment(tcp, "TCP_CLOSE");
    return true;
  }
  if (c.state === "SYN_SENT") return synSentSegment(tcp, c, s);
  return otherStates(tcp, c, s);
}

/** Nothing in particular: acknowledgment, urgent data, text. */
function established(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  if ((s.flags & (wire.ACK | wire.RST | wire.SYN)) === 0) {
    dropSegment(tcp, "TCP_FLAGS");
    return;
  }
  takeTimestamps(c, s);
  if (!validateIncoming(tcp, c, s)) return;
  countAccEcn(c, s);
  const result = acknowledge(tcp, c, s, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT);
  if (result !== "ok" && result !== "old") {
    dropSegment(tcp, result);
    return;
  }
  measureReceiverRtt(c, s);
  receiveUrgent(tcp, c, s);
  receiveData(tcp, c, s);
  afterSegment(tcp, c);
}

/** AccECN counts every packet (RFC 9768 §3.2.2). */
function countAccEcn(c: TcpConnection, s: Segment): void {
  if (c.accEcn === undefined) return;
  c.accEcn.received(s.ipEcn, s.payloadLength, Math.max(1, s.gsoSegs));
  if (c.accEcn.needsAck()) c.ackPending |= 16;
}

/** What may be sent now is; then the acknowledgment, if nothing carried it. */
function afterSegment(tcp: TcpContext, c: TcpConnection): void {
  if (c.state === "CLOSE") return;
  pushPending(tcp, c);
  checkSpace(tcp, c);
  ackSendCheck(tcp, c);
}

function otherStates(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  const fastOpen = c.fastOpen?.server === true;
  takeTimestamps(c, s);
  if (fastOpen && isRepeatedSyn(tcp, c, s)) return false;
  if ((s.flags & (wire.ACK | wire.RST | wire.SYN)) === 0) {
    dropSegment(tcp, "TCP_FLAGS");
    return false;
  }
  if (fastOpen && (s.flags & wire.ACK) === 0 && (s.flags & wire.RST) === 0) {
    dropSegment(tcp, "TCP_FASTOPEN");
    return false;
  }
  if (!validateIncoming(tcp, c, s)) return false;
  countAccEcn(c, s);
  const result = acknowledge(tcp, c, s, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT | FLAG_NO_CHALLENGE_ACK);
  if (result !== "ok") {
    if (c.state === "SYN_RECV") {
      dropSegment(tcp, result === "old" ? "TCP_OLD_ACK" : result);
      return true;
    }
    // Old acknowledgments are taken while closing.
    if (result !== "old") {
      sendChallengeAck(tcp, c);
      dropSegment(tcp, result);
      return false;
    }
  }
  const verdict = advanceState(tcp, c, s);
  if (verdict !== "go on") return verdict === "reset";
  receiveUrgent(tcp, c, s);
  if (!receiveText(tcp, c, s)) return true;
  afterSegment(tcp, c);
  return false;
}

/** The client of a Fast Open repeats its SYN: our SYN/ACK was lost. */
function isRepeatedSyn(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  const e = c.fastOpen?.embryo;
  if (e === undefined || s.seq !== e.rcvIsn) return false;
  if ((s.flags & (wire.SYN | wire.ACK | wire.RST)) !== wire.SYN) return false;
  e.rcvNxt = c.rcvNxt;
  repeatSynAck(tcp, e);
  return true;
}

/** Whether there is more to do with a segment. */
type Verdict = "go on" | "done" | "reset";

/** What the acknowledgment means for the state. */
function advanceState(tcp: TcpContext, c: TcpConnection, s: Segment): Verdict {
  switch (c.state) {
    case "SYN_RECV":
      handshakeDone(tcp, c, s);
      return "go on";
    case "FIN_WAIT1":
      if (c.fastOpen?.server === true) fastOpenEstablished(tcp, c);
      return c.sndUna === c.writeSeq ? finAcknowledged(tcp, c, s) : "go on";
    case "CLOSING":
      if (c.sndUna !== c.writeSeq) return "go on";
      enterTimeWait(tcp, c, "TIME_WAIT", 0);
      return "done";
    case "LAST_ACK":
      if (c.sndUna !== c.writeSeq) return "go on";
      done(tcp, c);
      return "done";
    default:
      return "go on";
  }
}

/** Passive and simultaneous opens end here. */
function handshakeDone(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  c.delivered++;
  if (c.srttUs === 0 && c.totalRetrans === 0 && c.fastOpen?.embryo !== undefined) {
    const sent = c.fastOpen.embryo.sntSynack;
    const rtt = sent === NO_TIME ? -1 : Math.floor((c.now - sent) / 1000);
    if (rtt >= 0) ackUpdateRtt(tcp, c, 0, rtt, -1, rtt);
  }
  if (c.tstampOk) c.advmss -= TSTAMP_ALIGNED;
  if (c.fastOpen?.server === true) fastOpenEstablished(tcp, c);
  else {
    tryUndoSpuriousSyn(c);
    c.retransStamp = NO_TIME;
    initTransfer(tcp, c);
    c.copiedSeq = c.rcvNxt;
  }
  setState(tcp, c, "ESTABLISHED");
  c.sndUna = s.ack;
  c.sndWnd = s.window * 2 ** c.sndWscale;
  c.maxWindow = Math.max(c.maxWindow, c.sndWnd);
  c.sndWl1 = s.seq;
  initPacing(tcp, c);
  c.lsndtime = c.now;
  initRcvMss(c);
  if (c.parent === undefined) tellConnected(tcp, c);
  else if (!c.announced) {
    c.announced = true;
    tcp.emit({ type: "accept", listener: c.parent, connection: c });
  }
  if ((c.shutdown & SEND_SHUTDOWN) !== 0) {
    setState(tcp, c, "FIN_WAIT1");
    sendFin(tcp, c);
  }
}

/** Our FIN was acknowledged. */
function finAcknowledged(tcp: TcpContext, c: TcpConnection, s: Segment): Verdict {
  setState(tcp, c, "FIN_WAIT2");
  c.shutdown |= SEND_SHUTDOWN;
  if (!c.orphan) return "go on";
  if (c.options.linger2 < 0) {
    done(tcp, c);
    tcp.ext.TCPAbortOnData++;
    dropSegment(tcp, "TCP_ABORT_ON_DATA");
    return "reset";
  }
  const fin = (s.flags & wire.FIN) === 0 ? 0 : 1;
  if (s.endSeq !== s.seq && after((s.endSeq - fin) | 0, c.rcvNxt)) {
    // Data that nobody will read: RFC 1122 §4.2.2.13 wants a reset.
    tcp.ext.TCPAbortOnData++;
    done(tcp, c);
    dropSegment(tcp, "TCP_ABORT_ON_DATA");
    return "reset";
  }
  const wait = finTime(tcp, c);
  const timeWait = tcp.settings.timewaitMs * 1_000_000;
  if (wait > timeWait) resetKeepTimer(tcp, c, wait - timeWait);
  else if (fin === 1) resetKeepTimer(tcp, c, wait);
  else {
    enterTimeWait(tcp, c, "FIN_WAIT2", wait);
    return "done";
  }
  return "go on";
}

/** Text by state. `false`: it came for nobody, and is to be answered with RST. */
function receiveText(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  switch (c.state) {
    case "CLOSE_WAIT":
    case "CLOSING":
    case "LAST_ACK":
      if (!before(s.seq, c.rcvNxt)) return true;
      break;
    case "FIN_WAIT1":
    case "FIN_WAIT2":
    case "ESTABLISHED":
      break;
    default:
      return true;
  }
  if (c.state !== "ESTABLISHED" && (c.shutdown & RCV_SHUTDOWN) !== 0) {
    const fin = (s.flags & wire.FIN) === 0 ? 0 : 1;
    if (s.endSeq !== s.seq && after((s.endSeq - fin) | 0, c.rcvNxt)) {
      tcp.ext.TCPAbortOnData++;
      resetReceived(tcp, c);
      dropSegment(tcp, "TCP_ABORT_ON_DATA");
      return false;
    }
  }
  receiveData(tcp, c, s);
  return true;
}
