import { accEcnHandshake, createAccEcn } from "./acc-ecn.ts";
import { FLAG_ECE } from "./ack-flags.ts";
import { tcp as wire } from "@seville/packet";
import { ACK_NOW, ECN_DEMAND_CWR, ECN_OK, ECN_QUEUE_CWR, ECN_SEEN, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { enterQuickackMode } from "./delayed-ack.ts";
import type { Segment } from "./parts.ts";
import { before } from "./seq.ts";
import type { TxSegment } from "./tx-segment.ts";
import { CE, ECT_0, NOT_ECT } from "./wire/numbers.ts";

/*
 * Explicit congestion notification: RFC 3168, and accurate ECN (RFC 9768) where both ends speak it.
 */

/** The congestion control cannot do without ECN (TCP_CONG_NEEDS_ECN). */
export function needsEcn(c: TcpConnection): boolean {
  return c.congestion?.needsEcn ?? false;
}

/** The SYN asks for ECN (`tcp_ecn_send_syn`): the flags to add. */
export function ecnOfSyn(tcp: TcpContext, c: TcpConnection): number {
  const setting = tcp.settings.tcp_ecn;
  c.ecnFlags = 0;
  if (setting === 3) {
    c.ecnFlags = ECN_OK;
    c.accEcnAsked = true;
    return wire.AE | wire.CWR | wire.ECE;
  }
  const use = setting === 1 || setting === 4 || needsEcn(c) || c.route.ecn === true;
  if (!use) return 0;
  c.ecnFlags = ECN_OK;
  return wire.ECE | wire.CWR;
}

/** A SYN that was lost may have been dropped for its ECN bits: without them next time (RFC 3168 §6.1.1.1). */
export function ecnClearSyn(tcp: TcpContext, segment: TxSegment): void {
  if (tcp.settings.tcp_ecn_fallback !== 0) segment.flags &= ~(wire.ECE | wire.CWR | wire.AE);
}

/** A crossing SYN came: ECN only if it asked as well (`tcp_ecn_rcv_syn`); or because it asks, where its options are answered. */
export function ecnReceiveSyn(tcp: TcpContext, c: TcpConnection, flags: number): void {
  const asked = wire.ECE | wire.CWR;
  if ((flags & asked) !== asked) c.ecnFlags &= ~ECN_OK;
  else if (tcp.settings.crossedSynAckOptions === "negotiated" && tcp.settings.tcp_ecn !== 0) c.ecnFlags |= ECN_OK;
}

/** The server's answer: which kind of ECN it is, if any (`tcp_ecn_rcv_synack`, RFC 9768 §3.1.2). */
export function ecnReceiveSynAck(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  if ((c.ecnFlags & ECN_OK) === 0) return;
  if (!c.accEcnAsked) {
    if ((s.flags & (wire.ECE | wire.CWR)) !== wire.ECE) c.ecnFlags &= ~ECN_OK;
    return;
  }
  const { mode } = accEcnHandshake.readSynAck(s.flags);
  if (mode === "accecn") startAccEcn(tcp, c, s);
  else if (mode === "none") c.ecnFlags &= ~ECN_OK;
}

/** Both ends speak AccECN from here on. */
export function startAccEcn(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  const state = createAccEcn();
  state.optionMode = tcp.settings.tcp_ecn_option;
  state.beacons = tcp.settings.tcp_ecn_option_beacon;
  state.optionSeen(s);
  state.begin(s.ipEcn);
  c.accEcn = state;
}

/** The same on the passive side: from the SYN, with the ACK that ends the handshake. */
export function startAccEcnFromSyn(tcp: TcpContext, c: TcpConnection, ipEcnOfSyn: number, s: Segment): void {
  startAccEcn(tcp, c, s);
  c.accEcn?.begin(ipEcnOfSyn);
}

/**
 * What the peer's counters say of our packets: CE marks count as ECN-Echo does, once per acknowledgment (RFC 9768 §3.2.2.5). Answers
 * the flags to add.
 */
export function accEcnAcknowledged(
  c: TcpConnection,
  s: Segment,
  priorDelivered: number,
  ackedBytes: number,
  forward: boolean,
): number {
  // On a SYN/ACK the same three bits say how the SYN came (RFC 9768 §3.1.1).
  if (c.accEcn === undefined || (s.flags & wire.SYN) !== 0) return 0;
  const marked = c.accEcn.acknowledged(s, c.delivered - priorDelivered, ackedBytes, c.mssCache, forward);
  if (marked <= 0) return 0;
  c.deliveredCe += marked;
  return FLAG_ECE;
}

/**
 * The ECN field and the flags of a segment that goes out (`tcp_ecn_send`); changes `tcp.outgoing.flags`. New data is ECN-capable;
 * acknowledgments and retransmissions are not (RFC 3168 §6.1.4, §6.1.5), unless the congestion control wants it.
 */
export function ecnOfSegment(tcp: TcpContext, c: TcpConnection, seq: number, length: number): number {
  if ((c.ecnFlags & ECN_OK) === 0) return NOT_ECT;
  const out = tcp.outgoing;
  if (c.accEcn !== undefined) {
    out.flags = (out.flags & ~(wire.AE | wire.CWR | wire.ECE)) | c.accEcn.aceFlags();
    return length > 0 && before(seq, c.sndNxt) && !needsEcn(c) ? NOT_ECT : ECT_0;
  }
  let ecn = needsEcn(c) ? ECT_0 : NOT_ECT;
  if (length > 0 && !before(seq, c.sndNxt)) {
    ecn = ECT_0;
    if ((c.ecnFlags & ECN_QUEUE_CWR) !== 0) {
      c.ecnFlags &= ~ECN_QUEUE_CWR;
      out.flags |= wire.CWR;
    }
  }
  if ((c.ecnFlags & ECN_DEMAND_CWR) !== 0) out.flags |= wire.ECE;
  return ecn;
}

/** The window was reduced: the next new data says so (`tcp_ecn_queue_cwr`). */
export function ecnQueueCwr(c: TcpConnection): void {
  if ((c.ecnFlags & ECN_OK) !== 0 && c.accEcn === undefined) c.ecnFlags |= ECN_QUEUE_CWR;
}

/** The reduction was undone (`tcp_ecn_withdraw_cwr`). */
export function ecnWithdrawCwr(c: TcpConnection): void {
  c.ecnFlags &= ~ECN_QUEUE_CWR;
}

/** The peer says that it has reduced its window: it need not be told any more (`tcp_ecn_accept_cwr`). */
export function ecnAcceptCwr(c: TcpConnection, s: Segment): void {
  if ((s.flags & wire.CWR) === 0 || c.accEcn !== undefined) return;
  c.ecnFlags &= ~ECN_DEMAND_CWR;
  // Its window may be one segment: it waits for the acknowledgment.
  if (s.seq !== s.endSeq) c.ackPending |= ACK_NOW;
}

/** ECE on an acknowledgment (`tcp_ecn_rcv_ecn_echo`). */
export function ecnEcho(c: TcpConnection, s: Segment): boolean {
  return (s.flags & (wire.ECE | wire.SYN)) === wire.ECE && (c.ecnFlags & ECN_OK) !== 0 && c.accEcn === undefined;
}

/** Data came with this ECN field (`tcp_ecn_check_ce`). */
export function ecnCheckCe(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  if ((c.ecnFlags & ECN_OK) === 0) return;
  if (c.accEcn !== undefined) {
    if (s.ipEcn !== NOT_ECT) c.ecnFlags |= ECN_SEEN;
    return;
  }
  if (s.ipEcn === NOT_ECT) {
    // Not capable though others were: probably a retransmission.
    if ((c.ecnFlags & ECN_SEEN) !== 0) enterQuickackMode(tcp, c, 2);
    return;
  }
  if (s.ipEcn === CE) {
    if (needsEcn(c)) c.congestion?.cwndEvent?.("ecnIsCe");
    if ((c.ecnFlags & ECN_DEMAND_CWR) === 0) {
      enterQuickackMode(tcp, c, 2);
      c.ecnFlags |= ECN_DEMAND_CWR;
    }
  } else if (needsEcn(c)) c.congestion?.cwndEvent?.("ecnNoCe");
  c.ecnFlags |= ECN_SEEN;
}
