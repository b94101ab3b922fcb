import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseIpv4, parseIpv6 } from "@seville/packet";
import type { Tunnel } from "../../src/index.ts";

/** What a Linux kernel did with one kind of tunnel: see fixtures/record-tunnels.sh. */
export interface Recording {
  readonly command: string;
  readonly outer: readonly Uint8Array<ArrayBuffer>[];
  readonly inner: readonly Uint8Array<ArrayBuffer>[];
}

interface Stored {
  readonly command: string;
  readonly outer: readonly string[];
  readonly inner: readonly string[];
}

const file = join(import.meta.dirname, "..", "fixtures", "tunnels.json");
const stored = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, Stored>>;
const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, "base64"));

/** By the names of record-tunnels.sh. */
export const RECORDINGS: Readonly<Record<string, Recording>> = Object.fromEntries(
  Object.entries(stored).map(([name, { command, outer, inner }]) => [
    name,
    { command, outer: outer.map(bytes), inner: inner.map(bytes) },
  ]),
);

const v4 = { local: parseIpv4("192.0.2.1"), remote: parseIpv4("192.0.2.2") };
const v6 = { local: parseIpv6("2001:db8::1"), remote: parseIpv6("2001:db8::2") };
const fou = { type: "fou", dport: 5555 } as const;
const gue = { type: "gue", dport: 5556 } as const;

/** The same tunnels, said to us. */
export const TUNNELS: Readonly<Record<string, Tunnel>> = {
  vxlan: { kind: "vxlan", id: 4660, ...v4, ttl: 64 },
  "vxlan-default": { kind: "vxlan", id: 7, ...v4 },
  "vxlan-nocsum": { kind: "vxlan", id: 7, ...v4, udpcsum: false, tos: "inherit", ttl: "inherit", df: "inherit" },
  "vxlan-csum": { kind: "vxlan", id: 7, ...v4, udpcsum: true, df: "set" },
  "vxlan-gbp": { kind: "vxlan", id: 7, ...v4, gbp: true },
  "vxlan-rco": { kind: "vxlan", id: 7, ...v4, udpcsum: true, remcsumtx: true, remcsumrx: true },
  vxlan6: { kind: "vxlan", id: 16_777_215, ...v6 },
  "vxlan6-zero": { kind: "vxlan", id: 9, ...v6, udp6zerocsumtx: true, udp6zerocsumrx: true, flowlabel: 0x12345 },
  gre: { kind: "gre", ...v4, ttl: 64 },
  "gre-key": { kind: "gre", ...v4, ikey: 305_419_896, okey: 305_419_896, tos: "inherit" },
  "gre-csum": { kind: "gre", ...v4, icsum: true, ocsum: true, df: "inherit" },
  "gre-all": { kind: "gre", ...v4, icsum: true, ocsum: true, ikey: 1, okey: 1, iseq: true, oseq: true },
  gretap: { kind: "gretap", ...v4 },
  "gretap-all": { kind: "gretap", ...v4, icsum: true, ocsum: true, ikey: 99, okey: 99, iseq: true, oseq: true },
  // The kernel has no NVGRE of its own: it is GRE-TAP with the key split in two.
  nvgre: { kind: "gretap", ...v4, ikey: 1_193_046, okey: 1_193_046 },
  erspan1: { kind: "erspan", ...v4, erspanVer: 0 },
  erspan2: { kind: "erspan", ...v4, erspanVer: 1, key: 100, index: 123 },
  erspan3: { kind: "erspan", ...v4, erspanVer: 2, key: 100, dir: "egress", hwid: 17 },
  geneve: { kind: "geneve", id: 66, ...v4 },
  "geneve-csum": { kind: "geneve", id: 66, ...v4, udpcsum: true, ttl: 9, tos: 0x28 },
  geneve6: { kind: "geneve", id: 66, ...v6 },
  ipip: { kind: "ipip", ...v4 },
  "ipip-tos": { kind: "ipip", ...v4, tos: 0x10, ttl: 9 },
  sit: { kind: "sit", ...v4, ttl: 64 },
  "sit-inherit": { kind: "sit", ...v4, tos: "inherit" },
  "6to4": { kind: "6to4", local: v4.local, ttl: 64 },
  ip6tnl: { kind: "ip6tnl", ...v6, mode: "ip6ip6" },
  "ip6tnl-nolimit": { kind: "ip6tnl", ...v6, mode: "any", encaplimit: "none", tos: "inherit" },
  ipip6: { kind: "ip6tnl", ...v6, mode: "ipip6", encaplimit: 7 },
  ip6gre: { kind: "gre", ...v6 },
  "ip6gre-all": { kind: "gre", ...v6, icsum: true, ocsum: true, ikey: 5, okey: 5, iseq: true, oseq: true },
  ip6gretap: { kind: "gretap", ...v6, ikey: 77, okey: 77 },
  "fou-ipip": { kind: "ipip", ...v4, encap: fou },
  "fou-sit": { kind: "sit", ...v4, encap: { ...fou, sport: 1234, csum: true } },
  "fou-gre": { kind: "gre", ...v4, ikey: 4, okey: 4, encap: fou },
  "gue-ipip": { kind: "ipip", ...v4, encap: gue },
  "gue-gre": { kind: "gre", ...v4, encap: { ...gue, csum: true } },
  "gue-rco": { kind: "sit", ...v4, encap: { ...gue, csum: true, remcsum: true } },
};
