import { NS_PER_SEC, sipHash24Into, type Nanos, type SecretRandom } from "@seville/core";
import { drawKey, putAddress } from "./address-bytes.ts";
import type { FourTuple, SynCookieFacts, SynCookies } from "./parts.ts";

/** TCP_SYNCOOKIE_PERIOD. */
const PERIOD: Nanos = 60 * NS_PER_SEC;
/** MAX_SYNCOOKIE_AGE: how many periods a cookie is good for, the one in which it was made included. */
const MAX_AGE = 2;
const COUNT_SHIFT = 24;
const COUNT_MASK = 0xff;
const DATA_MASK = 0xff_ffff;

/** `msstab` of net/ipv4/syncookies.c: what a SYN offered is rounded down to one of these. */
const MSS_IPV4 = [536, 1300, 1440, 1460] as const;
/** That of net/ipv6/syncookies.c. */
const MSS_IPV6 = [1220, 1420, 1440, 8940] as const;

/** In the low bits of a timestamp: window scale (15: none), SACK permitted, ECN. */
const TIMESTAMP_BITS = 6;
const TIMESTAMP_MASK = (1 << TIMESTAMP_BITS) - 1;
const WINDOW_SCALE_MASK = 0xf;
const SACK_BIT = 1 << 4;
const ECN_BIT = 1 << 5;

/**
 * SYN cookies as Linux makes them (net/ipv4/syncookies.c): a connection that is remembered in the ISN alone,
 *
 *     hash₁(connection) + ISN of the client + minutes × 2²⁴ + (hash₂(connection, minutes) + index of the MSS) mod 2²⁴
 *
 * and, where the client echoes timestamps, in six bits of those.
 */
export function createSynCookies(secretRandom: SecretRandom): SynCookies {
  const keys = [drawKey(secretRandom), drawKey(secretRandom)] as const;
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  const result = new Uint32Array(2);

  function hash(tuple: FourTuple, count: number, which: 0 | 1): number {
    const ports = putAddress(view, putAddress(view, 0, tuple.remoteAddress), tuple.localAddress);
    view.setUint16(ports, tuple.remotePort);
    view.setUint16(ports + 2, tuple.localPort);
    view.setUint32(ports + 4, count);
    sipHash24Into(result, keys[which], bytes, 0, ports + 8);
    return result[0] as number;
  }

  return {
    make(tuple, clientIsn, facts, now) {
      const table = tableFor(tuple);
      let index = table.length - 1;
      while (index > 0 && facts.mss < (table[index] as number)) index--;
      facts.mss = table[index] as number;
      const count = periodOf(now);
      const data = (hash(tuple, count, 1) + index) & DATA_MASK;
      return (hash(tuple, 0, 0) + clientIsn + (count << COUNT_SHIFT) + data) | 0;
    },

    check(tuple, clientIsn, cookie, now) {
      const count = periodOf(now);
      const inner = (cookie - hash(tuple, 0, 0) - clientIsn) | 0;
      const age = (count - (inner >>> COUNT_SHIFT)) & COUNT_MASK;
      if (age >= MAX_AGE) return 0;
      const index = (inner - hash(tuple, count - age, 1)) & DATA_MASK;
      return tableFor(tuple)[index] ?? 0;
    },

    encodeTimestamp(tsval, facts) {
      const encoded = (tsval & ~TIMESTAMP_MASK) | encodeFacts(facts);
      return ((encoded - tsval) | 0) > 0 ? (encoded - (1 << TIMESTAMP_BITS)) | 0 : encoded;
    },

    decodeTimestamp(tsecr, facts) {
      const shift = tsecr & WINDOW_SCALE_MASK;
      facts.windowScale = shift === WINDOW_SCALE_MASK ? -1 : shift;
      facts.sackPermitted = (tsecr & SACK_BIT) !== 0;
      facts.ecn = (tsecr & ECN_BIT) !== 0;
      return true;
    },
  };
}

function encodeFacts(facts: SynCookieFacts): number {
  return (
    (facts.windowScale < 0 ? WINDOW_SCALE_MASK : facts.windowScale) |
    (facts.sackPermitted ? SACK_BIT : 0) |
    (facts.ecn ? ECN_BIT : 0)
  );
}

function tableFor(tuple: FourTuple): readonly number[] {
  return typeof tuple.localAddress === "number" ? MSS_IPV4 : MSS_IPV6;
}

function periodOf(now: Nanos): number {
  return Math.floor(now / PERIOD);
}
