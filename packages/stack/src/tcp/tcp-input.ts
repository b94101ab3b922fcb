import { ipv4, ipv6, PACKET_HOST, tcp, type IpAddress, type Packet } from "@seville/packet";
import type { TcpEndpoint, TcpIcmpError, TcpMeta } from "@seville/tcp";
import type { Host } from "../host/host.ts";
import type { IcmpError } from "../host/protocols.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sdifOf } from "../packet-cb.ts";

/** A segment came in, `data` at the TCP header (`tcp_v4_rcv`, `tcp_v6_rcv`). Takes the packet. */
export function receiveTcp(
  host: Host,
  endpoint: TcpEndpoint,
  packet: Packet,
  family: 4 | 6,
  dev: NetInterface,
  heard: (source: IpAddress, ifindex: number) => void,
): void {
  // TCP is between two: what was for a group or for all is not answered (RFC 1122 §4.2.3.10).
  if (packet.pktType !== PACKET_HOST) {
    host.drop(packet, "NOT_SPECIFIED", dev);
    return;
  }
  const meta = family === 4 ? meta4(host, packet) : meta6(host, packet);
  heard(meta.source, packet.ifindex);
  endpoint.handle(packet, meta, host.now);
  packet.release();
}

function meta4(host: Host, packet: Packet): TcpMeta {
  const { view } = host.memory;
  const at = packet.networkHeader;
  return {
    source: ipv4.source(view, at),
    destination: ipv4.destination(view, at),
    ecn: ipv4.tos(view, at) & 3,
    hopLimit: ipv4.ttl(view, at),
    ifindex: packet.ifindex,
    sdif: sdifOf(packet),
  };
}

function meta6(host: Host, packet: Packet): TcpMeta {
  const { view } = host.memory;
  const at = packet.networkHeader;
  return {
    source: ipv6.source(view, at),
    destination: ipv6.destination(view, at),
    ecn: ipv6.trafficClass(view, at) & 3,
    hopLimit: ipv6.hopLimit(view, at),
    flowLabel: ipv6.flowLabel(view, at),
    ifindex: packet.ifindex,
    sdif: sdifOf(packet),
  };
}

/** What an ICMP error says of a segment of ours, as the engine wants it. */
export function tcpErrorOf(host: Host, error: IcmpError): TcpIcmpError {
  const { view } = host.memory;
  const at = error.transportAt;
  return {
    family: error.family,
    type: error.type,
    code: error.code,
    info: error.info,
    source: error.source,
    destination: error.destination,
    sourcePort: tcp.sourcePort(view, at),
    destinationPort: tcp.destinationPort(view, at),
    sequence: tcp.sequence(view, at),
    ifindex: error.packet.ifindex,
    sdif: error.sdif,
  };
}
