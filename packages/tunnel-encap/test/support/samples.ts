import { compose, ETH_P_IP, parseIpv4, parseIpv6, parseMac, type Layer, type Packet } from "@seville/packet";
import type { PacketPool } from "@seville/packet";
import { geneve, TunnelEndpoint, type OuterPath, type Tunnel, vxlan } from "../../src/index.ts";
import { contextOf, finishAndTake, load } from "./packets.ts";

export const MAC_A = parseMac("02:00:00:00:00:0a");
export const MAC_B = parseMac("02:00:00:00:00:0b");
export const A4 = parseIpv4("192.0.2.1");
export const B4 = parseIpv4("192.0.2.2");
export const A6 = parseIpv6("2001:db8::1");
export const B6 = parseIpv6("2001:db8::2");
const INNER_A = parseIpv4("10.1.0.1");
const INNER_B = parseIpv4("10.1.0.2");

export const ETHERNET: Layer = { ethernet: { destination: MAC_B, source: MAC_A } };

export interface InnerOptions {
  readonly ecn?: number;
  readonly dscp?: number;
  readonly ttl?: number;
  readonly dontFragment?: boolean;
  readonly flowLabel?: number;
  readonly sourcePort?: number;
  readonly payload?: Uint8Array | string;
}

/** An IPv4 packet with UDP. */
export function inner4(options: InnerOptions = {}): Uint8Array<ArrayBuffer> {
  const { sourcePort = 40_000, payload = "inside", ...fields } = options;
  return compose([
    { ipv4: { source: INNER_A, destination: INNER_B, ...fields } },
    { udp: { sourcePort, destinationPort: 9 } },
    payload,
  ]);
}

/** An IPv6 packet with UDP. */
export function inner6(options: InnerOptions = {}): Uint8Array<ArrayBuffer> {
  const { sourcePort = 40_000, payload = "inside", ttl, ecn, dscp, flowLabel } = options;
  return compose([
    { ipv6: { source: parseIpv6("fd00::1"), destination: parseIpv6("fd00::2"), hopLimit: ttl, ecn, dscp, flowLabel } },
    { udp: { sourcePort, destinationPort: 9 } },
    payload,
  ]);
}

/** A frame around one of those. */
export function frameOf(ip: Uint8Array): Uint8Array<ArrayBuffer> {
  const etherType = ip[0]! >>> 4 === 6 ? 0x86dd : ETH_P_IP;
  return compose([{ ethernet: { destination: MAC_B, source: MAC_A, etherType } }, ip]);
}

const critical = { class: 0x0102, type: 3, critical: true, data: Uint8Array.of(1, 2, 3, 4) };
const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };

/** Tunnels of every kind with every option, beyond those that the kernel was recorded with. */
export const SAMPLE_TUNNELS: Readonly<Record<string, Tunnel>> = {
  "vxlan gbp": { kind: "vxlan", id: 5, ...v4, gbp: { id: 99, dontLearn: true, policyApplied: true } },
  "vxlan gpe ip": { kind: "vxlan", id: 5, ...v4, gpe: true },
  "vxlan rfc": { kind: "vxlan", id: vxlan.MAX_VNI, ...v4, udpcsum: false },
  "vxlan over ipv6": { kind: "vxlan", id: 1, ...v6, flowlabel: "auto" },
  "geneve options": {
    kind: "geneve",
    id: 7,
    ...v4,
    udpcsum: true,
    options: [critical, { class: 0xff01, type: 9, critical: false, data: new Uint8Array(12).fill(7) }],
    knownOptions: [critical],
  },
  "geneve ip": { kind: "geneve", id: geneve.MAX_VNI, ...v6, innerProtoInherit: true },
  gre: { kind: "gre", ...v4 },
  "gre everything": { kind: "gre", ...v4, icsum: true, ocsum: true, ikey: 9, okey: 9, iseq: true, oseq: true },
  "gre over ipv6": { kind: "gre", ...v6, icsum: true, ocsum: true },
  gretap: { kind: "gretap", ...v4, ikey: 1, okey: 1, icsum: true, ocsum: true },
  nvgre: { kind: "nvgre", ...v4, vsid: 0x12345 },
  "erspan I": { kind: "erspan", ...v4, erspanVer: 0 },
  "erspan II": { kind: "erspan", ...v4, erspanVer: 1, key: 1023, index: 0xfffff },
  "erspan III": { kind: "erspan", ...v4, erspanVer: 2, key: 5, hwid: 63, dir: "egress" },
  ipip: { kind: "ipip", ...v4 },
  sit: { kind: "sit", ...v4 },
  ip6tnl: { kind: "ip6tnl", ...v6, encaplimit: 3 },
  "gue variant 0": { kind: "ipip", ...v4, encap: { type: "gue", dport: 6080, csum: true } },
  "gue variant 1": { kind: "ipip", ...v4, encap: { type: "gue", dport: 6080, direct: true } },
};

/** What the tunnel makes of a packet of ours: its inner bytes, and the whole outer frame. */
export function wrap(
  pool: PacketPool,
  tunnel: Tunnel,
  inner: Uint8Array,
  path: OuterPath = {},
): { readonly endpoint: TunnelEndpoint; readonly outer: Uint8Array<ArrayBuffer> } {
  const context = contextOf(pool);
  const endpoint = new TunnelEndpoint(tunnel, context);
  const packet: Packet = load(pool, inner, endpoint.isEthernet);
  const result = endpoint.encapsulate(packet, path);
  if (result !== "ok") {
    packet.release();
    throw new Error(`not wrapped: ${result}`);
  }
  return { endpoint, outer: finishAndTake(packet, context) };
}

/** What goes into a tunnel of this kind. */
export function innerFor(tunnel: Tunnel): Uint8Array<ArrayBuffer> {
  if (tunnel.kind === "sit" || tunnel.kind === "6to4") return inner6();
  const isFrames = ["vxlan", "geneve", "gretap", "nvgre", "erspan"].includes(tunnel.kind);
  const isBare =
    (tunnel.kind === "vxlan" && tunnel.gpe === true) || (tunnel.kind === "geneve" && tunnel.innerProtoInherit === true);
  return isFrames && !isBare ? frameOf(inner4()) : inner4();
}
