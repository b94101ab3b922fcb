import type { CongestionControl } from "./congestion-control.ts";
import { type CongestionState, inCwndReduction } from "./congestion-state.ts";
import { type PacingOptions, updatePacingRate } from "./pacing.ts";
import { cwndReduction } from "./prr.ts";
import type { RateSample } from "./rate-sample.ts";

/** What an ACK did, as far as the window is concerned. */
export interface AckOutcome {
  /** The sequence number acknowledged. */
  ack: number;
  /** Packets newly delivered. */
  ackedSacked: number;
  /** The ACK moved SND.UNA (FLAG_SND_UNA_ADVANCED). */
  sndUnaAdvanced: boolean;
  /** It covers new data cumulatively (FLAG_DATA_ACKED). */
  dataAcked: boolean;
  /** It covers or sacks new data (FLAG_FORWARD_PROGRESS). */
  forwardProgress: boolean;
}

/** Settings of {@link congControl}. */
export interface CongControlOptions extends PacingOptions {
  /** The sysctl `tcp_reordering`; default 3. */
  reordering?: number;
}

/**
 * The last step of an ACK: window and pacing rate (tcp_cong_control). Algorithms with `congControl` do it themselves; for
 * the others PRR governs during a reduction, and elsewhere the window may grow.
 */
export function congControl(
  state: CongestionState,
  control: CongestionControl,
  outcome: AckOutcome,
  sample: RateSample,
  options: CongControlOptions = {},
): void {
  if (control.congControl !== undefined) {
    control.congControl(sample);
    return;
  }
  if (inCwndReduction(state)) {
    cwndReduction(state, outcome.ackedSacked, sample.losses, outcome.sndUnaAdvanced);
  } else if (mayRaiseCwnd(state, outcome, options.reordering ?? 3)) {
    control.congAvoid?.(outcome.ack, outcome.ackedSacked);
    state.sndCwndStamp = state.now;
  }
  updatePacingRate(state, options);
}

/** Where reordering is high, any delivery may raise the window; elsewhere only in-order ones (tcp_may_raise_cwnd). */
function mayRaiseCwnd(state: CongestionState, outcome: AckOutcome, reordering: number): boolean {
  return state.reordering > reordering ? outcome.forwardProgress : outcome.dataAcked;
}
