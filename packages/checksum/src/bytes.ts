import { kernelsOf } from "./kernels.ts";
import type { PartialSum } from "./partial.ts";
import { crc32cTypeScript } from "./typescript/crc32c.ts";
import { sumBytes } from "./typescript/sum.ts";

/** The sum of any bytes, as big-endian words from the first byte on, plus `seed`. See {@link PartialSum}. */
export function sum(bytes: Uint8Array, seed: PartialSum = 0): PartialSum {
  const kernels = kernelsOf(bytes.buffer);
  if (kernels !== undefined) return kernels.sum(bytes.byteOffset, bytes.length, seed);
  return sumBytes(bytes, 0, bytes.length, seed);
}

/** CRC32c of any bytes. `seed` is the CRC of what came before them. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const kernels = kernelsOf(bytes.buffer);
  if (kernels !== undefined) return kernels.crc32c(bytes.byteOffset, bytes.length, seed);
  return crc32cTypeScript(bytes, 0, bytes.length, seed);
}
