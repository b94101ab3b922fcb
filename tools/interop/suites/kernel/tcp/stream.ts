import { createHash, type Hash } from "node:crypto";

/** A prime: a byte from the wrong place is a wrong byte. The same as in scripts/peer.py. */
const PERIOD = 999_983;
const PIECE = 262_144;

/** So many bytes of the stream of a seed, and their SHA-256. */
export class Source {
  readonly #twice: Buffer;
  readonly #hash: Hash = createHash("sha256");
  left: number;
  #at = 0;

  constructor(seed: string, bytes: number) {
    const once = createHash("shake128", { outputLength: PERIOD }).update(seed).digest();
    this.#twice = Buffer.concat([once, once]);
    this.left = bytes;
  }

  /** What comes next, as much as fits a piece. */
  next(): Uint8Array {
    return this.#twice.subarray(this.#at, this.#at + Math.min(this.left, PIECE));
  }

  /** So many bytes of {@link Source.next} are gone. */
  took(count: number): void {
    this.#hash.update(this.#twice.subarray(this.#at, this.#at + count));
    this.left -= count;
    this.#at = (this.#at + count) % PERIOD;
  }

  /** SHA-256 of all that was taken. Once. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}
