import { add, fold, type PartialSum } from "../partial.ts";

/** A buffer as the elements that the loops below read. */
export interface SumViews {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
}

export function sumViews(buffer: ArrayBufferLike): SumViews {
  return {
    u8: new Uint8Array(buffer),
    u16: new Uint16Array(buffer, 0, buffer.byteLength >>> 1),
    u32: new Uint32Array(buffer, 0, buffer.byteLength >>> 2),
  };
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** A double counts 2^21 words of 32 bits exactly; four of them are in use. */
const MAX_BLOCK = 1 << 23;

/** Adds the bytes `[offset, offset + length)`, byte by byte. Best for a few bytes; fewer than 128 KiB. */
export function sumBytes(u8: Uint8Array, offset: number, length: number, seed: PartialSum): PartialSum {
  const lastPair = offset + length - 1;
  let total = 0;
  let at = offset;
  for (; at < lastPair; at += 2) {
    total += ((u8[at] as number) << 8) | (u8[at + 1] as number);
  }
  if (at === lastPair) total += (u8[at] as number) << 8;
  return add(seed, fold(total));
}

/**
 * The same by 32-bit words at their natural alignment, in the host's byte order (RFC 1071 §2 (B): the sum does not mind,
 * one exchange of the result's bytes puts it right). Doubles take the place of carries.
 */
export function sumTypeScript(views: SumViews, offset: number, length: number, seed: PartialSum): PartialSum {
  let total = 0;
  for (; length > MAX_BLOCK; offset += MAX_BLOCK, length -= MAX_BLOCK) total += sumBlock(views, offset, MAX_BLOCK);
  return add(seed, foldDouble(total + sumBlock(views, offset, length)));
}

function sumBlock({ u8, u16, u32 }: SumViews, offset: number, length: number): number {
  if (length === 0) return 0;
  const end = offset + length;
  let at = offset;
  let a = 0;
  if ((at & 1) === 1) {
    a += inWord(u8[at] as number, IS_LITTLE_ENDIAN);
    at++;
  }
  if ((at & 2) === 2 && at + 2 <= end) {
    a += u16[at >>> 1] as number;
    at += 2;
  }
  let b = 0;
  let c = 0;
  let d = 0;
  let word = at >>> 2;
  for (const stop = end >>> 2; word + 4 <= stop; word += 4) {
    a += u32[word] as number;
    b += u32[word + 1] as number;
    c += u32[word + 2] as number;
    d += u32[word + 3] as number;
  }
  at = word << 2 > at ? word << 2 : at;
  for (; at + 4 <= end && (at & 3) === 0; at += 4) a += u32[at >>> 2] as number;
  for (; at + 2 <= end; at += 2) a += u16[at >>> 1] as number;
  if (at < end) a += inWord(u8[at] as number, !IS_LITTLE_ENDIAN);
  const native = foldDouble(a + b + c + d);
  const mustSwap = IS_LITTLE_ENDIAN === ((offset & 1) === 0);
  return mustSwap ? ((native & 0xff) << 8) | (native >>> 8) : native;
}

/** A byte as a 16-bit word of the host, in its high or low half. */
function inWord(byte: number, high: boolean): number {
  return high ? byte << 8 : byte;
}

/** A sum of up to 2^53 as 16 bits; 0 only for 0. */
export function foldDouble(total: number): number {
  const high = Math.floor(total / 0x1_0000_0000);
  return fold(fold(total >>> 0) + fold(high));
}
