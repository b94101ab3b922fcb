import type { DropReason } from "@seville/core";
import {
  ethernet,
  ETH_P_IP,
  ETH_P_TEB,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  ETH_P_IPV6,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  type IpAddress,
  type Packet,
} from "@seville/packet";
import { sixToFourRemote } from "../protocol/6to4.ts";
import { innerTos } from "../policy/ecn.ts";
import { outerDf, outerFlowLabel, outerTos, outerTtl } from "../policy/outer.ts";
import { sourcePort } from "../policy/source-port.ts";
import * as geneve from "../header/geneve.ts";
import * as encapsulationLimit from "../header/encapsulation-limit.ts";
import type { SecondaryEncap } from "./config.ts";
import type { Encapsulation, TunnelParts } from "./encapsulation.ts";
import type { EncapsulationResult } from "./endpoint.ts";
import { handleOffloads, locateHeaders, mustSegmentFirst } from "./offload.ts";
import { checkAddresses, newOuterHeader, outerIpLength, pushOuterIp, type OuterHeader } from "./outer-ip.ts";
import type { OuterPath } from "./path.ts";
import { pushSecondary } from "./secondary.ts";
import { pushUdp } from "./udp.ts";

/** Room for the link's header, aligned as Linux's `LL_RESERVED_SPACE`. */
const LINK_HEADROOM = 16;

const outer: OuterHeader = newOuterHeader();

/** Wraps a packet: see `TunnelEndpoint.encapsulate`. The order is that of `ip_tunnel_xmit` and `vxlan_xmit_one`. */
export function encapsulate(
  parts: TunnelParts,
  encapsulation: Encapsulation,
  packet: Packet,
  path: OuterPath,
): EncapsulationResult {
  if (mustSegmentFirst(packet)) return "segment";
  const { tunnel, context } = parts;
  const isEthernet = encapsulation.isEthernet(tunnel);
  const etherType = isEthernet ? ETH_P_TEB : packet.protocol;
  if (etherType === 0) return "UNHANDLED_PROTO";
  if (!mayReadHeaders(packet, isEthernet)) return "PKT_TOO_SMALL";
  locateHeaders(packet, isEthernet);
  const remote =
    tunnel.kind === "6to4" ? sixToFourRemote(packet, relayOf(tunnel.remote)) : (path.remote ?? tunnel.remote);
  if (tunnel.kind === "6to4" && remote === undefined) return "IP_INVALID_DEST";
  const refused = prepareOuter(parts, packet, path, path.local ?? tunnel.local, remote, isEthernet);
  if (refused !== undefined) return refused;

  const encap = "encap" in tunnel ? tunnel.encap : undefined;
  const isUdp = tunnel.kind === "vxlan" || tunnel.kind === "geneve";
  const port = isUdp || encap !== undefined ? portFor(parts, packet, encap, isEthernet, etherType) : 0;
  const isBare = tunnel.kind === "ipip" || tunnel.kind === "sit" || tunnel.kind === "6to4" || tunnel.kind === "ip6tnl";
  let gsoType = encapsulation.gsoType(parts);
  if (encap !== undefined) gsoType |= encap.csum === true ? SKB_GSO_UDP_TUNNEL_CSUM : SKB_GSO_UDP_TUNNEL;
  const carrier = encapsulation.ipProtocol(etherType);
  if (!handleOffloads(packet, gsoType, etherType, isBare ? carrier : undefined)) return "NOMEM";
  if (!packet.cowHead(headroomFor(parts, path))) return "NOMEM";

  const dropped = encapsulation.push(parts, packet, etherType, path);
  if (dropped !== undefined) return dropped;
  if (encap !== undefined) pushSecondary(encap, packet, carrier);
  if (isTooLong(packet, isUdp || encap !== undefined, parts)) return "PKT_TOO_BIG";
  if (isUdp || encap !== undefined) {
    const destinationPort = (isUdp ? path.dstport : undefined) ?? parts.policy.destinationPort;
    const what = { sourcePort: port, destinationPort, checksum: parts.policy.udpChecksum };
    const failed = pushUdp(context, packet, outer, what);
    if (failed !== undefined) return failed;
  }
  pushOuterIp(context, packet, outer, encap === undefined ? carrier : IPPROTO_UDP);
  return "ok";
}

/**
 * Brings the headers that policies read into the linear data, and no more of a super-packet. `false`: there is no whole Ethernet
 * header, or, where no frame is around it, no whole IP header (`pskb_inet_may_pull`).
 */
