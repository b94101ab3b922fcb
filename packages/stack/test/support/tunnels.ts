import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseIpv4, parseIpv6, type IpAddress } from "@seville/packet";
import type { LinkOptions } from "@seville/sim";
import type { Tunnel } from "@seville/tunnel-encap";
import { type Host, type NetInterface } from "../../src/index.ts";
import { createTunnel, type TunnelDeviceOptions } from "../../src/tunnel/index.ts";
import { pcap } from "./wire.ts";
import { assign, pair, type Pair } from "./world.ts";

/** Everything of a tunnel but its ends. */
export type TunnelCase = (ends: { local: IpAddress; remote: IpAddress }) => Tunnel;

const v4 = (f: (ends: { local: number; remote: number }) => Tunnel): TunnelCase => f as TunnelCase;

/** The tunnels of which each is tested over the underlays that it has. */
export const TUNNELS: Readonly<Record<string, { readonly underlays: readonly (4 | 6)[]; readonly make: TunnelCase }>> =
  {
    vxlan: { underlays: [4, 6], make: (ends) => ({ kind: "vxlan", id: 42, ...ends }) },
    "vxlan without outer checksum": {
      underlays: [4, 6],
      make: (ends) => ({
        kind: "vxlan",
        id: 43,
        udpcsum: false,
        udp6zerocsumtx: true,
        udp6zerocsumrx: true,
        ...ends,
      }),
    },
    "vxlan-gbp": { underlays: [4], make: (ends) => ({ kind: "vxlan", id: 44, gbp: true, ...ends }) },
    geneve: { underlays: [4, 6], make: (ends) => ({ kind: "geneve", id: 45, ...ends }) },
    "geneve udpcsum": { underlays: [4], make: (ends) => ({ kind: "geneve", id: 46, udpcsum: true, ...ends }) },
    gre: { underlays: [4, 6], make: (ends) => ({ kind: "gre", ...ends }) },
    "gre key csum seq": {
      underlays: [4, 6],
      make: (ends) => ({ kind: "gre", ikey: 9, okey: 9, icsum: true, ocsum: true, iseq: true, oseq: true, ...ends }),
    },
    gretap: { underlays: [4, 6], make: (ends) => ({ kind: "gretap", ...ends }) },
    "gretap key csum": {
      underlays: [4],
      make: (ends) => ({ kind: "gretap", ikey: 1, okey: 1, icsum: true, ocsum: true, ...ends }),
    },
    nvgre: { underlays: [4], make: (ends) => ({ kind: "nvgre", vsid: 47, ...ends }) },
    "erspan II": { underlays: [4], make: (ends) => ({ kind: "erspan", erspanVer: 1, key: 48, ...ends }) },
    "erspan III": { underlays: [4], make: (ends) => ({ kind: "erspan", erspanVer: 2, key: 49, ...ends }) },
    ipip: { underlays: [4], make: v4((ends) => ({ kind: "ipip", ...ends })) },
    sit: { underlays: [4], make: v4((ends) => ({ kind: "sit", ...ends })) },
    ip6tnl: { underlays: [6], make: (ends) => ({ kind: "ip6tnl", ...ends }) as Tunnel },
    "ipip in FOU": {
      underlays: [4],
      make: v4((ends) => ({ kind: "ipip", encap: { type: "fou", dport: 5555 }, ...ends })),
    },
    "sit in GUE": {
      underlays: [4],
      make: v4((ends) => ({ kind: "sit", encap: { type: "gue", dport: 6080, csum: true }, ...ends })),
    },
    "gre in GUE": {
      underlays: [4],
      make: v4((ends) => ({ kind: "gre", encap: { type: "gue", dport: 6080 }, ...ends })),
    },
  };

/** Which inner families a kind carries. */
export function innerFamilies({ kind }: Tunnel): readonly (4 | 6)[] {
  if (kind === "ipip") return [4];
  return [4, 6];
}

export interface TunnelPair extends Pair {
  readonly tunnelA: NetInterface;
  readonly tunnelB: NetInterface;
}

/** Two hosts with a tunnel over their link: 192.168.0.1 and .2, fd00::1 and ::2 inside. */
export function tunnelPair(
  make: TunnelCase,
  underlay: 4 | 6,
  options: { readonly link?: Partial<LinkOptions>; readonly mtu?: number; readonly device?: TunnelDeviceOptions } = {},
): TunnelPair {
  const hosts = pair(options.link);
  const [addressA, addressB] = ends(underlay);
  const tunnelA = addTunnel(hosts.a, "tun0", make({ local: addressA, remote: addressB }), options);
  const tunnelB = addTunnel(hosts.b, "tun0", make({ local: addressB, remote: addressA }), options);
  assign(tunnelA, ["192.168.0.1/24", "fd00::1/64"]);
  assign(tunnelB, ["192.168.0.2/24", "fd00::2/64"]);
  hosts.world.runMs(10);
  return { ...hosts, tunnelA, tunnelB };
}

export function addTunnel(
  host: Host,
  name: string,
  tunnel: Tunnel,
  options: { readonly mtu?: number; readonly device?: TunnelDeviceOptions } = {},
): NetInterface {
  const device = createTunnel(host, tunnel, options.device);
  return host.interfaces.add(device, { name, up: true, ...(options.mtu === undefined ? {} : { mtu: options.mtu }) });
}

/** The ends of the underlay in `pair()`. */
export function ends(underlay: 4 | 6): [IpAddress, IpAddress] {
  return underlay === 4
    ? [parseIpv4("10.0.0.1"), parseIpv4("10.0.0.2")]
    : [parseIpv6("2001:db8::1"), parseIpv6("2001:db8::2")];
}

/** What tshark sees of some fields in `frames`, one line per frame, and what it complains about. */
export function sharkFields(frames: readonly Uint8Array[], fields: readonly string[]): string[] {
  return shark(frames, ["-T", "fields", "-E", "occurrence=a", ...fields.flatMap((field) => ["-e", field])]);
}

/** What tshark holds against frames with tunnels in them: malformed, or a wrong checksum at any level. */
export function tunnelComplaints(frames: readonly Uint8Array[]): string[] {
  const wrong = ["ip", "udp", "tcp", "icmp", "icmpv6", "gre", "sctp"].map((name) => `${name}.checksum.status == 0`);
  return shark(frames, ["-Y", ["_ws.malformed", ...wrong].join(" || ")]);
}

function shark(frames: readonly Uint8Array[], more: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "seville-tunnel-"));
  try {
    const file = join(directory, "wire.pcap");
    writeFileSync(file, pcap(frames));
    const checks = ["ip.check_checksum:TRUE", "udp.check_checksum:TRUE", "tcp.check_checksum:TRUE"];
    const decode = ["udp.port==5555,ip", "udp.port==9000-9100,data"];
    const options = [...checks.flatMap((check) => ["-o", check]), ...decode.flatMap((rule) => ["-d", rule])];
    const out = execFileSync("tshark", ["-r", file, ...options, ...more], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return out.split("\n").filter((line) => line !== "");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** `host`'s address in the tunnel. */
export const inner = (family: 4 | 6, host: "a" | "b"): string => {
  const last = host === "a" ? "1" : "2";
  return family === 4 ? `192.168.0.${last}` : `fd00::${last}`;
};
