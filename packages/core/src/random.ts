import { invalidArgument } from "./errors.ts";
import { log, pow } from "./maths.ts";
import { sipHash24Into } from "./siphash.ts";

/**
 * A stream of pseudo-random numbers that is the same on every machine.
 *
 * Each component forks a stream of its own by a label. What a fork draws depends on the seed and on the labels on the
 * way to it, and on nothing else: neither on what the parent drew before nor on which other forks there are. So a
 * component that is added to a scenario leaves the dice of all others as they were.
 *
 * Not for secrets: see `SecretRandom`.
 */
export interface Random {
  /** 32 random bits, as an unsigned integer. */
  uint32(): number;
  /** From 0 up to but not including 1, in steps of 2^-53. */
  float(): number;
  /** A whole number from 0 to `n - 1`, each as likely (no modulo bias). `n` from 1 to 2^53. */
  below(n: number): number;
  /** True with probability `p`. Always takes one draw, so that changing `p` leaves the rest of the stream as it was. */
  bool(p: number): boolean;
  /** Exponentially distributed: the gap between events that come `1 / mean` times per unit. */
  exponential(mean: number): number;
  /** Normally distributed, with standard deviation `sd`. */
  normal(mean: number, sd: number): number;
  /** Pareto distributed: at least `scale`; the smaller `shape`, the heavier the tail (no mean at 1 and below). */
  pareto(scale: number, shape: number): number;
  /** Puts `items` into random order, in place (Fisher and Yates), and returns them. */
  shuffle<T>(items: T[]): T[];
  /** The stream called `label` under this one. The same label gives the same stream again, from its beginning. */
  fork(label: string): Random;
  /** All there is to know of this stream, as plain data for JSON. */
  exportState(): RandomState;
}

/** What {@link Random.exportState} gives and {@link importRandom} takes. */
export interface RandomState {
  readonly algorithm: "xoshiro128**";
  /** The identity from which forks derive: 16 bytes as hex digits. */
  readonly key: string;
  /** The generator's four words. */
  readonly words: readonly [number, number, number, number];
}

/**
 * The root of all randomness of a run. `1`, `1n` and `"1"` are the same seed, since it may come from a command line.
 * @throws SevilleError `ERR_INVALID_ARGUMENT` for a number that is not a safe integer
 */
export function createRandom(seed: number | string | bigint): Random {
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    throw invalidArgument("seed", "a whole number up to 2^53, a bigint or a string", seed);
  }
  const key = derive(ROOT_KEY, String(seed));
  return new Xoshiro128(key, expand(key));
}

/**
 * The stream that `state` describes, at the place where it was.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function importRandom(state: RandomState): Random {
  if (!/^[0-9a-f]{32}$/.test(state.key)) throw invalidArgument("state.key", "32 hexadecimal digits", state.key);
  const words = Uint32Array.from(state.words);
  if (words.length !== 4 || words.every((word) => word === 0)) {
    throw invalidArgument("state.words", "four words, not all of them 0", state.words);
  }
  return new Xoshiro128(
    Uint8Array.from(state.key.match(/../g) ?? [], (pair) => parseInt(pair, 16)),
    words,
  );
}

/** Public, so that nobody takes it for a secret: it only spreads seeds. */
const ROOT_KEY = new TextEncoder().encode("Seville streams!");
const TWO_32 = 4_294_967_296;
const TWO_53 = 9_007_199_254_740_992;

/** Blackman and Vigna's xoshiro128** 1.1: 128 bits of state, period 2^128 - 1, 32-bit integer arithmetic only. */
class Xoshiro128 implements Random {
  readonly #key: Uint8Array;
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  constructor(key: Uint8Array, words: Uint32Array) {
    this.#key = key;
    [this.#s0, this.#s1, this.#s2, this.#s3] = words as unknown as [number, number, number, number];
  }

  uint32(): number {
    const s1 = this.#s1;
    const five = Math.imul(s1, 5);
    const result = Math.imul((five << 7) | (five >>> 25), 9) >>> 0;
    this.#s2 ^= this.#s0;
    this.#s3 ^= s1;
    this.#s1 = s1 ^ this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= s1 << 9;
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21);
    return result;
  }

  float(): number {
    return this.#bits53() / TWO_53;
  }

  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_53) throw invalidArgument("n", "a whole number from 1 to 2^53", n);
    // Draws from the incomplete last stretch of length n are thrown away.
    if (n <= TWO_32) {
      const limit = TWO_32 - (TWO_32 % n);
      for (;;) {
        const draw = this.uint32();
        if (draw < limit) return draw % n;
      }
    }
    const limit = TWO_53 - (TWO_53 % n);
    for (;;) {
      const draw = this.#bits53();
      if (draw < limit) return draw % n;
    }
  }

  bool(p: number): boolean {
    return this.float() < p;
  }

  exponential(mean: number): number {
    return -mean * log(1 - this.float());
  }

  normal(mean: number, sd: number): number {
    // Marsaglia's polar method. The second value is thrown away: the stream's state is then its four words only.
    for (;;) {
      const x = 2 * this.float() - 1;
      const y = 2 * this.float() - 1;
      const r2 = x * x + y * y;
      if (r2 < 1 && r2 > 0) return mean + sd * x * Math.sqrt((-2 * log(r2)) / r2);
    }
  }

  pareto(scale: number, shape: number): number {
    return scale / pow(1 - this.float(), 1 / shape);
  }

  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const item = items[i] as T;
      items[i] = items[j] as T;
      items[j] = item;
    }
    return items;
  }

  fork(label: string): Random {
    const key = derive(this.#key, label);
    return new Xoshiro128(key, expand(key));
  }

  exportState(): RandomState {
    return {
      algorithm: "xoshiro128**",
      key: Array.from(this.#key, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      words: [this.#s0 >>> 0, this.#s1 >>> 0, this.#s2 >>> 0, this.#s3 >>> 0],
    };
  }

  #bits53(): number {
    const high = this.uint32() >>> 5;
    return high * 67_108_864 + (this.uint32() >>> 6);
  }
}

/** The 16-byte identity of the stream `label` under `key`. */
function derive(key: Uint8Array, label: string): Uint8Array {
  const text = new TextEncoder().encode(label);
  const message = new Uint8Array(text.length + 1);
  message.set(text, 1);
  return hash128(key, message);
}

/** The first state of the stream with identity `key`: a message of one byte, which no label makes (they begin with 0 or 1). */
function expand(key: Uint8Array): Uint32Array {
  const bytes = hash128(key, Uint8Array.of(2));
  const view = new DataView(bytes.buffer);
  const words = Uint32Array.of(
    view.getUint32(0, true),
    view.getUint32(4, true),
    view.getUint32(8, true),
    view.getUint32(12, true),
  );
  // The one state from which xoshiro never moves.
  if (words.every((word) => word === 0)) words[0] = 1;
  return words;
}

/** 128 bits by two SipHashes that differ in bit 0 of the message's first byte. */
function hash128(key: Uint8Array, message: Uint8Array): Uint8Array {
  const out = new Uint32Array(2);
  const hash = new Uint8Array(16);
  const view = new DataView(hash.buffer);
  for (let half = 0; half < 2; half++) {
    message[0] = ((message[0] as number) & ~1) | half;
    sipHash24Into(out, key, message);
    view.setUint32(8 * half, out[0] as number, true);
    view.setUint32(8 * half + 4, out[1] as number, true);
  }
  return hash;
}
