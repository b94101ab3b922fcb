import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import type { PingSocket } from "../ping/ping-socket.ts";
import type { RawSocket, RawSocketOptions } from "../raw/raw-socket.ts";
import { UdpSocket, type UdpSocketOptions } from "../udp/udp-socket.ts";

/** `socket(AF_INET…, SOCK_DGRAM, 0)`. */
export function openUdp(host: Host, options: UdpSocketOptions = {}): UdpSocket {
  return new UdpSocket(host, options);
}

/** `socket(AF_INET…, SOCK_RAW, protocol)`. */
export function openRaw(host: Host, options: RawSocketOptions): RawSocket {
  if (host.raw === undefined) throw errnoError("EAFNOSUPPORT", "the host has no raw sockets: make it with createHost");
  return host.raw.open(options);
}

/** `socket(AF_INET…, SOCK_DGRAM, IPPROTO_ICMP…)`. */
export function openPing(host: Host, family: 4 | 6 = 4): PingSocket {
  if (host.ping === undefined)
    throw errnoError("EAFNOSUPPORT", "the host has no ping sockets: make it with createHost");
  return host.ping.open(family);
}
