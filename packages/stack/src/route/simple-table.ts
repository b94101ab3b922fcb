import { SevilleError } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import type { Flow } from "./flow.ts";
import { maskAddress } from "./prefix-key.ts";
import type { Route, RouteSelector } from "./route.ts";
import type { InsertMode, RouteTable } from "./route-lookup.ts";

/** Whether `route` may serve `flow` at the moment: its interface is up, it is the one asked for, it has not expired. */
export type RouteUsable = (route: Route, flow: Flow) => boolean;

/**
 * A routing table that is easy to see through: for each prefix length in use, longest first, a map from the network to
 * its routes, best first. A lookup takes one map access for each length in use; the trie of the vrf package has the
 * same face.
 */
export class SimpleRouteTable implements RouteTable {
  readonly id: number;
  readonly #usable: RouteUsable;
  /** Lengths in use, longest first, beside the map of each. */
  #lengths: readonly number[] = [];
  readonly #byLength = new Map<number, Map<IpAddress, Route[]>>();
  #size = 0;

  constructor(id: number, usable: RouteUsable) {
    this.id = id;
    this.#usable = usable;
  }

  get size(): number {
    return this.#size;
  }

  lookup(flow: Flow): Route | undefined {
    for (const length of this.#lengths) {
      const routes = this.#byLength.get(length)?.get(maskAddress(flow.destination, length));
      if (routes === undefined) continue;
      for (const route of routes) if (this.#usable(route, flow)) return route;
    }
    return undefined;
  }

  insert(route: Route, mode: InsertMode): Route {
    const routes = this.#bucket(route);
    const rivals = routes.filter((other) => sameKey(other, route));
    const first = rivals[0];
    if (mode === "change" && first === undefined) throw new SevilleError("ENOENT", "there is no such route", "route");
    if (first === undefined) {
      const at = routes.findIndex((other) => comesBefore(route, other));
      routes.splice(at < 0 ? routes.length : at, 0, route);
    } else if (mode === "replace" || mode === "change") {
      routes[routes.indexOf(first)] = route;
      return route;
    } else if (mode === "add") {
      throw new SevilleError("EEXIST", "there is a route with this destination and metric already", "route");
    } else {
      const last = rivals[rivals.length - 1] as Route;
      routes.splice(mode === "prepend" ? routes.indexOf(first) : routes.indexOf(last) + 1, 0, route);
    }
    this.#size++;
    return route;
  }

  remove(selector: RouteSelector): Route | undefined {
    const { prefixLength } = selector;
    const networks = this.#byLength.get(prefixLength);
    const network = maskAddress(selector.destination, prefixLength);
    const routes = networks?.get(network);
    const at = routes?.findIndex((route) => matches(route, selector)) ?? -1;
    if (networks === undefined || routes === undefined || at < 0) return undefined;
    const [removed] = routes.splice(at, 1);
    this.#size--;
    if (routes.length === 0) networks.delete(network);
    if (networks.size === 0) {
      this.#byLength.delete(prefixLength);
      this.#lengths = this.#lengths.filter((length) => length !== prefixLength);
    }
    return removed;
  }

  *routes(): Iterable<Route> {
    for (const length of this.#lengths) {
      for (const routes of this.#byLength.get(length)?.values() ?? []) yield* routes;
    }
  }

  #bucket(route: Route): Route[] {
    let networks = this.#byLength.get(route.prefixLength);
    if (networks === undefined) {
      this.#byLength.set(route.prefixLength, (networks = new Map<IpAddress, Route[]>()));
      this.#lengths = [...this.#lengths, route.prefixLength].sort((a, b) => b - a);
    }
    let routes = networks.get(route.destination);
    if (routes === undefined) networks.set(route.destination, (routes = []));
    return routes;
  }
}

/** Routes of one key exclude each other (`fib_find_alias`, `fib6_add_rt2node`). */
function sameKey(a: Route, b: Route): boolean {
  return a.tos === b.tos && a.priority === b.priority;
}

/** A route for one DSCP is asked before one for all; then the smaller metric comes first. */
function comesBefore(a: Route, b: Route): boolean {
  return a.tos === b.tos ? a.priority < b.priority : a.tos > b.tos;
}

function matches(route: Route, wanted: RouteSelector): boolean {
  if (wanted.tos !== undefined && wanted.tos !== route.tos) return false;
  if (wanted.type !== undefined && wanted.type !== route.type) return false;
  if (wanted.protocol !== undefined && wanted.protocol !== route.protocol) return false;
  if (wanted.priority !== undefined && wanted.priority !== route.priority) return false;
  if (wanted.dev !== undefined && !route.hops.some((hop) => hop.dev === wanted.dev)) return false;
  return wanted.gateway === undefined || route.hops.some((hop) => hop.gateway === wanted.gateway);
}
