import { describe, expect, test } from "vitest";
import { parseIp, parsePrefix } from "@seville/packet";
import { PrefixMap } from "@seville/vrf/lpm";

const routes = [
  ["0.0.0.0/0", "default"],
  ["10.0.0.0/8", "ten"],
  ["10.1.0.0/16", "ten-one"],
  ["10.1.2.0/24", "ten-one-two"],
  ["10.1.2.128/25", "upper half"],
  ["10.1.2.3", "host"],
  ["2001:db8::/32", "documentation"],
  ["2001:db8:0:1::/64", "subnet"],
  ["::1", "loopback"],
] as const;

/** Thirty more, so that both families are tries. */
const many = Array.from({ length: 30 }, (_, i) => [
  [`172.16.${i}.0/24`, `v4-${i}`] as const,
  [`fd00:${i.toString(16)}::/32`, `v6-${i}`] as const,
]).flat();

describe.each([
  ["short list", routes],
  ["trie", [...many, ...routes]],
] as const)("PrefixMap as a %s", (_, entries) => {
  test.each([
    ["10.1.2.3", "host"],
    ["10.1.2.4", "ten-one-two"],
    ["10.1.2.200", "upper half"],
    ["10.1.3.1", "ten-one"],
    ["10.2.0.0", "ten"],
    ["11.0.0.0", "default"],
    ["255.255.255.255", "default"],
    ["2001:db8::1", "documentation"],
    ["2001:db8:0:1::1", "subnet"],
    ["::1", "loopback"],
    ["::2", undefined],
    ["2001:db9::", undefined],
  ])("L1: the longest prefix that holds %s says %s", (address, value) => {
    const map = new PrefixMap<string>(entries);
    expect(map.lookup(address)).toBe(value);
    expect(map.lookup(parseIp(address))).toBe(value);
    expect(map.match(address)?.value).toBe(value);
  });

  test("L2: an address may be 4 or 16 bytes of the wire", () => {
    const map = new PrefixMap<string>(entries);
    expect(map.lookup(Uint8Array.of(10, 1, 2, 3))).toBe("host");
    expect(map.lookup(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))).toBe("loopback");
    expect(() => map.lookup(Uint8Array.of(1, 2, 3))).toThrow("address must be 4 or 16 bytes; received 3");
  });

  test("L3: match tells the prefix", () => {
    const map = new PrefixMap<string>(entries);
    expect(map.match("10.1.2.200")?.prefix.toString()).toBe("10.1.2.128/25");
    expect(map.match("2001:db8::1")?.prefix.toString()).toBe("2001:db8::/32");
    expect(map.match("fe80::1")).toBeUndefined();
  });

  test("L4: get, has and delete mean exactly this prefix", () => {
    const map = new PrefixMap<string>(entries);
    expect(map.get("10.1.0.0/16")).toBe("ten-one");
    expect(map.get("10.1.0.0/17")).toBeUndefined();
    expect(map.has(parsePrefix("10.1.0.0/16"))).toBe(true);
    expect(map.has("10.1.0.0/15")).toBe(false);
    expect(map.delete("10.1.0.0/17")).toBe(false);
    expect(map.delete("10.1.0.0/16")).toBe(true);
    expect(map.lookup("10.1.3.1")).toBe("ten");
    expect(map.size).toBe(entries.length - 1);
  });

  test("L5: setting a prefix again replaces its value", () => {
    const map = new PrefixMap<string>(entries);
    map.set("10.1.2.0/24", "new");
    expect(map.lookup("10.1.2.4")).toBe("new");
    expect(map.size).toBe(entries.length);
  });

  test("L6: covering lists from the longest to the default", () => {
    const map = new PrefixMap<string>(entries);
    const found = [...map.covering("10.1.2.200/32")].map((one) => one.value);
    expect(found).toEqual(["upper half", "ten-one-two", "ten-one", "ten", "default"]);
    expect([...map.covering("10.1.0.0/16")].map((one) => one.value)).toEqual(["ten-one", "ten", "default"]);
    expect([...map.covering("fe80::/10")]).toEqual([]);
  });

  test("L7: within lists by address, the shorter first", () => {
    const map = new PrefixMap<string>(entries);
    const found = [...map.within("10.0.0.0/8")].map((one) => one.prefix.toString());
    expect(found).toEqual(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "10.1.2.128/25"]);
    expect([...map.within("10.1.2.64/26")]).toEqual([]);
    expect([...map.within("10.1.2.3/24")].map((one) => one.value)).toEqual(["ten-one-two", "host", "upper half"]);
  });

  test("L8: iterating gives IPv4 before IPv6, each in order", () => {
    const map = new PrefixMap<string>(entries);
    const texts = [...map].map(({ prefix }) => prefix.toString());
    expect(texts).toHaveLength(entries.length);
    expect(texts.filter((text) => !text.startsWith("172.") && !text.startsWith("fd00"))).toEqual([
      "0.0.0.0/0",
      "10.0.0.0/8",
      "10.1.0.0/16",
      "10.1.2.0/24",
      "10.1.2.3/32",
      "10.1.2.128/25",
      "::1/128",
      "2001:db8::/32",
      "2001:db8:0:1::/64",
    ]);
  });

  test("L9: cleared, it answers nothing and can be filled again", () => {
    const map = new PrefixMap<string>(entries);
    map.clear();
    expect(map.size).toBe(0);
    expect(map.lookup("10.1.2.3")).toBeUndefined();
    map.set("10.0.0.0/8", "again");
    expect(map.lookup("10.1.2.3")).toBe("again");
  });
});

