import { NS_PER_SEC, type Nanos } from "@seville/core";
import type { AckSample, CaState, CongestionAlgorithm, CongestionControl, CwndEvent } from "../congestion-control.ts";
import { type CongestionState, inSlowStart, isCwndLimited } from "../congestion-state.ts";
import { HyStartPlusPlus } from "../hystart-plus-plus.ts";
import { congAvoidAi, slowStart } from "../window.ts";
import { CubicWindow } from "./cubic-window.ts";
import { HyStart, type HyStartOptions } from "./hystart.ts";

/** CUBIC's parameters: the module's, with its defaults. */
export interface CubicOptions extends HyStartOptions {
  /** Multiplicative decrease in 1024ths; default 717 (0.7). */
  beta?: number;
  /** The constant C in 1024ths times 10; default 41 (C = 0.4). */
  bicScale?: number;
  /** Give way to newcomers; default true. */
  fastConvergence?: boolean;
  /** Never slower than Reno would be; default true. */
  tcpFriendliness?: boolean;
  /** First ssthresh where HyStart is off; 0, the default: none. */
  initialSsthresh?: number;
  /** How slow start ends early: Linux's HyStart (the default), HyStart++ (RFC 9406), or not at all. */
  hyStart?: "linux" | "rfc9406" | "off";
  /** The kernel's HZ, in whose ticks the curve is read; default 1000. */
  hz?: number;
}

/** CUBIC (RFC 9438) in the kernel's integers: net/ipv4/tcp_cubic.c. */
export function cubic(options: CubicOptions = {}): CongestionAlgorithm {
  return { name: "cubic", needsEcn: false, create: (state) => new Cubic(state, options) };
}

class Cubic implements CongestionControl {
  readonly name = "cubic";
  readonly needsEcn = false;
  readonly #state: CongestionState;
  readonly #options: CubicOptions;
  readonly #beta: number;
  readonly #hz: number;
  readonly #window: CubicWindow;
  readonly #hyStart: HyStart | undefined;
  readonly #hyStartPlusPlus: HyStartPlusPlus | undefined;

  constructor(state: CongestionState, options: CubicOptions) {
    this.#state = state;
    this.#options = options;
    this.#beta = options.beta ?? 717;
    this.#hz = options.hz ?? 1000;
    this.#window = new CubicWindow(this.#beta, options.bicScale ?? 41, this.#hz, options.tcpFriendliness ?? true);
    const hyStart = options.hyStart ?? "linux";
    if (hyStart === "linux") this.#hyStart = new HyStart(state, options);
    if (hyStart === "rfc9406") this.#hyStartPlusPlus = new HyStartPlusPlus(state);
  }

  init(): void {
    this.#window.reset();
    this.#hyStart?.init();
    this.#hyStartPlusPlus?.init();
    const { hyStart, initialSsthresh } = this.#options;
    if (hyStart === "off" && initialSsthresh !== undefined && initialSsthresh > 0) {
      this.#state.sndSsthresh = initialSsthresh;
    }
  }

  /** A window that stayed idle does not grow as if time had been used (cubictcp_cwnd_event). */
  cwndEvent(event: CwndEvent): void {
    if (event === "txStart") this.#window.shiftEpoch(this.#jiffies(), this.#jiffies(this.#state.lsndtime));
  }

  congAvoid(_ack: number, acked: number): void {
    const state = this.#state;
    if (!isCwndLimited(state)) return;
    let left = acked;
    if (inSlowStart(state)) {
      left = this.#hyStartPlusPlus?.slowStart(acked) ?? slowStart(state, acked);
      if (left === 0) return;
    }
    this.#window.update(state.sndCwnd, left, this.#jiffies());
    congAvoidAi(state, this.#window.cnt, left);
  }

  ssthresh(): number {
    const cwnd = this.#state.sndCwnd;
    this.#window.congestion(cwnd, this.#options.fastConvergence ?? true);
    return Math.max(Math.floor((cwnd * this.#beta) / 1024), 2);
  }

  setState(next: CaState): void {
    if (next !== "loss") return;
    this.#window.reset();
    this.#hyStart?.restart();
  }

  undoCwnd(): number {
    return Math.max(this.#state.sndCwnd, this.#state.priorCwnd);
  }

  pktsAcked(sample: AckSample): void {
    if (sample.rttUs < 0) return;
    this.#hyStartPlusPlus?.onRtt(sample.rttUs);
    // Right after fast recovery delays tell of the recovery.
    if (this.#window.epochAge(this.#jiffies()) < this.#hz) return;
    const delay = Math.max(1, sample.rttUs);
    this.#window.noteDelay(delay);
    if (inSlowStart(this.#state)) this.#hyStart?.update(delay, this.#window.delayMin);
  }

  #jiffies(time: Nanos = this.#state.now): number {
    return Math.floor((time * this.#hz) / NS_PER_SEC);
  }
}
