import type { CongestionState } from "../congestion-state.ts";
import type { RateSample } from "../rate-sample.ts";
import { type Bbr3, LOSS_THRESH } from "./model.ts";

/** CheckFullBWReached(): three rounds in a row without a quarter more, while the sender tried. */
export function checkFullBwReached(bbr: Bbr3, sample: RateSample): void {
  if (bbr.fullBwNow || !bbr.roundStart || sample.isAppLimited) return;
  if (bbr.deliveryRate >= bbr.fullBw * 1.25) {
    resetFullBw(bbr, bbr.deliveryRate);
    return;
  }
  bbr.fullBwCount++;
  bbr.fullBwNow = bbr.fullBwCount >= 3;
  if (bbr.fullBwNow) bbr.fullBwReached = true;
}

/** ResetFullBW(), with the bandwidth to be surpassed. */
export function resetFullBw(bbr: Bbr3, fullBw: number): void {
  bbr.fullBw = fullBw;
  bbr.fullBwCount = 0;
  bbr.fullBwNow = false;
}

/** Whether `lost` of `txInFlight` is more than a queue at the right level loses (IsInflightTooHigh). */
export function isInflightTooHigh(state: CongestionState, lost: number, txInFlight: number): boolean {
  return lost > txInFlight * LOSS_THRESH || (lost > 0 && state.sackOk === false);
}
