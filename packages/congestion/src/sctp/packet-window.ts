import { type Nanos, type Random, serial32 } from "@seville/core";
import { congControl } from "../cong-control.ts";
import {
  caStateAtLeast,
  type CaState,
  type CongestionAlgorithm,
  type CongestionControl,
} from "../congestion-control.ts";
import {
  type CongestionState,
  createCongestionState,
  currentSsthresh,
  inCwndReduction,
  INFINITE_SSTHRESH,
  packetsInFlight,
} from "../congestion-state.ts";
import { endCwndReduction, initCwndReduction } from "../prr.ts";
import { createRateSample, createTxRecord, resetRateSample, type TxRecord } from "../rate-sample.ts";
import { rateGen, rateSkbDelivered, rateSkbSent } from "../rate-sampler.ts";
import { retransmissionTimeout, updateMinRtt, updateRtt } from "../rtt-estimator.ts";
import { cwndRestart, cwndValidate } from "../window.ts";
import type { PathCongestion, SackOutcome, SctpChunk } from "./path-congestion.ts";

/** What the adapter must know of the path. */
export interface PacketWindowOptions {
  /** Largest DATA chunk that fits the path MTU, bytes: what one packet of window is worth. */
  pmdcs: number;
  random: Random;
  /** First window in packets; default 10 (RFC 6928). RFC 9260 allows no more than 4. */
  initCwnd?: number;
}

/**
 * Runs an algorithm that counts packets for an SCTP path that counts bytes. One packet is PMDCS bytes; totals are kept in
 * bytes and given on as whole packets, so that small chunks do not pass for full packets and nothing is lost by rounding.
 * TSNs serve as sequence numbers. Recovery is PRR under TCP's states, and `cwnd` is what the algorithm says.
 */
export function packetWindow(algorithm: CongestionAlgorithm, options: PacketWindowOptions): PathCongestion {
  return new PacketWindow(algorithm, options);
}

class PacketWindow implements PathCongestion {
  readonly #state: CongestionState;
  readonly #control: CongestionControl;
  readonly #sample = createRateSample();
  #pmdcs: number;
  #sentBytes = 0;
  #deliveredBytes = 0;
  #lostBytes = 0;
  /** Bytes outstanding, marked ones excluded: they were taken out when they were marked. */
  #flightBytes = 0;
  /** Whole packets of {@link #deliveredBytes} and {@link #lostBytes} when the SACK began. */
  #deliveredBefore = 0;
  #lostBefore = 0;
  #lastSent: Nanos = 0;
  #started = false;

