import { crc32c } from "./bytes.ts";

/** CRC32c of bytes that come in pieces. Takes the place of the class of that name in `@aws-crypto/crc32c`. */
export class Crc32c {
  #crc = 0;

  /** Adds bytes. */
  update(data: Uint8Array): this {
    this.#crc = crc32c(data, this.#crc);
    return this;
  }

  /** The CRC of all bytes so far, unsigned. More may follow. */
  digest(): number {
    return this.#crc;
  }

  /** Forgets all bytes. */
  reset(): this {
    this.#crc = 0;
    return this;
  }
}

let encoder: TextEncoder | undefined;

/** CRC32c in the shape of `fast-crc32c`: of bytes or of a string's UTF-8, `initial` being the CRC of what came before. */
export function calculate(data: Uint8Array | string, initial = 0): number {
  return crc32c(typeof data === "string" ? (encoder ??= new TextEncoder()).encode(data) : data, initial);
}
