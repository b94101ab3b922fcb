import { mulShift } from "../fixed-point.ts";
import { cubicRoot } from "./cubic-root.ts";

/** No epoch has begun: the kernel's 0, which is a time here. */
const NO_EPOCH = -1;
/** Times of the curve are in 1/1024 s (BICTCP_HZ). */
const BICTCP_HZ = 10;
const BETA_SCALE = 1024;

/**
 * The cubic curve (RFC 9438 §4.2) and Reno's line beside it (§4.3), in the integers of bictcp_update: how many acks a
 * packet of window costs. Times in ticks of the kernel's HZ.
 */
export class CubicWindow {
  /** One packet of window per this many acks. */
  cnt = 0;
  /** Least RTT seen, in µs; 0: none. */
  delayMin = 0;
  readonly #hz: number;
  readonly #friendly: boolean;
  /** Acks per packet of Reno's window, times 8 and relative to it: 8 (1 + beta) / (3 (1 - beta)). */
  readonly #betaScale: number;
  /** C / RTT for an RTT of 100 ms, in 1024ths. */
  readonly #cubeRttScale: number;
  readonly #cubeFactor: number;
  readonly #beta: number;
  #lastMaxCwnd = 0;
  #lastCwnd = 0;
  #lastTime = 0;
  #originPoint = 0;
  /** Time from the beginning of the epoch to the curve's origin, 1/1024 s. */
  #k = 0;
  #epochStart = NO_EPOCH;
  #ackCnt = 0;
  #tcpCwnd = 0;

  constructor(beta: number, bicScale: number, hz: number, friendly: boolean) {
    this.#hz = hz;
    this.#friendly = friendly;
    this.#beta = beta;
    this.#betaScale = Math.floor(Math.floor((8 * (BETA_SCALE + beta)) / 3) / (BETA_SCALE - beta));
    this.#cubeRttScale = bicScale * 10;
    this.#cubeFactor = Math.floor(2 ** (10 + 3 * BICTCP_HZ) / this.#cubeRttScale);
  }

  /** Forgets the path (bictcp_reset). */
  reset(): void {
    this.cnt = 0;
    this.delayMin = 0;
    this.#lastMaxCwnd = 0;
    this.#lastCwnd = 0;
    this.#lastTime = 0;
    this.#originPoint = 0;
    this.#k = 0;
    this.#epochStart = NO_EPOCH;
    this.#ackCnt = 0;
    this.#tcpCwnd = 0;
  }

  noteDelay(delayUs: number): void {
    if (this.delayMin === 0 || this.delayMin > delayUs) this.delayMin = delayUs;
  }

  /** Ticks since the epoch began; Infinity: there is none. */
  epochAge(now: number): number {
    return this.#epochStart === NO_EPOCH ? Infinity : now - this.#epochStart;
  }

  /** Sending restarts after it stopped at `lastSent`: the time between does not count. */
  shiftEpoch(now: number, lastSent: number): void {
    if (this.#epochStart === NO_EPOCH || now <= lastSent) return;
    this.#epochStart = Math.min(this.#epochStart + (now - lastSent), now);
  }

  /** Congestion at a window of `cwnd`: the curve's plateau is there, or lower with fast convergence (RFC 9438 §4.7). */
  congestion(cwnd: number, fastConvergence: boolean): void {
    this.#epochStart = NO_EPOCH;
    this.#lastMaxCwnd =
      cwnd < this.#lastMaxCwnd && fastConvergence
        ? Math.floor((cwnd * (BETA_SCALE + this.#beta)) / (2 * BETA_SCALE))
        : cwnd;
  }

  /** `acked` packets were acked at a window of `cwnd`: sets {@link cnt} (bictcp_update). */
  update(cwnd: number, acked: number, now: number): void {
    this.#ackCnt += acked;
    const age = now - this.#lastTime;
    if (this.#lastCwnd === cwnd && age <= Math.floor(this.#hz / 32)) return;
    // The curve is read at most once per tick, unless a new epoch begins.
    if (this.#epochStart === NO_EPOCH || age !== 0) this.#readCurve(cwnd, acked, now);
    if (this.#friendly) this.#keepUpWithReno(cwnd);
    // At most one packet per two acked: 1.5 times per RTT.
    this.cnt = Math.max(this.cnt, 2);
  }

  #readCurve(cwnd: number, acked: number, now: number): void {
    this.#lastCwnd = cwnd;
    this.#lastTime = now;
    if (this.#epochStart === NO_EPOCH) this.#startEpoch(cwnd, acked, now);
    // One RTT ahead, since the window set now shows its effect then.
    const ticks = now - this.#epochStart + Math.ceil((this.delayMin * this.#hz) / 1_000_000);
    const t = Math.floor((ticks * 2 ** BICTCP_HZ) / this.#hz);
    const offset = Math.abs(t - this.#k);
    const delta = mulShift(this.#cubeRttScale * offset, offset * offset, 10 + 3 * BICTCP_HZ);
    const target = t < this.#k ? this.#originPoint - delta : this.#originPoint + delta;
    this.cnt = target > cwnd ? Math.floor(cwnd / (target - cwnd)) : 100 * cwnd;
    // Before the first loss the bandwidth is unknown: 5 % per RTT at least.
    if (this.#lastMaxCwnd === 0 && this.cnt > 20) this.cnt = 20;
  }

  #startEpoch(cwnd: number, acked: number, now: number): void {
    this.#epochStart = now;
    this.#ackCnt = acked;
    this.#tcpCwnd = cwnd;
    if (this.#lastMaxCwnd <= cwnd) {
      this.#k = 0;
      this.#originPoint = cwnd;
    } else {
      this.#k = cubicRoot(this.#cubeFactor * (this.#lastMaxCwnd - cwnd));
      this.#originPoint = this.#lastMaxCwnd;
    }
  }

  #keepUpWithReno(cwnd: number): void {
    const perPacket = Math.max(1, Math.floor((cwnd * this.#betaScale) / 8));
    if (this.#ackCnt > perPacket) {
      // The kernel subtracts in a loop while more than perPacket are left.
      const packets = Math.ceil(this.#ackCnt / perPacket) - 1;
      this.#ackCnt -= packets * perPacket;
      this.#tcpCwnd += packets;
    }
    if (this.#tcpCwnd > cwnd) this.cnt = Math.min(this.cnt, Math.floor(cwnd / (this.#tcpCwnd - cwnd)));
  }
}
