import { IPV6_ANY, IPV6_LOOPBACK, type Ipv6Address } from "@seville/packet";
import type { Errno } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { errnoOfType } from "../ipv4/route-output.ts";
import type { Flow } from "../route/flow.ts";
import type { RouteHop } from "../route/route.ts";

/**
 * The way for a packet made here, and `flow.source` chosen if it was `::` (`ip6_dst_lookup_tail`). Link-local and
 * multicast destinations need `flow.oif`. Answers the errno where there is no way. Pure: nothing is counted.
 *
 * @param preferences `IPV6_PREFER_SRC_…` bits of the socket
 */
export function routeOutput6(host: Host, flow: Flow<Ipv6Address>, preferences = 0): RouteHop | Errno {
  if (flow.destination === IPV6_ANY) flow.destination = IPV6_LOOPBACK;
  if (flow.oif !== 0) {
    const out = host.interfaces.get(flow.oif);
    if (out === undefined) return "ENODEV";
    if (!out.isUp && out.device.l3mdev === undefined) return "ENETUNREACH";
  }
  const hop = host.ipv6.fib.lookup(flow);
  if (hop === undefined) return "ENETUNREACH";
  const refused = errnoOfType(hop.route.type);
  if (refused !== undefined) return refused;
  if (flow.source === IPV6_ANY) {
    const source = chooseSource(host, flow, hop, preferences);
    if (source === undefined) return "EADDRNOTAVAIL";
    flow.source = source;
  }
  const exception = host.ipv6.exceptions.get(flow.destination);
  if (exception?.gateway === undefined || exception.dev !== hop.dev) return hop;
  return { ...hop, gateway: exception.gateway, spray: undefined };
}

/** The device by which a flow leaves: to the host itself that is loopback. */
export function outputDevice6(host: Host, hop: RouteHop): NetInterface {
  const { type } = hop.route;
  const dev = hop.dev as NetInterface;
  return (type === "local" || type === "anycast") && dev.device.l3mdev === undefined ? host.loopback : dev;
}

function chooseSource(
  host: Host,
  flow: Flow<Ipv6Address>,
  hop: RouteHop,
  preferences: number,
): Ipv6Address | undefined {
  const { prefsrc } = hop.route;
  if (prefsrc !== undefined && typeof prefsrc !== "number") return prefsrc;
  return host.ipv6.selectSource(flow.destination, hop.dev, preferences);
}
