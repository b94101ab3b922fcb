import type { Nanos } from "@seville/core";
import { icmp, ipv4, PACKET_HOST, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { ownPacket } from "../host/own-packet.ts";
import { fitsAsSegments } from "../interface/gso-length.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { NF_INET_FORWARD } from "../netfilter/hooks.ts";
import { CB_FORWARDED, CB_SOURCE_ROUTED } from "../packet-cb.ts";
import type { RouteHop } from "../route/route.ts";
import { sendIcmp4 } from "./icmp-send.ts";
import { forwardOptions4, strictRouteFails } from "./options-forward.ts";
import { output4 } from "./output.ts";
import { forwardMtu4 } from "./path-mtu.ts";
import { sendRedirect4 } from "./redirect-send.ts";

/** Passes a datagram on by `route` (RFC 1812 §5.2; `ip_forward`). Takes the packet. */
export function forward4(host: Host, packet: Packet, dev: NetInterface, route: RouteHop, now: Nanos): void {
  const { ip } = host.mib;
  // A frame for many is not forwarded as one for us (RFC 1122 §3.3.6).
  if (packet.pktType !== PACKET_HOST) {
    host.drop(packet, "NOT_SPECIFIED", dev);
    return;
  }
  // What LRO merged cannot be taken apart again (`skb_warn_if_lro`).
  if (packet.gsoSize > 0 && packet.gsoType === 0) {
    host.drop(packet, "NOT_SPECIFIED", dev);
    return;
  }
  const { view } = host.memory;
  if (ipv4.ttl(view, packet.data) <= 1) {
    ip.InHdrErrors++;
    sendIcmp4(host, packet, icmp.TIME_EXCEEDED, icmp.TTL_EXCEEDED, 0, dev);
    host.drop(packet, "IP_TTL", dev);
    return;
  }
  const hop = route.spray === undefined ? route : route.spray.next(packet, now);
  if (strictRouteFails(packet, view, hop)) {
    sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.SOURCE_ROUTE_FAILED, 0, dev);
    host.drop(packet, "IP_INHDR", dev);
    return;
  }
  const out = hop.dev as NetInterface;
  packet.cb |= CB_FORWARDED;
  const mtu = forwardMtu4(host, hop, out, ipv4.destination(view, packet.data));
  if (packet.totalLength > mtu && ipv4.dontFragment(view, packet.data) && !fitsAsSegments(packet, mtu)) {
    ip.FragFails++;
    sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.FRAGMENTATION_NEEDED, mtu, dev);
    host.drop(packet, "PKT_TOO_BIG", dev);
    return;
  }
  if (out === dev && (packet.cb & CB_SOURCE_ROUTED) === 0) sendRedirect4(host, packet, dev, hop, now);
  const own = ownPacket(host, packet, dev);
  if (own === undefined) {
    ip.InDiscards++;
    return;
  }
  ipv4.decrementTtl(view, own.data);
  if (!host.hooks.active(4, NF_INET_FORWARD)) {
    finishForward(host, own, hop, out);
    return;
  }
  host.hooks.run(4, NF_INET_FORWARD, own, dev, out, (passed) => finishForward(host, passed, hop, out));
}

function finishForward(host: Host, packet: Packet, hop: RouteHop, out: NetInterface): void {
  host.mib.ip.ForwDatagrams++;
  if (packet.transportHeader - packet.networkHeader > 20) forwardOptions4(host, packet, out);
  output4(host, packet, hop, out, false);
}
