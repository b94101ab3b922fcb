import { isIpv4, type IpAddress, type Ipv6Address, type Packet } from "@seville/packet";
import type { Errno } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { localOut4, outputDevice4 } from "../ipv4/output.ts";
import { pathMtu4 } from "../ipv4/path-mtu.ts";
import { routeOutput4 } from "../ipv4/route-output.ts";
import { localOut6 } from "../ipv6/output.ts";
import { pathMtu6 } from "../ipv6/path-mtu.ts";
import { outputDevice6, routeOutput6 } from "../ipv6/route-output.ts";
import { createFlow4, createFlow6, resetFlow } from "../route/flow.ts";
import type { RouteHop } from "../route/route.ts";

/** The way of a tunnel's outer packets. */
export interface Underlay {
  readonly hop: RouteHop;
  readonly out: NetInterface;
  /** Path MTU in bytes, outer IP header included. */
  readonly mtu: number;
  /** TTL or hop limit of the route. */
  readonly hopLimit: number;
}

/** What the underlay is asked for. */
export interface UnderlayQuery {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  /** Interface that it must leave by; 0: any. */
  readonly oif: number;
  readonly mark: number;
  /** IP protocol of the outer packet. */
  readonly protocol: number;
}

const flow4 = createFlow4();
const flow6 = createFlow6();

/** The route from one end of a tunnel to the other (`ip_route_output_tunnel`), or why there is none. */
export function routeUnderlay(host: Host, query: UnderlayQuery): Underlay | Errno {
  return isIpv4(query.remote) ? route4(host, query) : route6(host, query);
}

function route4(host: Host, { local, remote, oif, mark, protocol }: UnderlayQuery): Underlay | Errno {
  resetFlow(flow4);
  flow4.destination = remote as number;
  flow4.source = local as number;
  flow4.oif = oif;
  flow4.mark = mark;
  flow4.protocol = protocol;
  const hop = routeOutput4(host, flow4);
  if (typeof hop === "string") return hop;
  const out = outputDevice4(host, hop);
  const hopLimit = hop.route.metrics.hoplimit ?? host.ipv4.sysctl.ip_default_ttl;
  return { hop, out, hopLimit, mtu: pathMtu4(host, hop, out, remote as number) };
}

function route6(host: Host, { local, remote, oif, mark, protocol }: UnderlayQuery): Underlay | Errno {
  resetFlow(flow6);
  flow6.destination = remote as Ipv6Address;
  flow6.source = local as Ipv6Address;
  flow6.oif = oif;
  flow6.mark = mark;
  flow6.protocol = protocol;
  const hop = routeOutput6(host, flow6);
  if (typeof hop === "string") return hop;
  const out = outputDevice6(host, hop);
  const hopLimit = hop.route.metrics.hoplimit ?? out.v6.conf.hop_limit;
  return { hop, out, hopLimit, mtu: pathMtu6(host, hop, out, remote as Ipv6Address) };
}

/** Sends a wrapped packet, `data` at its outer IP header (`iptunnel_xmit`, `ip6tunnel_xmit`). Takes the packet. */
export function sendOuter(host: Host, packet: Packet, hop: RouteHop, remote: IpAddress): void {
  // What the IP layer noted of the inner packet is not true of the outer one: it was made here.
  packet.cb = 0;
  if (isIpv4(remote)) localOut4(host, packet, hop, false);
  else localOut6(host, packet, hop, false);
}
