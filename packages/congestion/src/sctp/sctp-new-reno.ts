import { type Nanos, serial32 } from "@seville/core";
import { createTxRecord, type TxRecord } from "../rate-sample.ts";
import type { PathCongestion, SackOutcome, SctpChunk } from "./path-congestion.ts";

/** Parameters of RFC 9260 §7.2. */
export interface SctpNewRenoOptions {
  /** Largest DATA chunk that fits the path MTU, bytes (PMDCS). */
  pmdcs: number;
  /** The peer's first advertised window, bytes: the first ssthresh. */
  rwnd: number;
  /** Packets of growth per SACK in slow start; default 1 (§7.2.1: L SHOULD be 1). */
  l?: number;
}

/** SCTP's own congestion control (RFC 9260 §7.2): Reno by bytes acknowledged. */
export function sctpNewReno(options: SctpNewRenoOptions): PathCongestion {
  return new SctpNewReno(options);
}

class SctpNewReno implements PathCongestion {
  readonly name = "rfc9260";
  readonly pacingRate = Infinity;
  cwnd: number;
  ssthresh: number;
  partialBytesAcked = 0;
  flightSize = 0;
  inFastRecovery = false;
  #pmdcs: number;
  readonly #l: number;
  #highestTsn = 0;
  #exitPoint = 0;
  /** Of the SACK being worked on. */
  #flightBefore = 0;
  #acked = 0;
  #newLoss = false;
  /** The idle rule has set ssthresh since data last went. */
  #idle = false;

  constructor(options: SctpNewRenoOptions) {
    this.#pmdcs = options.pmdcs;
    this.#l = options.l ?? 1;
    // §7.2.1
    this.cwnd = Math.min(4 * options.pmdcs, Math.max(2 * options.pmdcs, 4404));
    this.ssthresh = options.rwnd;
  }

  sent(_now: Nanos, chunk: SctpChunk, again: boolean): TxRecord {
    this.#idle = false;
    this.flightSize += chunk.bytes;
    if (!again) this.#highestTsn = chunk.tsn;
    return createTxRecord();
  }

  beginSack(): void {
    this.#flightBefore = this.flightSize;
    this.#acked = 0;
    this.#newLoss = false;
  }

  delivered(chunk: SctpChunk): void {
    this.#acked += chunk.bytes;
    this.flightSize = Math.max(0, this.flightSize - chunk.bytes);
  }

  lost(chunk: SctpChunk): void {
    this.flightSize = Math.max(0, this.flightSize - chunk.bytes);
    this.#newLoss = true;
  }

  endSack(outcome: SackOutcome): void {
    const { cumTsnAck, duplicateBytes = 0, ecnEcho = false } = outcome;
    // §7.2.4: recovery ends when all that was outstanding at its beginning is acknowledged.
    if (this.inFastRecovery && !serial32.lt(cumTsnAck, this.#exitPoint)) this.inFastRecovery = false;
    if ((this.#newLoss || ecnEcho) && !this.inFastRecovery) {
      this.#reduce();
      this.#exitPoint = this.#highestTsn;
      this.inFastRecovery = true;
    } else if (this.cwnd > this.ssthresh) {
      this.#congestionAvoidance(this.#acked + duplicateBytes);
    } else if (!this.inFastRecovery && this.#flightBefore >= this.cwnd) {
      // §7.2.1
      this.cwnd += Math.min(this.#acked, this.#l * this.#pmdcs);
    }
    if (this.flightSize === 0) this.partialBytesAcked = 0;
  }

  timeout(): void {
    this.#reduce();
    this.cwnd = this.#pmdcs;
    this.flightSize = 0;
    this.inFastRecovery = false;
  }

  idle(): void {
    if (!this.#idle) this.ssthresh = this.cwnd;
    this.#idle = true;
    this.cwnd = Math.max(Math.floor(this.cwnd / 2), 4 * this.#pmdcs);
  }

  setPmdcs(pmdcs: number): void {
    this.#pmdcs = pmdcs;
  }

  limitBurst(packets: number): void {
    this.cwnd = Math.min(this.cwnd, this.flightSize + packets * this.#pmdcs);
  }

  /** §7.2.2: one PMDCS per window acknowledged, if the window was used. */
  #congestionAvoidance(bytes: number): void {
    this.partialBytesAcked += bytes;
    if (this.partialBytesAcked < this.cwnd) return;
    if (this.#flightBefore < this.cwnd) {
      this.partialBytesAcked = this.cwnd;
      return;
    }
    this.partialBytesAcked -= this.cwnd;
    this.cwnd += this.#pmdcs;
  }

  /** §7.2.3. */
  #reduce(): void {
    this.ssthresh = Math.max(Math.floor(this.cwnd / 2), 4 * this.#pmdcs);
    this.cwnd = this.ssthresh;
    this.partialBytesAcked = 0;
  }
}
