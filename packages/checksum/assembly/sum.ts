// Internet checksum (RFC 1071) over bytes in memory, 16 bytes at a time. The readable twin is src/typescript/sum.ts.
//
// Words are summed in the host's (little-endian) order and the result's two bytes are exchanged at the end, which is the
// same (RFC 1071 §2 (B)). For the two halves of each 32-bit lane we keep S, the sum of whole lanes modulo 2^32, and H,
// the sum of their high halves: the sum of the low halves is then S - (H << 16) modulo 2^32, exact for up to 65537
// additions. Two additions and a shift per vector, where masking both halves takes five operations.

/** Bytes per block: 65536 additions to each of two accumulators of 16 bytes. */
const BLOCK: usize = 1 << 21;

/** `seed` plus the sum of `length` bytes at `at`, as big-endian words, with end-around carry. */
export function sum(at: usize, length: usize, seed: u32): u32 {
  return addCarry(seed, swap16(fold(total(at, length))));
}

/** Copies like memmove and sums what is copied. */
export function copyAndSum(target: usize, source: usize, length: usize, seed: u32): u32 {
  // Overlapping in the way that a forward copy would spoil, or long: two passes.
  if (target - source < length || length > BLOCK) {
    const result = sum(source, length, seed);
    memory.copy(target, source, length);
    return result;
  }
  return addCarry(seed, swap16(fold(copyTotal(target, source, length))));
}

/** Sums `count` ranges; a record is offset, length, seed, result. */
export function sumMany(table: usize, count: usize): void {
  for (const end = table + (count << 4); table < end; table += 16) {
    store<u32>(table, sum(load<u32>(table), load<u32>(table, 4), load<u32>(table, 8)), 12);
  }
}

/** Verifies `count` ranges; the result is 1 for a range that folds to 0xffff. Returns how many do not. */
export function verifyMany(table: usize, count: usize): u32 {
  let bad: u32 = 0;
  for (const end = table + (count << 4); table < end; table += 16) {
    const valid = u32(fold(sum(load<u32>(table), load<u32>(table, 4), load<u32>(table, 8))) == 0xffff);
    store<u32>(table, valid, 12);
    bad += 1 - valid;
  }
  return bad;
}

/** The sum of the bytes as little-endian words; not folded. */
function total(at: usize, length: usize): u64 {
  let acc: u64 = 0;
  while (length > BLOCK) {
    acc += vectors(at, at + BLOCK);
    at += BLOCK;
    length -= BLOCK;
  }
  if (length >= 64) {
    const whole = length & ~63;
    acc += vectors(at, at + whole);
    at += whole;
    length &= 63;
  }
  return acc + rest(at, length);
}

/** The sum of the bytes `[at, end)`: a positive multiple of 64 of them, no more than BLOCK. */
function vectors(at: usize, end: usize): u64 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let h0 = s0;
  let h1 = s0;
  do {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    s0 = i32x4.add(s0, a);
    h0 = i32x4.add(h0, i32x4.shr_u(a, 16));
    s1 = i32x4.add(s1, b);
    h1 = i32x4.add(h1, i32x4.shr_u(b, 16));
    s0 = i32x4.add(s0, c);
    h0 = i32x4.add(h0, i32x4.shr_u(c, 16));
    s1 = i32x4.add(s1, d);
    h1 = i32x4.add(h1, i32x4.shr_u(d, 16));
    at += 64;
  } while (at < end);
  return lanes(s0, h0) + lanes(s1, h1);
}

/** {@link total} of `length` bytes that are copied on the way. Forward, so `target` may lie below `source`. */
function copyTotal(target: usize, source: usize, length: usize): u64 {
  let acc: u64 = 0;
  if (length >= 32) {
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let h0 = s0;
    let h1 = s0;
    do {
      const a = v128.load(source);
      const b = v128.load(source, 16);
      v128.store(target, a);
      v128.store(target, b, 16);
      s0 = i32x4.add(s0, a);
      h0 = i32x4.add(h0, i32x4.shr_u(a, 16));
      s1 = i32x4.add(s1, b);
      h1 = i32x4.add(h1, i32x4.shr_u(b, 16));
      source += 32;
      target += 32;
      length -= 32;
    } while (length >= 32);
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

/** The sum of the eight 16-bit halves that S and H stand for. */
@inline
function lanes(s: v128, h: v128): u64 {
  const low = i32x4.sub(s, i32x4.shl(h, 16));
  const pairs = i64x2.add(
    i64x2.add(i64x2.extend_low_i32x4_u(low), i64x2.extend_high_i32x4_u(low)),
    i64x2.add(i64x2.extend_low_i32x4_u(h), i64x2.extend_high_i32x4_u(h)),
  );
  return i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1);
}

/** The sum of fewer than 64 bytes. */
@inline
function rest(at: usize, length: usize): u64 {
  let acc: u64 = 0;
  while (length >= 8) {
    const word = load<u64>(at);
    acc += (word & 0xffff_ffff) + (word >> 32);
    at += 8;
    length -= 8;
  }
  if ((length & 4) != 0) {
    acc += load<u32>(at);
    at += 4;
  }
  if ((length & 2) != 0) {
    acc += load<u16>(at);
    at += 2;
  }
  if ((length & 1) != 0) acc += load<u8>(at);
  return acc;
}

/** To 16 bits; 0 only for 0. */
@inline
function fold(acc: u64): u32 {
  acc = (acc & 0xffff_ffff) + (acc >> 32);
  let sum = u32(acc) + u32(acc >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

@inline
function swap16(word: u32): u32 {
  return ((word & 0xff) << 8) | (word >> 8);
}

@inline
function addCarry(a: u32, b: u32): u32 {
  const sum = u64(a) + u64(b);
  return u32(sum) + u32(sum >> 32);
}
