/** Makes a loop that sums the same bytes `count` times and returns the total of the folded, big-endian sums. */
type Loop = (bytes: Buffer) => (count: number) => number;

/** What one finds in packages and answers: the sum of 16-bit words, in four ways. */
export const LOOPS: readonly (readonly [name: string, loop: Loop])[] = [
  ["naive DataView", naiveDataView],
  ["byte pairs", bytePairs],
  ["Uint16Array", uint16Array],
  ["Uint32Array", uint32Array],
];

function naiveDataView(bytes: Buffer): (count: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  function once(): number {
    let sum = 0;
    const even = view.byteLength & ~1;
    for (let at = 0; at < even; at += 2) sum += view.getUint16(at);
    if (even < view.byteLength) sum += view.getUint8(even) << 8;
    return fold(sum);
  }
  return (count) => {
    let total = 0;
    for (let i = 0; i < count; i++) total += once();
    return total;
  };
}

function bytePairs(bytes: Buffer): (count: number) => number {
  function once(): number {
    let sum = 0;
    const even = bytes.length & ~1;
    for (let at = 0; at < even; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
    if (even < bytes.length) sum += bytes[even]! << 8;
    return fold(sum);
  }
  return (count) => {
    let total = 0;
    for (let i = 0; i < count; i++) total += once();
    return total;
  };
}

/** The fastest in plain JavaScript for a few bytes; needs an even address and length. */
function uint16Array(bytes: Buffer): (count: number) => number {
  const words = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 1);
  function once(): number {
    let sum = 0;
    for (let i = 0; i < words.length; i++) sum += words[i]!;
    return swap(fold(sum));
  }
  return (count) => {
    let total = 0;
    for (let i = 0; i < count; i++) total += once();
    return total;
  };
}

/** The fastest in plain JavaScript for many bytes: doubles take the carries, in four accumulators. */
function uint32Array(bytes: Buffer): (count: number) => number {
  // Four-byte alignment is what it needs, so it is given a copy that has it.
  const aligned = new Uint8Array(Math.ceil(bytes.length / 16) * 16);
  aligned.set(bytes);
  const words = new Uint32Array(aligned.buffer);
  function once(): number {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0; i < words.length; i += 4) {
      a += words[i]!;
      b += words[i + 1]!;
      c += words[i + 2]!;
      d += words[i + 3]!;
    }
    const sum = a + b + c + d;
    return swap(fold(fold(sum >>> 0) + fold(Math.floor(sum / 0x1_0000_0000))));
  }
  return (count) => {
    let total = 0;
    for (let i = 0; i < count; i++) total += once();
    return total;
  };
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}
