import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ipv6Address } from "@seville/packet";
import { Ipv4PrefixMap, Ipv6PrefixMap } from "@seville/vrf/lpm";
import { Oracle } from "./oracle.ts";

/** Few distinct octets, so that prefixes nest and meet at octet boundaries. */
const octet = fc.constantFrom(0, 1, 2, 127, 128, 129, 254, 255);
const address4 = fc
  .tuple(octet, octet, octet, octet)
  .map(([a, b, c, d]) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
const address6 = fc
  .tuple(address4, address4, fc.constantFrom(0, 1, 0xffff_ffff), fc.constantFrom(0, 1))
  .map((words) => Ipv6Address.of(...words));

type Operation<A> = { readonly set: boolean; readonly network: A; readonly length: number; readonly value: number };

function operations<A>(address: fc.Arbitrary<A>, bits: number): fc.Arbitrary<Operation<A>[]> {
  const operation = fc.record({
    set: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    network: address,
    length: fc.oneof(
      fc.integer({ min: 0, max: bits }),
      fc.constantFrom(0, 8, 16, 24, 32).filter((l) => l <= bits),
    ),
    value: fc.integer({ min: 1, max: 5 }),
  });
  return fc.array(operation, { minLength: 1, maxLength: 120 });
}

describe("random changes against a table that asks every prefix", () => {
  test("L1, L4: IPv4 map and both snapshots", () => {
    fc.assert(
      fc.property(operations(address4, 32), fc.array(address4, { minLength: 1, maxLength: 40 }), (changes, asked) => {
        const map = new Ipv4PrefixMap<number>();
        const oracle = new Oracle<number>();
        for (const { set, network, length, value } of changes) {
          if (set) {
            map.set(network, length, value);
            oracle.set(network, length, value);
          } else expect(map.delete(network, length)).toBe(oracle.delete(network, length));
        }
        expect(map.size).toBe(oracle.prefixes.size);
        const compact = map.compile();
        const answers = new Uint32Array(asked.length);
        compact.lookupMany(Uint32Array.from(asked), answers);
        for (const [i, address] of asked.entries()) {
          const best = oracle.match(address);
          expect(map.lookup(address)).toBe(best?.value);
          expect(map.match(address)?.length).toBe(best?.length);
          expect(compact.lookup(address)).toBe(best?.value);
          expect(compact.values[answers[i] as number]).toBe(best?.value);
        }
      }),
    );
  });

  test("L1, L4: IPv6 map", () => {
    fc.assert(
      fc.property(operations(address6, 128), fc.array(address6, { minLength: 1, maxLength: 40 }), (changes, asked) => {
        const map = new Ipv6PrefixMap<number>();
        const oracle = new Oracle<number>();
        for (const { set, network, length, value } of changes) {
          if (set) {
            map.set(network, length, value);
            oracle.set(network, length, value);
          } else expect(map.delete(network, length)).toBe(oracle.delete(network, length));
        }
        expect(map.size).toBe(oracle.prefixes.size);
        const compact = map.compile();
        const answers = new Uint32Array(asked.length);
        compact.lookupMany(Uint32Array.from(asked.flatMap(({ w0, w1, w2, w3 }) => [w0, w1, w2, w3])), answers);
        for (const [i, address] of asked.entries()) {
          const best = oracle.match(address);
          expect(map.lookup(address)).toBe(best?.value);
          expect(map.match(address)?.length).toBe(best?.length);
          expect(compact.lookup(address)).toBe(best?.value);
          expect(compact.values[answers[i] as number]).toBe(best?.value);
        }
      }),
    );
  });

  test("L7, L8: what is listed is what is there, in order", () => {
    fc.assert(
      fc.property(operations(address4, 32), address4, fc.integer({ min: 0, max: 32 }), (changes, network, length) => {
        const map = new Ipv4PrefixMap<number>();
        const oracle = new Oracle<number>();
        for (const one of changes) {
          map.set(one.network, one.length, one.value);
          oracle.set(one.network, one.length, one.value);
        }
        const span = 2 ** (32 - length);
        const first = Math.floor(network / span) * span;
        const expected = [...oracle.prefixes.values()]
          .map((one) => {
            const size = 2 ** (32 - one.length);
            return { network: Math.floor((one.network as number) / size) * size, length: one.length, value: one.value };
          })
          .filter((one) => one.length >= length && one.network >= first && one.network < first + span)
          .sort((a, b) => a.network - b.network || a.length - b.length);
        expect(map.within(network, length)).toEqual(expected);
      }),
    );
  });
});
