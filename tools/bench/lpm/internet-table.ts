import { createRandom, type Random } from "../../../packages/core/src/index.ts";
import { Ipv6Address } from "../../../packages/packet/src/index.ts";

/** Prefixes as the Internet's routers hold them, made from a seed: lengths, clusters and next hops in today's proportions. */
export interface Table4 {
  readonly size: number;
  readonly networks: Uint32Array;
  readonly lengths: Uint8Array;
  /** Next hops 1 to 256, few of which have most prefixes. */
  readonly hops: Uint32Array;
}

/** Share of each length in thousandths: /24 rules, then its neighbours. */
const LENGTHS_4: readonly (readonly [number, number])[] = [
  [24, 630],
  [22, 110],
  [23, 100],
  [21, 50],
  [20, 42],
  [19, 25],
  [18, 14],
  [17, 8],
  [16, 14],
  [15, 2],
  [14, 2],
  [13, 1],
  [12, 1],
  [11, 1],
];
const LENGTHS_6: readonly (readonly [number, number])[] = [
  [48, 440],
  [32, 120],
  [44, 90],
  [40, 80],
  [36, 60],
  [46, 40],
  [42, 30],
  [47, 30],
  [45, 30],
  [29, 30],
  [33, 20],
  [38, 20],
  [34, 10],
];
/** /16 of which at least one prefix is announced. */
const BLOCKS_4 = 54_164;
const BLOCKS_6 = 26_000;

export function internetTable4(size: number, seed = 1): Table4 {
  const random = createRandom(seed);
  const blocks = distinct(BLOCKS_4, () => 0x100 + random.below(0xdf00));
  const table = { size, networks: new Uint32Array(size), lengths: new Uint8Array(size), hops: new Uint32Array(size) };
  const known = new Set<number>();
  for (let i = 0; i < size;) {
    const length = pick(LENGTHS_4, random);
    const block = blocks[random.below(BLOCKS_4)] as number;
    const network = ((block * 65_536 + random.below(65_536)) & (-1 << (32 - length))) >>> 0;
    const key = network * 64 + length;
    if (known.has(key)) continue;
    known.add(key);
    table.networks[i] = network;
    table.lengths[i] = length;
    table.hops[i++] = hop(random);
  }
  return table;
}

export interface Table6 {
  readonly size: number;
  readonly networks: readonly Ipv6Address[];
  readonly lengths: Uint8Array;
  readonly hops: Uint32Array;
}

export function internetTable6(size: number, seed = 1): Table6 {
  const random = createRandom(seed);
  const registries = [0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00];
  const blocks = distinct(BLOCKS_6, () => {
    const registry = registries[random.below(registries.length)] as number;
    return (registry + random.below(16)) * 65_536 + random.below(65_536);
  });
  const networks: Ipv6Address[] = [];
  const lengths = new Uint8Array(size);
  const known = new Set<string>();
  while (networks.length < size) {
    const length = pick(LENGTHS_6, random);
    const block = blocks[random.below(BLOCKS_6)] as number;
    const second = length <= 32 ? 0 : (random.below(65_536) << 16) & (-1 << (64 - length));
    const network = Ipv6Address.of(length < 32 ? block & (-1 << (32 - length)) : block, second, 0, 0);
    const key = `${network.toString()}/${length}`;
    if (known.has(key)) continue;
    known.add(key);
    lengths[networks.length] = length;
    networks.push(network);
  }
  return { size, networks, lengths, hops: Uint32Array.from({ length: size }, () => hop(random)) };
}

export type QueryKind = "random" | "hit" | "zipf";

/** Addresses to ask for: any; one inside a random prefix; 4096 hot flows of which few have most of the packets. */
export function queries4(kind: QueryKind, table: Table4, count: number): Uint32Array {
  const random = createRandom(`${kind} queries`);
  const hit = (): number => {
    const i = random.below(table.size);
    const host = random.below(2 ** (32 - (table.lengths[i] as number)));
    return (table.networks[i] as number) + host;
  };
  if (kind === "random") return Uint32Array.from({ length: count }, () => random.uint32());
  if (kind === "hit") return Uint32Array.from({ length: count }, hit);
  const hot = Uint32Array.from({ length: 4096 }, hit);
  return Uint32Array.from({ length: count }, () => hot[Math.floor(random.float() ** 3 * 4096)] as number);
}

function hop(random: Random): number {
  return 1 + Math.floor(random.float() ** 3 * 256);
}

function pick(shares: readonly (readonly [number, number])[], random: Random): number {
  let left = random.below(1000);
  for (const [length, share] of shares) if ((left -= share) < 0) return length;
  return (shares[0] as readonly [number, number])[0];
}

function distinct(count: number, draw: () => number): number[] {
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(draw());
  return [...drawn];
}
