import type { CongestionAlgorithm, CongestionControl, AckSample } from "./congestion-control.ts";
import { type CongestionState, inSlowStart, isCwndLimited } from "./congestion-state.ts";
import { HyStartPlusPlus } from "./hystart-plus-plus.ts";
import { congAvoidAi, slowStart } from "./window.ts";

export interface NewRenoOptions {
  /** How slow start ends early: not at all (as in Linux; the default), or by HyStart++ (RFC 9406). */
  hyStart?: "off" | "rfc9406";
}

/** Reno's window rules (RFC 5681; `tcp_reno` of net/ipv4/tcp_cong.c). Recovery is the engine's: PRR, RFC 6582, RACK. */
export function newReno(options: NewRenoOptions = {}): CongestionAlgorithm {
  return {
    name: "reno",
    needsEcn: false,
    create: (state) => (options.hyStart === "rfc9406" ? new NewRenoHyStart(state) : new NewReno(state)),
  };
}

/** The algorithm itself, which others fall back to. */
export class NewReno implements CongestionControl {
  readonly name: string;
  readonly needsEcn = false;
  protected readonly state: CongestionState;

  constructor(state: CongestionState, name = "reno") {
    this.state = state;
    this.name = name;
  }

  init(): void {
    // Reno remembers nothing of its own.
  }

  ssthresh(): number {
    return renoSsthresh(this.state);
  }

  congAvoid(_ack: number, acked: number): void {
    renoCongAvoid(this.state, acked);
  }

  undoCwnd(): number {
    return Math.max(this.state.sndCwnd, this.state.priorCwnd);
  }
}

/** Half the window, but two packets (tcp_reno_ssthresh). */
export function renoSsthresh(state: CongestionState): number {
  return Math.max(state.sndCwnd >>> 1, 2);
}

/** Slow start, then one packet per window acked (tcp_reno_cong_avoid). */
export function renoCongAvoid(state: CongestionState, acked: number): void {
  if (!isCwndLimited(state)) return;
  let left = acked;
  if (inSlowStart(state)) {
    left = slowStart(state, acked);
    if (left === 0) return;
  }
  congAvoidAi(state, state.sndCwnd, left);
}

class NewRenoHyStart extends NewReno {
  readonly #hyStart: HyStartPlusPlus;

  constructor(state: CongestionState) {
    super(state);
    this.#hyStart = new HyStartPlusPlus(state);
  }

  override init(): void {
    this.#hyStart.init();
  }

  pktsAcked(sample: AckSample): void {
    this.#hyStart.onRtt(sample.rttUs);
  }

  override congAvoid(_ack: number, acked: number): void {
    if (!isCwndLimited(this.state)) return;
    const left = inSlowStart(this.state) ? this.#hyStart.slowStart(acked) : acked;
    if (left > 0) congAvoidAi(this.state, this.state.sndCwnd, left);
  }
}
