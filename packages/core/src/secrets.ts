import { sipHash24 } from "./siphash.ts";

/**
 * Fills `into` with bytes that nobody can guess, for tags, initial sequence numbers, cookies and keys.
 *
 * On a real network this is the system's generator (the `/node` entries pass `crypto.randomFillSync`); in a simulation
 * it is a seeded stream, see {@link simulatedSecrets}. It never decides behaviour: that is what `Random` is for.
 */
export type SecretRandom = (into: Uint8Array) => void;

/** The keyed functions that engines need; synchronous, because an engine answers at once. */
export interface CryptoProvider {
  /** HMAC-SHA-256 (RFC 2104, FIPS 180-4): 32 bytes. */
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** SipHash-2-4 with a key of 16 bytes: 64 bits. */
  sipHash(key: Uint8Array, message: Uint8Array): bigint;
}

/** The part of {@link CryptoProvider} that `core` computes itself. */
export const portableSipHash: Pick<CryptoProvider, "sipHash"> = { sipHash: sipHash24 };

/** Secrets for a simulation: drawn from a seeded stream, so that a run repeats. Never for a real network. */
export function simulatedSecrets(random: { uint32(): number }): SecretRandom {
  return (into) => {
    let word = 0;
    for (let i = 0; i < into.length; i++) {
      if ((i & 3) === 0) word = random.uint32();
      into[i] = word >>> (8 * (i & 3));
    }
  };
}
