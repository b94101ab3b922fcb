import { bindSums, finish, pseudoHeader6At } from "@seville/checksum";
import {
  ethernet,
  ETH_P_IP,
  ETH_P_IPV6,
  icmp,
  icmpv6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  ipv4,
  ipv6,
  isIpv4,
  isMulticast,
  IPV4_BROADCAST,
  IPV6_ANY,
  NO_HEADER,
  type IpAddress,
  type Ipv4Address,
  type Packet,
} from "@seville/packet";
import { readInner } from "./inner.ts";

/** What {@link composeTooBig} may be told. */
export interface TooBigOptions {
  /** Bytes of network packet that fit. */
  readonly mtu: number;
  /** The data begins with an Ethernet header: the answer does too, with the addresses turned round. */
  readonly isEthernet: boolean;
  /**
   * Who complains. Default: the destination of the packet, as for bridged frames, where nobody on the way has an address
   * (`iptunnel_pmtud_build_icmp`). A routed tunnel says its own.
   */
  readonly source?: IpAddress | undefined;
}

/** An ICMP error holds no more than this much (RFC 1812 §4.3.2.3). */
const MAX_ICMP_DATAGRAM = 576;
/** Less than that is not believed of IPv4 (`iptunnel_pmtud_check_icmp`). */
const MIN_TOLD_MTU = 576;

/**
 * The ICMP error that tells the source of `packet` to send less: fragmentation needed, or packet too big (T10). A new packet of
 * the same pool, for the caller to send back where the packet came from.
 *
 * `undefined`: nobody is to be told (RFC 1122 §3.2.2, RFC 4443 §2.4 e): it is an ICMP error itself, a later fragment, goes
 * to or comes from a group or nobody, is IPv4 without DF, or the MTU is below 576 or 1280; or the pool is empty.
 */
export function composeTooBig(packet: Packet, options: TooBigOptions): Packet | undefined {
  const inner = readInner(packet, options.isEthernet, packet.protocol);
  if (inner.transport === NO_HEADER) return undefined;
  const { network, transport, ipProtocol, protocol } = inner;
  if (protocol === ETH_P_IP) return tellIpv4(packet, network, transport, ipProtocol, options);
  return protocol === ETH_P_IPV6 ? tellIpv6(packet, network, transport, ipProtocol, options) : undefined;
}

function tellIpv4(
  packet: Packet,
  network: number,
  transport: number,
  ipProtocol: number,
  options: TooBigOptions,
): Packet | undefined {
  const { view } = packet.pool.memory;
  if (options.mtu < MIN_TOLD_MTU || ipv4.fragmentWord(view, network) !== ipv4.FRAGMENT_DF) return undefined;
  const source = ipv4.source(view, network);
  const destination = ipv4.destination(view, network);
  if (!isHost4(source) || isMulticast(destination) || destination === IPV4_BROADCAST) return undefined;
  if (ipProtocol === IPPROTO_ICMP && transport < packet.tail && icmp.isError(view.getUint8(transport)))
    return undefined;

  const room = MAX_ICMP_DATAGRAM - ipv4.HEADER_LENGTH - icmp.HEADER_LENGTH;
  const answer = startAnswer(packet, network, room, ipv4.HEADER_LENGTH + icmp.HEADER_LENGTH);
  if (answer === undefined) return undefined;
  icmp.write(view, answer.push(icmp.HEADER_LENGTH), {
    type: icmp.DESTINATION_UNREACHABLE,
    code: icmp.FRAGMENTATION_NEEDED,
    nextHopMtu: options.mtu,
  });
  icmp.setChecksum(view, answer.data, 0);
  icmp.setChecksum(view, answer.data, finish(bindSums(packet.pool.memory).sum(answer.data, answer.length)));
  answer.transportHeader = answer.data;
  const { source: told } = options;
  ipv4.write(view, answer.push(ipv4.HEADER_LENGTH), {
    totalLength: answer.length,
    dontFragment: true,
    ttl: ipv4.ttl(view, network),
    protocol: IPPROTO_ICMP,
    source: told !== undefined && isIpv4(told) ? told : destination,
    destination: source,
  });
  return finishAnswer(packet, answer, ETH_P_IP, options);
}

function isHost4(address: Ipv4Address): boolean {
  const isNobody = address >>> 24 === 0 || address >>> 24 === 127 || address === IPV4_BROADCAST;
  return !isNobody && !isMulticast(address);
}

function tellIpv6(
  packet: Packet,
  network: number,
  transport: number,
  ipProtocol: number,
  options: TooBigOptions,
): Packet | undefined {
  const { view, u8 } = packet.pool.memory;
  if (options.mtu < ipv6.MIN_MTU) return undefined;
  const source = ipv6.source(view, network);
  const destination = ipv6.destination(view, network);
  if (source === IPV6_ANY || isMulticast(source) || isMulticast(destination)) return undefined;
  if (ipProtocol === IPPROTO_ICMPV6 && transport < packet.tail && icmpv6.isError(view.getUint8(transport))) {
    return undefined;
  }
  const room = ipv6.MIN_MTU - ipv6.HEADER_LENGTH - icmpv6.HEADER_LENGTH;
  const answer = startAnswer(packet, network, room, ipv6.HEADER_LENGTH + icmpv6.HEADER_LENGTH);
  if (answer === undefined) return undefined;
  icmpv6.write(view, answer.push(icmpv6.HEADER_LENGTH), { type: icmpv6.PACKET_TOO_BIG, mtu: options.mtu });
  const at = answer.data;
  const length = answer.length;
  const { source: told } = options;
  ipv6.write(view, answer.push(ipv6.HEADER_LENGTH), {
    payloadLength: length,
    nextHeader: IPPROTO_ICMPV6,
    hopLimit: ipv6.hopLimit(view, network),
    source: told !== undefined && !isIpv4(told) ? told : destination,
    destination: source,
  });
  icmpv6.setChecksum(view, at, 0);
  const pseudo = pseudoHeader6At(u8, answer.data + 8, answer.data + 24, IPPROTO_ICMPV6, length);
  icmpv6.setChecksum(view, at, finish(bindSums(packet.pool.memory).sum(at, length, pseudo)));
  answer.transportHeader = at;
  return finishAnswer(packet, answer, ETH_P_IPV6, options);
}

/** A packet that holds the first `room` bytes of the offending one from its network header on, behind headers' room. */
function startAnswer(packet: Packet, network: number, room: number, headers: number): Packet | undefined {
  const quoted = Math.min(room, packet.tail - network);
  const answer = packet.pool.alloc(quoted, headers + ethernet.HEADER_LENGTH + 64);
  if (answer === undefined) return undefined;
  const at = answer.put(quoted);
  packet.pool.memory.u8.copyWithin(at, network, network + quoted);
  return answer;
}

function finishAnswer(packet: Packet, answer: Packet, protocol: number, options: TooBigOptions): Packet {
  const { view } = packet.pool.memory;
  answer.networkHeader = answer.data;
  answer.protocol = protocol;
  if (!options.isEthernet) return answer;
  const destination = ethernet.source(view, packet.data);
  const source = ethernet.destination(view, packet.data);
  ethernet.write(view, answer.push(ethernet.HEADER_LENGTH), { destination, source, etherType: protocol });
  answer.macHeader = answer.data;
  return answer;
}
