import { millis, seconds, sipHash24, type SecretRandom } from "@seville/core";
import { parseIp } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFastOpenCache, createFastOpenKeys } from "../src/fast-open-cookie.ts";
import { createIsnGenerator } from "../src/isn.ts";
import type { FastOpenCacheEntry, FourTuple, SynCookieFacts } from "../src/parts.ts";
import { createSynCookies } from "../src/syn-cookie.ts";

/** Keys that count up: 0, 1, 2 … */
function countingSecrets(): SecretRandom {
  let next = 0;
  return (into) => {
    for (let i = 0; i < into.length; i++) into[i] = next++ & 0xff;
  };
}

const v4: FourTuple = {
  localAddress: parseIp("192.0.2.1"),
  localPort: 80,
  remoteAddress: parseIp("198.51.100.2"),
  remotePort: 40000,
};
const v6: FourTuple = { ...v4, localAddress: parseIp("2001:db8::1"), remoteAddress: parseIp("2001:db8::2") };

describe("TI1 RFC 6528 §3: initial sequence numbers", () => {
  test("a connection's number grows by one in 64 ns and wraps", () => {
    const isn = createIsnGenerator(countingSecrets());
    const first = isn.sequence(v4, 0);
    expect(isn.sequence(v4, 0)).toBe(first);
    expect(isn.sequence(v4, 63)).toBe(first);
    expect(isn.sequence(v4, 64)).toBe((first + 1) | 0);
    expect(isn.sequence(v4, seconds(1))).toBe((first + 15_625_000) | 0);
    expect(isn.sequence(v4, 64 * 2 ** 32)).toBe(first);
    expect(isn.sequence(v4, 64 * 2 ** 40 + 64)).toBe((first + 1) | 0);
  });

  test("it is SipHash-2-4 of addresses and ports, ours first", () => {
    const key = Uint8Array.from({ length: 16 }, (_, i) => i);
    const message = Uint8Array.of(192, 0, 2, 1, 198, 51, 100, 2, 0, 80, 0x9c, 0x40);
    const expected = Number(sipHash24(key, message) & 0xffff_ffffn) | 0;
    expect(createIsnGenerator(countingSecrets()).sequence(v4, 0)).toBe(expected);
  });

  test("every part of the four-tuple and the key change it", () => {
    const isn = createIsnGenerator(countingSecrets());
    const others = [
      { ...v4, localPort: 81 },
      { ...v4, remotePort: 40001 },
      { ...v4, localAddress: parseIp("192.0.2.3") },
      { ...v4, remoteAddress: parseIp("192.0.2.3") },
      v6,
      { ...v6, remotePort: 40001 },
    ];
    const numbers = [v4, ...others].map((tuple) => isn.sequence(tuple, 0));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(createIsnGenerator((into) => into.fill(9)).sequence(v4, 0)).not.toBe(numbers[0]);
  });

  test("RFC 7323 §5.4: the offset of timestamps is one per pair of addresses, whatever the ports", () => {
    const isn = createIsnGenerator(countingSecrets());
    const offset = isn.timestampOffset(v4.localAddress, v4.remoteAddress);
    expect(isn.timestampOffset(v4.localAddress, v4.remoteAddress)).toBe(offset);
    expect(isn.timestampOffset(v4.remoteAddress, v4.localAddress)).not.toBe(offset);
    expect(isn.timestampOffset(v6.localAddress, v6.remoteAddress)).not.toBe(offset);
  });
});

