import { ipv4, isLimitedBroadcast, isMulticast, multicastMac, ETH_P_IP, type Packet } from "@seville/packet";
import type { Nanos } from "@seville/core";
import type { Host } from "../host/host.ts";
import { fitsAsSegments } from "../interface/gso-length.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { segmentFirst } from "../interface/segment-first.ts";
import { NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING } from "../netfilter/hooks.ts";
import { CB_FORWARDED } from "../packet-cb.ts";
import type { RouteHop } from "../route/route.ts";
import { fragmentAndSend4 } from "./fragment.ts";
import { forwardMtu4, pathMtu4 } from "./path-mtu.ts";

/** How a datagram made here is to be sent; all else follows from route and settings. */
export interface SendOptions4 {
  readonly protocol: number;
  readonly tos: number;
  /** 0: the route's, or `ip_default_ttl`; 1 for groups. */
  readonly ttl: number;
  readonly dontFragment: boolean;
  /** Option bytes, padded to a multiple of 4. */
  readonly options?: Uint8Array | undefined;
  /** Instead of one drawn: for sockets that count, and raw ones. */
  readonly identification?: number | undefined;
  /** Copies to groups that the host is in itself come back. Default `true`. */
  readonly multicastLoop?: boolean;
}

/**
 * Puts an IPv4 header in front of `packet`, `data` at the transport header, and sends it by `hop` (`ip_build_and_send_pkt`,
 * `ip_queue_xmit`). Takes the packet. `hop` and `source` come from `routeOutput4`.
 */
export function sendIpv4(
  host: Host,
  packet: Packet,
  hop: RouteHop,
  source: number,
  destination: number,
  options: SendOptions4,
): void {
  packet.transportHeader = packet.data;
  const optionBytes = options.options;
  const headerBytes = 20 + (optionBytes?.length ?? 0);
  const at = packet.push(headerBytes);
  const { view, u8 } = host.memory;
  const group = isMulticast(destination) || isLimitedBroadcast(destination);
  const identification =
    options.identification ?? chooseIdentification(host, options, source, destination, packet.gsoSegs);
  view.setUint8(at, 0x40 | (headerBytes / 4));
  ipv4.setTos(view, at, options.tos);
  // A super-packet may be longer than the field can say; segmentation writes each segment's.
  ipv4.setTotalLength(view, at, packet.length > 0xffff ? 0 : packet.length);
  ipv4.setIdentification(view, at, identification);
  ipv4.setFragmentWord(view, at, options.dontFragment ? ipv4.FRAGMENT_DF : 0);
  ipv4.setTtl(view, at, options.ttl === 0 ? defaultTtl(host, hop, group && isMulticast(destination)) : options.ttl);
  ipv4.setProtocol(view, at, options.protocol);
  ipv4.setSource(view, at, source);
  ipv4.setDestination(view, at, destination);
  if (optionBytes !== undefined) u8.set(optionBytes, at + 20);
  ipv4.updateChecksum(view, at);
  packet.networkHeader = at;
  localOut4(host, packet, hop, options.multicastLoop ?? true);
}

/** Sends a finished datagram of this host, `data` at its IPv4 header (`ip_local_out`). Takes the packet. */
export function localOut4(host: Host, packet: Packet, route: RouteHop, multicastLoop: boolean): void {
  host.mib.ip.OutRequests++;
  const hop = route.spray === undefined ? route : route.spray.next(packet, host.now);
  packet.protocol = ETH_P_IP;
  const out = outputDevice4(host, hop);
  packet.ifindex = out.ifindex;
  if (!host.hooks.active(4, NF_INET_LOCAL_OUT)) {
    output4(host, packet, hop, out, multicastLoop);
    return;
  }
  host.hooks.run(4, NF_INET_LOCAL_OUT, packet, undefined, out, (passed) =>
    output4(host, passed, hop, out, multicastLoop),
  );
}

/** The device by which a flow leaves: to the host itself that is loopback. */
export function outputDevice4(host: Host, hop: RouteHop): NetInterface {
  const dev = hop.dev as NetInterface;
  if (hop.route.type !== "local" || dev.device.l3mdev !== undefined) return dev;
  return host.loopback;
}

