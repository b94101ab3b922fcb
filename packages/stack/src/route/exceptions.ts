import { NS_PER_SEC, type Nanos } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import type { NetInterface } from "../interface/net-interface.ts";

/** What was learned about the way to one destination: a smaller MTU, a better gateway (`struct fib_nh_exception`). */
export interface RouteException<A extends IpAddress> {
  /** Bytes; 0: nothing learned. */
  mtu: number;
  /** The MTU is below what the host believes; packets may be fragmented in spite of it. */
  mtuLocked: boolean;
  mtuExpires: Nanos;
  gateway: A | undefined;
  dev: NetInterface | undefined;
}

/** Destinations of which something is known at a time; the oldest goes when another comes. */
const MAX_EXCEPTIONS = 2048;

/** The route exceptions of one family: the path MTU cache, and redirects. */
export class RouteExceptions<A extends IpAddress> {
  readonly #entries = new Map<A, RouteException<A>>();
  #generation = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Changes when something is learned or forgotten. */
  get generation(): number {
    return this.#generation;
  }

  entries(): IterableIterator<[A, RouteException<A>]> {
    return this.#entries.entries();
  }

  get(destination: A): RouteException<A> | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.get(destination);
  }

  /** The learned MTU to `destination`, 0 if none is valid now. */
  mtu(destination: A, now: Nanos): number {
    const entry = this.get(destination);
    if (entry === undefined || entry.mtu === 0) return 0;
    if (entry.mtuExpires > now) return entry.mtu;
    entry.mtu = 0;
    entry.mtuLocked = false;
    if (entry.gateway === undefined) this.#entries.delete(destination);
    this.#generation++;
    return 0;
  }

  learnMtu(destination: A, mtu: number, locked: boolean, lifetimeSeconds: number, now: Nanos): void {
    const entry = this.#entryOf(destination);
    entry.mtu = mtu;
    entry.mtuLocked = locked;
    entry.mtuExpires = now + lifetimeSeconds * NS_PER_SEC;
    this.#generation++;
  }

  learnGateway(destination: A, gateway: A, dev: NetInterface): void {
    const entry = this.#entryOf(destination);
    entry.gateway = gateway;
    entry.dev = dev;
    this.#generation++;
  }

  /** `ip route flush cache`. */
  clear(): void {
    this.#entries.clear();
    this.#generation++;
  }

  #entryOf(destination: A): RouteException<A> {
    let entry = this.#entries.get(destination);
    if (entry !== undefined) return entry;
    if (this.#entries.size >= MAX_EXCEPTIONS) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    entry = { mtu: 0, mtuLocked: false, mtuExpires: 0, gateway: undefined, dev: undefined };
    this.#entries.set(destination, entry);
    return entry;
  }
}
