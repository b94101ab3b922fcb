import type { DropReason, Nanos } from "@seville/core";
import { icmpv6, ipv6, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { IcmpError } from "../host/protocols.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sdifOf } from "../packet-cb.ts";

const chain = ipv6.newChain();

/**
 * An error about a packet of ours: tells the transport whose it was (RFC 4443 §2.4 (d); `icmpv6_notify`).
 * Borrows the message. `undefined`: done.
 */
export function receiveIcmpError6(host: Host, packet: Packet, dev: NetInterface, now: Nanos): DropReason | undefined {
  const { icmp6 } = host.mib;
  const { view } = host.memory;
  const at = packet.data;
  const quoted = at + icmpv6.HEADER_LENGTH;
  if (packet.tail - quoted < ipv6.HEADER_LENGTH) {
    icmp6.InErrors++;
    return "HDR_TRUNC";
  }
  ipv6.walkExtensions(view, quoted, packet.tail, chain);
  // Eight bytes of the upper layer must be there to find the socket.
  if (chain.isLaterFragment || chain.fault !== undefined || chain.at + 8 > packet.tail) {
    icmp6.InErrors++;
    return "PKT_TOO_SMALL";
  }
  const type = icmpv6.type(view, at);
  const error: IcmpError = {
    family: 6,
    type,
    code: icmpv6.code(view, at),
    info: type === icmpv6.PACKET_TOO_BIG || type === icmpv6.PARAMETER_PROBLEM ? view.getUint32(at + 4) : 0,
    offender: ipv6.source(view, packet.networkHeader),
    source: ipv6.source(view, quoted),
    destination: ipv6.destination(view, quoted),
    protocol: chain.protocol,
    packet,
    quotedAt: quoted,
    transportAt: chain.at,
    dev,
    sdif: sdifOf(packet),
  };
  host.ipv6.rawError?.(error);
  host.ipv6.protocols.get(error.protocol)?.icmpError?.(error, now);
  return undefined;
}
