import { SevilleError } from "@seville/core";
import type { Ipv6Address } from "@seville/packet";
import type { TableFib } from "../route/fib.ts";
import type { NewRoute } from "../route/route.ts";

/**
 * Puts a route that a router told of behind those of the same prefix. Where the administrator (or an address) has made the
 * same one already, that one stands and this is no error (`addrconf_prefix_route` in net/ipv6/addrconf.c ignores EEXIST).
 */
export function addToldRoute(fib: Pick<TableFib<Ipv6Address>, "add">, route: NewRoute): void {
  try {
    fib.add(route, "append");
  } catch (error) {
    if (!(error instanceof SevilleError) || error.code !== "EEXIST") throw error;
  }
}
