import type { Nanos } from "@seville/core";
import { ETH_P_IP, ipv4, ipv6, udp, type IpAddress, type Packet } from "@seville/packet";
import { sdifOf } from "../packet-cb.ts";
import type { InetSocket } from "../socket/inet-socket.ts";
import { presentAddress } from "../socket/socket-address.ts";

/** Where a datagram comes from, and what `IP_PKTINFO`, `IP_RECVTTL`, `IP_RECVTOS` … and SO_TIMESTAMPNS would tell. */
export interface DatagramMeta {
  readonly address: IpAddress;
  readonly port: number;
  /** To which address it was sent (`ipi_addr`), and where it came in (`ipi_ifindex`; in a VRF the slave). */
  readonly destination: IpAddress;
  readonly ifindex: number;
  /** TTL or hop limit. */
  readonly ttl: number;
  /** TOS or traffic class. */
  readonly tos: number;
  readonly flowLabel: number;
  readonly timestamp: Nanos;
  /** With `UDP_GRO`: bytes of payload in each of the datagrams that were merged into this, but the last, which may be shorter. 0: it is one. */
  readonly gsoSize: number;
}

export function readMeta(socket: InetSocket, packet: Packet): DatagramMeta {
  const { host, family } = socket;
  const { view } = host.memory;
  const ip = packet.networkHeader;
  const v4 = packet.protocol === ETH_P_IP;
  const sdif = sdifOf(packet);
  const ifindex = sdif === 0 ? packet.ifindex : sdif;
  const from = v4 ? ipv4.source(view, ip) : ipv6.source(view, ip);
  const to = v4 ? ipv4.destination(view, ip) : ipv6.destination(view, ip);
  return {
    address: presentAddress(host, family, from, ifindex),
    port: udp.sourcePort(view, packet.transportHeader),
    destination: presentAddress(host, family, to, ifindex),
    ifindex,
    ttl: v4 ? ipv4.ttl(view, ip) : ipv6.hopLimit(view, ip),
    tos: v4 ? ipv4.tos(view, ip) : ipv6.trafficClass(view, ip),
    flowLabel: v4 ? 0 : ipv6.flowLabel(view, ip),
    timestamp: packet.tstamp,
    gsoSize: packet.gsoSize,
  };
}
