import { NO_TIME, rackAdvance, updateMinRtt, updateRtt } from "@seville/congestion";
import type { Nanos } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import {
  FLAG_ACK_MAYBE_DELAYED,
  FLAG_ACKED,
  FLAG_CA_ALERT,
  FLAG_DATA_ACKED,
  FLAG_ORIG_SACK_ACKED,
  FLAG_RETRANS_DATA_ACKED,
  FLAG_SACK_RENEGING,
  FLAG_SET_XMIT_TIMER,
  FLAG_SYN_ACKED,
} from "./ack-flags.ts";
import { CHRONO_BUSY, chronoStop } from "./chrono.ts";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { rateDeliveredInPart, tcpCountDelivered } from "./delivered.ts";
import { mtuProbeSucceeded } from "./mtu.ts";
import { removeRenoSacks } from "./reno.ts";
import { checkSackReordering } from "./reordering.ts";
import { after, before, between, tsClock } from "./seq.ts";
import { LOST, RETRANS, SACKED_ACKED, SACKED_RETRANS, type TxSegment } from "./tx-segment.ts";
import { isSpuriousRetrans } from "./undo.ts";
import { freeSegment, trimHead } from "./write-queue.ts";
import { rttOptions, setRto } from "./xmit-timer.ts";

/*
 * What an acknowledgment covers leaves the retransmission queue, and tells RTT, delivery rate and RACK (tcp_clean_rtx_queue).
 */

/** Answers the flags to add. `priorFack`: the highest SACKed byte before this acknowledgment. */
export function cleanRtxQueue(
  tcp: TcpContext,
  c: TcpConnection,
  priorFack: number,
  priorSndUna: number,
  ece: boolean,
  flagSoFar: number,
): number {
  const queue = c.rtxQueue;
  const priorSacked = c.sackedOut;
  const { sack, sample } = tcp;
  let flag = 0;
  let firstAck: Nanos = NO_TIME;
  let lastAck: Nanos = NO_TIME;
  let reord = c.sndNxt;
  let packetsAcked = 0;
  let fullyAcked = true;
  let segment: TxSegment | undefined;
  while ((segment = queue?.first()) !== undefined) {
    const { sacked, seq } = segment;
    let { pcount } = segment;
    if (after(segment.endSeq, c.sndUna)) {
      if (pcount === 1 || !after(c.sndUna, seq)) break;
      pcount = trimAcked(c, segment);
      if (pcount === 0) break;
      fullyAcked = false;
    }
    if ((sacked & RETRANS) !== 0) {
      if ((sacked & SACKED_RETRANS) !== 0) c.retransOut -= pcount;
      flag |= FLAG_RETRANS_DATA_ACKED;
    } else if ((sacked & SACKED_ACKED) === 0) {
      lastAck = segment.sentAt;
      if (firstAck === NO_TIME) firstAck = lastAck;
      if (before(seq, reord)) reord = seq;
      if (!after(segment.endSeq, c.highSeq)) flag |= FLAG_ORIG_SACK_ACKED;
    }
    if ((sacked & SACKED_ACKED) !== 0) c.sackedOut -= pcount;
    else if (c.sackOk) {
      tcpCountDelivered(c, pcount, ece);
      if (!isSpuriousRetrans(c, segment)) {
        rackAdvance(c, (sacked & RETRANS) !== 0, segment.endSeq, segment.sentAt);
      }
    }
    if ((sacked & LOST) !== 0) c.lostOut -= pcount;
    c.packetsOut -= pcount;
    packetsAcked += pcount;
    rateDeliveredInPart(c, segment, sample);
    if ((segment.flags & wire.SYN) === 0) flag |= FLAG_DATA_ACKED;
    else {
      flag |= FLAG_SYN_ACKED;
      c.retransStamp = NO_TIME;
    }
    if (!fullyAcked) break;
    queue?.shift();
    freeSegment(tcp, c, segment);
  }
  releaseBytes(c, segment);
  if (segment === undefined) chronoStop(c, CHRONO_BUSY);
  if (between(c.sndUp, priorSndUna, c.sndUna)) c.sndUp = c.sndUna;
  if (segment !== undefined && (segment.sacked & SACKED_ACKED) !== 0) flag |= FLAG_SACK_RENEGING;

  let seqRttUs = -1;
  let caRttUs = -1;
  let sackRttUs = -1;
  if (firstAck !== NO_TIME && (flag & FLAG_RETRANS_DATA_ACKED) === 0) {
    seqRttUs = elapsed(c, firstAck);
    caRttUs = elapsed(c, lastAck);
    // One small segment, and nothing unusual: the peer may have waited with this acknowledgment.
    if (
      packetsAcked === 1 &&
      fullyAcked &&
      priorSacked === 0 &&
      ((c.sndUna - priorSndUna) | 0) < c.mssCache &&
      sample.priorDelivered + 1 === c.delivered &&
      ((flag | flagSoFar) & (FLAG_CA_ALERT | FLAG_SYN_ACKED)) === 0
    ) {
      flag |= FLAG_ACK_MAYBE_DELAYED;
    }
  }
  if (sack.firstSackt !== NO_TIME) {
    sackRttUs = elapsed(c, sack.firstSackt);
    caRttUs = elapsed(c, sack.lastSackt);
  }
  const rttUpdated = ackUpdateRtt(tcp, c, flag, seqRttUs, sackRttUs, caRttUs);
  if ((flag & FLAG_ACKED) !== 0) {
    flag |= FLAG_SET_XMIT_TIMER;
    const probe = c.mtuProbe;
    if (probe !== undefined && probe.search.probeSize !== 0 && !after(probe.probeEnd, c.sndUna)) {
      mtuProbeSucceeded(tcp, c);
    }
    if (!c.sackOk) {
      removeRenoSacks(tcp, c, packetsAcked, ece);
      // Without SACK nobody knows whether the original or the retransmission was acknowledged.
      if ((flag & FLAG_RETRANS_DATA_ACKED) !== 0) flag &= ~FLAG_ORIG_SACK_ACKED;
    } else if (before(reord, priorFack)) checkSackReordering(tcp, c, reord, false);
  } else if (segment !== undefined && rttUpdated && sackRttUs >= 0 && sackRttUs > elapsed(c, segment.sentAt)) {
    flag |= FLAG_SET_XMIT_TIMER;
  }
  if (c.congestion?.pktsAcked !== undefined) {
    ackSample.pktsAcked = packetsAcked;
    ackSample.rttUs = sample.rttUs;
    ackSample.inFlight = c.mssCache * (c.delivered - sample.priorDelivered);
    c.congestion.pktsAcked(ackSample);
  }
  return flag;
}

