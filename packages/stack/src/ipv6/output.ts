import {
  ETH_P_IPV6,
  ipv6,
  isMulticast,
  multicastMac,
  scopeOf,
  SCOPE_INTERFACE_LOCAL,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { fitsAsSegments } from "../interface/gso-length.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { segmentFirst } from "../interface/segment-first.ts";
import { NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING } from "../netfilter/hooks.ts";
import { CB_FORWARDED } from "../packet-cb.ts";
import type { RouteHop } from "../route/route.ts";
import { fragmentAndSend6 } from "./fragment.ts";
import { forwardMtu6, pathMtu6 } from "./path-mtu.ts";
import { outputDevice6 } from "./route-output.ts";

/** How a packet made here is to be sent; all else follows from route and settings. */
export interface SendOptions6 {
  readonly nextHeader: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  /** 0: the route's, or the interface's `hop_limit`; 1 for groups. */
  readonly hopLimit: number;
  /**
   * Extension headers that stand between the IPv6 header and `packet.data`, which begins with them: the first one's
   * number. Absent: none.
   */
  readonly firstHeader?: number;
  readonly multicastLoop?: boolean;
}

/** Puts an IPv6 header in front of `packet` and sends it by `hop` (`ip6_xmit`). Takes the packet. */
export function sendIpv6(
  host: Host,
  packet: Packet,
  hop: RouteHop,
  source: Ipv6Address,
  destination: Ipv6Address,
  options: SendOptions6,
): void {
  const payload = packet.length;
  const at = packet.push(ipv6.HEADER_LENGTH);
  const { view } = host.memory;
  view.setUint32(at, 0x6000_0000 + (((options.trafficClass & 0xff) << 20) | (options.flowLabel & 0xf_ffff)));
  ipv6.setPayloadLength(view, at, payload > 0xffff ? 0 : payload);
  ipv6.setNextHeader(view, at, options.firstHeader ?? options.nextHeader);
  ipv6.setHopLimit(view, at, options.hopLimit === 0 ? defaultHopLimit6(hop, destination) : options.hopLimit);
  ipv6.setSource(view, at, source);
  ipv6.setDestination(view, at, destination);
  packet.networkHeader = at;
  if (options.firstHeader === undefined) packet.transportHeader = at + ipv6.HEADER_LENGTH;
  localOut6(host, packet, hop, options.multicastLoop ?? true);
}

/** Sends a finished packet of this host, `data` at its IPv6 header (`ip6_local_out`). Takes the packet. */
export function localOut6(host: Host, packet: Packet, route: RouteHop, multicastLoop: boolean): void {
  host.mib.ip6.OutRequests++;
  const hop = route.spray === undefined ? route : route.spray.next(packet, host.now);
  packet.protocol = ETH_P_IPV6;
  const out = outputDevice6(host, hop);
  packet.ifindex = out.ifindex;
  if (!host.hooks.active(6, NF_INET_LOCAL_OUT)) {
    output6(host, packet, hop, out, multicastLoop);
    return;
  }
  host.hooks.run(6, NF_INET_LOCAL_OUT, packet, undefined, out, (passed) =>
    output6(host, passed, hop, out, multicastLoop),
  );
}

/** `ip6_output`: POSTROUTING and on. */
export function output6(host: Host, packet: Packet, hop: RouteHop, out: NetInterface, multicastLoop: boolean): void {
  const { ip6 } = host.mib;
  ip6.OutTransmits++;
  ip6.OutOctets += packet.totalLength;
  if (out.v6.conf.disable_ipv6 !== 0) {
    ip6.OutDiscards++;
    host.drop(packet, "IPV6DISABLED", out);
    return;
  }
  const master = out.master?.device.l3mdev;
  if (master !== undefined && (packet.cb & CB_FORWARDED) === 0 && !master.output(packet, out, 6)) return;
  if (!host.hooks.active(6, NF_INET_POST_ROUTING)) {
    finishOutput6(host, packet, hop, out, multicastLoop);
    return;
  }
  host.hooks.run(6, NF_INET_POST_ROUTING, packet, undefined, out, (passed) =>
    finishOutput6(host, passed, hop, out, multicastLoop),
  );
}

function finishOutput6(host: Host, packet: Packet, hop: RouteHop, out: NetInterface, multicastLoop: boolean): void {
  const destination = ipv6.destination(host.memory.view, packet.data);
  const forwarded = (packet.cb & CB_FORWARDED) !== 0;
  const mtu = forwarded ? forwardMtu6(hop, out) : pathMtu6(host, hop, out, destination);
  if (packet.totalLength > mtu && packet.gsoSize > 0 && !fitsAsSegments(packet, mtu)) {
    segmentFirst(host, packet, out, (segment) => fitOutput6(host, segment, hop, out, mtu, multicastLoop));
    return;
  }
  fitOutput6(host, packet, hop, out, mtu, multicastLoop);
}

/** A last segment that fits is no "atomic fragment" (RFC 8021). */
function fitOutput6(host: Host, packet: Packet, hop: RouteHop, out: NetInterface, mtu: number, loop: boolean): void {
  if (packet.totalLength <= mtu || packet.gsoSize > 0) toNeighbour6(host, packet, hop, out, loop);
  else fragmentAndSend6(host, packet, hop, out, mtu, loop);
}

/** Hands a packet that fits to whoever knows the next station (`ip6_finish_output2`). */
export function toNeighbour6(
  host: Host,
  packet: Packet,
  hop: RouteHop,
  out: NetInterface,
  multicastLoop: boolean,
): void {
  const destination = ipv6.destination(host.memory.view, packet.data);
  packet.protocol = ETH_P_IPV6;
  if (isMulticast(destination)) {
    if (!multicast(host, packet, out, destination, multicastLoop)) return;
    out.sendTo(packet, multicastMac(destination), host.now);
    return;
  }
  const nextHop = hop.gateway === undefined || typeof hop.gateway === "number" ? destination : hop.gateway;
  const { neighbours } = out.v6;
  if (neighbours === undefined) out.sendTo(packet, 0, host.now);
  else neighbours.resolveAndSend(nextHop, packet, host.now);
}

/** Counts, and gives the host its own copy. Answers `false` if the packet must not leave the interface (RFC 4007 §6). */
function multicast(host: Host, packet: Packet, out: NetInterface, destination: Ipv6Address, loop: boolean): boolean {
  const { ip6 } = host.mib;
  const { view } = host.memory;
  ip6.OutMcastPkts++;
  ip6.OutMcastOctets += packet.length;
  if (out.isLoopback) return true;
  if (loop && out.v6.groups.accepts(destination, ipv6.source(view, packet.data))) host.ipv6.loopBack(packet, out);
  if (scopeOf(destination) > SCOPE_INTERFACE_LOCAL && ipv6.hopLimit(view, packet.data) > 0) return true;
  packet.release();
  return false;
}

function defaultHopLimit6(hop: RouteHop, destination: Ipv6Address): number {
  if (isMulticast(destination)) return 1;
  return hop.route.metrics.hoplimit ?? (hop.dev as NetInterface).v6.conf.hop_limit;
}
