import { invalidArgument, sipHash24Into, type SecretRandom } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import { drawKey, putAddress } from "./address-bytes.ts";
import type { FastOpenCache, FastOpenCacheEntry, FastOpenKeys } from "./parts.ts";

/** TCP_FASTOPEN_COOKIE_SIZE. */
const COOKIE_BYTES = 8;
/** TCP_FASTOPEN_KEY_MAX: the one in use and the one before it. */
const MAX_KEYS = 2;

/**
 * The server's cookies (RFC 7413 §4.1.2, net/ipv4/tcp_fastopen.c): SipHash of the client's and the server's address. Two
 * keys let one be replaced without a client noticing more than a new cookie.
 */
export function createFastOpenKeys(secretRandom: SecretRandom): FastOpenKeys {
  let keys: readonly Uint8Array[] = [drawKey(secretRandom)];
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  const hash = new Uint32Array(2);

  function compute(key: Uint8Array, local: IpAddress, remote: IpAddress): void {
    sipHash24Into(hash, key, bytes, 0, putAddress(view, putAddress(view, 0, remote), local));
  }

  /** The hash in memory order of a little-endian machine, as `cpu_to_le64` leaves it. */
  function byteOfHash(i: number): number {
    return ((hash[i >>> 2] as number) >>> (8 * (i & 3))) & 0xff;
  }

  function matches(u8: Uint8Array, at: number): boolean {
    let difference = 0;
    for (let i = 0; i < COOKIE_BYTES; i++) difference |= (u8[at + i] as number) ^ byteOfHash(i);
    return difference === 0;
  }

  return {
    get keys() {
      return keys;
    },

    setKeys(next) {
      if (next.length < 1 || next.length > MAX_KEYS || next.some((key) => key.length !== 16)) {
        throw invalidArgument("keys", "one or two keys of 16 bytes", next);
      }
      keys = next.map((key) => key.slice());
    },

    cookie(local, remote) {
      compute(keys[0] as Uint8Array, local, remote);
      return Uint8Array.from({ length: COOKIE_BYTES }, (_, i) => byteOfHash(i));
    },

    check(local, remote, u8, at, length) {
      if (length !== COOKIE_BYTES) return 0;
      for (const [i, key] of keys.entries()) {
        compute(key, local, remote);
        if (matches(u8, at)) return i === 0 ? 1 : 2;
      }
      return 0;
    },
  };
}

/** What a client knows of servers, for `limit` of them: whoever was not asked for longest is forgotten (`tcp_metrics`). */
export function createFastOpenCache(limit: number): FastOpenCache {
  // A Map remembers the order of insertion: what is asked for is put in again, and the oldest is the first.
  const entries = new Map<IpAddress, FastOpenCacheEntry>();
  return {
    get(remote) {
      const entry = entries.get(remote);
      if (entry === undefined) return undefined;
      entries.delete(remote);
      entries.set(remote, entry);
      return entry;
    },
    set(remote, entry) {
      entries.delete(remote);
      entries.set(remote, entry);
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) return;
        entries.delete(oldest);
      }
    },
    delete(remote) {
      entries.delete(remote);
    },
  };
}