const ackSample = { pktsAcked: 0, rttUs: -1, inFlight: 0 };

/** A super-segment was acknowledged in part: how many of its segments were (`tcp_tso_acked`). */
function trimAcked(c: TcpConnection, segment: TxSegment): number {
  const was = segment.pcount;
  const acked = (c.sndUna - segment.seq) | 0;
  // The whole segments only: the rest of one that was cut is sent again whole.
  trimHead(c, segment, acked);
  return was - segment.pcount;
}

/** The bytes before the first segment that is left are not needed any more. */
function releaseBytes(c: TcpConnection, first: TxSegment | undefined): void {
  const buffer = c.sendBuffer;
  if (buffer !== undefined) buffer.release(first?.offset ?? c.writeQueue?.first()?.offset ?? buffer.end);
}

function elapsed(c: TcpConnection, since: Nanos): number {
  return Math.max(0, Math.floor((c.now - since) / 1000));
}

/**
 * Takes the RTT into the estimators (`tcp_ack_update_rtt`): from the time of sending where nothing acknowledged was retransmitted (Karn), else by
 * timestamp (RFC 7323 §4). Answers whether there was one.
 */
export function ackUpdateRtt(
  tcp: TcpContext,
  c: TcpConnection,
  flag: number,
  seqRttUs: number,
  sackRttUs: number,
  caRttUs: number,
): boolean {
  let rtt = seqRttUs < 0 ? sackRttUs : seqRttUs;
  let caRtt = caRttUs;
  if (rtt < 0 && c.sawTstamp && c.rcvTsecr !== 0 && (flag & FLAG_ACKED) !== 0) {
    rtt = caRtt = timestampRttUs(c, 1);
  }
  tcp.sample.rttUs = caRtt;
  if (rtt < 0) return false;
  updateMinRtt(c, caRtt, (flag & FLAG_ACK_MAYBE_DELAYED) !== 0);
  updateRtt(c, rtt, rttOptions(tcp, c));
  setRto(tcp, c);
  c.backoff = 0;
  return true;
}

/** RTT by the echoed timestamp, µs; `least` ms; -1: it cannot be (`tcp_rtt_tsopt_us`). */
export function timestampRttUs(c: TcpConnection, least: number): number {
  const delta = (tsClock(c.now) - c.rcvTsecr) | 0;
  if (delta < 0 || delta > 2_147_483) return -1;
  return (delta === 0 ? least : delta) * 1000;
}
