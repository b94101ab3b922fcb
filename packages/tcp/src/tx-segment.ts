import { NO_TIME, type TxRecord } from "@seville/congestion";
import type { Nanos } from "@seville/core";

/** `TCP_SKB_CB(skb)->sacked`: what the scoreboard knows of a sent segment (include/net/tcp.h). */
export const SACKED_ACKED = 0x01;
export const SACKED_RETRANS = 0x02;
export const LOST = 0x04;
/** It was retransmitted at least once (TCPCB_EVER_RETRANS). */
export const EVER_RETRANS = 0x80;
export const TAGBITS: number = SACKED_ACKED | SACKED_RETRANS | LOST;
export const RETRANS: number = SACKED_RETRANS | EVER_RETRANS;

/**
 * A stretch of sequence space that was, or will be, sent as one: the kernel's skb in the write queue or the
 * retransmission queue. Its bytes lie in the send buffer. It is its own {@link TxRecord}.
 */
export class TxSegment implements TxRecord {
  /** int32. */
  seq = 0;
  /** Behind the last byte, SYN and FIN counted; int32. */
  endSeq = 0;
  /** SYN, FIN, PSH, ACK, CWR … (`tcp_flags`). */
  flags = 0;
  /** {@link SACKED_ACKED} … */
  sacked = 0;
  /** Segments on the wire (`tcp_gso_segs`): 0 until it is known. */
  pcount = 0;
  /** Bytes in each of them (`tcp_gso_size`). */
  gsoSize = 0;
  /** Where its payload begins in the stream, and how many bytes. */
  offset = 0;
  length = 0;
  /** MSG_EOR: nothing is appended to it. */
  eor = false;

  // TxRecord
  sentAt: Nanos = NO_TIME;
  firstTxMstamp: Nanos = NO_TIME;
  deliveredMstamp: Nanos = NO_TIME;
  delivered = 0;
  deliveredCe = 0;
  lost = 0;
  inFlight = 0;
  isAppLimited = false;

  /** The list by time of sending (`tcp_tsorted_anchor`); linked while it is in flight and not known to be lost. */
  tsPrev: TxSegment | undefined = undefined;
  tsNext: TxSegment | undefined = undefined;
  tsLinked = false;

  /** As new, for the next user of the object. */
  reset(): void {
    this.seq = 0;
    this.endSeq = 0;
    this.flags = 0;
    this.sacked = 0;
    this.pcount = 0;
    this.gsoSize = 0;
    this.offset = 0;
    this.length = 0;
    this.eor = false;
    this.sentAt = NO_TIME;
    this.firstTxMstamp = NO_TIME;
    this.deliveredMstamp = NO_TIME;
    this.delivered = 0;
    this.deliveredCe = 0;
    this.lost = 0;
    this.inFlight = 0;
    this.isAppLimited = false;
    this.tsPrev = undefined;
    this.tsNext = undefined;
    this.tsLinked = false;
  }
}
