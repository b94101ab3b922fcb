import type { IpAddress } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { errnoError } from "../host/errno.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { Flow } from "./flow.ts";
import { findSibling, withSibling } from "./ipv6-siblings.ts";
import { makeRoute } from "./make-route.ts";
import { createHopSelector } from "./hop-selection.ts";
import { chooseHop } from "./multipath.ts";
import {
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
  type NewRoute,
  type Route,
  type RouteHop,
  type RouteSelector,
} from "./route.ts";
import type { Fib, InsertMode, RouteTable } from "./route-lookup.ts";
import { SimpleRouteTable } from "./simple-table.ts";

/** Destinations whose answer is remembered; when it is full it is emptied. */
const CACHE_SIZE = 4096;

/** The tables of one family; a lookup asks local, main and default in that order, as the kernel's three rules have it. */
export class TableFib<A extends IpAddress> implements Fib<A> {
  readonly family: 4 | 6;
  generation = 1;
  readonly #host: Host;
  readonly #tables = new Map<number, RouteTable>();
  readonly #asked: readonly RouteTable[];
  readonly #cache = new Map<A, Route>();
  /** What a flow that is bound to a device gets of a route that sprays. */
  readonly #pinned = new WeakMap<RouteHop, RouteHop>();

  constructor(host: Host, family: 4 | 6) {
    this.#host = host;
    this.family = family;
    this.#asked = [RT_TABLE_LOCAL, RT_TABLE_MAIN, RT_TABLE_DEFAULT].map((id) => this.table(id));
    host.notifier.listen((event) => {
      if (event.type === "interface-up" || event.type === "carrier") this.#markHops(event.iface);
      else if (event.type === "interface-down") this.#dropRoutes(event.iface, false);
      else if (event.type === "interface-removed") this.#dropRoutes(event.iface, true);
      else if (event.type === "sysctl" || event.type === "master") this.#changed();
    });
  }

