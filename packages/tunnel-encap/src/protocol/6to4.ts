import type { DropReason } from "@seville/core";
import { ETH_P_IPV6, IPPROTO_IPV6, ipv6, SKB_GSO_IPXIP4, type Ipv4Address, type Packet } from "@seville/packet";
import * as sixToFour from "../header/6to4.ts";
import type { SixToFourTunnel } from "../tunnel/config.ts";
import type { Encapsulation, TunnelParts } from "../tunnel/encapsulation.ts";
import type { TunnelInfo } from "../tunnel/info.ts";
import { readInner } from "./ip.ts";

/** 6to4 as a tunnel protocol (RFC 3056, with the checks of RFC 3964 §5; T5). */
export const sixToFourEncapsulation: Encapsulation<SixToFourTunnel> = {
  ipProtocol: () => IPPROTO_IPV6,
  headerLength: () => 0,
  isEthernet: () => false,
  gsoType: () => SKB_GSO_IPXIP4,
  push: (_parts, _packet, etherType) => (etherType === ETH_P_IPV6 ? undefined : "UNHANDLED_PROTO"),
  pull,
};

/**
 * The router to which the IPv6 packet at `networkHeader` goes: the one that its destination names, else `relay`
 * (RFC 3068, RFC 3056 §5.2). `undefined`: nobody can be there.
 */
export function sixToFourRemote(packet: Packet, relay: Ipv4Address | undefined): Ipv4Address | undefined {
  if (packet.protocol !== ETH_P_IPV6) return undefined;
  const { view } = packet.pool.memory;
  const named = sixToFour.embedded(ipv6.destination(view, packet.networkHeader)) ?? relay;
  return named !== undefined && sixToFour.isUsable(named) ? named : undefined;
}

/** A 6to4 source that is not where the packet comes from, or could be nowhere, is spoofed (RFC 3964 §5.2, §5.3). */
function pull(_parts: TunnelParts<SixToFourTunnel>, packet: Packet, info: TunnelInfo): DropReason | undefined {
  const dropped = readInner(packet, info);
  if (dropped !== undefined) return dropped;
  const { view } = packet.pool.memory;
  if (packet.protocol !== ETH_P_IPV6) return "UNHANDLED_PROTO";
  if (!packet.mayPull(ipv6.HEADER_LENGTH)) return "HDR_TRUNC";
  const outer = info.source as Ipv4Address;
  if (!sixToFour.isUsable(outer)) return "IP_INVALID_SOURCE";
  const source = sixToFour.embedded(ipv6.source(view, packet.data));
  if (source !== undefined && source !== outer) return "IP_INVALID_SOURCE";
  const destination = sixToFour.embedded(ipv6.destination(view, packet.data));
  if (destination !== undefined && !sixToFour.isUsable(destination)) return "IP_INVALID_DEST";
  // Neither end is of 6to4: nobody asked this router to relay that.
  return source === undefined && destination === undefined ? "IP_INVALID_SOURCE" : undefined;
}
