import { NO_TIME, rackAdvance, rateSkbDelivered } from "@seville/congestion";
import { FLAG_DATA_SACKED, FLAG_ORIG_SACK_ACKED } from "./ack-flags.ts";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { highestSackSeq } from "./reordering.ts";
import { sentListRemove } from "./sent-list.ts";
import { after, before } from "./seq.ts";
import { LOST, RETRANS, SACKED_ACKED, SACKED_RETRANS, type TxSegment } from "./tx-segment.ts";

/*
 * A segment, or its beginning, was SACKed: what the counters of the flight, the rate sampler and RACK learn of that.
 */

/** The whole of `segment` lies in a block; `dup`: in one that reports a duplicate (`tcp_sacktag_one` and what its caller does). */
export function tagOne(tcp: TcpContext, c: TcpConnection, segment: TxSegment, dup: boolean): void {
  const { endSeq } = segment;
  const sacked = tagRange(tcp, c, segment, endSeq, segment.pcount, dup);
  segment.sacked = sacked;
  rateSkbDelivered(c, segment, endSeq, (sacked & RETRANS) !== 0, tcp.sample);
  if ((sacked & SACKED_ACKED) === 0) return;
  sentListRemove(c, segment);
  noteHighest(c, endSeq);
}

/** Nothing above `endSeq` is known to have arrived, or something is. */
export function noteHighest(c: TcpConnection, endSeq: number): void {
  if (after(endSeq, highestSackSeq(c))) c.highestSack = endSeq;
}

/**
 * The first `pcount` segments of `segment`, up to `endSeq`, lie in a block: counts them, and answers the scoreboard's bits that they are to have
 * (`tcp_sacktag_one`).
 */
export function tagRange(
  tcp: TcpContext,
  c: TcpConnection,
  segment: TxSegment,
  endSeq: number,
  pcount: number,
  dup: boolean,
): number {
  const state = tcp.sack;
  const { seq } = segment;
  let { sacked } = segment;
  if (dup && (sacked & RETRANS) !== 0) {
    if (c.undoMarker && c.undoRetrans > 0 && after(endSeq, c.undoMarkerSeq)) {
      c.undoRetrans = Math.max(0, c.undoRetrans - pcount);
    }
    if ((sacked & SACKED_ACKED) !== 0 && before(seq, state.reord)) state.reord = seq;
  }
  if (!after(endSeq, c.sndUna)) return sacked;
  if ((sacked & SACKED_ACKED) === 0) sacked = tagNew(tcp, c, segment, endSeq, pcount);
  // The retransmission that is out was needless.
  if (dup && (sacked & SACKED_RETRANS) !== 0) {
    sacked &= ~SACKED_RETRANS;
    c.retransOut -= pcount;
  }
  return sacked;
}

function tagNew(tcp: TcpContext, c: TcpConnection, segment: TxSegment, endSeq: number, pcount: number): number {
  const state = tcp.sack;
  const { seq, sentAt } = segment;
  let { sacked } = segment;
  rackAdvance(c, (sacked & RETRANS) !== 0, endSeq, sentAt);
  if ((sacked & SACKED_RETRANS) !== 0) {
    // Not marked lost: its retransmission is believed to be on its way still.
    if ((sacked & LOST) !== 0) {
      sacked &= ~(LOST | SACKED_RETRANS);
      c.lostOut -= pcount;
      c.retransOut -= pcount;
    }
  } else {
    if ((sacked & RETRANS) === 0) {
      if (before(seq, highestSackSeq(c)) && before(seq, state.reord)) state.reord = seq;
      if (!after(endSeq, c.highSeq)) state.flag |= FLAG_ORIG_SACK_ACKED;
      if (state.firstSackt === NO_TIME) state.firstSackt = sentAt;
      state.lastSackt = sentAt;
    }
    if ((sacked & LOST) !== 0) {
      sacked &= ~LOST;
      c.lostOut -= pcount;
    }
  }
  state.flag |= FLAG_DATA_SACKED;
  if (c.sackedOut === 0) c.highestSack = c.sndUna;
  c.sackedOut += pcount;
  state.sackDelivered += pcount;
  return sacked | SACKED_ACKED;
}
