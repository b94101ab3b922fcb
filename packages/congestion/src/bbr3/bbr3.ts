import type { Random } from "@seville/core";
import type { CaState, CongestionAlgorithm, CongestionControl, CwndEvent } from "../congestion-control.ts";
import { type CongestionState, INFINITE_SSTHRESH } from "../congestion-state.ts";
import type { RateSample, TxRecord } from "../rate-sample.ts";
import { initPacingRate, setCwnd, setPacingRate } from "./control.ts";
import { checkFullBwReached } from "./full-pipe.ts";
import { checkDrainDone, checkStartupDone } from "./startup.ts";
import { handleLostPacket, handleSpuriousLoss, saveStateUponLoss } from "./loss.ts";
import { type Bbr3, createBbr3, isInAProbeBwState, maxBw } from "./model.ts";
import { updateProbeBwCyclePhase } from "./probe-bw.ts";
import { checkProbeRtt, checkProbeRttDone, updateMinRtt } from "./probe-rtt.ts";
import {
  advanceLatestDeliverySignals,
  updateAckAggregation,
  updateCongestionSignals,
  updateLatestDeliverySignals,
} from "./signals.ts";

/**
 * BBR version 3 as draft-ietf-ccwg-bbr writes it (editors' copy of August 2026), in packets. The engine must report losses
 * through `markedLost`.
 */
export function bbr3(): CongestionAlgorithm {
  return { name: "bbr3", needsEcn: false, create: (state, random) => new Bbr3Control(state, random) };
}

class Bbr3Control implements CongestionControl {
  readonly name = "bbr3";
  readonly needsEcn = false;
  readonly #state: CongestionState;
  readonly #bbr: Bbr3;

  constructor(state: CongestionState, random: Random) {
    this.#state = state;
    this.#bbr = createBbr3(random);
  }

  init(): void {
    const state = this.#state;
    const bbr = this.#bbr;
    Object.assign(bbr, createBbr3(bbr.random));
    state.sndSsthresh = INFINITE_SSTHRESH;
    bbr.nextRoundDelivered = state.delivered;
    bbr.lossRoundDelivered = state.delivered;
    bbr.minRtt = state.srttUs === 0 ? Infinity : Math.floor(state.srttUs / 8);
    bbr.probeRttMinDelay = bbr.minRtt;
    bbr.minRttStamp = state.now;
    bbr.probeRttMinStamp = state.now;
    bbr.extraAckedIntervalStart = state.now;
    initPacingRate(state, bbr);
    if (state.pacingStatus === "none") state.pacingStatus = "needed";
  }

  /** UpdateOnACK(). */
  congControl(sample: RateSample): void {
    const state = this.#state;
    const bbr = this.#bbr;
    updateLatestDeliverySignals(state, bbr, sample);
    updateCongestionSignals(state, bbr, sample);
    updateAckAggregation(state, bbr, sample);
    checkFullBwReached(bbr, sample);
    checkStartupDone(state, bbr, sample);
    checkDrainDone(state, bbr);
    updateProbeBwCyclePhase(state, bbr, sample);
    updateMinRtt(state, bbr, sample);
    checkProbeRtt(state, bbr, sample);
    advanceLatestDeliverySignals(bbr, sample);
    // BoundBWForModel()
    bbr.bw = Math.min(maxBw(bbr), bbr.bwShortterm);
    setPacingRate(state, bbr, bbr.pacingGain);
    setCwnd(state, bbr, sample);
  }

  markedLost(tx: TxRecord, packets: number): void {
    handleLostPacket(this.#state, this.#bbr, tx, packets);
  }

  /** Recovery begins; where a loss was marked before, that has saved what is to be saved. */
  ssthresh(): number {
    if (!this.#bbr.isLossInRound) saveStateUponLoss(this.#state, this.#bbr);
    return this.#state.sndSsthresh;
  }

  undoCwnd(): number {
    return handleSpuriousLoss(this.#state, this.#bbr);
  }

  setState(next: CaState): void {
    // OnEnterRTO(): the engine cuts the window to one packet; growth begins from there.
    if (next === "loss") this.#bbr.prevCaState = "loss";
  }

  /** HandleRestartFromIdle(). */
  cwndEvent(event: CwndEvent): void {
    const state = this.#state;
    const bbr = this.#bbr;
    if (event !== "txStart" || state.appLimited === 0) return;
    bbr.idleRestart = true;
    bbr.extraAckedIntervalStart = state.now;
    bbr.extraAckedDelivered = 0;
    if (isInAProbeBwState(bbr)) setPacingRate(state, bbr, 1);
    else if (bbr.state === "probeRtt") checkProbeRttDone(state, bbr);
  }

  sndbufExpand(): number {
    return 3;
  }

  getInfo(): Readonly<Record<string, number>> {
    const bbr = this.#bbr;
    return {
      bbr_bw: Math.floor(bbr.bw * this.#state.mssCache * 1_000_000),
      bbr_min_rtt: bbr.minRtt === Infinity ? 0xffff_ffff : bbr.minRtt,
      bbr_pacing_gain: Math.round(bbr.pacingGain * 256),
      bbr_cwnd_gain: Math.round(bbr.cwndGain * 256),
    };
  }

  /** The model itself, for whoever wants to look: tests, plots. */
  get model(): Readonly<Bbr3> {
    return this.#bbr;
  }
}
