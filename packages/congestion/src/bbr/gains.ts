import { type Bbr, BBR_UNIT } from "./model.ts";

/** 2/ln 2: the least gain that doubles the rate each round. */
export const HIGH_GAIN: number = Math.floor((BBR_UNIT * 2885) / 1000) + 1;
/** Its inverse empties in one round what startup queued. */
export const DRAIN_GAIN: number = Math.floor((BBR_UNIT * 1000) / 2885);
/** Room for delayed and stretched ACKs. */
export const CWND_GAIN: number = BBR_UNIT * 2;
/** Probe for more, give it back, cruise. */
const CYCLE: readonly number[] = [
  (BBR_UNIT * 5) / 4,
  (BBR_UNIT * 3) / 4,
  BBR_UNIT,
  BBR_UNIT,
  BBR_UNIT,
  BBR_UNIT,
  BBR_UNIT,
  BBR_UNIT,
];

/** The gains of the mode and phase (bbr_update_gains). */
export function updateGains(bbr: Bbr): void {
  switch (bbr.mode) {
    case "startup":
      bbr.pacingGain = HIGH_GAIN;
      bbr.cwndGain = HIGH_GAIN;
      break;
    case "drain":
      bbr.pacingGain = DRAIN_GAIN;
      bbr.cwndGain = HIGH_GAIN;
      break;
    case "probeBw":
      bbr.pacingGain = bbr.ltUseBw ? BBR_UNIT : (CYCLE[bbr.cycleIdx] as number);
      bbr.cwndGain = CWND_GAIN;
      break;
    case "probeRtt":
      bbr.pacingGain = BBR_UNIT;
      bbr.cwndGain = BBR_UNIT;
  }
}