describe("TC1 SYN cookies (net/ipv4/syncookies.c)", () => {
  const asked = (mss: number): SynCookieFacts => ({ mss, windowScale: 7, sackPermitted: true, ecn: false });

  test("the ACK of a cookie brings back the MSS, rounded down to the table of the family", () => {
    const cookies = createSynCookies(countingSecrets());
    for (const [tuple, mss, expected] of [
      [v4, 100, 536],
      [v4, 1299, 536],
      [v4, 1300, 1300],
      [v4, 1452, 1440],
      [v4, 9000, 1460],
      [v6, 1220, 1220],
      [v6, 1440, 1440],
      [v6, 65535, 8940],
    ] as const) {
      const facts = asked(mss);
      const cookie = cookies.make(tuple, 12345, facts, seconds(100));
      expect(facts.mss).toBe(expected);
      expect(cookies.check(tuple, 12345, cookie, seconds(101))).toBe(expected);
    }
  });

  test("it is good in the minute in which it was made and in the next", () => {
    const cookies = createSynCookies(countingSecrets());
    const cookie = cookies.make(v4, 1, asked(1460), seconds(59));
    expect(cookies.check(v4, 1, cookie, seconds(119))).toBe(1460);
    expect(cookies.check(v4, 1, cookie, seconds(120))).toBe(0);
    const much = seconds(60 * 256);
    expect(cookies.check(v4, 1, cookies.make(v4, 1, asked(1460), much - 1), much)).toBe(1460);
  });

  test("it is bound to addresses, ports, the client's ISN and the keys", () => {
    const cookies = createSynCookies(countingSecrets());
    const cookie = cookies.make(v4, 77, asked(1460), 0);
    expect(cookies.check(v4, 1077, cookie, 0)).toBe(0);
    expect(cookies.check({ ...v4, remotePort: 1 }, 77, cookie, 0)).toBe(0);
    expect(cookies.check({ ...v4, localPort: 1 }, 77, cookie, 0)).toBe(0);
    expect(cookies.check({ ...v4, remoteAddress: parseIp("192.0.2.9") }, 77, cookie, 0)).toBe(0);
    expect(createSynCookies((into) => into.fill(3)).check(v4, 77, cookie, 0)).toBe(0);
  });

  test("a number that somebody guesses is hardly ever one: of a hundred thousand none", () => {
    const cookies = createSynCookies(countingSecrets());
    let hits = 0;
    for (let guess = 0; guess < 100_000; guess++)
      if (cookies.check(v4, 5, Math.imul(guess, 0x9e3779b1), 0) !== 0) hits++;
    expect(hits).toBe(0);
  });

  test("window scale, SACK and ECN travel in six bits of the timestamp, which is never in the future", () => {
    const cookies = createSynCookies(countingSecrets());
    const facts = fc.record({
      mss: fc.constant(1460),
      windowScale: fc.integer({ min: -1, max: 14 }),
      sackPermitted: fc.boolean(),
      ecn: fc.boolean(),
    });
    fc.assert(
      fc.property(facts, fc.integer(), (wanted, time) => {
        const now = time | 0;
        const tsval = cookies.encodeTimestamp(now, wanted);
        expect((now - tsval) | 0).toBeGreaterThanOrEqual(0);
        expect((now - tsval) | 0).toBeLessThan(128);
        const read: SynCookieFacts = { mss: 1460, windowScale: 0, sackPermitted: false, ecn: false };
        expect(cookies.decodeTimestamp(tsval, read)).toBe(true);
        expect(read).toEqual(wanted);
      }),
    );
  });
});

describe("TF1 RFC 7413 §4.1.2: Fast Open cookies", () => {
  const key = (fill: number) => new Uint8Array(16).fill(fill);

  test("eight bytes, SipHash of the client's and the server's address in memory order", () => {
    const keys = createFastOpenKeys(countingSecrets());
    keys.setKeys([key(7)]);
    const cookie = keys.cookie(v4.localAddress, v4.remoteAddress);
    const expected = sipHash24(key(7), Uint8Array.of(198, 51, 100, 2, 192, 0, 2, 1));
    expect(new DataView(cookie.buffer).getBigUint64(0, true)).toBe(expected);
    expect(keys.cookie(v6.localAddress, v6.remoteAddress)).not.toEqual(cookie);
  });

  test("valid under the first key, renewed under the second, else refused", () => {
    const keys = createFastOpenKeys(countingSecrets());
    keys.setKeys([key(1)]);
    const cookie = keys.cookie(v4.localAddress, v4.remoteAddress);
    const memory = new Uint8Array(64);
    memory.set(cookie, 20);
    const check = (length = 8) => keys.check(v4.localAddress, v4.remoteAddress, memory, 20, length);
    expect(check()).toBe(1);
    keys.setKeys([key(2), key(1)]);
    expect(check()).toBe(2);
    keys.setKeys([key(2)]);
    expect(check()).toBe(0);
    keys.setKeys([key(1)]);
    expect([check(4), check(0), check(16)]).toEqual([0, 0, 0]);
    memory[27] = (memory[27] as number) ^ 1;
    expect(check()).toBe(0);
    expect(keys.check(v4.localAddress, parseIp("192.0.2.77"), memory, 20, 8)).toBe(0);
  });

  test("keys are one or two, of 16 bytes", () => {
    const keys = createFastOpenKeys(countingSecrets());
    expect(keys.keys.length).toBe(1);
    for (const bad of [[], [key(1), key(2), key(3)], [new Uint8Array(15)]])
      expect(() => keys.setKeys(bad)).toThrow(/keys/);
  });
});

describe("TF2 what a client remembers of servers", () => {
  const entry = (mss: number): FastOpenCacheEntry => ({
    mss,
    cookie: new Uint8Array(8),
    experimental: false,
    tryExperimental: 0,
    synLoss: 0,
    lastSynLoss: millis(0),
  });

  test("whoever was not asked for longest is forgotten", () => {
    const cache = createFastOpenCache(2);
    cache.set(1, entry(1));
    cache.set(2, entry(2));
    expect(cache.get(1)?.mss).toBe(1);
    cache.set(3, entry(3));
    expect([cache.get(1)?.mss, cache.get(2)?.mss, cache.get(3)?.mss]).toEqual([1, undefined, 3]);
    cache.set(1, entry(10));
    expect(cache.get(1)?.mss).toBe(10);
    cache.delete(1);
    expect(cache.get(1)).toBeUndefined();
  });

  test("IPv6 addresses are the same whenever they are equal", () => {
    const cache = createFastOpenCache(4);
    cache.set(parseIp("2001:db8::1"), entry(1));
    expect(cache.get(parseIp("2001:db8:0::1"))?.mss).toBe(1);
  });
});
