import { IPV6_ANY, isMulticast, type IpAddress, type Ipv6Address } from "@seville/packet";
import { errnoError, type Errno } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { outputDevice4 } from "../ipv4/output.ts";
import { routeOutput4 } from "../ipv4/route-output.ts";
import { outputDevice6, routeOutput6 } from "../ipv6/route-output.ts";
import { createFlow4, createFlow6, type Flow } from "../route/flow.ts";
import { multipathHash } from "../route/multipath.ts";
import type { RouteHop } from "../route/route.ts";
import type { SocketOptions } from "./options.ts";

/** What routing asks of a socket. */
export interface RoutingSocket {
  readonly host: Host;
  readonly options: SocketOptions;
  readonly localAddress: IpAddress;
  readonly localPort: number;
  /** Its IP protocol. */
  readonly protocol: number;
  fillFlow(flow: Flow, destination: IpAddress, ifindex: number): void;
}

/** Where it is to go; `ifindex` is that of a zone, or 0. */
export interface Target {
  readonly address: IpAddress;
  readonly port: number;
  readonly ifindex: number;
}

/** What `sendmsg` can say for one datagram: control messages, and MSG_CONFIRM. */
export interface SendControl {
  /** `IP_PKTINFO`, `IPV6_PKTINFO`: source address and interface. */
  readonly source?: IpAddress;
  readonly ifindex?: number;
  readonly ttl?: number;
  readonly tos?: number;
  /** The other end is there for sure: no neighbour need be asked. */
  readonly confirm?: boolean;
  /** `UDP_SEGMENT` for this one. */
  readonly segment?: number;
}

/** A datagram's way: addresses as they will stand in the header. */
export interface RoutedDatagram {
  readonly hop: RouteHop;
  readonly out: NetInterface;
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

const flow4 = createFlow4();
const flow6 = createFlow6();
/**
 * Finds the way to `target` for `socket`.
 * @throws SevilleError as a socket's `send`
 */
export function routeDatagram(socket: RoutingSocket, target: Target, control: SendControl): RoutedDatagram {
  const { address } = target;
  return typeof address === "number"
    ? route4(socket, address, target, control)
    : route6(socket, address, target, control);
}

function route4(socket: RoutingSocket, address: number, target: Target, control: SendControl): RoutedDatagram {
  const { host, options } = socket;
  fill(socket, flow4, address, target, control);
  const { source } = control;
  const local = socket.localAddress;
  // A socket bound to a group or a broadcast address hears it but cannot speak from it.
  const speaks = typeof local === "number" && !isMulticast(local) && !host.ipv4.isBroadcast(local);
  flow4.source = typeof source === "number" ? source : speaks ? local : 0;
  flow4.anySource = options.IP_FREEBIND !== 0;
  const hop = routeOutput4(host, flow4);
  if (typeof hop === "string") throw unreachable(socket, 4, hop);
  if (hop.route.type === "broadcast" && options.SO_BROADCAST === 0)
    throw errnoError("EACCES", "SO_BROADCAST is not set");
  return { hop, out: outputDevice4(host, hop), source: flow4.source, destination: flow4.destination };
}

function route6(socket: RoutingSocket, address: Ipv6Address, target: Target, control: SendControl): RoutedDatagram {
  const { host, options } = socket;
  fill(socket, flow6, address, target, control);
  const { source } = control;
  const local = socket.localAddress;
  flow6.source =
    source !== undefined && typeof source !== "number"
      ? source.withZone("")
      : typeof local !== "number" && !isMulticast(local)
        ? local
        : IPV6_ANY;
  const hop = routeOutput6(host, flow6, options.IPV6_ADDR_PREFERENCES);
  if (typeof hop === "string") throw unreachable(socket, 6, hop);
  return { hop, out: outputDevice6(host, hop), source: flow6.source, destination: flow6.destination };
}

function fill<A extends IpAddress>(
  socket: RoutingSocket,
  flow: Flow<A>,
  address: A,
  target: Target,
  control: SendControl,
): void {
  socket.fillFlow(flow, address, control.ifindex ?? target.ifindex);
  flow.destination = address;
  flow.protocol = socket.protocol;
  flow.sourcePort = socket.localPort;
  flow.destinationPort = target.port;
  if (control.tos !== undefined) flow.tos = control.tos;
}

function unreachable(socket: RoutingSocket, family: 4 | 6, code: Errno): Error {
  const { ip, ip6 } = socket.host.mib;
  if (code === "ENETUNREACH") {
    if (family === 4) ip.OutNoRoutes++;
    else ip6.OutNoRoutes++;
  }
  return errnoError(code);
}

/** A flow label that is the same for each packet of the flow routed last (RFC 6438; `ip6_make_flowlabel`). */
export function flowLabelOfLast(host: Host): number {
  const { auto_flowlabels } = host.ipv6.sysctl;
  return auto_flowlabels === 1 || auto_flowlabels === 3 ? multipathHash(flow6, 1, host.multipathSeed) & 0xf_ffff : 0;
}

/** An upper layer knows that the next hop is there (`MSG_CONFIRM`). */
export function confirmNeighbour(host: Host, routed: RoutedDatagram): void {
  const nextHop = routed.hop.gateway ?? routed.destination;
  const { out } = routed;
  const neighbours = typeof nextHop === "number" ? out.v4.neighbours : out.v6.neighbours;
  if (!out.isLoopback && !isMulticast(nextHop)) neighbours?.confirm(nextHop, host.now);
}
