import { type Nanos, serial32 } from "@seville/core";
import { type CongestionState, elapsedUs } from "../congestion-state.ts";

/** HyStart's parameters: those of the module tcp_cubic. */
export interface HyStartOptions {
  /** What ends slow start: bit 0 a train of close ACKs as long as the RTT, bit 1 a rising delay; default 3, both. */
  hystartDetect?: number;
  /** Windows below this do not look; default 16 packets. */
  hystartLowWindow?: number;
  /** ACKs closer than this belong to a train, µs; default 2000. */
  hystartAckDeltaUs?: number;
}

const ACK_TRAIN = 1;
const DELAY = 2;
/** Samples of a round before its delay is judged. */
const MIN_SAMPLES = 8;
const DELAY_MIN_US = 4_000;
const DELAY_MAX_US = 16_000;
/** Room for super-packets on their way, at most (USEC_PER_MSEC). */
const ACK_DELAY_MAX_US = 1_000;

/** Hybrid slow start as in net/ipv4/tcp_cubic.c: sets ssthresh to the window when the pipe seems full. */
export class HyStart {
  readonly #state: CongestionState;
  readonly #detect: number;
  readonly #lowWindow: number;
  readonly #ackDeltaUs: number;
  #found = false;
  #roundStart: Nanos = 0;
  #lastAck: Nanos = 0;
  /** The round ends when this is acknowledged. */
  #endSeq = 0;
  #currRtt = Infinity;
  #sampleCnt = 0;

  constructor(state: CongestionState, options: HyStartOptions) {
    this.#state = state;
    this.#detect = options.hystartDetect ?? ACK_TRAIN | DELAY;
    this.#lowWindow = options.hystartLowWindow ?? 16;
    this.#ackDeltaUs = options.hystartAckDeltaUs ?? 2_000;
  }

  init(): void {
    this.#found = false;
    this.#resetRound();
  }

  /** After a timeout slow start begins anew. */
  restart(): void {
    this.init();
  }

  /** An ACK with an RTT of `delay` µs came in slow start; `delayMin` is the least RTT seen (hystart_update). */
  update(delay: number, delayMin: number): void {
    if (this.#found) return;
    const state = this.#state;
    if (serial32.gt(state.sndUna, this.#endSeq)) this.#resetRound();
    if (state.sndCwnd < this.#lowWindow) return;
    if ((this.#detect & ACK_TRAIN) !== 0) this.#lookAtTrain(delayMin);
    if ((this.#detect & DELAY) !== 0) this.#lookAtDelay(delay, delayMin);
  }

  /** ACKs that follow each other closely for as long as the RTT (half of it without pacing) fill the pipe. */
  #lookAtTrain(delayMin: number): void {
    const state = this.#state;
    if (state.now - this.#lastAck > this.#ackDeltaUs * 1000) return;
    this.#lastAck = state.now;
    let threshold = delayMin + this.#ackDelay();
    if (state.pacingStatus === "none") threshold = Math.floor(threshold / 2);
    if (elapsedUs(state.now, this.#roundStart) > threshold) this.#exit();
  }

  /** The least RTT of the round is well above the least of all: a queue grows. */
  #lookAtDelay(delay: number, delayMin: number): void {
    this.#currRtt = Math.min(this.#currRtt, delay);
    if (this.#sampleCnt < MIN_SAMPLES) {
      this.#sampleCnt++;
      return;
    }
    const threshold = Math.min(Math.max(Math.floor(delayMin / 8), DELAY_MIN_US), DELAY_MAX_US);
    if (this.#currRtt > delayMin + threshold) this.#exit();
  }

  /** Time of four super-packets at the pacing rate: they delay ACKs without filling any queue (hystart_ack_delay). */
  #ackDelay(): number {
    const { gsoMaxSize, pacingRate } = this.#state;
    if (pacingRate === 0) return 0;
    return Math.min(ACK_DELAY_MAX_US, Math.floor((gsoMaxSize * 4 * 1_000_000) / pacingRate));
  }

  #exit(): void {
    this.#found = true;
    this.#state.sndSsthresh = this.#state.sndCwnd;
  }

  #resetRound(): void {
    const state = this.#state;
    this.#roundStart = this.#lastAck = state.now;
    this.#endSeq = state.sndNxt;
    this.#currRtt = Infinity;
    this.#sampleCnt = 0;
  }
}
