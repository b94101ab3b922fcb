import { add, bindChecksum, finish, fold, mangleZero, pseudoHeader4 } from "@seville/checksum";
import {
  CHECKSUM_PARTIAL,
  ipv6,
  IPPROTO_UDP,
  isMulticast,
  type IpAddress,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import { NETIF_F_HW_CSUM } from "../interface/net-device.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sendIpv4 } from "../ipv4/output.ts";
import { isMtuLocked4, pathMtu4 } from "../ipv4/path-mtu.ts";
import { sendIpv6 } from "../ipv6/output.ts";
import { pathMtu6 } from "../ipv6/path-mtu.ts";
import {
  IP_PMTUDISC_DO,
  IP_PMTUDISC_INTERFACE,
  IP_PMTUDISC_OMIT,
  IP_PMTUDISC_PROBE,
  IP_PMTUDISC_WANT,
} from "../socket/options.ts";
import {
  confirmNeighbour,
  flowLabelOfLast,
  routeDatagram,
  type RoutedDatagram,
  type SendControl,
  type Target,
} from "../socket/route-datagram.ts";
import { markSegments, segmentSize } from "./udp-segment.ts";
import type { UdpSocket } from "./udp-socket.ts";

const HEADER = 8;

/** Sends `packet`, `data` at the payload. Takes it, even if it throws. */
export function sendDatagram(socket: UdpSocket, packet: Packet, target: Target, control: SendControl): void {
  try {
    const routed = routeDatagram(socket, target, control);
    if (control.confirm === true) confirmNeighbour(socket.host, routed);
    packet.mark = socket.options.SO_MARK;
    packet.priority = socket.options.SO_PRIORITY;
    if (typeof routed.destination === "number") transmit4(socket, packet, routed, target.port, control);
    else transmit6(socket, packet, routed, target.port, control);
  } catch (error) {
    if (packet.head !== 0) packet.release();
    throw error;
  }
}

function transmit4(
  socket: UdpSocket,
  packet: Packet,
  routed: RoutedDatagram,
  port: number,
  control: SendControl,
): void {
  const { host, options } = socket;
  const { hop, out } = routed;
  const source = routed.source as number;
  const destination = routed.destination as number;
  const length = packet.length + HEADER;
  if (length + 20 > 0xffff) throw errnoError("EMSGSIZE");
  const mode = options.IP_MTU_DISCOVER;
  const usesPath = mode !== IP_PMTUDISC_PROBE && mode !== IP_PMTUDISC_INTERFACE && mode !== IP_PMTUDISC_OMIT;
  const mtu = usesPath ? pathMtu4(host, hop, out, destination) : Math.min(out.mtu, 0xffff);
  const segment = segmentSize(socket, packet, { out, mtu, ipHeader: 20 }, control);
  const tooLong = segment === 0 && length + 20 > mtu;
  // Those modes never fragment here; the others do (`ip_append_data`).
  if (tooLong && (mode === IP_PMTUDISC_DO || mode === IP_PMTUDISC_PROBE || mode === IP_PMTUDISC_INTERFACE)) {
    if (options.IP_RECVERR !== 0) socket.fail("EMSGSIZE", localTooBig(packet, mtu, destination, port));
    throw errnoError("EMSGSIZE");
  }
  if (segment > 0) markSegments(packet, segment);
  const at = writeHeader(host.memory.view, packet, socket.localPort, port, length);
  if (options.SO_NO_CHECK === 0) {
    checksum(socket, packet, out, tooLong, at, pseudoHeader4(source, destination, IPPROTO_UDP, length));
  }
  const wants =
    mode === IP_PMTUDISC_DO ||
    mode === IP_PMTUDISC_PROBE ||
    (mode === IP_PMTUDISC_WANT && !tooLong && !isMtuLocked4(host, hop, destination));
  host.mib.udp.OutDatagrams++;
  sendIpv4(host, packet, hop, source, destination, {
    protocol: IPPROTO_UDP,
    tos: control.tos ?? options.IP_TOS,
    ttl: control.ttl ?? (isMulticast(destination) ? options.IP_MULTICAST_TTL : options.IP_TTL),
    dontFragment: wants,
    multicastLoop: options.IP_MULTICAST_LOOP !== 0,
  });
}

function transmit6(
  socket: UdpSocket,
  packet: Packet,
  routed: RoutedDatagram,
  port: number,
  control: SendControl,
): void {
  const { host, options } = socket;
  const { hop, out } = routed;
  const source = routed.source as Ipv6Address;
  const destination = routed.destination as Ipv6Address;
  const length = packet.length + HEADER;
  if (length > 0xffff) throw errnoError("EMSGSIZE");
  const mode = options.IPV6_MTU_DISCOVER;
  const usesPath = mode !== IP_PMTUDISC_PROBE && mode !== IP_PMTUDISC_INTERFACE && mode !== IP_PMTUDISC_OMIT;
  const mtu = usesPath ? pathMtu6(host, hop, out, destination) : out.mtu;
  const segment = segmentSize(socket, packet, { out, mtu, ipHeader: ipv6.HEADER_LENGTH }, control);
  const tooLong = segment === 0 && length + ipv6.HEADER_LENGTH > mtu;
  if (
    tooLong &&
    (options.IPV6_DONTFRAG !== 0 ||
      mode === IP_PMTUDISC_DO ||
      mode === IP_PMTUDISC_PROBE ||
      mode === IP_PMTUDISC_INTERFACE)
  ) {
    if (options.IPV6_RECVERR !== 0) socket.fail("EMSGSIZE", localTooBig(packet, mtu, destination, port));
    throw errnoError("EMSGSIZE");
  }
  if (segment > 0) markSegments(packet, segment);
  const at = writeHeader(host.memory.view, packet, socket.localPort, port, length);
  if (options.UDP_NO_CHECK6_TX === 0) {
    const pseudo = add(add(sum(source), sum(destination)), IPPROTO_UDP + length);
    checksum(socket, packet, out, tooLong, at, pseudo);
  }
  host.mib.udp6.OutDatagrams++;
  const hops = control.ttl ?? (isMulticast(destination) ? options.IPV6_MULTICAST_HOPS : options.IPV6_UNICAST_HOPS);
  sendIpv6(host, packet, hop, source, destination, {
    nextHeader: IPPROTO_UDP,
    trafficClass: control.tos ?? options.IPV6_TCLASS,
    flowLabel: flowLabelOfLast(host),
    hopLimit: hops,
    multicastLoop: options.IPV6_MULTICAST_LOOP !== 0,
  });
}

function writeHeader(view: DataView, packet: Packet, sourcePort: number, port: number, length: number): number {
  const at = packet.push(HEADER);
  view.setUint16(at, sourcePort);
  view.setUint16(at + 2, port);
  view.setUint16(at + 4, length);
  view.setUint16(at + 6, 0);
  return at;
}

/** Left to the device if it can, and to segmentation, or else computed: then 0 is sent as 0xffff (RFC 768, RFC 8200 §8.1). */
function checksum(
  socket: UdpSocket,
  packet: Packet,
  out: NetInterface,
  fragments: boolean,
  at: number,
  pseudo: number,
): void {
  const { memory } = socket.host;
  if (packet.gsoSize > 0 || (!fragments && (out.device.features & NETIF_F_HW_CSUM) !== 0)) {
    memory.view.setUint16(at + 6, fold(pseudo));
    packet.ipSummed = CHECKSUM_PARTIAL;
    packet.csumStart = at;
    packet.csumOffset = 6;
    return;
  }
  memory.view.setUint16(at + 6, mangleZero(finish(bindChecksum(memory).sum(at, packet.length, pseudo))));
}

function sum(address: Ipv6Address): number {
  return add(add(address.w0, address.w1), add(address.w2, address.w3));
}

function localTooBig(packet: Packet, mtu: number, destination: IpAddress, port: number) {
  return {
    code: "EMSGSIZE",
    origin: "local",
    type: 0,
    errorCode: 0,
    info: mtu,
    offender: 0,
    destination,
    port,
    data: packet.bytes().slice(),
  } as const;
}
