import { ipv6, type Ipv6Address } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { RouteHop } from "../route/route.ts";

/** Bytes that a packet to `destination` may have (`ip6_mtu`): learned, the route's, or the interface's. */
export function pathMtu6(host: Host, hop: RouteHop, dev: NetInterface, destination: Ipv6Address): number {
  const learned = host.ipv6.exceptions.mtu(destination, host.now);
  if (learned !== 0 && hop.route.metrics.mtuLock !== true) return learned;
  return Math.max(hop.route.metrics.mtu ?? linkMtu6(dev), ipv6.MIN_MTU);
}

/** The MTU for a packet on its way through (`ip6_dst_mtu_maybe_forward`). */
export function forwardMtu6(hop: RouteHop, dev: NetInterface): number {
  return Math.max(hop.route.metrics.mtu ?? linkMtu6(dev), ipv6.MIN_MTU);
}

/**
 * A packet-too-big says that packets to `destination` must be no longer than `mtu` (RFC 8201 §4). Less than the
 * minimum of IPv6 is not believed; nor is more than is known already.
 */
export function updatePathMtu6(
  host: Host,
  hop: RouteHop,
  dev: NetInterface,
  destination: Ipv6Address,
  mtu: number,
): boolean {
  if (mtu < ipv6.MIN_MTU || hop.route.metrics.mtuLock === true) return false;
  if (mtu >= pathMtu6(host, hop, dev, destination)) return false;
  host.ipv6.exceptions.learnMtu(destination, mtu, false, host.ipv6.route.mtu_expires, host.now);
  return true;
}

/** What a router advertised, or the device's (RFC 4861 §4.6.4: never more than that). */
function linkMtu6(dev: NetInterface): number {
  return Math.min(dev.v6.mtu, dev.mtu);
}
