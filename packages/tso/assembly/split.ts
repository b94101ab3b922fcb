// Splits a super-packet: for each segment its headers from a template, its piece of the payload, and the fields that
// differ from segment to segment. The readable twin is src/kernel/typescript/split.ts; where the numbers lie is in
// src/kernel/plan.ts. Sums are kept in the host's (little-endian) order until they are stored, see packages/checksum.

const COUNT: usize = 0;
const HEADER_BYTES: usize = 4;
const CHECKSUM_FIELD: usize = 8;
const MANGLE_ZERO: usize = 12;
const SEQUENCE_FIELD: usize = 16;
const SEQUENCE: usize = 20;
const IP_COUNT: usize = 24;
const SIZE: usize = 28;
const LAST_LENGTH: usize = 32;
const INCREMENT: usize = 36;
const FIRST_NUMBER: usize = 40;
const FIRST_TEMPLATE: usize = 44;
const LAST_TEMPLATE: usize = 48;
const SOURCE: usize = 52;
const IPS: usize = 64;
const TEMPLATES: usize = 96;
const TEMPLATE_BYTES: usize = 32;
const MIDDLE: usize = 1;
const TARGETS: usize = 192;
const PIECE_COUNTS: usize = 704;
const PIECES: usize = 1216;
const NONE: u32 = 0xffff_ffff;

/** Makes the segments that the plan at `plan` describes. */
export function split(plan: usize): void {
  const count: usize = load<u32>(plan, COUNT);
  if (count == 0) return;
  const headerBytes: usize = load<u32>(plan, HEADER_BYTES);
  const size: usize = load<u32>(plan, SIZE);
  const sums = load<u32>(plan, CHECKSUM_FIELD) != NONE;
  const increment = load<u32>(plan, INCREMENT);
  let source: usize = load<u32>(plan, SOURCE);
  const isWhole = source != 0;
  let piece = plan + PIECES;
  let number = load<u32>(plan, FIRST_NUMBER);
  let sequence = load<u32>(plan, SEQUENCE);
  const last = count - 1;
  for (let i: usize = 0; i < count; i++) {
    const index: usize = i == last ? load<u32>(plan, LAST_TEMPLATE) : i == 0 ? load<u32>(plan, FIRST_TEMPLATE) : MIDDLE;
    const length: usize = i == last ? load<u32>(plan, LAST_LENGTH) : size;
    const template = plan + TEMPLATES + index * TEMPLATE_BYTES;
    const target: usize = load<u32>(plan + TARGETS + (i << 2));
    copyHeader(target, load<u32>(template), headerBytes);
    let sum: u64 = 0;
    if (isWhole) {
      sum = copy(target + headerBytes, source, length, sums);
      source += length;
    } else {
      const end = piece + (load<u32>(plan + PIECE_COUNTS + (i << 2)) << 3);
      sum = copyPieces(target + headerBytes, piece, end, sums);
      piece = end;
    }
    numberIps(plan, template, target, number);
    finishTransport(plan, template, target, sequence, sum);
    number += increment;
    sequence += u32(size);
  }
}

/** The identification of each IPv4 header, and so its checksum. */
@inline
function numberIps(plan: usize, template: usize, target: usize, number: u32): void {
  const count: usize = load<u32>(plan, IP_COUNT);
  for (let i: usize = 0; i < count; i++) {
    const ip = plan + IPS + (i << 4);
    const at = target + load<u32>(ip);
    const id = (load<u32>(ip, 4) + number) & 0xffff;
    store<u16>(at, bswap<u16>(u16(id)), 4);
    store<u16>(at, bswap<u16>(u16(~fold(u64(load<u32>(template + (i << 2), 8) + id)))), 10);
  }
}

/** The sequence number, and the checksum over what the template knows of it and the payload. */
@inline
function finishTransport(plan: usize, template: usize, target: usize, sequence: u32, sum: u64): void {
  const sequenceField = load<u32>(plan, SEQUENCE_FIELD);
  let known: u64 = load<u32>(template, 4);
  if (sequenceField != NONE) {
    store<u32>(target + sequenceField, bswap<u32>(sequence));
    known += sequence;
  }
  const checksumField = load<u32>(plan, CHECKSUM_FIELD);
  if (checksumField == NONE) return;
  let checksum = ~fold(known + bswap<u16>(u16(fold(sum)))) & 0xffff;
  if (checksum == 0 && load<u32>(plan, MANGLE_ZERO) != 0) checksum = 0xffff;
  store<u16>(target + checksumField, bswap<u16>(u16(checksum)));
}

/** Copies the pieces of a segment's payload; the sum of what was copied, as little-endian words. */
function copyPieces(target: usize, piece: usize, end: usize, sums: bool): u64 {
  let acc: u64 = 0;
  let odd: u32 = 0;
  for (; piece < end; piece += 8) {
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
    for (const end = source + (length & ~127); source < end; source += 128, target += 128) {
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
      const e = v128.load(source, 64);
      const f = v128.load(source, 80);
      const g = v128.load(source, 96);
      const h = v128.load(source, 112);
      v128.store(target, e, 64);
      v128.store(target, f, 80);
      v128.store(target, g, 96);
      v128.store(target, h, 112);
      s0 = i32x4.add(s0, e);
      h0 = i32x4.add(h0, i32x4.shr_u(e, 16));
      s1 = i32x4.add(s1, f);
      h1 = i32x4.add(h1, i32x4.shr_u(f, 16));
      s0 = i32x4.add(s0, g);
      h0 = i32x4.add(h0, i32x4.shr_u(g, 16));
      s1 = i32x4.add(s1, h);
      h1 = i32x4.add(h1, i32x4.shr_u(h, 16));
    }
    for (const end = source + (length & 112); source < end; source += 16, target += 16) {
      const a = v128.load(source);
      v128.store(target, a);
      s0 = i32x4.add(s0, a);
      h0 = i32x4.add(h0, i32x4.shr_u(a, 16));
    }
    acc = lanes(s0, h0) + lanes(s1, h1);
    length &= 15;
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
