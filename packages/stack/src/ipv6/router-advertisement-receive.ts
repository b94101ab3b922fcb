import { NS_PER_MS } from "@seville/core";
import { IPV6_ANY, ipv6, Ipv6Prefix, nd } from "@seville/packet";
import {
  NEIGH_UPDATE_ISROUTER,
  NEIGH_UPDATE_OVERRIDE,
  NEIGH_UPDATE_OVERRIDE_ISROUTER,
  NEIGH_UPDATE_WEAK_OVERRIDE,
  NUD_STALE,
} from "../neighbour/nud-state.ts";
import { preferenceOf } from "./default-router.ts";
import type { NdInterface } from "./ndisc-interface.ts";
import type { NdReceived } from "./ndisc-validate.ts";
import { deadlineOf, isAutonomous, isOnLink, prefixFault } from "./slaac.ts";

/** Timers longer than that are nonsense: the kernel's jiffies would overflow, and a day of waiting serves nobody. */
const LONGEST_TIMER_MS = 86_400_000;
/** A base reachable time below that is taken as that (HZ/10 in net/ipv6/ndisc.c), a retransmission time as a tenth. */
const SHORTEST_REACHABLE_MS = 100;
const SHORTEST_RETRANS_MS = 10;

/** A router advertises itself to a host (RFC 4861 §6.3.4, `ndisc_router_discovery`). */
export function receiveRouterAdvertisement(on: NdInterface, view: DataView, message: NdReceived): void {
  const { conf } = on.iface.v6;
  const { at, optionsAt, end } = message;
  if (!on.acceptsRouters) {
    learnRouter(on, message);
    return;
  }
  if (conf.accept_ra_from_local === 0 && isOurs(on, message)) return;
  on.solicitor.stop();
  const flags = nd.routerFlags(view, at);
  on.managed = (flags & nd.ROUTER_MANAGED) !== 0;
  on.otherConfig = (flags & nd.ROUTER_OTHER) !== 0;
  if (conf.accept_ra_defrtr !== 0) takeDefaultRouter(on, view, message);
  const hopLimit = nd.curHopLimit(view, at);
  if (hopLimit !== 0 && conf.accept_ra_min_hop_limit <= hopLimit) conf.hop_limit = hopLimit;
  takeTimers(on, nd.retransTimer(view, at), nd.reachableTime(view, at));
  learnRouter(on, message);
  for (const option of nd.parseOptions(view, optionsAt, end)) takeOption(on, message, option);
}

/** The option behind `message` that tells of the link. */
function takeOption(on: NdInterface, message: NdReceived, option: nd.NdOption): void {
  const { iface, host } = on;
  const { conf } = iface.v6;
  switch (option.kind) {
    case "prefix-information":
      if (conf.accept_ra_pinfo === 0 || prefixFault(option) !== undefined) return;
      if (tooShort(on, option.validLifetime)) return;
      if (isOnLink(option)) {
        const { network } = Ipv6Prefix.of(option.prefix, option.prefixLength);
        const until = deadlineOf(option.validLifetime, host.now);
        on.prefixes.set(network, option.prefixLength, until, message.source);
      }
      if (isAutonomous(option) && conf.autoconf !== 0) on.autoconf.prefix(option);
      return;
    case "route-information":
      takeRoute(on, message, option);
      return;
    case "mtu":
      if (conf.accept_ra_mtu === 0 || option.mtu < ipv6.MIN_MTU || option.mtu > iface.mtu) return;
      conf.mtu = option.mtu;
      iface.v6.mtu = option.mtu;
      return;
    default:
  }
}

function takeDefaultRouter(on: NdInterface, view: DataView, message: NdReceived): void {
  const { conf } = on.iface.v6;
  const lifetime = nd.routerLifetime(view, message.at);
  if (tooShort(on, lifetime)) return;
  const told = preferenceOf(nd.routerFlags(view, message.at) >>> 3);
  on.routers.set({
    prefix: IPV6_ANY,
    prefixLength: 0,
    router: message.source,
    // 10 counts as 00 (RFC 4191 §2.2).
    preference: conf.accept_ra_rtr_pref === 0 ? 0 : (told ?? 0),
    metric: conf.ra_defrtr_metric,
    expires: deadlineOf(lifetime, on.host.now),
  });
}

/** A more specific route (RFC 4191 §3.1), within the prefix lengths that `accept_ra_rt_info_*_plen` allow. */
function takeRoute(
  on: NdInterface,
  message: NdReceived,
  option: Extract<nd.NdOption, { readonly kind: "route-information" }>,
): void {
  const { conf } = on.iface.v6;
  const { prefixLength } = option;
  if (conf.accept_ra_rtr_pref === 0 || prefixLength > 128 || tooShort(on, option.lifetime)) return;
  if (prefixLength === 0 && conf.accept_ra_defrtr === 0) return;
  if (prefixLength < conf.accept_ra_rt_info_min_plen || prefixLength > conf.accept_ra_rt_info_max_plen) return;
  const preference = preferenceOf(option.preference);
  if (preference === undefined) return;
  on.routers.set({
    prefix: Ipv6Prefix.of(option.prefix, prefixLength).network,
    prefixLength,
    router: message.source,
    preference,
    metric: conf.ra_defrtr_metric,
    expires: deadlineOf(option.lifetime, on.host.now),
  });
}

/** `accept_ra_min_lft`: what lives shorter than that is not believed; 0 takes something away and is. */
function tooShort(on: NdInterface, lifetime: number): boolean {
  return lifetime !== 0 && lifetime < on.iface.v6.conf.accept_ra_min_lft;
}

function takeTimers(on: NdInterface, retransMs: number, reachableMs: number): void {
  const { neigh } = on.iface.v6;
  if (retransMs !== 0 && retransMs < LONGEST_TIMER_MS) {
    neigh.retrans_time_ms = Math.max(retransMs, SHORTEST_RETRANS_MS);
  }
  if (reachableMs === 0 || reachableMs >= LONGEST_TIMER_MS) return;
  const base = Math.max(reachableMs, SHORTEST_REACHABLE_MS);
  if (base === neigh.base_reachable_time_ms) return;
  neigh.base_reachable_time_ms = base;
  neigh.gc_stale_time = Math.floor((3 * base * NS_PER_MS) / 1_000_000_000);
  on.neighbours.table.redraw(on.neighbours.device);
}

/** Whoever advertises is a router, and its address is known if it said it. */
function learnRouter(on: NdInterface, message: NdReceived): void {
  const { table, device } = on.neighbours;
  const neighbour = table.create(device, message.source);
  if (neighbour === undefined) return;
  const flags =
    NEIGH_UPDATE_WEAK_OVERRIDE | NEIGH_UPDATE_OVERRIDE | NEIGH_UPDATE_OVERRIDE_ISROUTER | NEIGH_UPDATE_ISROUTER;
  table.update(neighbour, message.lladdr, NUD_STALE, flags);
}

function isOurs(on: NdInterface, message: NdReceived): boolean {
  return on.own(message.source) !== undefined;
}
