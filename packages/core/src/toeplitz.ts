import { invalidArgument } from "./errors.ts";

/*
 * Receive-side scaling: the Toeplitz hash by which a NIC spreads flows over its queues (Microsoft, "RSS Hashing
 * Functions"). The input is the addresses, then the ports, source first, as they stand in the packet.
 */

/** The key of Microsoft's verification suite, which many drivers have as their default. */
export const MICROSOFT_RSS_KEY: Uint8Array = Uint8Array.of(
  ...[0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca],
  ...[0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b],
  ...[0xbe, 0xac, 0x01, 0xfa],
);

/**
 * A key with a period of 16 bits: both directions of a flow get the same hash (Woo and Park 2012), since swapping the
 * addresses and the ports moves bits by multiples of 16.
 */
export const SYMMETRIC_RSS_KEY: Uint8Array = Uint8Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 0x6d : 0x5a));

/**
 * The Toeplitz hash of `input`, an unsigned 32-bit number: for every 1 bit of the input, the 32 bits of the key that
 * begin at the same place. The key is longer than the input by 4 bytes at least.
 * @throws SevilleError `ERR_INVALID_ARGUMENT` for a key that is too short
 */
export function toeplitz(key: Uint8Array, input: Uint8Array): number {
  requireKeyFor(key, input.length);
  let hash = 0;
  let window = keyWord(key, 0);
  for (let i = 0; i < input.length; i++) {
    const next = key[i + 4] as number;
    for (let bit = 7; bit >= 0; bit--) {
      if ((((input[i] as number) >>> bit) & 1) === 1) hash ^= window;
      window = (window << 1) | ((next >>> bit) & 1);
    }
  }
  return hash >>> 0;
}

/** {@link toeplitz} for many inputs with one key: one look-up per byte. */
export interface ToeplitzHasher {
  /** The hash of `bytes` from `start` to `end`, at most as many as the hasher was made for. */
  hash(bytes: Uint8Array, start: number, end: number): number;
}

/** Prepares `key` for inputs of up to `maxInput` bytes (default: as many as the key serves). Takes 1 KiB per byte of input. */
export function createToeplitzHasher(key: Uint8Array, maxInput: number = key.length - 4): ToeplitzHasher {
  requireKeyFor(key, maxInput);
  const table = new Int32Array(256 * maxInput);
  for (let i = 0; i < maxInput; i++) {
    for (let bit = 0; bit < 8; bit++) {
      // The hash is linear: the entry of a byte is that of its highest bit XOR that of the rest.
      const shift = 7 - bit;
      const word = keyWord(key, i);
      const one = shift === 0 ? word : (word << shift) | ((key[i + 4] as number) >>> (8 - shift));
      const base = 256 * i;
      for (let rest = 0; rest < 1 << bit; rest++)
        table[base + (1 << bit) + rest] = one ^ (table[base + rest] as number);
    }
  }
  return {
    hash(bytes, start, end) {
      if (end - start > maxInput) throw invalidArgument("end", `at most ${maxInput} bytes after start`, end - start);
      let hash = 0;
      for (let at = start, base = 0; at < end; at++, base += 256) {
        hash ^= table[base + (bytes[at] as number)] as number;
      }
      return hash >>> 0;
    },
  };
}

/**
 * An indirection table as drivers fill it: entry i is queue i modulo `queues` (`ethtool_rxfh_indir_default`), or with
 * `weights` each queue has its share of the entries (`ethtool -X … weight`).
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function createIndirectionTable(queues: number, size: number = 128, weights?: readonly number[]): Uint16Array {
  if (!Number.isInteger(queues) || queues < 1 || queues > 65_536) throw invalidArgument("queues", "1 to 65536", queues);
  if (!Number.isInteger(size) || size < 1 || (size & (size - 1)) !== 0) {
    throw invalidArgument("size", "a power of 2", size);
  }
  if (weights === undefined) return Uint16Array.from({ length: size }, (_, i) => i % queues);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length !== queues || total <= 0 || weights.some((weight) => !(weight >= 0))) {
    throw invalidArgument("weights", `${queues} weights of 0 or more, not all of them 0`, weights);
  }
  let queue = 0;
  let share = weights[0] as number;
  return Uint16Array.from({ length: size }, (_, i) => {
    while ((i * total) / size >= share) share += weights[++queue] as number;
    return queue;
  });
}

/** The queue of a packet: the low bits of its hash choose the entry of the indirection table. */
export function queueOf(table: Uint16Array, hash: number): number {
  return table[hash & (table.length - 1)] as number;
}

function requireKeyFor(key: Uint8Array, inputLength: number): void {
  if (inputLength >= 0 && key.length >= inputLength + 4) return;
  throw invalidArgument("key", `at least ${inputLength + 4} bytes`, key.length);
}

function keyWord(key: Uint8Array, at: number): number {
  return (
    ((key[at] as number) << 24) |
    ((key[at + 1] as number) << 16) |
    ((key[at + 2] as number) << 8) |
    (key[at + 3] as number)
  );
}