  table(id: number): RouteTable {
    let table = this.#tables.get(id);
    if (table === undefined) {
      table = new SimpleRouteTable(id, (route, flow) => this.#routeUsable(route, flow));
      this.#tables.set(id, table);
    }
    return table;
  }

  lookup(flow: Flow<A>): RouteHop | undefined {
    // The two ECN bits select no route.
    const plain = (flow.oif | (flow.tos & 0xfc) | flow.l3mdev) === 0;
    let route = plain ? this.#cache.get(flow.destination) : undefined;
    if (route === undefined) {
      route = this.#bestRoute(flow);
      if (route === undefined) return undefined;
      if (plain && route.expires === Infinity) {
        if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
        this.#cache.set(flow.destination, route);
      }
    }
    return route.hops.length === 1 ? route.hops[0] : this.#choose(route, flow);
  }

  *routes(): Iterable<Route> {
    for (const id of [...this.#tables.keys()].sort((a, b) => a - b)) yield* this.table(id).routes();
  }

  add(given: NewRoute, mode: InsertMode = "add"): Route {
    const route = makeRoute(this.#host, this, given);
    const table = this.table(route.table);
    const sibling = this.family === 6 && mode === "append" ? findSibling(table, route) : undefined;
    const whole = sibling === undefined ? route : withSibling(sibling, route);
    const inserted = table.insert(whole, sibling === undefined ? mode : "replace");
    this.#equip(inserted);
    this.#changed();
    this.#host.notifier.notify({ type: "route-added", route: inserted }, this.#host.now);
    return inserted;
  }

  remove(selector: RouteSelector): Route {
    const removed = this.table(selector.table ?? RT_TABLE_MAIN).remove(selector);
    if (removed === undefined) throw errnoError("ESRCH", "there is no such route", "selector");
    this.#removed(removed);
    return removed;
  }

  /** One hop of several. Whoever asks for a device by name gets that one, and no choice at output. */
  #choose(route: Route, flow: Flow<A>): RouteHop {
    const first = route.hops[0] as RouteHop;
    const sprays = first.spray !== undefined;
    // Of hops among which each packet chooses for itself, any one stands for all.
    if (sprays && flow.oif === 0) return this.#firstAlive(route);
    const hop = chooseHop(this.#host, route, flow, (candidate) => this.#hopUsable(candidate, flow));
    if (!sprays || flow.oif !== hop.dev?.ifindex) return hop;
    let pinned = this.#pinned.get(hop);
    if (pinned === undefined) this.#pinned.set(hop, (pinned = { ...hop, spray: undefined }));
    return pinned;
  }

  #firstAlive({ hops }: Route): RouteHop {
    for (const hop of hops) if (this.#isAlive(hop)) return hop;
    return hops[0] as RouteHop;
  }

  /** Gives the hops of a route that sprays what chooses among them. */
  #equip(route: Route): void {
    if (route.selection === undefined || route.hops.length < 2) return;
    const generation = (): number => this.generation;
    const selector = createHopSelector(this.#host, route, route.selection, {
      get generation() {
        return generation();
      },
      isUsable: (hop) => this.#isAlive(hop),
    });
    for (const hop of route.hops) hop.spray = selector;
  }

  #bestRoute(flow: Flow<A>): Route | undefined {
    for (const table of this.#asked) {
      const route = table.lookup(flow);
      if (route !== undefined && route.type !== "throw") return route;
    }
    return undefined;
  }

  #routeUsable(route: Route, flow: Flow): boolean {
    if (route.expires <= this.#host.now) return false;
    if (route.tos !== 0 && route.tos !== (flow.tos & 0xfc)) return false;
    return route.hops.some((hop) => this.#hopUsable(hop, flow));
  }

  #hopUsable(hop: RouteHop, flow: Flow): boolean {
    const { dev } = hop;
    if (dev === undefined) return true;
    if (!this.#isAlive(hop)) return false;
    return flow.oif === 0 || flow.oif === dev.ifindex || (flow.oif === dev.l3mdevIndex && dev.l3mdevIndex !== 0);
  }

  #isAlive({ dev, flags }: RouteHop): boolean {
    if ((flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) === 0 || dev === undefined) return true;
    return (flags & RTNH_F_DEAD) === 0 && !this.#ignoresLinkDown(dev);
  }

  #ignoresLinkDown(dev: NetInterface): boolean {
    const { ipv4, ipv6 } = this.#host;
    const [all, own] = this.family === 4 ? [ipv4.confAll, dev.v4.conf] : [ipv6.confAll, dev.v6.conf];
    return (all.ignore_routes_with_linkdown | own.ignore_routes_with_linkdown) !== 0;
  }

  /** Sets the flags of the hops over `dev` to its state (`fib_sync_up`, NETDEV_CHANGE in `fib_sync_down_dev`). */
  #markHops(dev: NetInterface): void {
    for (const route of this.routes()) {
      if (route.type === "local") continue;
      for (const hop of route.hops) {
        if (hop.dev !== dev) continue;
        hop.flags &= ~(RTNH_F_DEAD | RTNH_F_LINKDOWN);
        if (!dev.carrier) hop.flags |= RTNH_F_LINKDOWN;
      }
    }
    this.#changed();
  }

  /**
   * The interface went: routes over it alone go too, of others it becomes a dead hop (`fib_sync_down_dev`). IPv4 keeps
   * local routes while the interface is only down: the host still answers for those addresses.
   */
  #dropRoutes(dev: NetInterface, gone: boolean): void {
    for (const route of [...this.routes()]) {
      if (!route.hops.some((hop) => hop.dev === dev)) continue;
      if (route.type === "local" && this.family === 4 && !gone) continue;
      for (const hop of route.hops) if (hop.dev === dev) hop.flags |= RTNH_F_DEAD | RTNH_F_LINKDOWN;
      if (route.hops.some((hop) => (hop.flags & RTNH_F_DEAD) === 0)) continue;
      const { destination, prefixLength, table, priority, tos, type } = route;
      this.table(table).remove({ destination, prefixLength, table, priority, tos, type, dev });
      this.#removed(route);
    }
    this.#changed();
  }

  #removed(route: Route): void {
    this.#changed();
    this.#host.notifier.notify({ type: "route-removed", route }, this.#host.now);
  }

  #changed(): void {
    this.generation++;
    this.#cache.clear();
  }
}
