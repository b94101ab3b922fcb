import { NS_PER_MS, sipHash24Into, type Nanos, type Random, type SecretRandom } from "@seville/core";

const BUCKETS = 2048;

/**
 * Identifications of datagrams that may be fragmented (RFC 6864 §5.2; `ip_idents_reserve` in net/ipv4/route.c): a
 * counter for each of 2048 buckets, chosen by a keyed hash of addresses and protocol, that also steps a random number
 * forward for the time that passed, so that an outsider learns nothing of other traffic.
 */
export class Identifications {
  readonly #key = new Uint8Array(16);
  readonly #counters = new Uint32Array(BUCKETS);
  readonly #stamps = new Float64Array(BUCKETS);
  readonly #random: Random;
  readonly #message = new Uint8Array(12);
  readonly #words = new DataView(this.#message.buffer);
  readonly #hash = new Uint32Array(2);

  constructor(secret: SecretRandom, random: Random) {
    secret(this.#key);
    this.#random = random;
    for (let i = 0; i < BUCKETS; i++) this.#counters[i] = random.uint32();
  }

  /** The first of `count` consecutive numbers (16 bits) for packets from `source` to `destination`. */
  next(source: number, destination: number, protocol: number, count: number, now: Nanos): number {
    this.#words.setUint32(0, source);
    this.#words.setUint32(4, destination);
    this.#words.setUint32(8, protocol);
    sipHash24Into(this.#hash, this.#key, this.#message);
    return this.#reserve((this.#hash[0] as number) & (BUCKETS - 1), count, now) & 0xffff;
  }

  #reserve(bucket: number, count: number, now: Nanos): number {
    // The kernel counts jiffies; at HZ=1000 that is milliseconds.
    const tick = Math.floor(now / NS_PER_MS);
    const passed = tick - (this.#stamps[bucket] as number);
    this.#stamps[bucket] = tick;
    const step = passed > 1 ? this.#random.below(Math.min(passed, 0xffff_ffff)) : 0;
    const first = (this.#counters[bucket] as number) + step;
    this.#counters[bucket] = first + count;
    return first;
  }
}
