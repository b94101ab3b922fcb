import { formatIpv4, type Ipv6Address } from "../../../packages/packet/src/index.ts";
import { Ipv4PrefixMap, Ipv6PrefixMap, PrefixMap } from "../../../packages/vrf/src/lpm/index.ts";
import type { BenchCase, BenchContext, BenchDefinition, TimedSide } from "../lib/types.ts";
import { internetTable4, internetTable6, queries4, type QueryKind, type Table4 } from "./internet-table.ts";
import { lpmPeers, type LpmPeer } from "./peers.ts";

const QUERIES = 1 << 18;
/** Long against the time in which 10 to 30 MB of table come into the caches. */
const SAMPLE_NANOS = 30_000_000;
const KINDS: readonly QueryKind[] = ["random", "hit", "zipf"];
/** M operations a second from CPU nanoseconds each. */
const millions = (nanos: number): number => 1000 / nanos;

/** Longest-prefix match: ours by number and by text, one by one and in batches, beside what npm has. */
export const bench: BenchDefinition = {
  title: "Longest-prefix match over a table like the Internet's (M lookups/s unless it says otherwise)",
  peers: ["maxmind", "arkime-iptrie", "longest-prefix-match", "cidr-matcher", "ipaddr.js", "netmask"],
  async cases(context) {
    const table = internetTable4(1_000_000);
    context.progress("lpm: filling our tables …");
    const map = fill(table);
    const peers = await lpmPeers(table, context);
    check(table, map, peers);
    return [...KINDS.flatMap((kind) => lookups(kind, table, map, peers)), ...changes(table, map), ...ipv6(context)];
  },
};

function fill(table: Table4): Ipv4PrefixMap<number> {
  const map = new Ipv4PrefixMap<number>();
  for (let i = 0; i < table.size; i++) {
    map.set(table.networks[i] as number, table.lengths[i] as number, table.hops[i] as number);
  }
  return map;
}

