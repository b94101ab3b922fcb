import { Ipv6Address } from "../../../packages/packet/src/index.ts";
import { Ipv4PrefixMap, Ipv6PrefixMap } from "../../../packages/vrf/src/lpm/index.ts";
import type { FuzzTarget } from "../target.ts";

interface Prefix {
  readonly bits: string;
  readonly value: number;
}

/**
 * Changes and questions, six bytes each, to a map of either family; a list of bit strings is asked the same. Every answer must be the same, of the map, of its
 * snapshots, one by one and in a batch.
 */
export const target: FuzzTarget = {
  run(input) {
    if (input.length < 7) return;
    if (((input[0] as number) & 1) === 0) check4(input.subarray(1));
    else check6(input.subarray(1));
  },
  seeds() {
    const change = (length: number, ...octets: number[]): number[] => [length, 1, ...octets];
    const nested = [
      change(0, 0, 0, 0, 0),
      change(8, 10, 0, 0, 0),
      change(24, 10, 1, 2, 0),
      change(32, 10, 1, 2, 3),
    ].flat();
    const many = Array.from({ length: 30 }, (_, i) => change(17 + (i % 16), 10, i, 255 - i, i)).flat();
    return [
      Uint8Array.from([0, ...nested, ...change(200, 10, 1, 2, 4)]),
      Uint8Array.from([0, ...many, ...nested]),
      Uint8Array.from([1, ...many, ...nested]),
    ];
  },
};

function check4(input: Uint8Array): void {
  const map = new Ipv4PrefixMap<number>();
  const asked: number[] = [];
  const oracle = play(input, 32, (octets, length, value, isDelete) => {
    const address = new DataView(Uint8Array.from(octets).buffer).getUint32(0);
    if (length < 0) asked.push(address);
    else if (isDelete) return map.delete(address, length);
    else map.set(address, length, value);
    return undefined;
  });
  const answers = new Uint32Array(asked.length);
  const snapshot = map.compile();
  snapshot.lookupMany(Uint32Array.from(asked), answers);
  for (const [i, address] of asked.entries()) {
    const expected = longest(oracle, address.toString(2).padStart(32, "0"));
    same(map.lookup(address), expected?.value, "map");
    same(map.match(address)?.length, expected?.bits.length, "match");
    same(snapshot.lookup(address), expected?.value, "snapshot");
    same(snapshot.values[answers[i] as number], expected?.value, "batch");
  }
  same(map.size, oracle.length, "size");
  same(map.entries().length, oracle.length, "entries");
}

function check6(input: Uint8Array): void {
  const map = new Ipv6PrefixMap<number>();
  const asked: Ipv6Address[] = [];
  const oracle = play(input, 128, (octets, length, value, isDelete) => {
    const view = new DataView(Uint8Array.from([...octets, ...octets, ...octets, ...octets]).buffer);
    const address = Ipv6Address.of(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
    if (length < 0) asked.push(address);
    else if (isDelete) return map.delete(address, length);
    else map.set(address, length, value);
    return undefined;
  });
  const snapshot = map.compile();
  for (const address of asked) {
    const words = [address.w0, address.w1, address.w2, address.w3];
    const expected = longest(oracle, words.map((word) => word.toString(2).padStart(32, "0")).join(""));
    same(map.lookup(address), expected?.value, "map");
    same(map.match(address)?.length, expected?.bits.length, "match");
    same(snapshot.lookup(address), expected?.value, "snapshot");
  }
  same(map.size, oracle.length, "size");
}

/** Plays the input to `act` (`length` below 0: a question) and to a list of bit strings, which it answers. */
function play(
  input: Uint8Array,
  bits: 32 | 128,
  act: (octets: number[], length: number, value: number, isDelete: boolean) => boolean | undefined,
): Prefix[] {
  let list: Prefix[] = [];
  for (let at = 0; at + 6 <= input.length; at += 6) {
    const [first = 0, second = 0, ...octets] = input.subarray(at, at + 6);
    if (first > bits) {
      act(octets, -1, 0, false);
      continue;
    }
    const text = octets.map((octet) => octet.toString(2).padStart(8, "0")).join("");
    const prefix = { bits: text.repeat(bits / 32).slice(0, first), value: second & 0x7f };
    const isDelete = second >= 0x80;
    const without = list.filter((one) => one.bits !== prefix.bits);
    const removed = act(octets, first, prefix.value, isDelete);
    if (isDelete) same(removed, without.length < list.length, "delete");
    list = isDelete ? without : [...without, prefix];
    act(octets, -1, 0, false);
  }
  return list;
}

function longest(list: readonly Prefix[], address: string): Prefix | undefined {
  const holding = list.filter((one) => address.startsWith(one.bits));
  return holding.sort((a, b) => b.bits.length - a.bits.length)[0];
}

function same(ours: unknown, expected: unknown, what: string): void {
  if (ours !== expected) throw new Error(`${what}: ${String(ours)} instead of ${String(expected)}`);
}
