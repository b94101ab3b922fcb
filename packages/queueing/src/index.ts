/**
 * Queues for anything: links, NICs and Wi-Fi stations hold their packets in them. No packet is imported here; what a queue
 * needs to know of an item it asks of a {@link QueueAccess}.
 *
 * ```ts
 * import { millis } from "@seville/core";
 * import { codel } from "@seville/queueing";
 *
 * const queue = codel<Uint8Array>({ length: (frame) => frame.length, onDrop: () => undefined }, { target: millis(5) });
 * queue.enqueue(new Uint8Array(1500), 0);
 * const frame = queue.dequeue(millis(1));
 * ```
 *
 * @packageDocumentation
 */
export {
  type Qdisc,
  type QdiscStats,
  type QueueAccess,
  XMIT_CN,
  XMIT_DROP,
  XMIT_SUCCESS,
  type XmitResult,
} from "./qdisc.ts";
export { fifo, type FifoOptions } from "./fifo.ts";
export type { CodelOptions } from "./codel-law.ts";
export { codel, type CodelQdiscOptions, type CodelStats } from "./codel.ts";
export { fqCodel, type FqCodelOptions, type FqCodelStats } from "./fq-codel.ts";
export { red, type RedOptions, type RedStats } from "./red.ts";
export { prio, type PrioOptions } from "./prio.ts";
export { tokenBucket, type TokenBucketOptions } from "./token-bucket.ts";
export {
  type Colour,
  excessRateMeter,
  type ExcessRateOptions,
  type Meter,
  policeMeter,
  type PoliceOptions,
  trTcm,
  type TrTcmOptions,
} from "./meter.ts";
export { type PoliceAction, policer, type Policer, type PolicerOptions, type PolicerStats } from "./policer.ts";
