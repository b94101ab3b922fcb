import { parseIpv4, parseIpv6, type IpAddress } from "../../../../../packages/packet/src/index.ts";
import type { Tunnel } from "../../../../../packages/tunnel-encap/src/index.ts";

/** One VXLAN between the kernel and us. */
export interface Variant {
  readonly name: string;
  readonly underlay: 4 | 6;
  /** Its outer UDP header has a checksum. */
  readonly checksum: boolean;
  /** The third part of its inner addresses, and its device is vx1, vx2, … */
  readonly number: number;
  readonly vni: number;
  /** Linux shares a UDP socket only among VXLANs that treat a missing checksum alike. */
  readonly port: number;
}

/** All four: over IPv4 and IPv6, with and without an outer checksum. */
export const VARIANTS: readonly Variant[] = [
  { name: "over IPv4", underlay: 4, checksum: false, number: 1, vni: 40, port: 4789 },
  { name: "over IPv4 with outer checksums", underlay: 4, checksum: true, number: 2, vni: 41, port: 4789 },
  { name: "over IPv6", underlay: 6, checksum: false, number: 3, vni: 60, port: 4790 },
  { name: "over IPv6 with outer checksums", underlay: 6, checksum: true, number: 4, vni: 61, port: 4789 },
];

/** Addresses of the underlay: `ours` is the simulated host's, `kernel` that of the kernel's VXLAN devices. */
export const UNDERLAY = {
  4: { ours: "10.90.1.1", kernel: "10.90.1.2", far: "10.90.2.2" },
  6: { ours: "fd90:1::1", kernel: "fd90:1::2", far: "fd90:2::2" },
} as const;

/** What has an address in connection with one VXLAN. */
export interface InnerAddresses {
  /** The kernel's VXLAN device. */
  readonly kernel: string;
  /** Ours. */
  readonly ours: string;
  /** The kernel's TAP device on our other side, and ours to it. */
  readonly behind: string;
  readonly gateway: string;
}

/** Addresses inside of VXLAN `number`, and of the network behind us that is reached through it. */
export function addressesOf({ number }: Variant, family: 4 | 6): InnerAddresses {
  return family === 4
    ? {
        kernel: `10.91.${number}.2`,
        ours: `10.91.${number}.1`,
        behind: `10.92.${number}.2`,
        gateway: `10.92.${number}.1`,
      }
    : {
        kernel: `fd91:${number}::2`,
        ours: `fd91:${number}::1`,
        behind: `fd92:${number}::2`,
        gateway: `fd92:${number}::1`,
      };
}

export function prefix(address: string): string {
  return `${address}/${address.includes(":") ? 64 : 24}`;
}

/** Our end of it. */
export function ourTunnel(variant: Variant, remote: string = UNDERLAY[variant.underlay].kernel): Tunnel {
  const { underlay, vni, port, checksum } = variant;
  const parse: (text: string) => IpAddress = underlay === 4 ? parseIpv4 : parseIpv6;
  return {
    kind: "vxlan",
    id: vni,
    local: parse(UNDERLAY[underlay].ours),
    remote: parse(remote),
    dstport: port,
    ...(underlay === 4 ? { udpcsum: checksum } : { udp6zerocsumtx: !checksum, udp6zerocsumrx: !checksum }),
  };
}

/** The words of `ip link add DEV type vxlan …` for the kernel's end. */
export function kernelTunnel(variant: Variant, local: string = UNDERLAY[variant.underlay].kernel): string {
  const { underlay, vni, port, checksum } = variant;
  const no = checksum ? "no" : "";
  const sums = underlay === 4 ? (checksum ? "udpcsum" : "noudpcsum") : `${no}udp6zerocsumtx ${no}udp6zerocsumrx`;
  return `id ${vni} local ${local} remote ${UNDERLAY[underlay].ours} dstport ${port} ${sums}`;
}
