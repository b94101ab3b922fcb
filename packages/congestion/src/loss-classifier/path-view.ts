import type { Nanos } from "@seville/core";
import type { AckObservation } from "./types.ts";

/** RTTs and deliveries of the last while, in rings: what a lost packet's neighbours saw. */
const RING = 2048;
/** Two samples are at least this part of an SRTT apart, so that the rings span some SRTTs at any rate. */
const APART = 512;

/** The path as the ACKs show it. */
export class PathView {
  srttUs = 0;
  minRttUs: number = Infinity;
  /** Largest packet ever delivered, and largest since the last timeout, bytes. */
  largestDelivered = 0;
  deliveredBytes = 0;
  deliveredPackets = 0;
  lastDelivery: Nanos = -1;
  /** Greatest delivery rate over an SRTT, bytes/s. */
  maxRate = 0;
  readonly #sentAt = new Float64Array(RING);
  readonly #rttUs = new Float64Array(RING);
  #samples = 0;
  readonly #ackedAt = new Float64Array(RING);
  readonly #bytes = new Float64Array(RING);
  #acks = 0;
  /** Greatest RTT; it fades towards the minimum over some hundred samples, for queues change. */
  #maxRttUs = 0;

  ack(ack: AckObservation): void {
    this.srttUs = ack.srttUs;
    if (ack.rttUs >= 0) this.#takeRtt(ack);
    if (ack.packets === 0) return;
    this.deliveredBytes += ack.bytes;
    this.deliveredPackets += ack.packets;
    this.largestDelivered = Math.max(this.largestDelivered, ack.largest);
    this.lastDelivery = ack.now;
    const last = this.#acks - 1;
    if (last >= 0 && (ack.now - (this.#ackedAt[last % RING] as number)) * APART < ack.srttUs * 1000) {
      this.#bytes[last % RING] = this.deliveredBytes;
      return;
    }
    this.#ackedAt[this.#acks % RING] = ack.now;
    this.#bytes[this.#acks % RING] = this.deliveredBytes;
    this.#acks++;
    const rate = this.rate(ack.now - Math.max(1000, ack.srttUs * 1000), ack.now);
    this.maxRate = Math.max(this.maxRate, rate);
  }

  #takeRtt(ack: AckObservation): void {
    this.minRttUs = Math.min(this.minRttUs, ack.rttUs);
    this.#maxRttUs = Math.max(ack.rttUs, this.#maxRttUs - (this.#maxRttUs - this.minRttUs) / 65_536);
    const last = this.#samples - 1;
    if (last >= 0 && (ack.sentAt - (this.#sentAt[last % RING] as number)) * APART < ack.srttUs * 1000) {
      // The greater of neighbours: a full queue shows in its peak.
      this.#rttUs[last % RING] = Math.max(this.#rttUs[last % RING] as number, ack.rttUs);
      return;
    }
    this.#sentAt[this.#samples % RING] = ack.sentAt;
    this.#rttUs[this.#samples % RING] = ack.rttUs;
    this.#samples++;
  }

  /** Greatest queueing delay of the last while, µs. */
  get maxQueueUs(): number {
    return this.minRttUs === Infinity ? 0 : Math.max(0, this.#maxRttUs - this.minRttUs);
  }

  /** The greater queueing delay of the delivered packets that were sent next before and next after `sentAt`, µs; -1: not known. */
  queueUsAround(sentAt: Nanos): number {
    const first = Math.max(0, this.#samples - RING);
    let after = -1;
    for (let i = this.#samples - 1; i >= first; i--) {
      const queue = (this.#rttUs[i % RING] as number) - this.minRttUs;
      if ((this.#sentAt[i % RING] as number) <= sentAt) return Math.max(queue, after);
      after = queue;
    }
    return after;
  }

  /** Queueing delay of the delivered packet that was sent nearest before `sentAt`, µs; -1: not known. */
  queueUsBefore(sentAt: Nanos): number {
    const first = Math.max(0, this.#samples - RING);
    // Samples come nearly in the order of sending: the first that fits is the nearest.
    for (let i = this.#samples - 1; i >= first; i--) {
      if ((this.#sentAt[i % RING] as number) <= sentAt) return (this.#rttUs[i % RING] as number) - this.minRttUs;
    }
    return -1;
  }

  /** Bytes per second delivered from `from` to `to`; -1: too little was. */
  rate(from: Nanos, to: Nanos): number {
    if (to <= from) return -1;
    const start = this.#bytesAt(from);
    const end = this.#bytesAt(to);
    if (start < 0 || end <= start) return -1;
    return ((end - start) * 1e9) / (to - from);
  }

  /** Bytes delivered until `time`; -1: that is forgotten. */
  #bytesAt(time: Nanos): number {
    const first = Math.max(0, this.#acks - RING);
    for (let i = this.#acks - 1; i >= first; i--) {
      if ((this.#ackedAt[i % RING] as number) <= time) return this.#bytes[i % RING] as number;
    }
    return first === 0 ? 0 : -1;
  }
}