/** `ip_output`, `ip_mc_output`: copies for ourselves, POSTROUTING, and on. */
export function output4(host: Host, packet: Packet, hop: RouteHop, out: NetInterface, multicastLoop: boolean): void {
  const { mib } = host;
  mib.ip.OutTransmits++;
  mib.ipExt.OutOctets += packet.totalLength;
  const master = out.master?.device.l3mdev;
  if (master !== undefined && (packet.cb & CB_FORWARDED) === 0 && !master.output(packet, out, 4)) return;
  const { type } = hop.route;
  if (type === "multicast") {
    mib.ipExt.OutMcastPkts++;
    mib.ipExt.OutMcastOctets += packet.length;
    if (!multicastCopies(host, packet, out, multicastLoop)) return;
  } else if (type === "broadcast") {
    mib.ipExt.OutBcastPkts++;
    mib.ipExt.OutBcastOctets += packet.length;
    host.ipv4.loopBack(packet, out);
  }
  if (!host.hooks.active(4, NF_INET_POST_ROUTING)) {
    finishOutput4(host, packet, hop, out);
    return;
  }
  host.hooks.run(4, NF_INET_POST_ROUTING, packet, undefined, out, (passed) => finishOutput4(host, passed, hop, out));
}

/** Answers `false` if nothing is left to send: a TTL of 0 stays on the host (RFC 1112 §4). */
function multicastCopies(host: Host, packet: Packet, out: NetInterface, loop: boolean): boolean {
  const { view } = host.memory;
  const at = packet.data;
  if (loop && out.v4.groups.accepts(ipv4.destination(view, at), ipv4.source(view, at))) host.ipv4.loopBack(packet, out);
  if (ipv4.ttl(view, at) !== 0) return true;
  packet.release();
  return false;
}

function finishOutput4(host: Host, packet: Packet, hop: RouteHop, out: NetInterface): void {
  const destination = ipv4.destination(host.memory.view, packet.data);
  const forwarded = (packet.cb & CB_FORWARDED) !== 0;
  const mtu = forwarded ? forwardMtu4(host, hop, out, destination) : pathMtu4(host, hop, out, destination);
  if (packet.totalLength <= mtu || fitsAsSegments(packet, mtu)) toNeighbour4(host, packet, hop, out, host.now);
  else if (packet.gsoSize === 0) fragmentAndSend4(host, packet, hop, out, mtu);
  else segmentFirst(host, packet, out, (segment) => fragmentAndSend4(host, segment, hop, out, mtu));
}

/** Hands a datagram that fits to whoever knows the next station (`ip_finish_output2`). */
export function toNeighbour4(host: Host, packet: Packet, hop: RouteHop, out: NetInterface, now: Nanos): void {
  const destination = ipv4.destination(host.memory.view, packet.data);
  packet.protocol = ETH_P_IP;
  const { type } = hop.route;
  if (type === "broadcast") {
    out.sendTo(packet, out.broadcastMac, now);
  } else if (type === "multicast") {
    out.sendTo(packet, multicastMac(destination), now);
  } else {
    const nextHop = hop.gateway ?? destination;
    const neighbours = typeof nextHop === "number" ? out.v4.neighbours : out.v6.neighbours;
    if (neighbours === undefined) out.sendTo(packet, 0, now);
    else neighbours.resolveAndSend(nextHop, packet, now);
  }
}

/** RFC 6864 §4.1: a datagram that cannot be fragmented needs no identification. */
function chooseIdentification(
  host: Host,
  options: SendOptions4,
  source: number,
  destination: number,
  segments: number,
): number {
  if (options.dontFragment) return 0;
  return host.ipv4.identifications.next(source, destination, options.protocol, Math.max(segments, 1), host.now);
}

function defaultTtl(host: Host, hop: RouteHop, multicast: boolean): number {
  if (multicast) return 1;
  return hop.route.metrics.hoplimit ?? host.ipv4.sysctl.ip_default_ttl;
}
