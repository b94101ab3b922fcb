import { bindBareCrc32c, type Crc32cKernels } from "@seville/checksum";
import type { Nanos, PacketMemory } from "@seville/core";

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/**
 * 128 bits over what happened, in order: MurmurHash3 (x86, 128 bits; public domain, A. Appleby) over records of time, place, length and
 * CRC32c of the bytes. It tells runs apart; it is no protection against somebody who wants two to look alike.
 */
export class TraceHash {
  readonly #kernels: Crc32cKernels;
  #h1 = 0;
  #h2 = 0;
  #h3 = 0;
  #h4 = 0;
  #length = 0;

  constructor(memory: PacketMemory) {
    // A capture reads every frame; whoever counts what hosts read does not want that among it.
    this.#kernels = bindBareCrc32c(memory);
  }

  /** Adds that at `time` the `length` bytes at `offset` passed `place`. */
  add(time: Nanos, place: number, offset: number, length: number): void {
    const crc = this.#kernels.crc32c(offset, length);
    this.#block(time % 4_294_967_296, Math.floor(time / 4_294_967_296) ^ (place << 21), length, crc);
  }

  /** 32 hexadecimal digits. More may be added afterwards. */
  digest(): string {
    let h1 = this.#h1 ^ this.#length;
    let h2 = this.#h2 ^ this.#length;
    let h3 = this.#h3 ^ this.#length;
    let h4 = this.#h4 ^ this.#length;
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
    h1 = finalMix(h1);
    h2 = finalMix(h2);
    h3 = finalMix(h3);
    h4 = finalMix(h4);
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
    return [h1, h2, h3, h4].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #block(k1: number, k2: number, k3: number, k4: number): void {
    this.#length += 16;
    this.#h1 ^= Math.imul(rotate(Math.imul(k1, C1), 15), C2);
    this.#h1 = (Math.imul((rotate(this.#h1, 19) + this.#h2) | 0, 5) + 0x561ccd1b) | 0;
    this.#h2 ^= Math.imul(rotate(Math.imul(k2, C2), 16), C3);
    this.#h2 = (Math.imul((rotate(this.#h2, 17) + this.#h3) | 0, 5) + 0x0bcaa747) | 0;
    this.#h3 ^= Math.imul(rotate(Math.imul(k3, C3), 17), C4);
    this.#h3 = (Math.imul((rotate(this.#h3, 15) + this.#h4) | 0, 5) + 0x96cd1c35) | 0;
    this.#h4 ^= Math.imul(rotate(Math.imul(k4, C4), 18), C1);
    this.#h4 = (Math.imul((rotate(this.#h4, 13) + this.#h1) | 0, 5) + 0x32ac3b17) | 0;
  }
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function finalMix(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
