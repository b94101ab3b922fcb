import {
  ETH_P_IP,
  ETH_P_IPV6,
  GSO_BY_FRAGS,
  IPPROTO_TCP,
  IPPROTO_SCTP,
  ipv4,
  ipv6,
  NO_HEADER,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  tcp,
  udp,
  type Packet,
} from "@seville/packet";
import type { Overhead } from "../tunnel/overhead.ts";
import { readInner } from "./inner.ts";

/**
 * What is left of the underlay's path MTU for inner network packets (T10): 50 bytes less for VXLAN over IPv4, 70 over IPv6,
 * 24 and more for GRE. Never below what the inner family must be able to send, 68 or 1280 (`ip6_tnl_xmit`): beyond that
 * the outer packet is fragmented.
 */
export function tunnelMtu(overhead: Overhead, pathMtu: number, innerProtocol: number = ETH_P_IP): number {
  const floor = innerProtocol === ETH_P_IPV6 ? ipv6.MIN_MTU : ipv4.MIN_MTU;
  return Math.max(pathMtu - overhead.mtu, floor);
}

/** Whether a packet fits a tunnel, and what its source should be told. */
export interface MtuVerdict {
  /** Bytes of inner network packet that fit. */
  readonly mtu: number;
  /** Bytes of the packet; of a super-packet, of its longest segment. */
  readonly length: number;
  /**
   * - `fits`;
   * - `too-big`: drop it and tell the source (`composeTooBig`): IPv6, or IPv4 with DF;
   * - `fragment`: it may be fragmented before it is wrapped, or the outer packet may be;
   * - `drop`: what is not IP can be neither told of nor fragmented.
   */
  readonly action: "fits" | "too-big" | "fragment" | "drop";
}

/**
 * Compares the packet, whose data begins with an Ethernet header (`isEthernet`) or that of `packet.protocol`, with the
 * tunnel (`skb_tunnel_check_pmtu`, `tnl_update_pmtu`). A super-packet is judged by its segments
 * (`skb_gso_validate_network_len`).
 */
export function checkMtu(packet: Packet, overhead: Overhead, pathMtu: number): MtuVerdict {
  const { view } = packet.pool.memory;
  const inner = readInner(packet, overhead.ethernet > 0, packet.protocol);
  const mtu = tunnelMtu(overhead, pathMtu, inner.protocol);
  const tags = overhead.ethernet > 0 ? inner.network - packet.data - overhead.ethernet : 0;
  const length = networkLength(packet, inner.network, inner.transport, inner.ipProtocol) + tags;
  if (length <= mtu) return { mtu, length, action: "fits" };
  if (inner.protocol === ETH_P_IPV6) return { mtu, length, action: "too-big" };
  if (inner.protocol !== ETH_P_IP || inner.transport === NO_HEADER) return { mtu, length, action: "drop" };
  return { mtu, length, action: ipv4.dontFragment(view, inner.network) ? "too-big" : "fragment" };
}

/** Bytes from the network header on; of a super-packet, those of its longest segment. */
function networkLength(packet: Packet, network: number, transport: number, ipProtocol: number): number {
  if (packet.gsoSize === 0 || transport === NO_HEADER) return packet.totalLength - (network - packet.data);
  const headers = transport - network + transportLength(packet, transport, ipProtocol);
  if (packet.gsoSize !== GSO_BY_FRAGS) return headers + packet.gsoSize;
  let longest = 0;
  for (const fragment of packet.fragList ?? []) longest = Math.max(longest, fragment.totalLength);
  return headers + longest;
}

function transportLength(packet: Packet, transport: number, ipProtocol: number): number {
  const isTcp = (packet.gsoType & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) !== 0 || ipProtocol === IPPROTO_TCP;
  if (isTcp) return tcp.headerLength(packet.pool.memory.view, transport);
  return ipProtocol === IPPROTO_SCTP ? 12 : udp.HEADER_LENGTH;
}
