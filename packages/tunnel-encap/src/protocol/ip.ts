import type { DropReason } from "@seville/core";
import {
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  SKB_GSO_IPXIP4,
  SKB_GSO_IPXIP6,
  type Packet,
} from "@seville/packet";
import type { Ip6Tunnel, IpipTunnel, SitTunnel } from "../tunnel/config.ts";
import type { Encapsulation, TunnelParts } from "../tunnel/encapsulation.ts";
import type { TunnelInfo } from "../tunnel/info.ts";

/*
 * Tunnels without a header of their own: the inner IP packet follows the outer IP header, whose protocol is 4 (IPv4
 * inside) or 41 (IPv6 inside).
 */

/** IPv4 in IPv4 (RFC 2003; net/ipv4/ipip.c; T5). */
export const ipipEncapsulation: Encapsulation<IpipTunnel> = bare([ETH_P_IP]);

/** IPv6 in IPv4, and IPv4 in IPv4 as the kernel's SIT also carries (RFC 4213 §3; net/ipv6/sit.c; T5). */
export const sitEncapsulation: Encapsulation<SitTunnel> = bare([ETH_P_IPV6, ETH_P_IP]);

/** IPv4 or IPv6 in IPv6 (RFC 2473; net/ipv6/ip6_tunnel.c; T5). The encapsulation limit belongs to the outer header. */
export const ip6tnlEncapsulation: Encapsulation<Ip6Tunnel> = {
  ...bare<Ip6Tunnel>([ETH_P_IP, ETH_P_IPV6]),
  gsoType: () => SKB_GSO_IPXIP6,
  push: ({ tunnel }, _packet, etherType) => (carries(tunnel, etherType) ? undefined : "UNHANDLED_PROTO"),
  pull: (parts, packet, info) => {
    const dropped = readInner(packet, info);
    return dropped ?? (carries(parts.tunnel, packet.protocol) ? undefined : "UNHANDLED_PROTO");
  },
};

function carries({ mode = "any" }: Ip6Tunnel, protocol: number): boolean {
  if (mode === "any") return protocol === ETH_P_IP || protocol === ETH_P_IPV6;
  return protocol === (mode === "ip6ip6" ? ETH_P_IPV6 : ETH_P_IP);
}

function bare<Kind extends IpipTunnel | SitTunnel | Ip6Tunnel>(protocols: readonly number[]): Encapsulation<Kind> {
  return {
    ipProtocol: (etherType) => ipProtocolOf(etherType),
    headerLength: () => 0,
    isEthernet: () => false,
    gsoType: () => SKB_GSO_IPXIP4,
    push: (_parts: TunnelParts<Kind>, _packet, etherType) =>
      protocols.includes(etherType) ? undefined : "UNHANDLED_PROTO",
    pull: (_parts, packet, info) =>
      readInner(packet, info) ?? (protocols.includes(packet.protocol) ? undefined : "UNHANDLED_PROTO"),
  };
}

/** IP protocol of an inner packet with this EtherType. */
export function ipProtocolOf(etherType: number): number {
  return etherType === ETH_P_IP ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/** Nothing to take off: `packet.protocol` by the version of the packet itself. */
export function readInner(packet: Packet, info: TunnelInfo): DropReason | undefined {
  if (!packet.mayPull(1)) return "HDR_TRUNC";
  const version = packet.pool.memory.view.getUint8(packet.data) >>> 4;
  if (version !== 4 && version !== 6) return "UNHANDLED_PROTO";
  packet.protocol = version === 4 ? ETH_P_IP : ETH_P_IPV6;
  info.isEthernet = false;
  return undefined;
}
