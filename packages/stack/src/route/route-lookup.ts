import type { IpAddress } from "@seville/packet";
import type { Flow } from "./flow.ts";
import type { NewRoute, Route, RouteHop, RouteSelector } from "./route.ts";

/**
 * Finds the way for a flow: the one question that input, output and sockets ask of routing. The default goes through
 * the tables local, main and default ({@link Fib}); policy rules and VRFs come as another implementation.
 */
export interface RouteLookup<A extends IpAddress = IpAddress> {
  /** The best way, which may be one that refuses (`hop.route.type`); `undefined`: none, `ENETUNREACH`. */
  lookup(flow: Flow<A>): RouteHop | undefined;
  /** Changes whenever an answer may: whoever keeps a {@link RouteHop} asks again then. */
  readonly generation: number;
}

/** One table: longest prefix first, then the best metric. */
export interface RouteTable {
  readonly id: number;
  /** The best route to `destination` that is usable for `flow`; a `throw` route is an answer too. */
  lookup(flow: Flow): Route | undefined;
  insert(route: Route, mode: InsertMode): Route;
  remove(selector: RouteSelector): Route | undefined;
  routes(): Iterable<Route>;
  readonly size: number;
}

/**
 * What to do where there is a route of the same key: `add` fails with `EEXIST`, `replace` takes its place,
 * `append` goes behind it, `prepend` before (RTM_NEWROUTE with NLM_F_…).
 */
export type InsertMode = "add" | "replace" | "append" | "prepend" | "change";

/** The forwarding information base of one family: its tables, and the lookup over them. */
export interface Fib<A extends IpAddress = IpAddress> extends RouteLookup<A> {
  readonly family: 4 | 6;
  /** Makes the table if it is not there yet. */
  table(id: number): RouteTable;
  /** All routes, table by table in the order of their ids. */
  routes(): Iterable<Route>;
  /**
   * Checks a new route as the kernel does and inserts it.
   * @throws SevilleError `EEXIST`, `ENETUNREACH` ("Nexthop has invalid gateway"), `EINVAL`, `ENODEV`, `ENETDOWN`
   */
  add(route: NewRoute, mode?: InsertMode): Route;
  /** @throws SevilleError `ESRCH` */
  remove(selector: RouteSelector): Route;
}
