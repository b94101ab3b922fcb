/**
 * The bytes that scripts send: the byte at position `i` of a stream says `i`, so that bytes out of place show. The period is
 * coprime to every plausible segment size.
 */
export const PATTERN_PERIOD = 251;

/** `length` bytes of the stream from position `from` on. */
export function pattern(from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let value = ((from % PATTERN_PERIOD) + PATTERN_PERIOD) % PATTERN_PERIOD;
  for (let i = 0; i < length; i++) {
    bytes[i] = value;
    value = value + 1 === PATTERN_PERIOD ? 0 : value + 1;
  }
  return bytes;
}

/** Where `bytes` first differ from the stream at `from`; -1: nowhere. */
export function firstDifference(bytes: Uint8Array, from: number): number {
  const expected = pattern(from, bytes.length);
  return bytes.findIndex((byte, i) => byte !== expected[i]);
}
