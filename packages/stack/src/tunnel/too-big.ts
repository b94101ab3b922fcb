import { ETH_P_IP, ETH_P_IPV6, icmp, icmpv6, ipv4, ipv6, type Ipv6Address, type Packet } from "@seville/packet";
import { checkMtu, composeTooBig, type TunnelEndpoint } from "@seville/tunnel-encap";
import type { Delivery } from "../device/delivery.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sendIcmp4 } from "../ipv4/icmp-send.ts";
import { outputDevice4 } from "../ipv4/output.ts";
import { updatePathMtu4 } from "../ipv4/path-mtu.ts";
import { routeOutput4 } from "../ipv4/route-output.ts";
import { sendIcmp6 } from "../ipv6/icmpv6-send.ts";
import { updatePathMtu6 } from "../ipv6/path-mtu.ts";
import { outputDevice6, routeOutput6 } from "../ipv6/route-output.ts";
import { createFlow4, createFlow6, resetFlow } from "../route/flow.ts";

const flow4 = createFlow4();
const flow6 = createFlow6();

/**
 * Whether a packet, once wrapped, may go a path of `pathMtu` bytes: it fits, or may be fragmented. If not, its source has been told what
 * fits (T10), and it is to be dropped.
 *
 * @param replies where an answer goes that the far end itself seems to give, because nobody here has an address on a bridged network
 */
export function fitsPath(
  iface: NetInterface,
  endpoint: TunnelEndpoint,
  packet: Packet,
  pathMtu: number,
  replies: Delivery,
): boolean {
  const { overhead } = endpoint;
  const { action, mtu } = checkMtu(packet, overhead, pathMtu);
  if (action === "fits") return true;
  if (action === "too-big" && iface.rxHandler !== undefined && endpoint.isEthernet) {
    const reply = composeTooBig(packet, { mtu, isEthernet: overhead.ethernet > 0 });
    if (reply !== undefined) replies.push(reply);
    return false;
  }
  const whole = keepsWhole(endpoint, packet.protocol === ETH_P_IP);
  // An IP tunnel that fragments tells nobody; VXLAN and Geneve tell even so (`tnl_update_pmtu`, `skb_tunnel_check_pmtu`).
  if (whole || isInUdp(endpoint)) learnInnerMtu(iface, packet, mtu);
  if (!whole || action === "fragment") return true;
  if (action === "too-big") tellTooBig(iface, packet, mtu);
  return false;
}

/**
 * Whether the outer packet must not be fragmented where it is made: then an inner packet that is too long goes back to its
 * source (`tnl_update_pmtu`, `ip6_tnl_xmit`). VXLAN and Geneve over IPv4 leave it to fragments unless told to set DF; over IPv6 no
 * tunnel's packet is fragmented, for none comes from a socket (`ip6_fragment`, `ignore_df`).
 */
export function keepsWhole(endpoint: TunnelEndpoint, isInnerIpv4: boolean): boolean {
  const { policy } = endpoint;
  const isUdp = isInUdp(endpoint);
  if (!policy.isIpv4) return true;
  if (policy.df === "set" || policy.df === "unset") return policy.df === "set";
  return isInnerIpv4 || isUdp;
}

/** Whether the tunnel's own header is in UDP. */
function isInUdp({ tunnel }: TunnelEndpoint): boolean {
  return tunnel.kind === "vxlan" || tunnel.kind === "geneve";
}

/** Tells the source of an inner packet, `networkHeader` at its header, how much fits (RFC 1191 §4, RFC 4443 §3.2; T10). */
function tellTooBig(iface: NetInterface, packet: Packet, mtu: number): void {
  const { host } = iface;
  if (packet.protocol === ETH_P_IP) {
    sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.FRAGMENTATION_NEEDED, mtu, iface);
  } else if (packet.protocol === ETH_P_IPV6) {
    sendIcmp6(host, packet, icmpv6.PACKET_TOO_BIG, 0, mtu, iface);
  }
}

/** Remembers what fits on the way of an inner packet, so that the next ones are made shorter (`skb_dst_update_pmtu`). */
function learnInnerMtu(iface: NetInterface, packet: Packet, mtu: number): void {
  const { host } = iface;
  const { view } = host.memory;
  const at = packet.networkHeader;
  if (packet.protocol === ETH_P_IP) {
    resetFlow(flow4);
    flow4.destination = ipv4.destination(view, at);
    flow4.source = 0;
    const hop = routeOutput4(host, flow4);
    if (typeof hop === "string" || outputDevice4(host, hop) !== iface) return;
    updatePathMtu4(host, hop, iface, flow4.destination, mtu);
  } else if (packet.protocol === ETH_P_IPV6) {
    const destination: Ipv6Address = ipv6.destination(view, at);
    resetFlow(flow6);
    flow6.destination = destination;
    flow6.source = ipv6.source(view, at);
    const hop = routeOutput6(host, flow6);
    if (typeof hop === "string" || outputDevice6(host, hop) !== iface) return;
    updatePathMtu6(host, hop, iface, destination, mtu);
  }
}
