import { caStateAtLeast } from "../congestion-control.ts";
import type { CongestionState } from "../congestion-state.ts";
import type { TxRecord } from "../rate-sample.ts";
import { isInflightTooHigh, resetFullBw } from "./full-pipe.ts";
import { enterStartup } from "./startup.ts";
import { targetInflight } from "./inflight.ts";
import { type Bbr3, BETA, LOSS_THRESH } from "./model.ts";
import { startProbeBwDown, startProbeBwRefill } from "./probe-bw.ts";
import { saveCwnd } from "./probe-rtt.ts";

/** HandleLostPacket(): `packets` of the transmission `tx` were marked lost. */
export function handleLostPacket(state: CongestionState, bbr: Bbr3, tx: TxRecord, packets: number): void {
  noteLoss(state, bbr);
  if (!bbr.isBwProbeSample) return;
  const lost = state.lost - tx.lost;
  if (isInflightTooHigh(state, lost, tx.inFlight)) {
    handleInflightTooHigh(state, bbr, inflightAtLoss(tx.inFlight, lost, packets), tx.isAppLimited);
  }
}

/**
 * SaveStateUponLoss(): what a recovery that proves spurious returns to. Marking comes before entering recovery, so that the
 * first mark of an episode saves, and not those of its later rounds.
 */
export function saveStateUponLoss(state: CongestionState, bbr: Bbr3): void {
  saveCwnd(state, bbr);
  bbr.undoState = "none";
  bbr.undoBwShortterm = bbr.bwShortterm;
  bbr.undoInflightShortterm = bbr.inflightShortterm;
  bbr.undoInflightLongterm = bbr.inflightLongterm;
}

/** HandleSpuriousLossDetection(): answers the window to return to. */
export function handleSpuriousLoss(state: CongestionState, bbr: Bbr3): number {
  bbr.isLossInRound = false;
  resetFullBw(bbr, 0);
  bbr.bwShortterm = Math.max(bbr.bwShortterm, bbr.undoBwShortterm);
  bbr.inflightShortterm = Math.max(bbr.inflightShortterm, bbr.undoInflightShortterm);
  bbr.inflightLongterm = Math.max(bbr.inflightLongterm, bbr.undoInflightLongterm);
  if (bbr.undoState === "startup" && bbr.state !== "startup") {
    bbr.fullBwReached = false;
    if (bbr.state !== "probeRtt") enterStartup(bbr);
  } else if (bbr.undoState === "probeBwUp" && bbr.state !== "probeBwUp" && bbr.state !== "probeRtt") {
    startProbeBwRefill(state, bbr);
  }
  bbr.undoState = "none";
  return Math.max(state.sndCwnd, bbr.priorCwnd);
}

function noteLoss(state: CongestionState, bbr: Bbr3): void {
  if (!bbr.isLossInRound) {
    bbr.lossRoundDelivered = state.delivered;
    if (!caStateAtLeast(state.caState, "recovery")) saveStateUponLoss(state, bbr);
  }
  bbr.isLossInRound = true;
}

/** HandleInflightTooHigh(): once per probe. */
function handleInflightTooHigh(state: CongestionState, bbr: Bbr3, atLoss: number, isAppLimited: boolean): void {
  bbr.prevProbeTooHigh = true;
  bbr.isBwProbeSample = false;
  if (!isAppLimited) bbr.inflightLongterm = Math.max(atLoss, targetInflight(state, bbr) * BETA);
  if (bbr.state !== "probeBwUp") return;
  bbr.undoState = "probeBwUp";
  startProbeBwDown(state, bbr);
}

/** InflightAtLoss(): at which volume did the losses pass 2 %, perhaps in the middle of a super-packet? */
function inflightAtLoss(txInFlight: number, lost: number, size: number): number {
  const inflightPrev = txInFlight - size;
  const lostPrev = lost - size;
  return inflightPrev + Math.max(0, (LOSS_THRESH * inflightPrev - lostPrev) / (1 - LOSS_THRESH));
}