  constructor(algorithm: CongestionAlgorithm, options: PacketWindowOptions) {
    this.#pmdcs = options.pmdcs;
    this.#state = createCongestionState({
      mssCache: options.pmdcs,
      ...(options.initCwnd === undefined ? {} : { sndCwnd: options.initCwnd }),
    });
    this.#control = algorithm.create(this.#state, options.random);
  }

  get name(): string {
    return this.#control.name;
  }

  get cwnd(): number {
    return this.#state.sndCwnd * this.#pmdcs;
  }

  get ssthresh(): number {
    const { sndSsthresh } = this.#state;
    return sndSsthresh === INFINITE_SSTHRESH ? Infinity : sndSsthresh * this.#pmdcs;
  }

  readonly partialBytesAcked = 0;

  get flightSize(): number {
    return this.#flightBytes;
  }

  get pacingRate(): number {
    return this.#state.pacingStatus === "none" ? Infinity : this.#state.pacingRate;
  }

  get inFastRecovery(): boolean {
    return this.#state.caState === "recovery";
  }

  sent(now: Nanos, chunk: SctpChunk, again: boolean): TxRecord {
    const state = this.#state;
    state.now = now;
    if (!this.#started) this.#start(chunk.tsn);
    if (this.#flightBytes === 0) this.#control.cwndEvent?.("txStart");
    const tx = createTxRecord();
    rateSkbSent(state, tx, now, 1);
    this.#flightBytes += chunk.bytes;
    this.#syncFlight();
    const packets =
      Math.floor((this.#sentBytes + chunk.bytes) / this.#pmdcs) - Math.floor(this.#sentBytes / this.#pmdcs);
    this.#sentBytes += chunk.bytes;
    state.dataSegsOut += packets;
    if (inCwndReduction(state)) state.prrOut += packets;
    if (!again) state.sndNxt = serial32.add(chunk.tsn, 1);
    state.lsndtime = this.#lastSent = now;
    const limited = packetsInFlight(state) >= state.sndCwnd;
    cwndValidate(state, this.#control, limited, retransmissionTimeout(state));
    return tx;
  }

  beginSack(now: Nanos): void {
    this.#state.now = now;
    this.#deliveredBefore = this.#state.delivered;
    this.#lostBefore = this.#state.lost;
    resetRateSample(this.#sample, packetsInFlight(this.#state));
  }

  delivered(chunk: SctpChunk, tx: TxRecord, again: boolean): void {
    const state = this.#state;
    this.#deliveredBytes += chunk.bytes;
    state.delivered = Math.floor(this.#deliveredBytes / this.#pmdcs);
    this.#flightBytes = Math.max(0, this.#flightBytes - chunk.bytes);
    rateSkbDelivered(state, tx, serial32.add(chunk.tsn, 1), again, this.#sample);
  }

  lost(chunk: SctpChunk, tx: TxRecord): void {
    const state = this.#state;
    const before = state.lost;
    this.#lostBytes += chunk.bytes;
    state.lost = Math.ceil(this.#lostBytes / this.#pmdcs);
    this.#flightBytes = Math.max(0, this.#flightBytes - chunk.bytes);
    this.#syncFlight();
    if (state.lost > before) this.#control.markedLost?.(tx, state.lost - before);
    if (!caStateAtLeast(state.caState, "recovery")) this.#enterRecovery("recovery");
  }

  endSack(outcome: SackOutcome): void {
    const state = this.#state;
    const una = serial32.add(outcome.cumTsnAck, 1);
    const advanced = serial32.gt(una, state.sndUna);
    if (advanced) state.sndUna = una;
    this.#syncFlight();
    if (outcome.rttUs >= 0) {
      this.#sample.rttUs = outcome.rttUs;
      updateMinRtt(state, outcome.rttUs);
      updateRtt(state, outcome.rttUs);
    }
    const acked = state.delivered - this.#deliveredBefore;
    const ece = outcome.ecnEcho === true;
    this.#sample.isEce = ece;
    this.#control.pktsAcked?.({
      pktsAcked: acked,
      rttUs: this.#sample.rttUs,
      inFlight: this.#sample.txInFlight * this.#pmdcs,
    });
    this.#control.inAckEvent?.({ slowPath: true, winUpdate: false, ece });
    this.#changeState(advanced, ece);
    rateGen(state, acked, state.lost - this.#lostBefore, false, this.#sample);
    const ack = {
      ack: una,
      ackedSacked: acked,
      sndUnaAdvanced: advanced,
      dataAcked: advanced,
      forwardProgress: acked > 0,
    };
    congControl(state, this.#control, ack, this.#sample);
  }

  timeout(now: Nanos): void {
    const state = this.#state;
    state.now = now;
    if (!caStateAtLeast(state.caState, "loss")) {
      state.priorCwnd = state.sndCwnd;
      state.sndSsthresh = this.#control.ssthresh();
      this.#control.cwndEvent?.("loss");
    }
    this.#lostBytes += this.#flightBytes;
    state.lost = Math.ceil(this.#lostBytes / this.#pmdcs);
    this.#flightBytes = 0;
    this.#syncFlight();
    state.sndCwnd = 1;
    state.sndCwndCnt = 0;
    state.highSeq = state.sndNxt;
    this.#setState("loss");
  }

  idle(now: Nanos): void {
    const state = this.#state;
    state.now = now;
    if (this.#control.congControl === undefined) {
      cwndRestart(state, this.#control, now - this.#lastSent, retransmissionTimeout(state), { initCwnd: 4 });
      this.#lastSent = now;
    }
  }

  setPmdcs(pmdcs: number): void {
    const state = this.#state;
    // The window stays as many bytes as it was, the totals as many as they are.
    state.sndCwnd = Math.max(1, Math.floor((state.sndCwnd * this.#pmdcs) / pmdcs));
    if (state.sndSsthresh < INFINITE_SSTHRESH) {
      state.sndSsthresh = Math.max(2, Math.floor((state.sndSsthresh * this.#pmdcs) / pmdcs));
    }
    this.#deliveredBytes = state.delivered * pmdcs;
    this.#lostBytes = state.lost * pmdcs;
    this.#pmdcs = state.mssCache = pmdcs;
    this.#syncFlight();
  }

  limitBurst(packets: number): void {
    // A paced algorithm spreads its bursts itself.
    if (this.#state.pacingStatus !== "none") return;
    this.#state.sndCwnd = Math.min(this.#state.sndCwnd, Math.max(1, packetsInFlight(this.#state) + packets));
  }

  #start(tsn: number): void {
    this.#started = true;
    this.#state.sndUna = this.#state.sndNxt = this.#state.rttSeq = tsn;
    this.#control.init();
  }

  /** Packets out are the flight's bytes in whole packets: a started one counts. */
  #syncFlight(): void {
    this.#state.packetsOut = Math.ceil(this.#flightBytes / this.#pmdcs);
  }

  #enterRecovery(next: "recovery" | "cwr"): void {
    const state = this.#state;
    state.undoMarker = true;
    if (!inCwndReduction(state)) {
      state.priorSsthresh = currentSsthresh(state);
      initCwndReduction(state, this.#control);
    }
    this.#setState(next);
  }

  #changeState(advanced: boolean, ece: boolean): void {
    const state = this.#state;
    // A reduction for ECN lasts until something sent after it is acknowledged, a recovery until all before it is.
    const past =
      state.caState === "cwr" ? serial32.gt(state.sndUna, state.highSeq) : !serial32.lt(state.sndUna, state.highSeq);
    if (advanced && state.caState !== "open" && past) {
      if (inCwndReduction(state)) endCwndReduction(state, this.#control);
      state.undoMarker = false;
      this.#setState("open");
    }
    if (ece && state.caState === "open") this.#enterRecovery("cwr");
  }

  #setState(next: CaState): void {
    this.#control.setState?.(next);
    this.#state.caState = next;
  }
}
