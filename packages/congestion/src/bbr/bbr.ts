import type { Random } from "@seville/core";
import type { CaState, CongestionAlgorithm, CongestionControl, CwndEvent } from "../congestion-control.ts";
import { type CongestionState, INFINITE_SSTHRESH, minRttUs } from "../congestion-state.ts";
import { mulShift } from "../fixed-point.ts";
import type { RateSample } from "../rate-sample.ts";
import { checkFullBwReached, updateAckAggregation, updateBw } from "./bandwidth.ts";
import { updateGains } from "./gains.ts";
import { longTermSampling, resetLongTermSampling } from "./long-term-bandwidth.ts";
import { type Bbr, BBR_UNIT, bbrBw, type BbrOptions, BW_SCALE, createBbr } from "./model.ts";
import { checkDrain, checkProbeRttDone, resetProbeBwMode, updateCyclePhase, updateMinRtt } from "./modes.ts";
import { initPacingRateFromRtt, minTsoSegs, setPacingRate } from "./rate.ts";
import { saveCwnd, setCwnd } from "./window.ts";

/**
 * BBR version 1 in the kernel's fixed-point numbers (net/ipv4/tcp_bbr.c, draft-cardwell-iccrg-bbr-congestion-control-00),
 * with its detector of token-bucket policers.
 */
export function bbr(options: BbrOptions = {}): CongestionAlgorithm {
  return { name: "bbr", needsEcn: false, create: (state, random) => new BbrControl(state, random, options) };
}

/** A long-term sample of a timeout: something was lost. */
const TIMEOUT = { losses: 1, isAppLimited: false };

class BbrControl implements CongestionControl {
  readonly name = "bbr";
  readonly needsEcn = false;
  readonly #state: CongestionState;
  readonly #bbr: Bbr;

  constructor(state: CongestionState, random: Random, options: BbrOptions) {
    this.#state = state;
    this.#bbr = createBbr(random, options);
  }

  init(): void {
    const state = this.#state;
    const bbr = this.#bbr;
    Object.assign(bbr, createBbr(bbr.random, { policerDetector: bbr.policerDetector }));
    state.sndSsthresh = INFINITE_SSTHRESH;
    bbr.nextRttDelivered = state.delivered;
    bbr.minRttUs = minRttUs(state);
    bbr.minRttStamp = state.now;
    bbr.ackEpochMstamp = state.now;
    initPacingRateFromRtt(state, bbr);
    resetLongTermSampling(state, bbr);
    if (state.pacingStatus === "none") state.pacingStatus = "needed";
  }

  congControl(sample: RateSample): void {
    const state = this.#state;
    const bbr = this.#bbr;
    updateBw(state, bbr, sample);
    updateAckAggregation(state, bbr, sample);
    updateCyclePhase(state, bbr, sample);
    checkFullBwReached(bbr, sample);
    checkDrain(state, bbr);
    updateMinRtt(state, bbr, sample);
    updateGains(bbr);
    const bw = bbrBw(bbr);
    setPacingRate(state, bbr, bw, bbr.pacingGain);
    setCwnd(state, bbr, sample, bw, bbr.cwndGain);
  }

  /** Recovery begins: the window now is what to return to. The threshold stays. */
  ssthresh(): number {
    saveCwnd(this.#state, this.#bbr);
    return this.#state.sndSsthresh;
  }

  undoCwnd(): number {
    const bbr = this.#bbr;
    bbr.fullBw = 0;
    bbr.fullBwCnt = 0;
    resetLongTermSampling(this.#state, bbr);
    return this.#state.sndCwnd;
  }

  cwndEvent(event: CwndEvent): void {
    const state = this.#state;
    const bbr = this.#bbr;
    if (event !== "txStart" || state.appLimited === 0) return;
    bbr.idleRestart = true;
    bbr.ackEpochMstamp = state.now;
    bbr.ackEpochAcked = 0;
    // Coming back from idle needs no more than the known bandwidth.
    if (bbr.mode === "probeBw") setPacingRate(state, bbr, bbrBw(bbr), BBR_UNIT);
    else if (bbr.mode === "probeRtt") checkProbeRttDone(state, bbr);
  }

  setState(next: CaState): void {
    if (next !== "loss") return;
    const bbr = this.#bbr;
    bbr.prevCaState = "loss";
    bbr.fullBw = 0;
    // A timeout ends a round.
    bbr.roundStart = true;
    if (longTermSampling(this.#state, bbr, TIMEOUT)) resetProbeBwMode(this.#state, bbr);
  }

  minTsoSegs(): number {
    return minTsoSegs(this.#state);
  }

  sndbufExpand(): number {
    return 3;
  }

  getInfo(): Readonly<Record<string, number>> {
    const bbr = this.#bbr;
    return {
      bbr_bw: mulShift(bbrBw(bbr) * this.#state.mssCache, 1_000_000, BW_SCALE),
      bbr_min_rtt: bbr.minRttUs === Infinity ? 0xffff_ffff : bbr.minRttUs,
      bbr_pacing_gain: bbr.pacingGain,
      bbr_cwnd_gain: bbr.cwndGain,
    };
  }

  /** The model itself, for whoever wants to look: tests, plots. */
  get model(): Readonly<Bbr> {
    return this.#bbr;
  }
}
