import type { DropReason, Nanos } from "@seville/core";
import { icmp, ipv4, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { IcmpError } from "../host/protocols.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sdifOf } from "../packet-cb.ts";

/**
 * Destination unreachable, time exceeded, parameter problem, source quench: tells the transport whose packet it was
 * (RFC 1122 §3.2.2; `icmp_unreach`). Borrows the message.
 */
export function receiveIcmpError4(host: Host, packet: Packet, dev: NetInterface, now: Nanos): DropReason | "CONSUMED" {
  const { icmp: mib } = host.mib;
  const { view } = host.memory;
  const at = packet.data;
  const type = icmp.type(view, at);
  const code = icmp.code(view, at);
  const quoted = at + icmp.HEADER_LENGTH;
  if (packet.tail - quoted < 20 || ipv4.headerLength(view, quoted) < 20) {
    mib.InErrors++;
    return "HDR_TRUNC";
  }
  let info = 0;
  if (type === icmp.DESTINATION_UNREACHABLE) {
    if (code > icmp.PRECEDENCE_CUTOFF) return "CONSUMED";
    if (code === icmp.FRAGMENTATION_NEEDED) {
      const mtu = believedMtu(host, view, at);
      if (mtu === 0) return "CONSUMED";
      info = mtu;
    }
  } else if (type === icmp.PARAMETER_PROBLEM) {
    info = icmp.pointer(view, at);
  }
  // A broadcast of ours brings no errors; some routers send them (RFC 1812 §4.3.2.7 forbids it).
  const destination = ipv4.destination(view, quoted);
  if (host.ipv4.sysctl.icmp_ignore_bogus_error_responses !== 0 && host.ipv4.isBroadcast(destination)) return "CONSUMED";
  return tellTransport(host, packet, dev, quoted, type, code, info, now);
}

/** The next-hop MTU if it is to be heeded: `ip_no_pmtu_disc` 0 always, 3 only where the transport checks; else 0. */
function believedMtu(host: Host, view: DataView, at: number): number {
  const mode = host.ipv4.sysctl.ip_no_pmtu_disc;
  const mtu = icmp.nextHopMtu(view, at);
  if (mode === 0) return mtu;
  if (mode !== 3) return 0;
  const protocol = ipv4.protocol(view, at + icmp.HEADER_LENGTH);
  return host.ipv4.protocols.get(protocol)?.validatesIcmp === true ? mtu : 0;
}

/** `icmp_socket_deliver`: 8 bytes of the transport header must be there to find the socket. */
function tellTransport(
  host: Host,
  packet: Packet,
  dev: NetInterface,
  quoted: number,
  type: number,
  code: number,
  info: number,
  now: Nanos,
): DropReason | "CONSUMED" {
  const { view } = host.memory;
  const transportAt = quoted + ipv4.headerLength(view, quoted);
  if (transportAt + 8 > packet.tail) {
    host.mib.icmp.InErrors++;
    return "PKT_TOO_SMALL";
  }
  const error: IcmpError = {
    family: 4,
    type,
    code,
    info,
    offender: ipv4.source(view, packet.networkHeader),
    source: ipv4.source(view, quoted),
    destination: ipv4.destination(view, quoted),
    protocol: ipv4.protocol(view, quoted),
    packet,
    quotedAt: quoted,
    transportAt,
    dev,
    sdif: sdifOf(packet),
  };
  host.ipv4.rawError?.(error);
  host.ipv4.protocols.get(error.protocol)?.icmpError?.(error, now);
  return "CONSUMED";
}
