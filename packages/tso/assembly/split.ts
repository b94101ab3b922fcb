// Splits a super-packet: for each segment its headers from a template, its piece of the payload, and the fields that
// differ from segment to segment. The readable twin is src/kernel/typescript/split.ts; where the numbers lie is in
// src/kernel/plan.ts. Sums are kept in the host's (little-endian) order until they are stored, see packages/checksum.

const BATCH_SEGMENTS: usize = 0;
const HEADER_BYTES: usize = 4;
const CHECKSUM_FIELD: usize = 8;
const MANGLE_ZERO: usize = 12;
const SEQUENCE_FIELD: usize = 16;
const SEQUENCE: usize = 20;
const IP_COUNT: usize = 24;
const IPS: usize = 32;
const TEMPLATES: usize = 96;
const TEMPLATE_BYTES: usize = 32;
const SEGMENTS: usize = 192;
const SEGMENT_BYTES: usize = 32;
const NONE: u32 = 0xffff_ffff;

/** Makes the segments that the plan at `plan` describes. */
export function split(plan: usize): void {
  const headerBytes = load<u32>(plan, HEADER_BYTES);
  const checksumField = load<u32>(plan, CHECKSUM_FIELD);
  const end = plan + SEGMENTS + load<u32>(plan, BATCH_SEGMENTS) * SEGMENT_BYTES;
  for (let segment = plan + SEGMENTS; segment < end; segment += SEGMENT_BYTES) {
    const target: usize = load<u32>(segment);
    const template = plan + TEMPLATES + load<u32>(segment, 16) * TEMPLATE_BYTES;
    copyHeader(target, load<u32>(template), headerBytes);
    const sum = copyPieces(target + headerBytes, segment, checksumField != NONE);
    numberIps(plan, template, target, load<u32>(segment, 24));
    finishTransport(plan, template, target, load<u32>(segment, 20), sum);
  }
}

/** The identification of each IPv4 header, and so its checksum. */
@inline
function numberIps(plan: usize, template: usize, target: usize, index: u32): void {
  const count: usize = load<u32>(plan, IP_COUNT);
  for (let i: usize = 0; i < count; i++) {
    const ip = plan + IPS + (i << 4);
    const at = target + load<u32>(ip);
    const id = (load<u32>(ip, 4) + index) & 0xffff;
    store<u16>(at, bswap<u16>(u16(id)), 4);
    store<u16>(at, bswap<u16>(u16(~fold(u64(load<u32>(template + (i << 2), 8) + id)))), 10);
  }
}

/** The sequence number, and the checksum over what the template knows of it and the payload. */
@inline
function finishTransport(plan: usize, template: usize, target: usize, offset: u32, sum: u64): void {
  const sequenceField = load<u32>(plan, SEQUENCE_FIELD);
  let known: u64 = load<u32>(template, 4);
  if (sequenceField != NONE) {
    const sequence = load<u32>(plan, SEQUENCE) + offset;
    store<u32>(target + sequenceField, bswap<u32>(sequence));
    known += sequence;
  }
  const checksumField = load<u32>(plan, CHECKSUM_FIELD);
  if (checksumField == NONE) return;
  let checksum = ~fold(known + bswap<u16>(u16(fold(sum)))) & 0xffff;
  if (checksum == 0 && load<u32>(plan, MANGLE_ZERO) != 0) checksum = 0xffff;
  store<u16>(target + checksumField, bswap<u16>(u16(checksum)));
}

/** Copies the pieces that make up the payload of `segment`; the sum of what was copied, as little-endian words. */
@inline
function copyPieces(target: usize, segment: usize, sums: bool): u64 {
  const pieces = load<u32>(segment, 12);
  if (pieces == 1) return copy(target, load<u32>(segment, 8), load<u32>(segment, 4), sums);
  let acc: u64 = 0;
  let odd: u32 = 0;
  let piece: usize = load<u32>(segment, 8);
  for (const end = piece + (pieces << 3); piece < end; piece += 8) {
    const length = load<u32>(piece, 4);
    const sum = fold(copy(target, load<u32>(piece), length, sums));
    // A piece behind an odd number of bytes begins in the second half of a word.
    acc += odd != 0 ? bswap<u16>(u16(sum)) : sum;
    odd ^= length & 1;
    target += length;
  }
  return acc;
}

/** Copies `length` bytes; the last vector overlaps the one before it, so nothing behind them is touched. */
@inline
function copyHeader(target: usize, source: usize, length: usize): void {
  if (length < 16) {
    for (let i: usize = 0; i < length; i++) store<u8>(target + i, load<u8>(source + i));
    return;
  }
  const last = length - 16;
  for (let i: usize = 0; i < last; i += 16) v128.store(target + i, v128.load(source + i));
  v128.store(target + last, v128.load(source + last));
}

@inline
function copy(target: usize, source: usize, length: usize, sums: bool): u64 {
  if (sums) return copyAndSum(target, source, length);
  memory.copy(target, source, length);
  return 0;
}

/** Copies forward and sums, by S = sum of lanes and H = sum of their high halves: exact for up to 1 MiB. */
function copyAndSum(target: usize, source: usize, length: usize): u64 {
  let acc: u64 = 0;
  if (length >= 64) {
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let h0 = s0;
    let h1 = s0;
    do {
      const a = v128.load(source);
      const b = v128.load(source, 16);
      const c = v128.load(source, 32);
      const d = v128.load(source, 48);
      v128.store(target, a);
      v128.store(target, b, 16);
      v128.store(target, c, 32);
      v128.store(target, d, 48);
      s0 = i32x4.add(s0, a);
      h0 = i32x4.add(h0, i32x4.shr_u(a, 16));
      s1 = i32x4.add(s1, b);
      h1 = i32x4.add(h1, i32x4.shr_u(b, 16));
      s0 = i32x4.add(s0, c);
      h0 = i32x4.add(h0, i32x4.shr_u(c, 16));
      s1 = i32x4.add(s1, d);
      h1 = i32x4.add(h1, i32x4.shr_u(d, 16));
      source += 64;
      target += 64;
      length -= 64;
    } while (length >= 64);
    acc = lanes(s0, h0) + lanes(s1, h1);
  }
  for (; length >= 8; length -= 8) {
    const word = load<u64>(source);
    store<u64>(target, word);
    acc += (word & 0xffff_ffff) + (word >> 32);
    source += 8;
    target += 8;
  }
  for (; length >= 2; length -= 2) {
    const word = load<u16>(source);
    store<u16>(target, word);
    acc += word;
    source += 2;
    target += 2;
  }
  if (length != 0) {
    const byte = load<u8>(source);
    store<u8>(target, byte);
    acc += byte;
  }
  return acc;
}

@inline
function lanes(s: v128, h: v128): u64 {
  const low = i32x4.sub(s, i32x4.shl(h, 16));
  const pairs = i64x2.add(
    i64x2.add(i64x2.extend_low_i32x4_u(low), i64x2.extend_high_i32x4_u(low)),
    i64x2.add(i64x2.extend_low_i32x4_u(h), i64x2.extend_high_i32x4_u(h)),
  );
  return i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1);
}

/** To 16 bits; 0 only for 0. */
@inline
function fold(acc: u64): u32 {
  acc = (acc & 0xffff_ffff) + (acc >> 32);
  let sum = u32(acc) + u32(acc >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}