describe("PrefixMap and what is no prefix", () => {
  test("L10: bits behind the length of a text are ignored", () => {
    const map = new PrefixMap<number>([["10.1.2.3/8", 1]]);
    expect([...map].map(({ prefix }) => prefix.toString())).toEqual(["10.0.0.0/8"]);
  });

  test.each(["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/8 ", "banana"])(
    "L11: %j is refused by name",
    (text) => {
      expect(() => new PrefixMap<number>().set(text, 1)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_PREFIX" }),
      );
    },
  );

  test.each(["10.0.0", "10.0.0.256", "", "::g"])("L11: the address %j is refused by name", (text) => {
    const map = new PrefixMap<number>();
    expect(() => map.lookup(text)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ADDRESS" }));
  });

  test.each([-1, 1.5, 2 ** 32, Number.NaN])("L11: the number %d is no IPv4 address", (address) => {
    const map = new PrefixMap<number>();
    expect(() => map.lookup(address)).toThrow("address must be an unsigned 32-bit number");
  });

  test.each([-1, 33, 1.5, Number.NaN])("L11: a length of %d is refused by the map of a family", (length) => {
    const map = new PrefixMap<number>().ipv4;
    const refusal = "length must be a whole number of 0 to 32";
    expect(() => map.set(0, length, 1)).toThrow(refusal);
    expect(() => map.get(0, length)).toThrow(refusal);
    expect(() => map.has(0, length)).toThrow(refusal);
    expect(() => map.delete(0, length)).toThrow(refusal);
    expect(() => map.within(0, length)).toThrow(refusal);
    expect(() => map.match(0, length)).toThrow(refusal);
  });
});

describe("PrefixMap and values", () => {
  test("L12: undefined, NaN and objects are values like others", () => {
    const gateway = { via: "192.0.2.1" };
    const map = new PrefixMap<unknown>(many);
    map.set("10.0.0.0/8", undefined).set("11.0.0.0/8", Number.NaN).set("12.0.0.0/8", gateway);
    expect(map.has("10.0.0.0/8")).toBe(true);
    expect(map.match("10.1.1.1")).toMatchObject({ value: undefined });
    expect(map.lookup("11.1.1.1")).toBeNaN();
    expect(map.lookup("12.1.1.1")).toBe(gateway);
  });

  test("L13: a map of ten routes takes at most 2 KiB", () => {
    const map = new PrefixMap<number>(Array.from({ length: 10 }, (_, i) => [`10.0.${i}.0/24`, i] as const));
    expect(map.ipv4.byteLength).toBeLessThanOrEqual(1024);
    expect(
      heapBytesEach(2000, () => new PrefixMap(Array.from({ length: 10 }, (_, i) => [`10.0.${i}.0/24`, i]))),
    ).toBeLessThan(2048);
  });
});

/** Heap bytes of one thing, from `count` of them that live at once. Vitest runs with --expose-gc only where asked, so the figure is the growth. */
function heapBytesEach(count: number, make: () => unknown): number {
  const kept: unknown[] = [];
  for (let i = 0; i < count; i++) kept.push(make());
  globalThis.gc?.();
  const before = process.memoryUsage();
  const more: unknown[] = [];
  for (let i = 0; i < count; i++) more.push(make());
  globalThis.gc?.();
  const after = process.memoryUsage();
  expect(kept.length + more.length).toBe(2 * count);
  return (after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers) / count;
}
