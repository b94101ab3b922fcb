import { ETH_P_IP, ETH_P_IPV6, ipv4, ipv6, isMulticast, type IpAddress, type Packet } from "@seville/packet";
import { encapsulateEcn, type EcnMode } from "./ecn.ts";
import { innerHash } from "./inner.ts";

/** How the fields of the outer IP header come about (T9). */
export interface OuterPolicy {
  /** A number from 1; `inherit`: the inner one; `auto`: the route's, and 1 towards a multicast group. */
  readonly ttl: number | "inherit" | "auto";
  /** DSCP and two bits that ECN overwrites; `inherit`: the inner one. */
  readonly tos: number | "inherit";
  /** Of an IPv4 outer header. `inherit`: as the inner IPv4 header, and set for inner IPv6; `copy`: unset for that. */
  readonly df: "unset" | "set" | "inherit" | "copy";
  /** Of an IPv6 outer header. `auto`: by the flow (RFC 6438). */
  readonly flowlabel: number | "inherit" | "auto";
  readonly ecn: EcnMode;
}

/** The outer TTL or hop limit, for a packet that has not been wrapped yet. */
export function outerTtl(policy: OuterPolicy, packet: Packet, remote: IpAddress, hopLimit: number): number {
  const { view } = packet.pool.memory;
  if (typeof policy.ttl === "number") return policy.ttl;
  if (policy.ttl === "inherit") {
    if (packet.protocol === ETH_P_IP) return ipv4.ttl(view, packet.networkHeader);
    if (packet.protocol === ETH_P_IPV6) return ipv6.hopLimit(view, packet.networkHeader);
  } else if (isMulticast(remote)) return 1;
  return hopLimit;
}

/** The outer TOS or traffic class for an inner one. */
export function outerTos(policy: OuterPolicy, inner: number): number {
  const base = policy.tos === "inherit" ? inner : policy.tos;
  return (base & ~3) | encapsulateEcn(policy.ecn, inner & 3, base);
}

/** Whether the outer IPv4 header says "don't fragment". */
export function outerDf(policy: OuterPolicy, packet: Packet): boolean {
  if (policy.df === "set" || policy.df === "unset") return policy.df === "set";
  if (packet.protocol === ETH_P_IPV6) return policy.df === "inherit";
  return packet.protocol === ETH_P_IP && ipv4.dontFragment(packet.pool.memory.view, packet.networkHeader);
}

/** The outer IPv6 flow label. */
export function outerFlowLabel(policy: OuterPolicy, packet: Packet, isEthernet: boolean, seed: number): number {
  if (typeof policy.flowlabel === "number") return policy.flowlabel;
  if (policy.flowlabel === "inherit") {
    return packet.protocol === ETH_P_IPV6 ? ipv6.flowLabel(packet.pool.memory.view, packet.networkHeader) : 0;
  }
  const hash = innerHash(packet, isEthernet, packet.protocol, seed);
  // As ip6_make_flowlabel: the label must not show the hash's low bits as the source port does its high ones.
  return ((hash << 16) | (hash >>> 16)) & 0xf_ffff;
}
