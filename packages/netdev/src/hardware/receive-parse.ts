import {
  ETH_P_IP,
  ETH_P_IPV6,
  ETH_P_TEB,
  ethernet,
  IPPROTO_GRE,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  udp,
  vlan,
} from "@seville/packet";
import type { ParserLimits } from "./transmit-parse.ts";

/** A transport header that carries a checksum, with the IP header in front of it. Offsets are absolute. */
export interface TransportHeader {
  readonly protocol: "tcp" | "udp" | "gre" | "sctp";
  readonly at: number;
  /** End of what the checksum covers: the IP packet's end, not that of Ethernet's padding. */
  readonly end: number;
  readonly network: number;
}

/** What a receiving NIC's parser sees. */
export interface ParsedFrame {
  /** Transport headers from the outside inwards. */
  readonly transports: readonly TransportHeader[];
  /** The outermost IP header; -1: none. */
  readonly network: number;
  /** Index of the first of them that is inside a tunnel, if there is one there; -1: it went into no tunnel. */
  readonly innerFrom: number;
}

interface Walk {
  readonly view: DataView;
  readonly limits: ParserLimits;
  readonly begin: number;
  readonly transports: TransportHeader[];
  network: number;
  depth: number;
  innerFrom: number;
}

const GRE_CSUM = 0x8000;
const GRE_KEY = 0x2000;
const GRE_SEQ = 0x1000;

/** Reads the headers of the frame `[at, end)` as far as `limits` allow. Never throws: what it does not know ends it. */
export function parseFrame(view: DataView, at: number, end: number, limits: ParserLimits): ParsedFrame {
  const walk: Walk = { view, limits, begin: at, transports: [], network: -1, depth: 0, innerFrom: -1 };
  enterEthernet(walk, at, end);
  return { transports: walk.transports, network: walk.network, innerFrom: walk.innerFrom };
}

function enterEthernet(walk: Walk, at: number, end: number): void {
  if (at + ethernet.HEADER_LENGTH > end) return;
  let type = ethernet.etherType(walk.view, at);
  let next = at + ethernet.HEADER_LENGTH;
  for (let tags = 0; vlan.isTag(type); tags++) {
    if (tags === walk.limits.vlanTags || next + vlan.HEADER_LENGTH > end) return;
    type = vlan.etherType(walk.view, next);
    next += vlan.HEADER_LENGTH;
  }
  enterNetwork(walk, next, end, type);
}

function enterNetwork(walk: Walk, at: number, end: number, etherType: number): void {
  if (etherType === ETH_P_TEB) enterEthernet(walk, at, end);
  if (etherType === ETH_P_IP) enterIpv4(walk, at, end);
  if (etherType === ETH_P_IPV6) enterIpv6(walk, at, end);
}

function enterIpv4(walk: Walk, at: number, end: number): void {
  const { view } = walk;
  if (ipv4.check(view, at, end) !== undefined || ipv4.isFragment(view, at)) return;
  if (walk.network === -1) walk.network = at;
  const header = ipv4.headerLength(view, at);
  enterTransport(walk, at, at + header, at + ipv4.totalLength(view, at), ipv4.protocol(view, at));
}

function enterIpv6(walk: Walk, at: number, end: number): void {
  const { view } = walk;
  if (ipv6.check(view, at, end) !== undefined) return;
  if (walk.network === -1) walk.network = at;
  const packetEnd = at + ipv6.HEADER_LENGTH + ipv6.payloadLength(view, at);
  const chain = ipv6.walkExtensions(view, at, packetEnd);
  if (chain.fault !== undefined || chain.fragmentAt !== -1) return;
  if (chain.at !== at + ipv6.HEADER_LENGTH && !walk.limits.ipv6Extensions) return;
  enterTransport(walk, at, chain.at, packetEnd, chain.protocol);
}

function enterTransport(walk: Walk, network: number, at: number, end: number, protocol: number): void {
  const { limits, begin } = walk;
  // What lies beyond the parser's buffer is payload to it.
  if (at + 20 - begin > limits.maxHeaderBytes) return;
  if (protocol === IPPROTO_TCP && at + 20 <= end) walk.transports.push({ protocol: "tcp", at, end, network });
  if (protocol === IPPROTO_SCTP && at + 12 <= end) walk.transports.push({ protocol: "sctp", at, end, network });
  if (protocol === IPPROTO_UDP && at + 8 <= end) enterUdp(walk, network, at, end);
  if (protocol === IPPROTO_GRE && at + 4 <= end) enterGre(walk, network, at, end);
}

function enterUdp(walk: Walk, network: number, at: number, end: number): void {
  const { view, limits } = walk;
  const length = udp.length(view, at);
  if (length < udp.HEADER_LENGTH || at + length > end) return;
  const udpEnd = at + length;
  walk.transports.push({ protocol: "udp", at, end: udpEnd, network });
  if (walk.depth === limits.tunnelDepth || at + 16 > udpEnd) return;
  const port = udp.destinationPort(view, at);
  if (limits.vxlanPorts.includes(port)) {
    enterTunnel(walk);
    enterEthernet(walk, at + 16, udpEnd);
  } else if (limits.genevePorts.includes(port)) {
    enterTunnel(walk);
    const options = (view.getUint8(at + 8) & 0x3f) * 4;
    enterNetwork(walk, at + 16 + options, udpEnd, view.getUint16(at + 10));
  }
}

function enterGre(walk: Walk, network: number, at: number, end: number): void {
  const { view, limits } = walk;
  const flags = view.getUint16(at);
  // Anything but checksum, key and sequence is not plain version 0 (RFC 2784, RFC 2890).
  if (!limits.gre || (flags & 0x4fff) !== 0 || walk.depth === limits.tunnelDepth) return;
  const hasChecksum = (flags & GRE_CSUM) !== 0;
  // Without the C bit there is no checksum, and it does not count (C10).
  if (hasChecksum) walk.transports.push({ protocol: "gre", at, end, network });
  const words = (hasChecksum ? 1 : 0) + ((flags & GRE_KEY) !== 0 ? 1 : 0) + ((flags & GRE_SEQ) !== 0 ? 1 : 0);
  enterTunnel(walk);
  enterNetwork(walk, at + 4 + words * 4, end, view.getUint16(at + 2));
}

function enterTunnel(walk: Walk): void {
  walk.depth++;
  walk.innerFrom = walk.transports.length;
}
