import {
  icmpv6,
  ipv6,
  IPV6_ANY,
  isLinkLocal,
  isLoopback,
  isMulticast,
  PACKET_HOST,
  type Packet,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { ownPacket } from "../host/own-packet.ts";
import { fitsAsSegments } from "../interface/gso-length.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { NF_INET_FORWARD } from "../netfilter/hooks.ts";
import { CB_FORWARDED } from "../packet-cb.ts";
import type { RouteHop } from "../route/route.ts";
import { sendIcmp6 } from "./icmpv6-send.ts";
import { output6 } from "./output.ts";
import { forwardMtu6 } from "./path-mtu.ts";

/** Passes a packet on by `route` (`ip6_forward`). Takes the packet. */
export function forward6(host: Host, packet: Packet, dev: NetInterface, route: RouteHop): void {
  const { ip6 } = host.mib;
  const { view } = host.memory;
  if (host.ipv6.confAll.forwarding === 0) {
    ip6.InAddrErrors++;
    host.drop(packet, "IP_FORWARDING_DISABLED", dev);
    return;
  }
  if (packet.pktType !== PACKET_HOST) {
    host.drop(packet, "NOT_SPECIFIED", dev);
    return;
  }
  // What LRO merged cannot be taken apart again (`skb_warn_if_lro`).
  if (packet.gsoSize > 0 && packet.gsoType === 0) {
    host.drop(packet, "NOT_SPECIFIED", dev);
    return;
  }
  if (ipv6.hopLimit(view, packet.data) <= 1) {
    sendIcmp6(host, packet, icmpv6.TIME_EXCEEDED, icmpv6.HOP_LIMIT_EXCEEDED, 0, dev);
    ip6.InHdrErrors++;
    host.drop(packet, "IP_TTL", dev);
    return;
  }
  const hop = route.spray === undefined ? route : route.spray.next(packet, host.now);
  const out = hop.dev as NetInterface;
  if (out === dev) host.ipv6.sendRedirect?.(packet, dev, hop);
  else if (!mayLeaveItsZone(host, packet, dev)) return;
  const mtu = forwardMtu6(hop, out);
  if (packet.totalLength > mtu && !fitsAsSegments(packet, mtu)) {
    sendIcmp6(host, packet, icmpv6.PACKET_TOO_BIG, 0, mtu, dev);
    ip6.InTooBigErrors++;
    ip6.FragFails++;
    host.drop(packet, "PKT_TOO_BIG", dev);
    return;
  }
  const own = ownPacket(host, packet, dev);
  if (own === undefined) {
    ip6.OutDiscards++;
    return;
  }
  ipv6.setHopLimit(view, own.data, ipv6.hopLimit(view, own.data) - 1);
  own.cb |= CB_FORWARDED;
  if (!host.hooks.active(6, NF_INET_FORWARD)) {
    finishForward(host, own, hop, out);
    return;
  }
  host.hooks.run(6, NF_INET_FORWARD, own, dev, out, (passed) => finishForward(host, passed, hop, out));
}

function finishForward(host: Host, packet: Packet, hop: RouteHop, out: NetInterface): void {
  host.mib.ip6.OutForwDatagrams++;
  output6(host, packet, hop, out, false);
}

/** A source that only its link knows does not leave it (RFC 4007 §9, RFC 4291 §2.5.6). Drops the packet on `false`. */
function mayLeaveItsZone(host: Host, packet: Packet, dev: NetInterface): boolean {
  const source = ipv6.source(host.memory.view, packet.data);
  const isNobodys = source === IPV6_ANY || isMulticast(source) || isLoopback(source);
  if (!isNobodys && !isLinkLocal(source)) return true;
  if (!isNobodys) sendIcmp6(host, packet, icmpv6.DESTINATION_UNREACHABLE, icmpv6.BEYOND_SCOPE, 0, dev);
  host.mib.ip6.InAddrErrors++;
  host.drop(packet, "IP_INVALID_SOURCE", dev);
  return false;
}
