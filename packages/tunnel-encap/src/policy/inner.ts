import {
  ethernet,
  ETH_P_802_3_MIN,
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  ipv4,
  ipv6,
  NO_HEADER,
  vlan,
  type Packet,
} from "@seville/packet";
import { flowHash, jhash2 } from "@seville/core";

/** What {@link readInner} found. One object, used again for each packet. */
interface InnerHeaders {
  /** EtherType of what lies at `network`. */
  protocol: number;
  network: number;
  /** Behind the IP header and its extensions, or {@link NO_HEADER}. */
  transport: number;
  ipProtocol: number;
  isFragment: boolean;
}

const found: InnerHeaders = { protocol: 0, network: 0, transport: 0, ipProtocol: 0, isFragment: false };
const chain = ipv6.newChain();

/**
 * Finds the network and transport header of the packet whose data begins with an Ethernet header (`isEthernet`), or with
 * that of `protocol`. VLAN tags are passed over. The result holds until the next call.
 */
export function readInner(packet: Packet, isEthernet: boolean, protocol: number): Readonly<InnerHeaders> {
  return readHeaders(packet.pool.memory.view, packet.data, packet.tail, isEthernet, protocol);
}

function readHeaders(
  view: DataView,
  at: number,
  end: number,
  isEthernet: boolean,
  protocol: number,
): Readonly<InnerHeaders> {
  found.protocol = protocol;
  found.network = at;
  found.transport = NO_HEADER;
  found.ipProtocol = 0;
  found.isFragment = false;
  if (isEthernet) {
    if (end - at < ethernet.HEADER_LENGTH) return found;
    found.protocol = ethernet.etherType(view, at);
    found.network = at + ethernet.HEADER_LENGTH;
    while (vlan.isTag(found.protocol) && end - found.network >= vlan.HEADER_LENGTH) {
      found.protocol = vlan.etherType(view, found.network);
      found.network += vlan.HEADER_LENGTH;
    }
  }
  if (found.protocol === ETH_P_IP) readIpv4(view, end);
  else if (found.protocol === ETH_P_IPV6) readIpv6(view, end);
  return found;
}

function readIpv4(view: DataView, end: number): void {
  const at = found.network;
  if (end - at < ipv4.HEADER_LENGTH || ipv4.version(view, at) !== 4) return;
  const length = ipv4.headerLength(view, at);
  if (length < ipv4.HEADER_LENGTH || length > end - at) return;
  found.ipProtocol = ipv4.protocol(view, at);
  found.isFragment = ipv4.isFragment(view, at);
  found.transport = at + length;
}

function readIpv6(view: DataView, end: number): void {
  const at = found.network;
  if (end - at < ipv6.HEADER_LENGTH || ipv6.version(view, at) !== 6) return;
  ipv6.walkExtensions(view, at, end, chain);
  if (chain.fault !== undefined) return;
  found.ipProtocol = chain.protocol;
  found.isFragment = chain.fragmentAt >= 0;
  found.transport = chain.at;
}

/** Whether the first four bytes of the transport header are ports. */
function hasPorts(protocol: number): boolean {
  return (
    protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_SCTP || protocol === IPPROTO_UDPLITE
  );
}

const src = new Uint32Array(4);
const dst = new Uint32Array(4);
const src4 = src.subarray(0, 1);
const dst4 = dst.subarray(0, 1);

/**
 * The packet's flow hash (`skb_get_hash`): the one it has, or that of what {@link readInner} finds, which it then keeps. 0:
 * it is not IP.
 */
export function innerHash(packet: Packet, isEthernet: boolean, protocol: number, seed: number): number {
  if (packet.hash !== 0) return packet.hash;
  readInner(packet, isEthernet, protocol);
  packet.hash = hashFound(packet.pool.memory.view, packet.tail, seed);
  return packet.hash;
}

/**
 * The flow hash by the network header at `at`, which need not be in a packet (`realign` may have copied it), and what is behind it up
 * to `end`: of the words that the kernel's flow dissector reads. 0: it is not IP.
 */
export function headersHash(view: DataView, at: number, end: number, protocol: number, seed: number): number {
  readHeaders(view, at, end, false, protocol);
  return hashFound(view, end, seed);
}

/** The hash of what {@link readInner} has just found. */
function hashFound(view: DataView, end: number, seed: number): number {
  if (found.transport === NO_HEADER) return 0;
  const isIpv4 = found.protocol === ETH_P_IP;
  const words = isIpv4 ? 1 : 4;
  const at = found.network + (isIpv4 ? 12 : 8);
  for (let i = 0; i < words; i++) {
    src[i] = view.getUint32(at + i * 4);
    dst[i] = view.getUint32(at + (words + i) * 4);
  }
  const ports = !found.isFragment && hasPorts(found.ipProtocol) && found.transport + 4 <= end;
  return flowHash(
    {
      src: isIpv4 ? src4 : src,
      dst: isIpv4 ? dst4 : dst,
      protocol: found.ipProtocol,
      srcPort: ports ? view.getUint16(found.transport) : 0,
      dstPort: ports ? view.getUint16(found.transport + 2) : 0,
      flowLabel: isIpv4 ? 0 : ipv6.flowLabel(view, found.network),
    },
    seed,
  );
}

const macs = new Uint32Array(3);

/** Of a frame that is not IP: the hash of its two addresses and its EtherType (`udp_flow_src_port` with `use_eth`). */
export function ethernetHash(packet: Packet): number {
  const { view } = packet.pool.memory;
  for (let i = 0; i < 3; i++) macs[i] = view.getUint32(packet.data + i * 4, true);
  // The kernel's seed is skb->protocol as it lies in memory, little-endian.
  const type = ethernet.etherType(view, packet.data);
  const protocol = type < ETH_P_802_3_MIN ? 0x0004 : type;
  return jhash2(macs, ((protocol & 0xff) << 8) | (protocol >>> 8), 3);
}