function mayReadHeaders(packet: Packet, isEthernet: boolean): boolean {
  if (!isEthernet) return packet.mayPull(ipHeaderLength(packet.protocol));
  if (!packet.mayPull(ethernet.HEADER_LENGTH)) return false;
  const type = ethernet.etherType(packet.pool.memory.view, packet.data);
  packet.mayPull(ethernet.HEADER_LENGTH + ipHeaderLength(type));
  return true;
}

function ipHeaderLength(etherType: number): number {
  if (etherType === ETH_P_IP) return ipv4.HEADER_LENGTH;
  return etherType === ETH_P_IPV6 ? ipv6.HEADER_LENGTH : 0;
}

function relayOf(remote: IpAddress | undefined): number | undefined {
  return typeof remote === "number" ? remote : undefined;
}

/** Fills in {@link outer} from the policies; the packet is still as it came. */
function prepareOuter(
  { tunnel, policy, context }: TunnelParts,
  packet: Packet,
  path: OuterPath,
  local: IpAddress,
  maybeRemote: IpAddress | undefined,
  isEthernet: boolean,
): DropReason | undefined {
  const remote = checkAddresses(local, maybeRemote);
  outer.local = local;
  outer.remote = remote;
  outer.tos = outerTos(policy, innerTos(packet));
  outer.ttl = outerTtl(policy, packet, remote, path.hopLimit ?? 64);
  outer.df = policy.isIpv4 && outerDf(withCarrier(policy, tunnel.kind), packet);
  outer.flowLabel = policy.isIpv4 ? 0 : outerFlowLabel(policy, packet, isEthernet, context.hashSeed);
  outer.encapsulationLimit = policy.encapsulationLimit;
  if (policy.isIpv4 || isEthernet || packet.protocol !== ETH_P_IPV6) return undefined;
  return lowerLimit(packet);
}

/** IP tunnels copy an inner DF even where they do not set it themselves, but not for inner IPv6 (`ip_tunnel_xmit`). */
function withCarrier(policy: TunnelParts["policy"], kind: string): TunnelParts["policy"] {
  const isLikeVxlan = kind === "vxlan" || kind === "geneve";
  return isLikeVxlan || policy.df !== "inherit" ? policy : { ...policy, df: "copy" };
}

/** A packet that says how often it may still be wrapped is believed, and 0 is never (RFC 2473 §4.1.1). */
function lowerLimit(packet: Packet): DropReason | undefined {
  const { view } = packet.pool.memory;
  const option = encapsulationLimit.find(view, packet.networkHeader, packet.tail);
  if (option < 0) return undefined;
  const limit = encapsulationLimit.limit(view, option);
  if (limit === 0) return "RECURSION_LIMIT";
  outer.encapsulationLimit = limit - 1;
  return undefined;
}

function portFor(
  { entropy }: TunnelParts,
  packet: Packet,
  encap: SecondaryEncap | undefined,
  isEthernet: boolean,
  etherType: number,
): number {
  if (encap !== undefined && typeof encap.sport === "number" && encap.sport !== 0) return encap.sport;
  return sourcePort(packet, isEthernet, etherType, entropy);
}

function headroomFor({ overhead, policy }: TunnelParts, path: OuterPath): number {
  const options = path.options === undefined ? 0 : geneve.MAX_OPTIONS_LENGTH;
  // An inner packet may bring an encapsulation limit that the configuration does not ask for.
  const limit = outer.encapsulationLimit === undefined ? 0 : outerIpLength(policy.isIpv4, 0) - overhead.ip;
  return overhead.headroom + options + limit + (path.linkHeadroom ?? LINK_HEADROOM);
}

/** Whether the lengths of the outer headers cannot say how long the packet is; those of a super-packet need not. */
function isTooLong(packet: Packet, isUdp: boolean, { policy }: TunnelParts): boolean {
  if (packet.gsoSize !== 0) return false;
  const length = packet.totalLength + (isUdp ? 8 : 0);
  if (policy.isIpv4) return length + ipv4.HEADER_LENGTH > ipv4.MAX_TOTAL_LENGTH;
  const limit = outer.encapsulationLimit === undefined ? 0 : encapsulationLimit.HEADER_LENGTH;
  return length + limit > ipv6.MAX_PAYLOAD_LENGTH;
}
