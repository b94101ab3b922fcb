import { BlockList } from "node:net";
import { formatIpv4 } from "../../../packages/packet/src/index.ts";
import type { BenchContext } from "../lib/types.ts";
import type { Table4 } from "./internet-table.ts";
import { writeMmdb } from "./mmdb.ts";

/** A peer with the largest table that it holds in reasonable time, and how it is asked. */
export interface LpmPeer {
  readonly name: string;
  readonly prefixes: number;
  /** The next hop; 0: no prefix. Peers that only say yes or no say 1. */
  readonly lookup: (text: string) => number;
  readonly saysHop: boolean;
}

interface Maxmind {
  readonly Reader: new (file: Buffer) => { get(ip: string): number | null };
}
interface Iptrie {
  readonly IPTrie: new () => { add(ip: string, length: number, value: number): void; find(ip: string): number | null };
}
type LongestPrefixMatch = new () => {
  addPrefix(prefix: string, data: number): void;
  getMatch(prefix: string): number[];
};
type CidrMatcher = new (prefixes: string[]) => { contains(ip: string): boolean };
interface Ipaddr {
  parse(ip: string): unknown;
  parseCIDR(prefix: string): unknown;
  subnetMatch(ip: unknown, ranges: Record<string, unknown[]>, fallback: string): string;
}
interface NetmaskModule {
  readonly Netmask: new (prefix: string) => { contains(ip: string): boolean };
}

export async function lpmPeers(table: Table4, { load, progress }: BenchContext): Promise<LpmPeer[]> {
  progress("lpm: filling the peers' tables …");
  const { Reader } = await load<Maxmind>("maxmind");
  const { IPTrie } = await load<Iptrie>("arkime-iptrie");
  const Lpm = await load<LongestPrefixMatch>("longest-prefix-match");
  const Matcher = await load<CidrMatcher>("cidr-matcher");
  const ipaddr = await load<Ipaddr>("ipaddr.js");
  const { Netmask } = await load<NetmaskModule>("netmask");

  const reader = new Reader(writeMmdb(table));
  const trie = new IPTrie();
  for (let i = 0; i < table.size; i++) trie.add(network(table, i), table.lengths[i] as number, table.hops[i] as number);
  const lpm = new Lpm();
  for (const i of first(table, 100_000)) lpm.addPrefix(prefix(table, i), table.hops[i] as number);
  const list = new BlockList();
  for (const i of first(table, 10_000)) list.addSubnet(network(table, i), table.lengths[i] as number, "ipv4");
  const matcher = new Matcher(first(table, 10_000).map((i) => prefix(table, i)));
  const ranges = { yes: first(table, 1000).map((i) => ipaddr.parseCIDR(prefix(table, i))) };
  const masks = first(table, 1000).map((i) => new Netmask(prefix(table, i)));

  const million = table.size;
  const few = Math.min(million, 1000);
  const thousands = Math.min(million, 10_000);
  return [
    { name: "maxmind", prefixes: million, saysHop: true, lookup: (ip) => reader.get(ip) ?? 0 },
    { name: "arkime-iptrie (native)", prefixes: million, saysHop: true, lookup: (ip) => trie.find(ip) ?? 0 },
    {
      name: "longest-prefix-match",
      prefixes: Math.min(million, 100_000),
      saysHop: true,
      lookup: (ip) => lpm.getMatch(`${ip}/32`)[0] ?? 0,
    },
    { name: "node:net BlockList", prefixes: thousands, saysHop: false, lookup: (ip) => Number(list.check(ip)) },
    { name: "cidr-matcher", prefixes: thousands, saysHop: false, lookup: (ip) => Number(matcher.contains(ip)) },
    {
      name: "ipaddr.js",
      prefixes: few,
      saysHop: false,
      lookup: (ip) => Number(ipaddr.subnetMatch(ipaddr.parse(ip), ranges, "no") === "yes"),
    },
    { name: "netmask", prefixes: few, saysHop: false, lookup: (ip) => Number(masks.some((mask) => mask.contains(ip))) },
  ];
}

function first(table: Table4, count: number): number[] {
  return Array.from({ length: Math.min(count, table.size) }, (_, i) => i);
}

function network(table: Table4, i: number): string {
  return formatIpv4(table.networks[i] as number);
}

function prefix(table: Table4, i: number): string {
  return `${network(table, i)}/${table.lengths[i] as number}`;
}
