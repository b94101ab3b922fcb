import { pseudoHeader4, pseudoHeader6At } from "@seville/checksum";
import {
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  IPPROTO_UDP,
  isMulticast,
  PACKET_BROADCAST,
  SKB_GSO_FRAGLIST,
  udp,
  type IpAddress,
  type Packet,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { isChecksumKnown, isSumRight, trimPadding } from "../interface/checksum.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sendIcmp4 } from "../ipv4/icmp-send.ts";
import { sendIcmp6 } from "../ipv6/icmpv6-send.ts";
import { sdifOf } from "../packet-cb.ts";
import { datagramsFor, splitHere } from "./udp-segment.ts";
import type { UdpSocket } from "./udp-socket.ts";
import type { UdpFlow } from "./udp-table.ts";

/** A datagram came in, `data` at the UDP header (`__udp4_lib_rcv`, `__udp6_lib_rcv`). Takes the packet. */
export function receiveUdp(host: Host, packet: Packet, family: 4 | 6, dev: NetInterface): void {
  const mib = family === 4 ? host.mib.udp : host.mib.udp6;
  const { view } = host.memory;
  const at = packet.data;
  if (packet.length >= udp.HEADER_LENGTH) {
    const tunnel = host.udp.encapsulation(family, udp.destinationPort(view, at));
    if (tunnel !== undefined) {
      tunnel.receive(packet, family, dev, host.now);
      return;
    }
  }
  if (packet.gsoSize > 0 && (packet.gsoType & SKB_GSO_FRAGLIST) !== 0) {
    receiveList(host, packet, family, dev);
    return;
  }
  // What a socket hands to its program is in one piece; only a tunnel's end reads others.
  if (!packet.linearize()) {
    mib.InErrors++;
    host.drop(packet, "NOMEM", dev);
    return;
  }
  if (packet.length < udp.HEADER_LENGTH || !trimToLength(view, packet)) {
    mib.InErrors++;
    host.drop(packet, "PKT_TOO_SMALL", dev);
    return;
  }
  const sum = verify(host, packet, family);
  if (sum === "bad") {
    mib.InCsumErrors++;
    mib.InErrors++;
    host.drop(packet, "UDP_CSUM", dev);
    return;
  }
  const flow = flowOf(host, packet, family, packet.data);
  if (isToMany(host, packet, flow.localAddress)) {
    deliverToMany(host, packet, flow, dev, family, sum === "none");
    return;
  }
  const socket = host.udp.lookup(flow);
  if (sum === "none" && family === 6 && socket?.options.UDP_NO_CHECK6_RX !== 1) {
    // RFC 8200 §8.1: a zero checksum is no checksum, and IPv6 wants one.
    mib.InCsumErrors++;
    mib.InErrors++;
    host.drop(packet, "UDP_CSUM", dev);
    return;
  }
  if (socket === undefined) {
    mib.NoPorts++;
    if (family === 4) sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.PORT_UNREACHABLE, 0, dev);
    else sendIcmp6(host, packet, icmpv6.DESTINATION_UNREACHABLE, icmpv6.PORT_UNREACHABLE, 0, dev);
    host.drop(packet, "NO_SOCKET", dev);
    return;
  }
  deliver(host, packet, socket, dev, family);
}

/** A list of datagrams as they came (rx-gro-list), each with its own checksum: no socket takes it as one (`udp_unexpected_gso`). */
function receiveList(host: Host, packet: Packet, family: 4 | 6, dev: NetInterface): void {
  const datagrams = splitHere(host, packet);
  if (datagrams === undefined) {
    const mib = family === 4 ? host.mib.udp : host.mib.udp6;
    mib.InErrors++;
    host.drop(packet, "NOMEM", dev);
    return;
  }
  for (const datagram of datagrams) receiveUdp(host, datagram, family, dev);
}

/** Gives `socket` the packet, or the datagrams in it. Takes the packet. */
function deliver(host: Host, packet: Packet, socket: UdpSocket, dev: NetInterface, family: 4 | 6): void {
  const mib = family === 4 ? host.mib.udp : host.mib.udp6;
  const datagrams = datagramsFor(host, socket, packet);
  if (datagrams === undefined) {
    mib.InErrors++;
    host.drop(packet, "NOMEM", dev);
    return;
  }
  for (const datagram of datagrams) {
    if (socket.deliver(datagram)) {
      mib.InDatagrams++;
      continue;
    }
    mib.RcvbufErrors++;
    mib.InErrors++;
    host.drop(datagram, "SOCKET_RCVBUFF", dev);
  }
}

/** Cuts off what is behind the length that the header states; `false`: it states more than there is. */
function trimToLength(view: DataView, packet: Packet): boolean {
  if (packet.gsoSize > 0) return true;
  let length = udp.length(view, packet.data);
  // A jumbogram states 0 (RFC 2675 §4); elsewhere that is too short.
  if (length < udp.HEADER_LENGTH || length > packet.length) length = 0;
  trimPadding(packet, length === 0 ? packet.length : length);
  return length !== 0;
}

function verify(host: Host, packet: Packet, family: 4 | 6): "good" | "none" | "bad" {
  const { view, u8 } = host.memory;
  const at = packet.data;
  if (isChecksumKnown(packet)) return "good";
  if (udp.checksum(view, at) === 0) return "none";
  const { length, networkHeader: ip } = packet;
  const pseudo =
    family === 4
      ? pseudoHeader4(ipv4.source(view, ip), ipv4.destination(view, ip), IPPROTO_UDP, length)
      : pseudoHeader6At(u8, ip + 8, ip + 24, IPPROTO_UDP, length);
  return isSumRight(packet, pseudo) ? "good" : "bad";
}

function flowOf(host: Host, packet: Packet, family: 4 | 6, at: number): UdpFlow {
  const { view } = host.memory;
  const ip = packet.networkHeader;
  return {
    localAddress: family === 4 ? ipv4.destination(view, ip) : ipv6.destination(view, ip),
    remoteAddress: family === 4 ? ipv4.source(view, ip) : ipv6.source(view, ip),
    localPort: udp.destinationPort(view, at),
    remotePort: udp.sourcePort(view, at),
    dif: packet.ifindex,
    sdif: sdifOf(packet),
    acceptL3mdev: host.ipv4.sysctl.udp_l3mdev_accept !== 0,
  };
}

function isToMany(host: Host, packet: Packet, destination: IpAddress): boolean {
  if (isMulticast(destination)) return true;
  return typeof destination === "number" && (packet.pktType === PACKET_BROADCAST || host.ipv4.isBroadcast(destination));
}

/** One copy for each socket that wants it; nobody: no error, it was not for us alone (RFC 1122 §4.1.3.1). */
function deliverToMany(
  host: Host,
  packet: Packet,
  flow: UdpFlow,
  dev: NetInterface,
  family: 4 | 6,
  unsummed: boolean,
): void {
  const mib = family === 4 ? host.mib.udp : host.mib.udp6;
  const all = host.udp.lookupAll(flow);
  const sockets = family === 6 && unsummed ? all.filter((socket) => socket.options.UDP_NO_CHECK6_RX === 1) : all;
  if (sockets.length === 0) {
    mib.IgnoredMulti++;
    packet.release();
    return;
  }
  for (const [i, socket] of sockets.entries()) {
    deliver(host, i === sockets.length - 1 ? packet : packet.clone(), socket, dev, family);
  }
}
