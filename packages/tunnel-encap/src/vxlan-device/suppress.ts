import { finish, pseudoHeader6At, type ChecksumKernels } from "@seville/checksum";
import {
  arp,
  ethernet,
  ETH_P_ARP,
  ETH_P_IPV6,
  icmpv6,
  IPPROTO_ICMPV6,
  ipv6,
  IPV6_ALL_NODES,
  IPV6_ANY,
  isMulticast,
  multicastMac,
  nd,
  type IpAddress,
  type Ipv6Address,
  type MacAddress,
  type Packet,
} from "@seville/packet";

/** Whose address a frame asks for: it is an ARP request or a neighbour solicitation. `undefined`: it is neither. */
export function solicitedAddress(packet: Packet): IpAddress | undefined {
  const { view } = packet.pool.memory;
  const { data, tail } = packet;
  if (tail - data < ethernet.HEADER_LENGTH) return undefined;
  const at = data + ethernet.HEADER_LENGTH;
  const type = ethernet.etherType(view, data);
  if (type === ETH_P_ARP) {
    if (arp.check(view, at, tail) !== undefined || arp.operation(view, at) !== arp.REQUEST) return undefined;
    const target = arp.targetIp(view, at);
    // A gratuitous one announces (RFC 5227 §3), it does not ask.
    return target === arp.senderIp(view, at) || target === 0 || isMulticast(target) ? undefined : target;
  }
  return type === ETH_P_IPV6 ? solicitedTarget(packet, at) : undefined;
}

function solicitedTarget(packet: Packet, at: number): Ipv6Address | undefined {
  const { view } = packet.pool.memory;
  const { tail } = packet;
  if (ipv6.check(view, at, tail) !== undefined || ipv6.nextHeader(view, at) !== IPPROTO_ICMPV6) return undefined;
  const message = at + ipv6.HEADER_LENGTH;
  if (ipv6.hopLimit(view, at) !== nd.HOP_LIMIT || tail - message < nd.NEIGHBOR_LENGTH) return undefined;
  if (icmpv6.type(view, message) !== icmpv6.NEIGHBOR_SOLICITATION) return undefined;
  const target = nd.target(view, message);
  return isMulticast(target) ? undefined : target;
}

/** The answer to the solicitation in `packet`, as if `mac` gave it (`arp_reduce`, `neigh_reduce`). `undefined`: no memory. */
export function answerSolicitation(kernels: ChecksumKernels, packet: Packet, mac: MacAddress): Packet | undefined {
  const { view } = packet.pool.memory;
  return ethernet.etherType(view, packet.data) === ETH_P_ARP
    ? answerArp(packet, mac)
    : answerNeighbour(kernels, packet, mac);
}

function answerArp(packet: Packet, mac: MacAddress): Packet | undefined {
  const { view } = packet.pool.memory;
  const asked = packet.data + ethernet.HEADER_LENGTH;
  const answer = packet.pool.alloc(ethernet.HEADER_LENGTH + arp.HEADER_LENGTH);
  if (answer === undefined) return undefined;
  const requester = arp.senderMac(view, asked);
  const at = answer.put(ethernet.HEADER_LENGTH + arp.HEADER_LENGTH);
  ethernet.write(view, at, { destination: requester, source: mac, etherType: ETH_P_ARP });
  arp.write(view, at + ethernet.HEADER_LENGTH, {
    operation: arp.REPLY,
    senderMac: mac,
    senderIp: arp.targetIp(view, asked),
    targetMac: requester,
    targetIp: arp.senderIp(view, asked),
  });
  return asFrame(answer, ETH_P_ARP);
}

/** RFC 4861 §7.2.4: to all nodes and unsolicited where the one who asks has no address yet. */
function answerNeighbour(kernels: ChecksumKernels, packet: Packet, mac: MacAddress): Packet | undefined {
  const { view, u8 } = packet.pool.memory;
  const asked = packet.data + ethernet.HEADER_LENGTH;
  const target = nd.target(view, asked + ipv6.HEADER_LENGTH);
  const requester = ipv6.source(view, asked);
  const isProbe = requester === IPV6_ANY;
  const message: nd.NdMessage = {
    type: "neighbor-advertisement",
    flags: (isProbe ? 0 : nd.NEIGHBOR_SOLICITED) | nd.NEIGHBOR_OVERRIDE,
    target,
    options: [{ kind: "target-link-layer", mac }],
  };
  const length = nd.lengthOf(message);
  const answer = packet.pool.alloc(ethernet.HEADER_LENGTH + ipv6.HEADER_LENGTH + length);
  if (answer === undefined) return undefined;
  const at = answer.put(ethernet.HEADER_LENGTH + ipv6.HEADER_LENGTH + length);
  const network = at + ethernet.HEADER_LENGTH;
  const destination = isProbe ? multicastMac(IPV6_ALL_NODES) : ethernet.source(view, packet.data);
  ethernet.write(view, at, { destination, source: mac, etherType: ETH_P_IPV6 });
  ipv6.write(view, network, {
    payloadLength: length,
    nextHeader: IPPROTO_ICMPV6,
    hopLimit: nd.HOP_LIMIT,
    source: target,
    destination: isProbe ? IPV6_ALL_NODES : requester,
  });
  const icmp = network + ipv6.HEADER_LENGTH;
  nd.write(view, icmp, message);
  icmpv6.setChecksum(view, icmp, 0);
  const pseudo = pseudoHeader6At(u8, network + 8, network + 24, IPPROTO_ICMPV6, length);
  icmpv6.setChecksum(view, icmp, finish(kernels.sum(icmp, length, pseudo)));
  return asFrame(answer, ETH_P_IPV6);
}

function asFrame(answer: Packet, protocol: number): Packet {
  answer.macHeader = answer.data;
  answer.networkHeader = answer.data + ethernet.HEADER_LENGTH;
  answer.protocol = protocol;
  return answer;
}
