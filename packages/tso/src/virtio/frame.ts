import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6, ipv4, ipv6, type Packet } from "@seville/packet";

/** What begins a frame: an Ethernet header (TAP, NIC) or an IP header (TUN). */
export type LinkKind = "ethernet" | "raw";

/** Where a frame's headers are; offsets count from its first byte. */
export interface FrameHeaders {
  /** EtherType, behind VLAN tags. */
  readonly etherType: number;
  readonly network: number;
  /** Of an IP packet that is no fragment and whose chain of headers is sound: what comes next, and where. */
  readonly protocol: number | undefined;
  readonly transport: number;
}

const MAX_VLAN_TAGS = 8;

/** Finds the headers of the frame that begins at the packet's data; `undefined` if it ends within its link-layer header. */
export function findHeaders(packet: Packet, link: LinkKind): FrameHeaders | undefined {
  const { view } = packet.pool.memory;
  const { data, tail } = packet;
  if (link === "raw") {
    if (data === tail) return undefined;
    const version = view.getUint8(data) >> 4;
    return findTransport(packet, version === 4 ? ETH_P_IP : version === 6 ? ETH_P_IPV6 : 0, 0);
  }
  let at = 12;
  for (let tags = 0; tags <= MAX_VLAN_TAGS; tags++, at += 4) {
    if (data + at + 2 > tail) return undefined;
    const type = view.getUint16(data + at);
    if (type !== ETH_P_8021Q && type !== ETH_P_8021AD) return findTransport(packet, type, at + 2);
  }
  return undefined;
}

/** What an IP packet at `network`, counted from the packet's data, carries. */
export function findTransport(packet: Packet, etherType: number, network: number): FrameHeaders {
  const { view } = packet.pool.memory;
  const at = packet.data + network;
  const end = packet.tail;
  const none = { etherType, network, protocol: undefined, transport: network };
  if (etherType === ETH_P_IP) {
    if (at + 20 > end || view.getUint8(at) >> 4 !== 4) return none;
    const length = ipv4.headerLength(view, at);
    if (length < 20 || at + length > end || ipv4.isFragment(view, at)) return none;
    return { ...none, protocol: ipv4.protocol(view, at), transport: network + length };
  }
  if (etherType !== ETH_P_IPV6 || at + 40 > end || view.getUint8(at) >> 4 !== 6) return none;
  const chain = ipv6.walkExtensions(view, at, end);
  if (chain.fault !== undefined || chain.fragmentAt >= 0) return none;
  return { ...none, protocol: chain.protocol, transport: chain.at - packet.data };
}
