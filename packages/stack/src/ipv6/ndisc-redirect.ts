import { NS_PER_SEC, type Nanos } from "@seville/core";
import { ipv6, isLinkLocal, isMulticast, nd, type Ipv6Address, type Packet } from "@seville/packet";
import {
  NEIGH_UPDATE_ISROUTER,
  NEIGH_UPDATE_OVERRIDE,
  NEIGH_UPDATE_OVERRIDE_ISROUTER,
  NEIGH_UPDATE_WEAK_OVERRIDE,
  NUD_STALE,
} from "../neighbour/nud-state.ts";
import { createFlow6, resetFlow } from "../route/flow.ts";
import { RT_TABLE_MAIN } from "../route/route.ts";
import type { NdInterface } from "./ndisc-interface.ts";
import { sendNd } from "./ndisc-output.ts";
import type { NdReceived } from "./ndisc-validate.ts";
import { addToldRoute } from "./told-route.ts";

/** One redirect to a host per second (net/ipv6/ndisc.c: `inet_peer_xrlim_allow(peer, HZ)`). */
const REDIRECT_INTERVAL: Nanos = NS_PER_SEC;
/** A redirect is no longer than the smallest MTU (RFC 4861 §8.2). */
const LONGEST_REDIRECT = ipv6.MIN_MTU;

/**
 * The router `message.source` knows a better first hop to a destination (RFC 4861 §8.3). Believed only of the router
 * that is the first hop at the moment (§8.1). Answers whether it was.
 */
export function receiveRedirect(on: NdInterface, view: DataView, message: NdReceived): boolean {
  const { iface, host } = on;
  const { conf } = iface.v6;
  if (conf.forwarding !== 0 || conf.accept_redirects === 0) return false;
  const target = message.target as Ipv6Address;
  const destination = nd.destination(view, message.at);
  const flow = createFlow6();
  resetFlow(flow);
  flow.destination = destination;
  flow.oif = iface.ifindex;
  const hop = host.ipv6.fib.lookup(flow);
  if (hop === undefined || hop.dev !== iface || hop.gateway !== message.source) return false;
  const { table, device } = on.neighbours;
  const neighbour = table.create(device, target);
  if (neighbour === undefined) return false;
  const onLink = target === destination;
  const asRouter = onLink ? 0 : NEIGH_UPDATE_OVERRIDE_ISROUTER | NEIGH_UPDATE_ISROUTER;
  table.update(neighbour, message.lladdr, NUD_STALE, NEIGH_UPDATE_WEAK_OVERRIDE | NEIGH_UPDATE_OVERRIDE | asRouter);
  takeRoute(on, destination, onLink ? undefined : target);
  return true;
}

/** The destination gets a route of its own; an older redirect of it goes. */
function takeRoute(on: NdInterface, destination: Ipv6Address, gateway: Ipv6Address | undefined): void {
  const { fib } = on.host.ipv6;
  const table = (on.iface.device.l3mdev ?? on.iface.master?.device.l3mdev)?.tableId ?? RT_TABLE_MAIN;
  const key = { destination, prefixLength: 128, table, protocol: "redirect", dev: on.iface } as const;
  for (const route of fib.table(table).routes()) {
    if (route.destination !== destination || route.prefixLength !== 128 || route.protocol !== "redirect") continue;
    fib.remove(key);
    break;
  }
  addToldRoute(fib, gateway === undefined ? key : { ...key, gateway });
}

/** Who was redirected lately. */
export class RedirectLimiter {
  readonly #last = new Map<Ipv6Address, Nanos>();

  /** Whether a redirect to `host` may go out now; counts it if so. */
  allow(host: Ipv6Address, now: Nanos): boolean {
    const last = this.#last.get(host) ?? -Infinity;
    if (now - last < REDIRECT_INTERVAL) return false;
    // Hosts that have not been redirected for long need not be remembered.
    if (this.#last.size >= 1024) {
      for (const [other, at] of this.#last) if (now - at >= REDIRECT_INTERVAL) this.#last.delete(other);
    }
    this.#last.set(host, now);
    return true;
  }
}

/**
 * Tells the source of `packet` (data at its IPv6 header, forwarded out of the interface by which it came) that `nextHop`
 * is a better first hop (RFC 4861 §8.2). Borrows the packet. Answers whether a redirect was sent.
 */
export function sendRedirect(on: NdInterface, limiter: RedirectLimiter, packet: Packet, nextHop: Ipv6Address): boolean {
  const { iface, host } = on;
  const { view } = host.memory;
  const at = packet.networkHeader;
  const source = ipv6.source(view, at);
  const destination = ipv6.destination(view, at);
  const from = on.linkLocal();
  if (from === undefined || isMulticast(destination)) return false;
  // Routers must be named by their link-local addresses: the host could not tell them otherwise.
  if (nextHop !== destination && !isLinkLocal(nextHop)) return false;
  if (!isNeighbour(on, source) || !limiter.allow(source, host.now)) return false;
  const known = on.neighbours.device.entries.get(nextHop);
  const options: nd.NdOption[] = [];
  if (known?.valid === true) options.push({ kind: "target-link-layer", mac: known.lladdr });
  const used = ipv6.HEADER_LENGTH + nd.REDIRECT_LENGTH + nd.optionsLength(options) + 8;
  const quoted = Math.min(packet.tail - at, LONGEST_REDIRECT - used) & ~7;
  options.push({ kind: "redirected-header", data: host.memory.u8.slice(at, at + quoted) });
  sendNd(iface, { type: "redirect", target: nextHop, destination, options }, from, source);
  return true;
}

/** Only a host of the same link can use another first hop there. */
function isNeighbour(on: NdInterface, source: Ipv6Address): boolean {
  if (isLinkLocal(source)) return true;
  const flow = createFlow6();
  resetFlow(flow);
  flow.destination = source;
  const hop = on.host.ipv6.fib.lookup(flow);
  return hop?.dev === on.iface && hop.gateway === undefined;
}