function lookups(kind: QueryKind, table: Table4, map: Ipv4PrefixMap<number>, peers: readonly LpmPeer[]): BenchCase[] {
  const queries = queries4(kind, table, QUERIES);
  const texts = Array.from(queries, formatIpv4);
  const answers = new Uint32Array(4096);
  const compact = map.compile();
  const dir24 = map.compile("dir-24-8");
  const both = new PrefixMap<number>();
  Object.defineProperty(both, "ipv4", { value: map });
  const byText = both.compile();

  const single = (name: string, lookup: (address: number) => number | undefined): TimedSide => ({
    name,
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += lookup(queries[i & (QUERIES - 1)] as number) ?? 0;
      return sum;
    },
  });
  const text = (name: string, lookup: (address: string) => number | undefined): TimedSide => ({
    name,
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += lookup(texts[i & (QUERIES - 1)] as string) ?? 0;
      return sum;
    },
  });
  const batch = (name: string, lookupMany: (addresses: Uint32Array, answers: Uint32Array) => void): TimedSide => ({
    name,
    run: (count) => {
      let sum = 0;
      for (let left = count, from = 0; left > 0; left -= answers.length, from += answers.length) {
        const at = from & (QUERIES - 1);
        const some = Math.min(left, answers.length);
        lookupMany(queries.subarray(at, at + some), answers);
        sum += answers[0] as number;
      }
      return sum;
    },
  });
  const shared = { unit: "M/s", better: "higher", fromNanos: millions, sampleNanos: SAMPLE_NANOS } as const;
  const theirs = peers.map((peer) => text(`${peer.name}, ${peer.prefixes} prefixes`, peer.lookup));
  const size = table.size;
  return [
    { ...shared, size, case: `${kind}, single`, ours: single("compact", compact.lookup), peers: theirs, reference: 10 },
    { ...shared, size, case: `${kind}, text`, ours: text("compact", byText.lookup), peers: theirs },
    {
      ...shared,
      size,
      case: `${kind}, batch, ${megabytes(compact.byteLength)}`,
      ours: batch("compact", compact.lookupMany),
      peers: [single("dynamic trie, one by one", (address) => map.lookup(address))],
      reference: 20,
    },
    {
      ...shared,
      size,
      case: `${kind}, batch, ${megabytes(dir24.byteLength)}`,
      ours: batch("dir-24-8", dir24.lookupMany),
      peers: [single("dir-24-8, one by one", dir24.lookup)],
      reference: 60,
    },
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function changes(table: Table4, map: Ipv4PrefixMap<number>): BenchCase[] {
  let next = 0;
  const ten = new Ipv4PrefixMap<number>();
  for (let i = 0; i < 10; i++) ten.set(table.networks[i] as number, table.lengths[i] as number, i);
  return [
    {
      case: "updates (delete, set)",
      size: table.size,
      unit: "M/s",
      better: "higher",
      fromNanos: millions,
      ours: {
        name: "dynamic trie",
        run: (count) => {
          let found = 0;
          for (let i = 0; i < count; i += 2) {
            next = next + 1 === table.size ? 0 : next + 1;
            const network = table.networks[next] as number;
            const length = table.lengths[next] as number;
            if (map.delete(network, length)) found++;
            map.set(network, length, table.hops[next] as number);
          }
          return found;
        },
      },
      peers: [],
      reference: 1,
    },
    {
      case: "build: every prefix set, then compiled",
      size: table.size,
      unit: "s",
      better: "lower",
      fromNanos: (nanos) => nanos / 1e9,
      ours: {
        name: "compact",
        run: (count) => {
          let bytes = 0;
          for (let i = 0; i < count; i++) bytes += fill(table).compile().byteLength;
          return bytes;
        },
      },
      peers: [],
      reference: 1,
    },
    {
      case: "a table of ten routes",
      size: 10,
      unit: "bytes of heap",
      better: "lower",
      ours: { name: "short list", value: () => heapBytesEach(4000, () => tenRoutes(table)) },
      peers: [],
      reference: 2048,
    },
  ];
}

function tenRoutes(table: Table4): PrefixMap<number> {
  const map = new PrefixMap<number>();
  for (let i = 0; i < 10; i++) map.ipv4.set(table.networks[i] as number, table.lengths[i] as number, i);
  return map;
}

/** What one of many takes, the arrays outside the heap included. */
function heapBytesEach(count: number, make: () => unknown): number {
  const kept: unknown[] = new Array(count).fill(undefined);
  const used = (): number => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  for (let i = 0; i < count; i++) kept[i] = make();
  return (used() - before) / kept.length;
}

function ipv6({ progress }: BenchContext): BenchCase[] {
  progress("lpm: filling the IPv6 table …");
  const table = internetTable6(216_000);
  const map = new Ipv6PrefixMap<number>();
  for (const [i, network] of table.networks.entries())
    map.set(network, table.lengths[i] as number, table.hops[i] as number);
  const compact = map.compile();
  const asked: readonly Ipv6Address[] = table.networks.slice(0, 1 << 16);
  for (const address of asked) {
    if (compact.lookup(address) !== map.lookup(address)) throw new Error(`lpm: ${address.toString()} differs`);
  }
  const side = (name: string, lookup: (address: Ipv6Address) => number | undefined): TimedSide => ({
    name,
    run: (count) => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += lookup(asked[i & (asked.length - 1)] as Ipv6Address) ?? 0;
      return sum;
    },
  });
  return [
    {
      case: `IPv6 hit, single, ${megabytes(compact.byteLength)}`,
      size: table.size,
      unit: "M/s",
      better: "higher",
      fromNanos: millions,
      sampleNanos: SAMPLE_NANOS,
      ours: side("compact", compact.lookup),
      peers: [side("dynamic trie", (address) => map.lookup(address))],
      reference: 3,
    },
  ];
}

/** All give the same answers, each by the table that it holds. */
function check(table: Table4, map: Ipv4PrefixMap<number>, peers: readonly LpmPeer[]): void {
  const asked = queries4("hit", table, 2000);
  const snapshots = [map.compile(), map.compile("dir-24-8")];
  for (const address of asked) {
    for (const one of snapshots) {
      if (one.lookup(address) !== map.lookup(address))
        throw new Error(`lpm: ${one.mode} differs at ${formatIpv4(address)}`);
    }
  }
  for (const peer of peers) {
    const same = peer.prefixes === table.size ? map : fill({ ...table, size: peer.prefixes });
    for (const address of asked.subarray(0, 200)) {
      const ours = same.lookup(address) ?? 0;
      const theirs = peer.lookup(formatIpv4(address));
      if (peer.saysHop ? ours !== theirs : ours > 0 !== theirs > 0) {
        throw new Error(`lpm: ${peer.name} says ${theirs} for ${formatIpv4(address)}, we say ${ours}`);
      }
    }
  }
}
