import { advanceDeparture, packetsInFlight, rateSkbSent } from "@seville/congestion";
import { type Nanos, NEVER, NS_PER_MS } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import { ACK_SCHED, ACK_TIMER, SEND_SHUTDOWN, type TcpConnection } from "./connection.ts";
import { ATO_MIN } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { ecnOfSegment } from "./ecn.ts";
import { type OutputPath, outputBare, outputPayload } from "./output.ts";
import { clearOutgoing, establishedOptions, synOptions } from "./segment-options.ts";
import { sentListAppend } from "./sent-list.ts";
import { after, before } from "./seq.ts";
import type { TxSegment } from "./tx-segment.ts";
import { selectWindow, wndEnd } from "./window.ts";

/*
 * One segment of a connection onto the wire (__tcp_transmit_skb); and those without data: acknowledgments, probes, resets.
 */

/** Sends `segment`, for the first time or again. `false`: the pool is empty, nothing has changed. */
export function transmitSegment(tcp: TcpContext, c: TcpConnection, segment: TxSegment): boolean {
  const prior = c.tcpWstamp;
  const sentAt = Math.max(prior, c.now);
  if (segment.pcount > 1 && (segment.flags & wire.SYN) === 0) segment.flags |= wire.PSH;
  if (tcp.settings.pushRule === "bsd" && segment.length > 0 && (segment.flags & wire.SYN) === 0)
    pushWhenEmpty(c, segment);
  c.tcpWstamp = sentAt;
  if (!emit(tcp, c, segment.seq, segment.endSeq, segment.flags, segment, c.rcvNxt, sentAt)) {
    c.tcpWstamp = prior;
    return false;
  }
  advanceDeparture(c, segment.length, prior);
  sentListAppend(c, segment);
  rateSkbSent(c, segment, sentAt, segment.pcount);
  return true;
}

/** PSH says that the send buffer is empty behind it (BSD tcp_output). */
function pushWhenEmpty(c: TcpConnection, segment: TxSegment): void {
  const fin = (segment.flags & wire.FIN) === 0 && (c.shutdown & SEND_SHUTDOWN) !== 0 ? 1 : 0;
  if (((segment.endSeq + fin) | 0) === c.writeSeq) segment.flags |= wire.PSH;
  else segment.flags &= ~wire.PSH;
}

/** An acknowledgment of `rcvNxt` and nothing else (tcp_send_ack); `flags` are added to ACK. */
export function sendAck(tcp: TcpContext, c: TcpConnection, rcvNxt: number = c.rcvNxt, flags = 0): void {
  acknowledgeWith(tcp, c, rcvNxt, flags, tcp.settings.ackRepeatsFin && finUnacknowledged(c));
}

/** An answer to what does not fit, which is no part of the conversation: as {@link sendAck}, but never a FIN again (BSD tcp_respond). */
export function sendPlainAck(tcp: TcpContext, c: TcpConnection): void {
  acknowledgeWith(tcp, c, c.rcvNxt, 0, false);
}

function acknowledgeWith(tcp: TcpContext, c: TcpConnection, rcvNxt: number, flags: number, fin: boolean): void {
  if (c.state === "CLOSE") return;
  const seq = fin ? (c.sndNxt - 1) | 0 : acceptableSeq(c);
  if (emit(tcp, c, seq, seq, wire.ACK | flags | (fin ? wire.FIN : 0), undefined, rcvNxt, c.now)) return;
  // No room: as if it had been delayed.
  c.ackPending |= ACK_SCHED | ACK_TIMER;
  c.ato = ATO_MIN;
  setDelackTimeout(tcp, c, c.now + tcp.settings.delackMaxMs * NS_PER_MS);
}

/** Our FIN was sent, and nobody has acknowledged it. */
function finUnacknowledged(c: TcpConnection): boolean {
  const { state } = c;
  if (state !== "FIN_WAIT1" && state !== "CLOSING" && state !== "LAST_ACK") return false;
  return c.sndNxt === c.writeSeq && c.sndUna !== c.sndNxt;
}

/** A segment that the peer must answer, because it has seen its sequence number (tcp_xmit_probe_skb). */
export function sendProbe(tcp: TcpContext, c: TcpConnection, urgent: boolean): boolean {
  const seq = (c.sndUna - (urgent ? 0 : 1)) | 0;
  return emit(tcp, c, seq, seq, wire.ACK, undefined, c.rcvNxt, c.now);
}

/** RST for a connection that is given up (tcp_send_active_reset). */
export function sendActiveReset(tcp: TcpContext, c: TcpConnection): void {
  tcp.mib.OutRsts++;
  const seq = acceptableSeq(c);
  if (!emit(tcp, c, seq, seq, wire.RST | wire.ACK, undefined, c.rcvNxt, c.now)) tcp.ext.TCPAbortFailed++;
}

/** The delayed acknowledgment is due at `at`. */
export function setDelackTimeout(tcp: TcpContext, c: TcpConnection, at: Nanos): void {
  c.delackTimeout = at;
  tcp.deadlines.atLatest(c, at);
}

