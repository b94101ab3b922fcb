import type { Nanos, Scheduler } from "@seville/core";
import type { Ipv6Address } from "@seville/packet";
import { idleTimer, SoftTimers, type Timed } from "../timer/soft-timers.ts";

/** Router preference (RFC 4191 §2.1) as a number that can be compared. */
export type RouterPreference = -1 | 0 | 1;

/** The two bits of the wire: 01 high, 00 medium, 11 low; `undefined`: 10, reserved. */
export function preferenceOf(bits: number): RouterPreference | undefined {
  switch (bits & 3) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 3:
      return -1;
    default:
      return undefined;
  }
}

/** The two bits of the wire for a preference. */
export function preferenceBits(preference: RouterPreference): number {
  return preference & 3;
}

/** A way that a router told: `prefix` (`::/0`: default) through the link-local address `router`. */
export interface ToldRoute {
  readonly prefix: Ipv6Address;
  readonly prefixLength: number;
  readonly router: Ipv6Address;
  readonly preference: RouterPreference;
  readonly metric: number;
  readonly expires: Nanos;
}

/** Where told routes are put, so that packets take them. */
export interface ToldRouteTable {
  /** Puts a route behind those of the same prefix. */
  append(route: ToldRoute): void;
  remove(route: ToldRoute): void;
  /** Whether packets to `router` have a chance: its neighbour entry is not known to fail (RFC 4861 §6.3.6). */
  reachable(router: Ipv6Address): boolean;
}

interface Entry extends Timed {
  route: ToldRoute;
  /** Counts up when the router fails, so that it goes behind others that failed less lately. */
  turn: number;
}

/**
 * The default router list (RFC 4861 §5.1, §6.3.4) with preferences and more specific routes (RFC 4191 §3.2): who told
 * which way, until when, and in which order they are tried: reachable before not, higher preference first, and among
 * routers that all fail each in turn.
 */
export class DefaultRouterList {
  readonly #scheduler: Scheduler;
  readonly #table: ToldRouteTable;
  readonly #byPrefix = new Map<string, Entry[]>();
  readonly #timers: SoftTimers<Entry>;
  #turns = 0;

  constructor(scheduler: Scheduler, table: ToldRouteTable) {
    this.#scheduler = scheduler;
    this.#table = table;
    this.#timers = new SoftTimers(scheduler, (entry) => {
      this.#forget(entry);
    });
  }

  /** A router told a way, or told it again. */
  set(route: ToldRoute): void {
    if (route.expires <= this.#scheduler.now) {
      this.remove(route.prefix, route.prefixLength, route.router);
      return;
    }
    const entries = this.#entriesOf(route.prefix, route.prefixLength);
    let entry = entries.find((other) => other.route.router === route.router);
    if (entry === undefined) {
      entry = { route, turn: 0, ...idleTimer() };
      entries.push(entry);
      this.#table.append(route);
    } else {
      this.#table.remove(entry.route);
      entry.route = route;
      this.#table.append(route);
    }
    if (route.expires === Infinity) this.#timers.disarm(entry);
    else this.#timers.arm(entry, route.expires);
    this.#order(entries, true);
  }

  /** The router is no way to there any more (lifetime 0). */
  remove(prefix: Ipv6Address, prefixLength: number, router: Ipv6Address): void {
    const entry = this.#entriesOf(prefix, prefixLength).find((other) => other.route.router === router);
    if (entry !== undefined) this.#forget(entry);
  }

  /** `router` is a router no longer, or gone: all its ways go (RFC 4861 §7.2.5). */
  removeRouter(router: Ipv6Address): void {
    for (const entries of [...this.#byPrefix.values()]) {
      for (const entry of [...entries]) if (entry.route.router === router) this.#forget(entry);
    }
  }

  /** The neighbour `router` has become reachable or has failed: the order may be another. */
  reachabilityChanged(router: Ipv6Address): void {
    for (const entries of this.#byPrefix.values()) {
      const entry = entries.find((other) => other.route.router === router);
      if (entry === undefined) continue;
      if (!this.#table.reachable(router)) entry.turn = ++this.#turns;
      this.#order(entries, false);
    }
  }

  clear(): void {
    for (const entries of [...this.#byPrefix.values()]) for (const entry of [...entries]) this.#forget(entry);
  }

  /** Every told way, best first within a prefix. */
  routes(): ToldRoute[] {
    return [...this.#byPrefix.values()].flatMap((entries) => entries.map((entry) => entry.route));
  }

  /** The default routers, best first. */
  defaults(): ToldRoute[] {
    // Source selection asks for each packet: no key is made for it.
    return this.#byPrefix.get("::/0")?.map((entry) => entry.route) ?? [];
  }

  #entriesOf(prefix: Ipv6Address, prefixLength: number): Entry[] {
    const key = `${prefix.toString()}/${prefixLength}`;
    let entries = this.#byPrefix.get(key);
    if (entries === undefined) this.#byPrefix.set(key, (entries = []));
    return entries;
  }

  #forget(entry: Entry): void {
    const { prefix, prefixLength } = entry.route;
    const entries = this.#entriesOf(prefix, prefixLength);
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
    if (entries.length === 0) this.#byPrefix.delete(`${prefix.toString()}/${prefixLength}`);
    this.#timers.disarm(entry);
    this.#table.remove(entry.route);
  }

  /** Brings `entries`, and with them the table, into the order in which they are to be tried. */
  #order(entries: Entry[], appended: boolean): void {
    const wanted = [...entries].sort((a, b) => this.#rank(a) - this.#rank(b) || a.turn - b.turn);
    // What was appended stands at the end of the table, whatever its place in the list.
    if (!appended && wanted.every((entry, i) => entry === entries[i])) return;
    entries.splice(0, entries.length, ...wanted);
    if (entries.length === 1) return;
    for (const { route } of entries) this.#table.remove(route);
    for (const { route } of entries) this.#table.append(route);
  }

  #rank(entry: Entry): number {
    return (this.#table.reachable(entry.route.router) ? 0 : 3) - entry.route.preference;
  }
}
