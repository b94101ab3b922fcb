import { udp } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { IcmpError } from "../host/protocols.ts";
import { isTooBig, meaningOf, type QueuedError } from "../socket/errors.ts";
import { learnPathMtu } from "../socket/learn-mtu.ts";
import { IP_PMTUDISC_DONT, IP_PMTUDISC_INTERFACE, IP_PMTUDISC_OMIT } from "../socket/options.ts";
import { presentAddress } from "../socket/socket-address.ts";
import type { UdpSocket } from "./udp-socket.ts";

/**
 * An ICMP error about a datagram of this host (RFC 1122 §4.1.3.3; `__udp4_lib_err`, `__udp6_lib_err`): the socket that
 * sent it is told if it is connected and the error is hard, or if it asked for errors.
 */
export function receiveUdpError(host: Host, error: IcmpError): void {
  const { view } = host.memory;
  // A tunnel sends from any port: the one that it sends to tells (`__udp4_lib_err_encap`).
  const tunnel = host.udp.encapsulation(error.family, udp.destinationPort(view, error.transportAt));
  if (tunnel?.icmpError !== undefined) {
    tunnel.icmpError(error, host.now);
    return;
  }
  const socket = host.udp.lookup({
    localAddress: error.source,
    localPort: udp.sourcePort(view, error.transportAt),
    remoteAddress: error.destination,
    remotePort: udp.destinationPort(view, error.transportAt),
    dif: error.dev.ifindex,
    sdif: error.sdif,
    acceptL3mdev: host.ipv4.sysctl.udp_l3mdev_accept !== 0,
  });
  if (socket === undefined) {
    if (error.family === 4) host.mib.icmp.InErrors++;
    else host.mib.icmp6.InErrors++;
    return;
  }
  const meaning = meaningOf(error);
  if (meaning === undefined) return;
  const { options } = socket;
  let { fatal } = meaning;
  if (isTooBig(error)) {
    const mode = error.family === 4 ? options.IP_MTU_DISCOVER : options.IPV6_MTU_DISCOVER;
    // Those sockets take no notice of the path (`ip_sk_accept_pmtu`).
    if (mode === IP_PMTUDISC_INTERFACE || mode === IP_PMTUDISC_OMIT) return;
    learnPathMtu(host, error, socket.boundDevice);
    if (mode === IP_PMTUDISC_DONT) return;
    fatal = true;
  }
  const wantsErrors = (error.family === 4 ? options.IP_RECVERR : options.IPV6_RECVERR) !== 0;
  if (!wantsErrors && (!fatal || socket.peer === undefined)) return;
  socket.fail(meaning.code, wantsErrors ? queued(host, socket, error, meaning.code) : undefined);
}

function queued(host: Host, socket: UdpSocket, error: IcmpError, code: QueuedError["code"]): QueuedError {
  const { view, u8 } = host.memory;
  const { family } = socket;
  return {
    code,
    origin: error.family === 4 ? "icmp" : "icmp6",
    type: error.type,
    errorCode: error.code,
    info: error.info,
    offender: presentAddress(host, family, error.offender, error.dev.ifindex),
    destination: presentAddress(host, family, error.destination, error.dev.ifindex),
    port: udp.destinationPort(view, error.transportAt),
    data: u8.slice(error.transportAt + udp.HEADER_LENGTH, error.packet.tail),
  };
}
