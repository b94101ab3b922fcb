import { invalidArgument } from "./errors.ts";

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a fast keyed hash of short messages. What the kernel uses for initial
 * sequence numbers, SYN cookies, flow hashes and flow labels.
 *
 * `key` has 16 bytes. The result is the low and the high 32 bits in `out[0]` and `out[1]`: nothing is allocated.
 */
export function sipHash24Into(
  out: Uint32Array,
  key: Uint8Array,
  message: Uint8Array,
  start: number = 0,
  end: number = message.length,
): void {
  if (key.length !== 16) throw invalidArgument("key", "16 bytes", key.length);
  load(key);
  let at = start;
  for (; at + 8 <= end; at += 8) absorb(word(message, at), word(message, at + 4));
  absorb(tail(message, at, Math.min(at + 4, end)), tail(message, at + 4, end) | ((end - start) << 24));
  v2l ^= 0xff;
  for (let i = 0; i < 4; i++) round();
  out[0] = v0l ^ v1l ^ v2l ^ v3l;
  out[1] = v0h ^ v1h ^ v2h ^ v3h;
}

/** SipHash-2-4 of `message`, all 64 bits. */
export function sipHash24(key: Uint8Array, message: Uint8Array): bigint {
  sipHash24Into(result, key, message);
  return (BigInt(result[1] as number) << 32n) | BigInt(result[0] as number);
}

/** The low 32 bits of SipHash-2-4 of `message`: what the kernel keeps where it needs a 32-bit number. */
export function sipHash32(key: Uint8Array, message: Uint8Array): number {
  sipHash24Into(result, key, message);
  return result[0] as number;
}

const result = new Uint32Array(2);

// The state v0 to v3 in halves: JavaScript has no 64-bit integers that are fast.
let v0l = 0;
let v0h = 0;
let v1l = 0;
let v1h = 0;
let v2l = 0;
let v2h = 0;
let v3l = 0;
let v3h = 0;

/** v0 to v3 = key XOR "somepseudorandomlygeneratedbytes" (§2.1 of the paper). */
function load(key: Uint8Array): void {
  const k0l = word(key, 0);
  const k0h = word(key, 4);
  const k1l = word(key, 8);
  const k1h = word(key, 12);
  v0l = k0l ^ 0x70736575;
  v0h = k0h ^ 0x736f6d65;
  v1l = k1l ^ 0x6e646f6d;
  v1h = k1h ^ 0x646f7261;
  v2l = k0l ^ 0x6e657261;
  v2h = k0h ^ 0x6c796765;
  v3l = k1l ^ 0x79746573;
  v3h = k1h ^ 0x74656462;
}

function absorb(low: number, high: number): void {
  v3l ^= low;
  v3h ^= high;
  round();
  round();
  v0l ^= low;
  v0h ^= high;
}

/** SipRound (§2.1). Additions carry by hand; `t` keeps what a rotation would overwrite. */
function round(): void {
  let sum = (v0l >>> 0) + (v1l >>> 0);
  v0h = (v0h + v1h + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  v0l = sum | 0;
  let t = (v1l << 13) | (v1h >>> 19);
  v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
  v1l = t ^ v0l;
  t = v0l;
  v0l = v0h;
  v0h = t;

  sum = (v2l >>> 0) + (v3l >>> 0);
  v2h = (v2h + v3h + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  v2l = sum | 0;
  t = (v3l << 16) | (v3h >>> 16);
  v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
  v3l = t ^ v2l;

  sum = (v0l >>> 0) + (v3l >>> 0);
  v0h = (v0h + v3h + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  v0l = sum | 0;
  t = (v3l << 21) | (v3h >>> 11);
  v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
  v3l = t ^ v0l;

  sum = (v2l >>> 0) + (v1l >>> 0);
  v2h = (v2h + v1h + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  v2l = sum | 0;
  t = (v1l << 17) | (v1h >>> 15);
  v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
  v1l = t ^ v2l;
  t = v2l;
  v2l = v2h;
  v2h = t;
}

/** Four bytes, little-endian. */
function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** What is left of a message before `end`, as a little-endian number filled up with zeroes. */
function tail(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = at; i < end; i++) value |= (bytes[i] as number) << (8 * (i - at));
  return value;
}
