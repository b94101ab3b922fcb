import { serial32 } from "@seville/core";
import type { CaState, CongestionAlgorithm, CongestionControl, CwndEvent } from "./congestion-control.ts";
import type { CongestionState } from "./congestion-state.ts";
import { CeEcho } from "./ce-echo.ts";
import { renoCongAvoid, renoSsthresh } from "./new-reno.ts";

/** DCTCP's parameters, as of the module tcp_dctcp. */
export interface DctcpOptions {
  /** Weight of a new sample of the marked share: 1/2^shiftG; from 0 to 10, default 4. */
  shiftG?: number;
  /** The marked share to begin with, in 1024ths; default 1024: the first mark halves the window. */
  alphaOnInit?: number;
}

const MAX_ALPHA = 1024;

/**
 * Data Center TCP (RFC 8257; net/ipv4/tcp_dctcp.c): the window shrinks by half the share of marked packets. Without ECN
 * on the connection it is Reno, and calls itself `dctcp-reno`.
 */
export function dctcp(options: DctcpOptions = {}): CongestionAlgorithm {
  return { name: "dctcp", needsEcn: true, create: (state) => new Dctcp(state, options) };
}

class Dctcp implements CongestionControl {
  readonly #state: CongestionState;
  readonly #shiftG: number;
  readonly #alphaOnInit: number;
  readonly #echo: CeEcho;
  #fallenBack = false;
  /** Moving average of the marked share, in 1024ths. */
  #alpha: number;
  #oldDelivered = 0;
  #oldDeliveredCe = 0;
  /** The window of data being measured ends here. */
  #nextSeq = 0;
  #lossCwnd = 0;

  constructor(state: CongestionState, options: DctcpOptions) {
    this.#state = state;
    this.#shiftG = Math.min(Math.max(options.shiftG ?? 4, 0), 10);
    this.#alphaOnInit = this.#alpha = Math.min(options.alphaOnInit ?? MAX_ALPHA, MAX_ALPHA);
    this.#echo = new CeEcho(state);
  }

  get name(): string {
    return this.#fallenBack ? "dctcp-reno" : "dctcp";
  }

  get needsEcn(): boolean {
    return !this.#fallenBack;
  }

  init(): void {
    const state = this.#state;
    this.#fallenBack = !state.ecnOk;
    if (this.#fallenBack) return;
    this.#alpha = this.#alphaOnInit;
    this.#lossCwnd = 0;
    this.#echo.init();
    this.#startWindow();
  }

  ssthresh(): number {
    const cwnd = this.#state.sndCwnd;
    if (this.#fallenBack) return renoSsthresh(this.#state);
    this.#lossCwnd = cwnd;
    return Math.max(cwnd - Math.floor((cwnd * this.#alpha) / 2048), 2);
  }

  congAvoid(_ack: number, acked: number): void {
    renoCongAvoid(this.#state, acked);
  }

  /** Once per window of data: alpha = (1 - g) alpha + g F (RFC 8257 §3.3). */
  inAckEvent(): void {
    const state = this.#state;
    if (this.#fallenBack || serial32.lt(state.sndUna, this.#nextSeq)) return;
    let alpha = this.#alpha;
    // It must be able to reach 0: the last steps are 1.
    const decay = alpha >>> this.#shiftG;
    alpha -= decay === 0 ? alpha : decay;
    const marked = state.deliveredCe - this.#oldDeliveredCe;
    if (marked > 0) {
      const delivered = Math.max(1, state.delivered - this.#oldDelivered);
      alpha = Math.min(alpha + Math.floor((marked * 2 ** (10 - this.#shiftG)) / delivered), MAX_ALPHA);
    }
    this.#alpha = alpha;
    this.#startWindow();
  }

  /** Loss is answered as Reno does, whatever the marks said (RFC 8257 §3.5). */
  setState(next: CaState): void {
    if (!this.#fallenBack && next === "recovery" && this.#state.caState !== "recovery") this.#reactToLoss();
  }

  cwndEvent(event: CwndEvent): void {
    if (this.#fallenBack) return;
    if (event === "ecnIsCe" || event === "ecnNoCe") this.#echo.received(event === "ecnIsCe");
    else if (event === "loss") this.#reactToLoss();
  }

  undoCwnd(): number {
    return Math.max(this.#state.sndCwnd, this.#fallenBack ? this.#state.priorCwnd : this.#lossCwnd);
  }

  getInfo(): Readonly<Record<string, number>> {
    const { mssCache, delivered, deliveredCe } = this.#state;
    if (this.#fallenBack) {
      return { dctcp_enabled: 0, dctcp_ce_state: 0, dctcp_alpha: 0, dctcp_ab_ecn: 0, dctcp_ab_tot: 0 };
    }
    return {
      dctcp_enabled: 1,
      dctcp_ce_state: this.#echo.ceState ? 1 : 0,
      dctcp_alpha: this.#alpha,
      dctcp_ab_ecn: mssCache * (deliveredCe - this.#oldDeliveredCe),
      dctcp_ab_tot: mssCache * (delivered - this.#oldDelivered),
    };
  }

  #reactToLoss(): void {
    this.#lossCwnd = this.#state.sndCwnd;
    this.#state.sndSsthresh = renoSsthresh(this.#state);
  }

  #startWindow(): void {
    this.#nextSeq = this.#state.sndNxt;
    this.#oldDelivered = this.#state.delivered;
    this.#oldDeliveredCe = this.#state.deliveredCe;
  }
}
