import type { DropReason } from "@seville/core";
import {
  ethernet,
  ETH_P_802_3_MIN,
  ETH_P_IP,
  ETH_P_IPV6,
  ipv4,
  ipv6,
  NO_HEADER,
  PACKET_HOST,
  type Packet,
} from "@seville/packet";
import { alignmentOf } from "../align/alignment.ts";
import { decapsulateEcn, innerTos, setInnerEcn } from "../policy/ecn.ts";
import type { Encapsulation, TunnelParts } from "./encapsulation.ts";
import { resetInfo, type TunnelInfo } from "./info.ts";
import { pullOffloads } from "./offload.ts";
import { pullGue } from "./secondary.ts";
import { pullUdp } from "./udp.ts";

/** An 802.3 frame with a length instead of a type (`ETH_P_802_2`). */
const ETH_P_802_2 = 0x0004;

/**
 * Unwraps a packet: see `TunnelEndpoint.decapsulate`. The order is the kernel's (T13): the outer checksum is verified, its
 * level used up, headers are pulled with their sums, metadata scrubbed, ECN combined, and the inner protocol named.
 */
export function decapsulate(
  parts: TunnelParts,
  encapsulation: Encapsulation,
  packet: Packet,
  info: TunnelInfo,
): DropReason | undefined {
  const { tunnel, policy, context } = parts;
  readOuter(packet, info);
  const encap = "encap" in tunnel ? tunnel.encap : undefined;
  if (tunnel.kind === "vxlan" || tunnel.kind === "geneve" || encap !== undefined) {
    const dropped = pullUdp(context, packet, info, policy.zeroChecksumAccepted);
    if (dropped !== undefined) return dropped;
  }
  if (encap?.type === "gue") {
    const protocol = pullGue(context, packet, encap.remcsum === true);
    if (typeof protocol !== "number") return protocol;
    if (!isCarried(encapsulation, packet, protocol)) return "UNHANDLED_PROTO";
  }
  const dropped = encapsulation.pull(parts, packet, info);
  if (dropped !== undefined) return dropped;
  info.isUnwrapped = true;
  return readInnerHeaders(packet, info) ?? combineEcn(packet, info);
}

/** GUE names what it carries, and this tunnel is of one protocol: GRE, or by the version IPv4 or IPv6. */
function isCarried(encapsulation: Encapsulation, packet: Packet, protocol: number): boolean {
  if (packet.length === 0) return false;
  const version = packet.pool.memory.view.getUint8(packet.data) >>> 4;
  return encapsulation.ipProtocol(version === 6 ? ETH_P_IPV6 : ETH_P_IP) === protocol;
}

function readOuter(packet: Packet, info: TunnelInfo): void {
  resetInfo(info);
  const { view } = packet.pool.memory;
  const at = packet.networkHeader;
  if (view.getUint8(at) >>> 4 === 4) {
    info.source = ipv4.source(view, at);
    info.destination = ipv4.destination(view, at);
    info.tos = ipv4.tos(view, at);
    info.ttl = ipv4.ttl(view, at);
    return;
  }
  info.source = ipv6.source(view, at);
  info.destination = ipv6.destination(view, at);
  info.tos = ipv6.trafficClass(view, at);
  info.ttl = ipv6.hopLimit(view, at);
  info.flowLabel = ipv6.flowLabel(view, at);
}

/** Forgets what was of the outer packet (`skb_scrub_packet`), and says where the inner headers are. */
function readInnerHeaders(packet: Packet, info: TunnelInfo): DropReason | undefined {
  pullOffloads(packet);
  packet.hash = 0;
  packet.mark = 0;
  packet.vlanTci = -1;
  packet.queueMapping = 0;
  packet.pktType = PACKET_HOST;
  packet.innerMacHeader = NO_HEADER;
  packet.innerNetworkHeader = NO_HEADER;
  packet.innerTransportHeader = NO_HEADER;
  packet.transportHeader = NO_HEADER;
  packet.macHeader = packet.data;
  packet.networkHeader = packet.data;
  if (info.isEthernet) {
    if (!packet.mayPull(ethernet.HEADER_LENGTH)) return "HDR_TRUNC";
    const type = ethernet.etherType(packet.pool.memory.view, packet.data);
    packet.macHeader = packet.data;
    packet.networkHeader = packet.data + ethernet.HEADER_LENGTH;
    packet.protocol = type < ETH_P_802_3_MIN ? ETH_P_802_2 : type;
  }
  info.alignment = alignmentOf(packet.networkHeader);
  return undefined;
}

/** RFC 6040 §4.2 (T8). What is not IP, or too short for its header, has no ECN field. */
function combineEcn(packet: Packet, info: TunnelInfo): DropReason | undefined {
  const needed = ipHeaderLength(packet);
  if (needed === 0) return undefined;
  const frame = packet.networkHeader - packet.data;
  if (!packet.mayPull(frame + needed)) return info.isEthernet ? undefined : "HDR_TRUNC";
  const inner = innerTos(packet) & 3;
  const { ecn, log } = decapsulateEcn(info.tos, inner);
  info.ecnLog = log;
  if (ecn === "drop") return "IP_TUNNEL_ECN";
  if (ecn === inner) return undefined;
  if (!packet.cowHead()) return "NOMEM";
  setInnerEcn(packet, ecn);
  return undefined;
}

function ipHeaderLength(packet: Packet): number {
  if (packet.protocol === ETH_P_IP) return ipv4.HEADER_LENGTH;
  return packet.protocol === ETH_P_IPV6 ? ipv6.HEADER_LENGTH : 0;
}
