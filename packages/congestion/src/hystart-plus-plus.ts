import { serial32 } from "@seville/core";
import { type CongestionState, INFINITE_SSTHRESH, inSlowStart } from "./congestion-state.ts";
import { slowStart } from "./window.ts";

/** RFC 9406 §4.3. */
const MIN_RTT_THRESH_US = 4_000;
const MAX_RTT_THRESH_US = 16_000;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;
/** Packets of growth per ACK where the sender does not pace. */
const L = 8;

/**
 * HyStart++ (RFC 9406): when the least RTT of a round rises, slow start goes on four times slower ("conservative slow
 * start"); five rounds of that end it, an RTT that falls again resumes it. Only for the first slow start of a connection,
 * as §4.2 recommends: later ones know a threshold.
 */
export class HyStartPlusPlus {
  readonly #state: CongestionState;
  #windowEnd = 0;
  #lastRoundMinRtt = Infinity;
  #currentRoundMinRtt = Infinity;
  #rttSampleCount = 0;
  /** Infinity: standard slow start. */
  #cssBaselineMinRtt = Infinity;
  #cssRoundsLeft = 0;

  constructor(state: CongestionState) {
    this.#state = state;
  }

  /** Whether slow start goes on at its slower pace. */
  get inConservativeSlowStart(): boolean {
    return this.#cssRoundsLeft > 0 && inSlowStart(this.#state);
  }

  init(): void {
    this.#windowEnd = this.#state.sndNxt;
    this.#lastRoundMinRtt = this.#currentRoundMinRtt = Infinity;
    this.#rttSampleCount = 0;
    this.#cssBaselineMinRtt = Infinity;
    this.#cssRoundsLeft = 0;
  }

  /** An ACK of a packet with an RTT of `rttUs` came; negative: it gave none. */
  onRtt(rttUs: number): void {
    const state = this.#state;
    if (!inSlowStart(state) || state.sndSsthresh < INFINITE_SSTHRESH) return;
    if (serial32.gt(state.sndUna, this.#windowEnd)) this.#startRound();
    if (!inSlowStart(state) || rttUs < 0) return;
    this.#currentRoundMinRtt = Math.min(this.#currentRoundMinRtt, rttUs);
    if (++this.#rttSampleCount < N_RTT_SAMPLE) return;
    if (this.#cssRoundsLeft > 0) {
      // The rise was a false alarm.
      if (this.#currentRoundMinRtt < this.#cssBaselineMinRtt) {
        this.#cssBaselineMinRtt = Infinity;
        this.#cssRoundsLeft = 0;
      }
    } else if (this.#lastRoundMinRtt !== Infinity) {
      const threshold = Math.max(
        MIN_RTT_THRESH_US,
        Math.min(Math.floor(this.#lastRoundMinRtt / MIN_RTT_DIVISOR), MAX_RTT_THRESH_US),
      );
      if (this.#currentRoundMinRtt >= this.#lastRoundMinRtt + threshold) {
        this.#cssBaselineMinRtt = this.#currentRoundMinRtt;
        this.#cssRoundsLeft = CSS_ROUNDS;
      }
    }
  }

  /** Raises the window of a sender in slow start; answers the acks left over for congestion avoidance. */
  slowStart(acked: number): number {
    const state = this.#state;
    const growth = state.pacingStatus === "none" ? Math.min(acked, L) : acked;
    if (this.#cssRoundsLeft === 0) return slowStart(state, growth);
    // Quarters of a packet gather in the counter that congestion avoidance uses later.
    state.sndCwndCnt += growth;
    const packets = Math.floor(state.sndCwndCnt / CSS_GROWTH_DIVISOR);
    state.sndCwndCnt -= packets * CSS_GROWTH_DIVISOR;
    slowStart(state, packets);
    return 0;
  }

  #startRound(): void {
    const state = this.#state;
    this.#lastRoundMinRtt = this.#currentRoundMinRtt;
    this.#currentRoundMinRtt = Infinity;
    this.#rttSampleCount = 0;
    this.#windowEnd = state.sndNxt;
    if (this.#cssRoundsLeft > 0 && --this.#cssRoundsLeft === 0) {
      // §4.2: after CSS_ROUNDS the path is full; congestion avoidance begins here.
      state.sndSsthresh = state.sndCwnd;
      state.sndCwndCnt = 0;
    }
  }
}
