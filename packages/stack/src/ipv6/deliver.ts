import type { Nanos } from "@seville/core";
import {
  icmpv6,
  ipv6,
  IPPROTO_DSTOPTS,
  IPPROTO_FRAGMENT,
  IPPROTO_HOPOPTS,
  IPPROTO_NONE,
  IPPROTO_ROUTING,
  type Packet,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { pullHeaders } from "../interface/checksum.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { NF_INET_LOCAL_IN } from "../netfilter/hooks.ts";
import { sendIcmp6 } from "./icmpv6-send.ts";
import { receiveOptions6 } from "./options-input.ts";

/** Headers in one packet that are gone through (RFC 8504 §5.3 lets a node set a limit). */
const MAX_HEADERS = 16;

/** A packet for this host: INPUT, then header by header (`ip6_input`). Takes the packet. */
export function deliver6(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  if (!host.hooks.active(6, NF_INET_LOCAL_IN)) {
    walk(host, packet, dev, now);
    return;
  }
  host.hooks.run(6, NF_INET_LOCAL_IN, packet, dev, undefined, (passed) => walk(host, passed, dev, now));
}

/** RFC 8200 §4: headers in the order in which they stand, up to the upper layer (`ip6_protocol_deliver_rcu`). */
function walk(host: Host, whole: Packet, dev: NetInterface, now: Nanos): void {
  const { view } = host.memory;
  let packet = whole;
  let next = ipv6.nextHeader(view, packet.networkHeader);
  let nextAt = packet.networkHeader + 6;
  let at = packet.networkHeader + ipv6.HEADER_LENGTH;
  for (let count = 0; count < MAX_HEADERS; count++) {
    let end: number;
    if (next === IPPROTO_HOPOPTS && count === 0) {
      // Read on the way in.
      end = at + (view.getUint8(at + 1) + 1) * 8;
    } else if (next === IPPROTO_DSTOPTS) {
      end = receiveOptions6(host, packet, dev, next, at);
    } else if (next === IPPROTO_ROUTING) {
      end = receiveRouting6(host, packet, dev, at);
    } else if (next === IPPROTO_FRAGMENT) {
      const result = host.ipv6.reassembly.add(packet, dev, at);
      if (result === undefined) return;
      packet = result.packet;
      at = result.at;
      nextAt = result.nextAt;
      next = view.getUint8(nextAt);
      continue;
    } else {
      toProtocol(host, packet, dev, next, nextAt, at, now);
      return;
    }
    if (end < 0) return;
    next = view.getUint8(at);
    nextAt = at;
    at = end;
  }
  host.mib.ip6.InHdrErrors++;
  host.drop(packet, "IPV6_BAD_EXTHDR", dev);
}

/** Source routes are done with here, or refused (RFC 8200 §4.4, RFC 5095 §3). Answers as `receiveOptions6`. */
function receiveRouting6(host: Host, packet: Packet, dev: NetInterface, at: number): number {
  const { view } = host.memory;
  const end = at + 8 <= packet.tail ? at + (view.getUint8(at + 1) + 1) * 8 : Infinity;
  const refused = host.ipv6.confAll.accept_source_route < 0 || dev.v6.conf.accept_source_route < 0;
  if (end <= packet.tail && !refused && ipv6.segmentsLeft(view, at) === 0) return end;
  host.mib.ip6.InHdrErrors++;
  if (end <= packet.tail && !refused) {
    sendIcmp6(host, packet, icmpv6.PARAMETER_PROBLEM, icmpv6.ERRONEOUS_HEADER, at + 2 - packet.networkHeader, dev);
  }
  host.drop(packet, "IPV6_BAD_EXTHDR", dev);
  return -1;
}

function toProtocol(
  host: Host,
  packet: Packet,
  dev: NetInterface,
  next: number,
  nextAt: number,
  at: number,
  now: Nanos,
): void {
  const { ip6 } = host.mib;
  if (next === IPPROTO_NONE) {
    ip6.InDelivers++;
    packet.release();
    return;
  }
  packet.transportHeader = at;
  const seen = host.ipv6.rawDeliver?.(packet, next, dev) === true;
  const protocol = host.ipv6.protocols.get(next);
  if (protocol !== undefined) {
    if (protocol.takesFragments !== true && !packet.linearize()) {
      ip6.InDiscards++;
      host.drop(packet, "NOMEM", dev);
      return;
    }
    ip6.InDelivers++;
    pullHeaders(packet, packet.transportHeader - packet.data);
    protocol.receive(packet, 6, dev, now);
    return;
  }
  if (seen) {
    ip6.InDelivers++;
    packet.release();
    return;
  }
  ip6.InUnknownProtos++;
  sendIcmp6(
    host,
    packet,
    icmpv6.PARAMETER_PROBLEM,
    icmpv6.UNRECOGNIZED_NEXT_HEADER,
    nextAt - packet.networkHeader,
    dev,
  );
  host.drop(packet, "IP_NOPROTO", dev);
}