/** The connection as the way of its segments. */
function pathOf(c: TcpConnection, ecn: number): OutputPath {
  path.localAddress = c.localAddress;
  path.remoteAddress = c.remoteAddress;
  path.connection = c;
  path.ifindex = c.ifindex;
  path.tos = c.options.tos & ~3;
  path.ecn = ecn;
  path.hopLimit = c.options.hopLimit;
  path.txhash = c.txhash;
  path.dontFragment = c.options.pmtudisc !== "dont" && c.route.mtuLocked !== true;
  return path;
}

const path: { -readonly [K in keyof OutputPath]: OutputPath[K] } = {
  localAddress: 0,
  remoteAddress: 0,
  connection: undefined,
  ifindex: 0,
  tos: 0,
  ecn: 0,
  hopLimit: 0,
  txhash: 0,
  dontFragment: true,
};

/** SND.NXT, or the end of a window that the peer has shrunk below it (tcp_acceptable_seq). */
function acceptableSeq(c: TcpConnection): number {
  const end = wndEnd(c);
  if (!before(end, c.sndNxt)) return c.sndNxt;
  return c.wscaleOk && ((c.sndNxt - end) | 0) < 1 << c.rcvWscale ? c.sndNxt : end;
}

function emit(
  tcp: TcpContext,
  c: TcpConnection,
  seq: number,
  endSeq: number,
  flags: number,
  segment: TxSegment | undefined,
  rcvNxt: number,
  sentAt: Nanos,
): boolean {
  const out = tcp.outgoing;
  clearOutgoing(out);
  out.sourcePort = c.localPort;
  out.destinationPort = c.remotePort;
  out.seq = seq;
  out.flags = flags;
  out.ack = (flags & wire.ACK) === 0 ? 0 : rcvNxt;
  const length = segment?.length ?? 0;
  if (c.sndUp !== c.sndUna && before(seq, c.sndUp)) setUrgent(tcp, c, seq);
  let ecn = 0;
  if ((flags & wire.SYN) !== 0) {
    synOptions(tcp, c, out, sentAt);
    out.window = Math.min(c.rcvWnd, 65_535);
  } else {
    establishedOptions(tcp, c, out, sentAt);
    out.window = selectWindow(tcp, c);
    if ((flags & wire.RST) !== 0 && tcp.settings.resetRules === "bsd") out.window = 0;
    ecn = ecnOfSegment(tcp, c, seq, length);
  }
  const sent =
    segment === undefined || length === 0
      ? outputBare(tcp, pathOf(c, ecn), tcp.settings.optionLayout, sentAt)
      : outputPayload(tcp, pathOf(c, ecn), c, segment.offset, length, segment.pcount > 1 ? segment.gsoSize : 0, sentAt);
  if (!sent) return false;
  const pcount = Math.max(segment?.pcount ?? 1, 1);
  if ((flags & wire.ACK) !== 0) ackSent(tcp, c, rcvNxt);
  if (length > 0) {
    dataSent(c);
    c.dataSegsOut += pcount;
    c.bytesSent += length;
  }
  if (after(endSeq, c.sndNxt) || seq === endSeq) tcp.mib.OutSegs += pcount;
  c.segsOut += pcount;
  return true;
}

/** The urgent pointer, if the urgent byte lies within its reach (RFC 6093 §2). */
function setUrgent(tcp: TcpContext, c: TcpConnection, seq: number): void {
  const out = tcp.outgoing;
  if (before(c.sndUp, (seq + 0x10000) | 0)) out.urgentPointer = (c.sndUp - seq) & 0xffff;
  else if (after((seq + 0xffff) | 0, c.sndNxt)) out.urgentPointer = 0xffff;
  else return;
  out.flags |= wire.URG;
}

/** An acknowledgment is on its way, alone or with data (tcp_event_ack_sent). */
function ackSent(tcp: TcpContext, c: TcpConnection, rcvNxt: number): void {
  if (c.compressedAck > 0) {
    tcp.ext.TCPAckCompressed += c.compressedAck;
    c.compressedAck = 0;
    c.compressedAckTimeout = NEVER;
  }
  if (rcvNxt !== c.rcvNxt) return;
  if (c.quick > 0) {
    const packets = (c.ackPending & ACK_SCHED) === 0 ? 0 : 1;
    if (packets >= c.quick) {
      c.quick = 0;
      c.ato = ATO_MIN;
    } else c.quick -= packets;
  }
  c.ackPending = 0;
  c.delackTimeout = NEVER;
}

/** Data is on its way (tcp_event_data_sent). */
function dataSent(c: TcpConnection): void {
  if (packetsInFlight(c) === 0) c.congestion?.cwndEvent?.("txStart");
  c.lsndtime = c.now;
  // An answer so soon after data came: the session is interactive.
  if (c.now - c.lrcvtime < c.ato && c.pingpong < 255) c.pingpong++;
}
