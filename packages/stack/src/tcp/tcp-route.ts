import type { RouteFacts, TcpConnection } from "@seville/tcp";
import type { IpAddress, Ipv6Address } from "@seville/packet";
import type { Errno } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { IPPROTO_TCP } from "../host/protocols.ts";
import { outputDevice4 } from "../ipv4/output.ts";
import { isMtuLocked4, pathMtu4 } from "../ipv4/path-mtu.ts";
import { routeOutput4 } from "../ipv4/route-output.ts";
import { pathMtu6 } from "../ipv6/path-mtu.ts";
import { outputDevice6, routeOutput6 } from "../ipv6/route-output.ts";
import { createFlow4, createFlow6, resetFlow, type Flow } from "../route/flow.ts";
import type { RouteHop } from "../route/route.ts";

/** RTAX_FEATURE_ECN of a route's `features`. */
const FEATURE_ECN = 1;

/** What routing is asked: the ends of a connection as far as they are known (a local address may be any, a port 0). */
export interface TcpFlow {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Interface to which it is bound; 0: none. */
  readonly oif: number;
  readonly mark: number;
  readonly tos: number;
  readonly flowLabel: number;
  /** The source need not be an address of this host. */
  readonly anySource: boolean;
  readonly preferences: number;
}

/** The way, with the source that was chosen where none was given. */
export interface TcpWay {
  readonly hop: RouteHop;
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

const flow4 = createFlow4();
const flow6 = createFlow6();

/** Asks routing; the errno where there is no way. Pure: nothing is counted. */
export function findWay(host: Host, ends: TcpFlow): TcpWay | Errno {
  const { source, destination } = ends;
  if (typeof destination === "number") {
    fill(host, flow4, ends);
    flow4.destination = destination;
    flow4.source = typeof source === "number" ? source : 0;
    const hop = routeOutput4(host, flow4);
    return typeof hop === "string" ? hop : { hop, source: flow4.source, destination: flow4.destination };
  }
  fill(host, flow6, ends);
  flow6.destination = destination;
  flow6.source = typeof source === "number" ? flow6.source : source;
  flow6.flowLabel = ends.flowLabel;
  const hop = routeOutput6(host, flow6, ends.preferences);
  return typeof hop === "string" ? hop : { hop, source: flow6.source, destination: flow6.destination };
}

function fill(host: Host, flow: Flow<never> | Flow, ends: TcpFlow): void {
  resetFlow(flow);
  flow.oif = ends.oif;
  flow.l3mdev = host.interfaces.get(ends.oif)?.l3mdevIndex ?? 0;
  flow.mark = ends.mark;
  flow.tos = ends.tos;
  flow.protocol = IPPROTO_TCP;
  flow.sourcePort = ends.sourcePort;
  flow.destinationPort = ends.destinationPort;
  flow.anySource = ends.anySource;
}

/** What the engine wants to know of a way (`dst_metric`, `dst_mtu`). */
export function factsOf(host: Host, { hop, destination }: TcpWay): RouteFacts {
  const { metrics } = hop.route;
  const isV4 = typeof destination === "number";
  const out = isV4 ? outputDevice4(host, hop) : outputDevice6(host, hop);
  const mtu = isV4 ? pathMtu4(host, hop, out, destination) : pathMtu6(host, hop, out, destination);
  return {
    mtu,
    deviceMtu: metrics.mtu ?? out.mtu,
    ...(metrics.advmss === undefined ? {} : { advmss: metrics.advmss }),
    ...(metrics.initcwnd === undefined ? {} : { initcwnd: metrics.initcwnd }),
    ...(metrics.initrwnd === undefined ? {} : { initrwnd: metrics.initrwnd }),
    ...(metrics.window === undefined ? {} : { windowClamp: metrics.window }),
    ...(metrics.congctl === undefined ? {} : { congctl: metrics.congctl }),
    quickack: (metrics.quickack ?? 0) !== 0,
    ecn: ((metrics.features ?? 0) & FEATURE_ECN) !== 0,
    mtuLocked: isV4 && isMtuLocked4(host, hop, destination),
  };
}

/** A way that a connection keeps as long as no route changes (`sk_dst_check`). */
interface KeptWay {
  way: TcpWay;
  fibGeneration: number;
  exceptionGeneration: number;
  /** The flow label, which chooses among next hops: another one may go another way. */
  flowLabel: number;
  tos: number;
}

/** The ways of connections, each asked for again when it may have changed. */
export class KeptWays {
  readonly #host: Host;
  readonly #kept = new WeakMap<TcpConnection, KeptWay>();

  constructor(host: Host) {
    this.#host = host;
  }

  of(connection: TcpConnection, ends: TcpFlow): TcpWay | Errno {
    const { fib, exceptions } = typeof ends.destination === "number" ? this.#host.ipv4 : this.#host.ipv6;
    const kept = this.#kept.get(connection);
    if (
      kept?.fibGeneration === fib.generation &&
      kept.exceptionGeneration === exceptions.generation &&
      kept.flowLabel === ends.flowLabel &&
      kept.tos === ends.tos
    ) {
      return kept.way;
    }
    const way = findWay(this.#host, ends);
    if (typeof way === "string") return way;
    const { generation: fibGeneration } = fib;
    const { generation: exceptionGeneration } = exceptions;
    const { flowLabel, tos } = ends;
    this.#kept.set(connection, { way, fibGeneration, exceptionGeneration, flowLabel, tos });
    return way;
  }
}

/** A label that all packets with this hash carry (`ip6_make_flowlabel`; RFC 6437), if the host makes any. */
export function flowLabelOf(host: Host, txhash: number): number {
  const { auto_flowlabels } = host.ipv6.sysctl;
  if (auto_flowlabels !== 1 && auto_flowlabels !== 3) return 0;
  return ((txhash << 16) | (txhash >>> 16)) & 0xf_ffff;
}

export function isIpv6Address(address: IpAddress): address is Ipv6Address {
  return typeof address !== "number";
}
