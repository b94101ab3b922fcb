import { pseudoHeader4, pseudoHeader6At, sumWords, type PartialSum } from "@seville/checksum";
import { invalidArgument } from "@seville/core";
import {
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_DSTOPTS,
  ipv4,
  ipv6,
  isIpv4,
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import * as encapsulationLimit from "../header/encapsulation-limit.ts";
import { takeIpId, type TunnelContext } from "./context.ts";

/** Everything about the outer IP header that is known before the packet is wrapped. */
export interface OuterHeader {
  local: IpAddress;
  remote: IpAddress;
  tos: number;
  ttl: number;
  /** IPv4. */
  df: boolean;
  /** IPv6. */
  flowLabel: number;
  /** IPv6: goes into a destination options header of its own. */
  encapsulationLimit: number | undefined;
}

export function newOuterHeader(): OuterHeader {
  return { local: 0, remote: 0, tos: 0, ttl: 0, df: false, flowLabel: 0, encapsulationLimit: undefined };
}

/** Bytes of an outer IP header. */
export function outerIpLength(isV4: boolean, limit: number | undefined): number {
  if (isV4) return ipv4.HEADER_LENGTH;
  return ipv6.HEADER_LENGTH + (limit === undefined ? 0 : encapsulationLimit.HEADER_LENGTH);
}

/** The pseudo-header's sum for `length` bytes of `protocol` between these addresses. */
export function pseudoHeaderOf(local: IpAddress, remote: IpAddress, protocol: number, length: number): PartialSum {
  if (isIpv4(local)) return pseudoHeader4(local, remote as Ipv4Address, protocol, length);
  const v6 = sumIpv6(local) + sumIpv6(remote as Ipv6Address);
  // Two folded sums, a protocol and a length: no carry is lost below 2^32.
  return v6 + protocol + (length & 0xffff) + (length >>> 16);
}

function sumIpv6({ w0, w1, w2, w3 }: Ipv6Address): number {
  const partial = sumWords([w0, w1, w2, w3]);
  return (partial & 0xffff) + (partial >>> 16);
}

/** The pseudo-header's sum of the IP header at `at`, for `length` bytes behind it. */
export function pseudoHeaderAt(
  view: DataView,
  u8: Uint8Array,
  at: number,
  protocol: number,
  length: number,
): PartialSum {
  if (view.getUint8(at) >>> 4 === 4) {
    return pseudoHeader4(ipv4.source(view, at), ipv4.destination(view, at), protocol, length);
  }
  return pseudoHeader6At(u8, at + 8, at + 24, protocol, length);
}

/**
 * Writes the outer IP header in front of the data and makes it the packet's (`iptunnel_xmit`, `ip6tunnel_xmit`). The
 * data must begin with the header of `protocol` and be short enough; a super-packet's length may overflow its field,
 * which segmentation will fill in.
 */
export function pushOuterIp(context: TunnelContext, packet: Packet, outer: OuterHeader, protocol: number): void {
  packet.transportHeader = packet.data;
  if (isIpv4(outer.local)) pushIpv4(context, packet, outer, protocol);
  else pushIpv6(packet, outer, protocol);
  packet.networkHeader = packet.data;
  packet.macHeader = packet.data;
}

function pushIpv4(context: TunnelContext, packet: Packet, outer: OuterHeader, protocol: number): void {
  const length = packet.totalLength + ipv4.HEADER_LENGTH;
  packet.protocol = ETH_P_IP;
  ipv4.write(packet.pool.memory.view, packet.push(ipv4.HEADER_LENGTH), {
    dscp: outer.tos >>> 2,
    ecn: outer.tos & 3,
    totalLength: length & 0xffff,
    identification: takeIpId(context, packet.gsoSegs),
    dontFragment: outer.df,
    ttl: outer.ttl,
    protocol,
    source: outer.local as Ipv4Address,
    destination: outer.remote as Ipv4Address,
  });
}

function pushIpv6(packet: Packet, outer: OuterHeader, protocol: number): void {
  const { view } = packet.pool.memory;
  let nextHeader = protocol;
  if (outer.encapsulationLimit !== undefined) {
    const at = packet.push(encapsulationLimit.HEADER_LENGTH);
    encapsulationLimit.write(view, at, protocol, outer.encapsulationLimit);
    nextHeader = IPPROTO_DSTOPTS;
  }
  const payloadLength = packet.totalLength & 0xffff;
  packet.protocol = ETH_P_IPV6;
  ipv6.write(view, packet.push(ipv6.HEADER_LENGTH), {
    dscp: outer.tos >>> 2,
    ecn: outer.tos & 3,
    flowLabel: outer.flowLabel,
    payloadLength,
    nextHeader,
    hopLimit: outer.ttl,
    source: outer.local as Ipv6Address,
    destination: outer.remote as Ipv6Address,
  });
}

/** The outer addresses of one family, or the caller's mistake. */
export function checkAddresses(local: IpAddress, remote: IpAddress | undefined): IpAddress {
  if (remote === undefined) throw invalidArgument("path.remote", "given, for the tunnel has none", remote);
  if (isIpv4(local) !== isIpv4(remote)) throw invalidArgument("path.remote", "of the family of local", String(remote));
  return remote;
}
