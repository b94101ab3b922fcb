import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { RouteHop } from "../route/route.ts";

/** An IPv4 datagram is no longer than that, whatever the link takes. */
const IP_MAX_MTU = 65_535;

/**
 * Bytes that a datagram to `destination` may have (`ipv4_mtu`): what was learned, what the route says, or the device's MTU.
 */
export function pathMtu4(host: Host, hop: RouteHop, dev: NetInterface, destination: number): number {
  const { metrics } = hop.route;
  if (metrics.mtuLock === true && metrics.mtu !== undefined) return metrics.mtu;
  const learned = host.ipv4.exceptions.mtu(destination, host.now);
  if (learned !== 0) return learned;
  return Math.min(metrics.mtu ?? dev.mtu, IP_MAX_MTU);
}

/** The MTU for a datagram on its way through: routers do not trust what they learned (`ip_dst_mtu_maybe_forward`). */
export function forwardMtu4(host: Host, hop: RouteHop, dev: NetInterface, destination: number): number {
  if (host.ipv4.sysctl.ip_forward_use_pmtu !== 0) return pathMtu4(host, hop, dev, destination);
  return Math.min(hop.route.metrics.mtu ?? dev.mtu, IP_MAX_MTU);
}

/** Whether the path's MTU is below `min_pmtu`: then packets are fragmented, not refused (`dst_metric_locked`). */
export function isMtuLocked4(host: Host, hop: RouteHop, destination: number): boolean {
  return hop.route.metrics.mtuLock === true || host.ipv4.exceptions.get(destination)?.mtuLocked === true;
}

/**
 * An ICMP error says that datagrams to `destination` must be no longer than `mtu` (RFC 1191 §6.3;
 * `__ip_rt_update_pmtu`). Answers whether something was learned.
 */
export function updatePathMtu4(
  host: Host,
  hop: RouteHop,
  dev: NetInterface,
  destination: number,
  mtu: number,
): boolean {
  if (hop.route.metrics.mtuLock === true) return false;
  const old = pathMtu4(host, hop, dev, destination);
  if (old < mtu) return false;
  const { min_pmtu, mtu_expires } = host.ipv4.route;
  const locked = mtu < min_pmtu;
  host.ipv4.exceptions.learnMtu(destination, locked ? Math.min(old, min_pmtu) : mtu, locked, mtu_expires, host.now);
  return true;
}
