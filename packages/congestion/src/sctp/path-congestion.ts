import type { Nanos } from "@seville/core";
import type { TxRecord } from "../rate-sample.ts";

/** A DATA chunk, as congestion control sees it. */
export interface SctpChunk {
  readonly tsn: number;
  /** Bytes of user data with the chunk's header and padding: what the flight size counts. */
  readonly bytes: number;
}

/** What a SACK said beyond the chunks that it acknowledged. */
export interface SackOutcome {
  /** The Cumulative TSN Ack. */
  cumTsnAck: number;
  /** RTT measured by it in µs; -1: none (Karn). */
  rttUs: number;
  /** Bytes of chunks in its Duplicate TSNs (RFC 9260 §7.2.2). */
  duplicateBytes?: number;
  /** An ECN-Echo came with it, for TSNs that no window reduction has answered. */
  ecnEcho?: boolean;
}

/**
 * Congestion control of one destination address of an SCTP association, in bytes. The association tells of each chunk when
 * it leaves, is acknowledged, or is marked for retransmission, and of the SACK as a whole:
 *
 * ```text
 * sent … sent → beginSack → delivered*, lost* → endSack → sent …
 * ```
 *
 * and asks `cwnd` before it sends: new data may go while `flightSize < cwnd` (RFC 9260 §6.1 B).
 */
export interface PathCongestion {
  readonly name: string;
  /** Bytes. */
  readonly cwnd: number;
  readonly ssthresh: number;
  /** Bytes acknowledged towards the next growth in congestion avoidance; 0 where an algorithm does not count so. */
  readonly partialBytesAcked: number;
  /** Bytes outstanding and not marked for retransmission. */
  readonly flightSize: number;
  /** Bytes per second; Infinity: not paced. */
  readonly pacingRate: number;
  readonly inFastRecovery: boolean;
  /** A chunk leaves now. Keep what is returned with the chunk. `again`: it is a retransmission. */
  sent(now: Nanos, chunk: SctpChunk, again: boolean): TxRecord;
  beginSack(now: Nanos): void;
  /** The SACK acknowledges the chunk for the first time, cumulatively or in a gap block. */
  delivered(chunk: SctpChunk, tx: TxRecord, again: boolean): void;
  /** The chunk is to be retransmitted: three SACKs missed it (§7.2.4), or RACK says so. */
  lost(chunk: SctpChunk, tx: TxRecord): void;
  endSack(outcome: SackOutcome): void;
  /** T3-rtx expired: all that is outstanding is to be retransmitted; the association calls {@link lost} for none of it. */
  timeout(now: Nanos): void;
  /** Nothing was sent to this address for one RTO more (§7.2.1). */
  idle(now: Nanos): void;
  /** The path MTU changed: `pmdcs` bytes is the largest DATA chunk that fits (PMDCS). */
  setPmdcs(pmdcs: number): void;
  /** Limits the next burst to `packets` (Max.Burst, §6.1 D); 4 by default there. */
  limitBurst(packets: number): void;
}
