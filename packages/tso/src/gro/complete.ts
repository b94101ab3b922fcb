import { fold, incrementUnnecessary, setPartial, writeIpv4HeaderChecksum } from "@seville/checksum";
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  SKB_GSO_FRAGLIST,
  SKB_GSO_GRE,
  SKB_GSO_GRE_CSUM,
  SKB_GSO_IPXIP4,
  SKB_GSO_IPXIP6,
  SKB_GSO_TCP_ECN,
  SKB_GSO_TCP_FIXEDID,
  SKB_GSO_TCP_FIXEDID_INNER,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  tcp,
  udp,
  type Packet,
} from "@seville/packet";
import { pseudoOf } from "../segment/pseudo.ts";
import type { IpLevel } from "../segment/layout.ts";
import type { Held } from "./held.ts";
import type { Parsed } from "./parsed.ts";

/** Sets the offsets of the headers that were found. */
export function setHeaders(packet: Packet, parsed: Parsed, link: "ethernet" | "raw"): void {
  const { data } = packet;
  const outer = data + (parsed.networks[0] as number);
  if (link === "ethernet") packet.macHeader = data;
  packet.networkHeader = outer;
  packet.protocol = parsed.etherType;
  packet.transportHeader = data + parsed.transport;
  const { tunnel } = parsed;
  if (tunnel === undefined) return;
  const inner = data + (parsed.networks[1] as number);
  packet.transportHeader = data + tunnel.at;
  packet.innerNetworkHeader = inner;
  packet.innerMacHeader = parsed.innerMac === -1 ? inner : data + parsed.innerMac;
  packet.innerTransportHeader = data + parsed.transport;
  packet.encapsulation = true;
}

/**
 * Makes a super-packet of what was merged: every length, the IPv4 checksums, PARTIAL with the pseudo-header's sum, and what
 * segmentation has to know to undo it (`napi_gro_complete` and the `gro_complete` callbacks; S15).
 */
export function complete(held: Held, link: "ethernet" | "raw"): void {
  const { packet, parsed } = held;
  if (held.count === 1) {
    packet.gsoSize = 0;
    return;
  }
  const { view } = packet.pool.memory;
  const total = packet.totalLength;
  setHeaders(packet, parsed, link);
  packet.gsoSize = held.size;
  packet.gsoSegs = held.count;
  packet.gsoType = gsoType(held);
  parsed.networks.forEach((network, level) => {
    const at = packet.data + network;
    if (parsed.versions[level] === 6) ipv6.setPayloadLength(view, at, total - network - 40);
    else {
      ipv4.setTotalLength(view, at, total - network);
      writeIpv4HeaderChecksum(view, at);
    }
  });
  if (held.isList) {
    incrementUnnecessary(packet);
    return;
  }
  completeTransport(packet, parsed, total);
  completeTunnel(packet, parsed, total);
}

function gsoType({ packet, parsed, fixedId, isList }: Held): number {
  const { view } = packet.pool.memory;
  const { tunnel } = parsed;
  const at = packet.data + parsed.transport;
  let type: number = SKB_GSO_UDP_L4;
  if (parsed.kind === "tcp") {
    type = parsed.versions.at(-1) === 4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
    if ((tcp.flags(view, at) & tcp.CWR) !== 0) type |= SKB_GSO_TCP_ECN;
  }
  if (fixedId[0]) type |= SKB_GSO_TCP_FIXEDID;
  if (fixedId[1]) type |= SKB_GSO_TCP_FIXEDID_INNER;
  if (isList) type |= SKB_GSO_FRAGLIST;
  if (tunnel?.kind === "udp") type |= tunnel.checksum ? SKB_GSO_UDP_TUNNEL_CSUM : SKB_GSO_UDP_TUNNEL;
  // The kernel forgets that there is a checksum; then it could not be split again as it was.
  if (tunnel?.kind === "gre") type |= tunnel.checksum ? SKB_GSO_GRE_CSUM : SKB_GSO_GRE;
  if (tunnel?.kind === "ip") type |= parsed.versions[0] === 4 ? SKB_GSO_IPXIP4 : SKB_GSO_IPXIP6;
  return type >>> 0;
}

function completeTransport(packet: Packet, parsed: Parsed, total: number): void {
  const { memory } = packet.pool;
  const isTcp = parsed.kind === "tcp";
  const at = packet.data + parsed.transport;
  const length = total - parsed.transport;
  if (!isTcp) udp.setLength(memory.view, at, length);
  const pseudo = pseudoOf(memory, packet.data, levelOf(parsed, -1), isTcp ? IPPROTO_TCP : IPPROTO_UDP, length);
  const offset = isTcp ? tcp.CHECKSUM_OFFSET : udp.CHECKSUM_OFFSET;
  memory.view.setUint16(at + offset, fold(pseudo));
  packet.csumLevel = 0;
  setPartial(packet, at, offset);
}

/** Lengths, and what `udp_set_csum` leaves in the checksum of a super-packet: the pseudo-header's sum. */
function completeTunnel(packet: Packet, parsed: Parsed, total: number): void {
  const { tunnel } = parsed;
  const { memory } = packet.pool;
  if (tunnel === undefined || tunnel.kind === "ip") return;
  const at = packet.data + tunnel.at;
  if (tunnel.kind === "gre") {
    if (tunnel.checksum) memory.view.setUint16(at + 4, 0);
    return;
  }
  const length = total - tunnel.at;
  udp.setLength(memory.view, at, length);
  if (!tunnel.checksum) return;
  const pseudo = pseudoOf(memory, packet.data, levelOf(parsed, 0), IPPROTO_UDP, length);
  memory.view.setUint16(at + udp.CHECKSUM_OFFSET, fold(pseudo));
}

function levelOf({ networks, versions }: Parsed, index: number): IpLevel {
  return { at: networks.at(index) as number, version: versions.at(index) as 4 | 6, fixedId: false };
}
