import { invalidArgument, NS_PER_MS, NS_PER_SEC, type Nanos, type Random, type Scheduler } from "@seville/core";
import { nd, type Ipv6Address } from "@seville/packet";
import { idleTimer, NO_TIMER, SoftTimers, type Timed } from "../timer/soft-timers.ts";
import { preferenceBits, type RouterPreference } from "./default-router.ts";

/** A prefix that a router advertises (RFC 4861 §6.2.1 AdvPrefixList). Lifetimes in seconds. */
export interface AdvertisedPrefix {
  readonly prefix: Ipv6Address;
  readonly prefixLength: number;
  /** Default true. */
  readonly onLink?: boolean;
  /** Default true. */
  readonly autonomous?: boolean;
  /** Default 30 days. */
  readonly validLifetime?: number;
  /** Default 7 days. */
  readonly preferredLifetime?: number;
}

/** A more specific route through this router (RFC 4191 §2.3). */
export interface AdvertisedRoute {
  readonly prefix: Ipv6Address;
  readonly prefixLength: number;
  readonly preference?: RouterPreference;
  /** Seconds. Default: the router lifetime. */
  readonly lifetime?: number;
}

/** The configuration of a router's interface: RFC 4861 §6.2.1, with the RFC's names, units and defaults. */
export interface RouterAdvertisementOptions {
  /** MaxRtrAdvInterval, seconds, 4 to 1800. Default 600. */
  readonly maxInterval?: number;
  /** MinRtrAdvInterval, seconds, 3 to 0.75 × the maximum. Default 0.33 × the maximum. */
  readonly minInterval?: number;
  readonly managed?: boolean;
  readonly otherConfig?: boolean;
  /** AdvLinkMTU; 0: not sent. */
  readonly linkMtu?: number;
  /** AdvReachableTime, milliseconds; 0: unspecified. */
  readonly reachableTime?: number;
  /** AdvRetransTimer, milliseconds; 0: unspecified. */
  readonly retransTimer?: number;
  /** AdvCurHopLimit. Default 64. */
  readonly curHopLimit?: number;
  /** AdvDefaultLifetime, seconds, 0 (not a default router) or from the maximal interval to 9000. Default 3 × it. */
  readonly defaultLifetime?: number;
  readonly preference?: RouterPreference;
  readonly prefixes?: readonly AdvertisedPrefix[];
  readonly routes?: readonly AdvertisedRoute[];
  /** Recursive DNS servers (RFC 8106), with the lifetime 3 × the maximal interval. */
  readonly dnsServers?: readonly Ipv6Address[];
  /** NAT64 prefix (RFC 8781). */
  readonly pref64?: { readonly prefix: Ipv6Address; readonly prefixLength: number; readonly lifetime?: number };
}

/** RFC 4861 §10, router constants. */
export const MAX_INITIAL_RTR_ADVERT_INTERVAL: Nanos = 16 * NS_PER_SEC;
export const MAX_INITIAL_RTR_ADVERTISEMENTS = 3;
export const MIN_DELAY_BETWEEN_RAS: Nanos = 3 * NS_PER_SEC;
export const MAX_RA_DELAY_TIME: Nanos = 500 * NS_PER_MS;

/** RFC 8781 §4.1: 13 bits in units of 8 seconds. */
const MAX_PREF64_LIFETIME = 65_528;

type Advertisement = Extract<nd.NdMessage, { readonly type: "router-advertisement" }>;

/** Advertises a router on one interface: RFC 4861 §6.2. */
export class RouterAdvertiser {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #send: (message: Advertisement) => void;
  readonly #timer: Timed = idleTimer();
  readonly #timers: SoftTimers<Timed>;
  #options: Resolved;
  #initialLeft = 0;
  #lastMulticast: Nanos = -Infinity;
  #running = false;

  /** `send` adds the source link-layer address and sends to all nodes. */
  constructor(
    scheduler: Scheduler,
    random: Random,
    options: RouterAdvertisementOptions,
    send: (message: Advertisement) => void,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#options = resolve(options);
    this.#send = send;
    this.#timers = new SoftTimers(scheduler, () => {
      this.#advertise();
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** The interface begins to advertise: the first advertisements follow faster (§6.2.4). */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#initialLeft = MAX_INITIAL_RTR_ADVERTISEMENTS;
    this.#timers.arm(this.#timer, this.#scheduler.now);
  }

  /** It ceases to: hosts hear at once that it is no default router any more (§6.2.5). */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#timers.disarm(this.#timer);
    this.#send({ ...this.#message(), routerLifetime: 0 });
  }

  /** Other values from now on; they are told soon, as after a start (§6.2.4). */
  configure(options: RouterAdvertisementOptions): void {
    this.#options = resolve(options);
    if (!this.#running) return;
    this.#initialLeft = MAX_INITIAL_RTR_ADVERTISEMENTS;
    this.#timers.arm(this.#timer, this.#soonest(0));
  }

  /** A host asks: the answer, to all, comes after a random delay, and not more often than every three seconds (§6.2.6). */
  solicited(): void {
    if (!this.#running) return;
    const at = this.#soonest(this.#random.below(MAX_RA_DELAY_TIME + 1));
    if (this.#timer.timerSlot !== NO_TIMER && this.#timer.timerAt <= at) return;
    this.#timers.arm(this.#timer, at);
  }

  #soonest(delay: Nanos): Nanos {
    const { now } = this.#scheduler;
    const rested = this.#lastMulticast + MIN_DELAY_BETWEEN_RAS;
    return rested > now ? rested + delay : now + delay;
  }

  #advertise(): void {
    const { now } = this.#scheduler;
    this.#lastMulticast = now;
    if (this.#initialLeft > 0) this.#initialLeft--;
    const { minInterval, maxInterval } = this.#options;
    let wait = minInterval + this.#random.below(maxInterval - minInterval + 1);
    if (this.#initialLeft > 0) wait = Math.min(wait, MAX_INITIAL_RTR_ADVERT_INTERVAL);
    this.#timers.arm(this.#timer, now + wait);
    this.#send(this.#message());
  }

  #message(): Advertisement {
    const { given, lifetime } = this.#options;
    const flags =
      (given.managed === true ? nd.ROUTER_MANAGED : 0) |
      (given.otherConfig === true ? nd.ROUTER_OTHER : 0) |
      // A router that is no default router has no preference (RFC 4191 §2.2).
      (lifetime === 0 ? 0 : preferenceBits(given.preference ?? 0) << 3);
    return {
      type: "router-advertisement",
      curHopLimit: given.curHopLimit ?? 64,
      flags,
      routerLifetime: lifetime,
      reachableTime: given.reachableTime ?? 0,
      retransTimer: given.retransTimer ?? 0,
      options: optionsOf(this.#options),
    };
  }
}

interface Resolved {
  readonly given: RouterAdvertisementOptions;
  readonly minInterval: Nanos;
  readonly maxInterval: Nanos;
  /** Seconds. */
  readonly lifetime: number;
}

function resolve(given: RouterAdvertisementOptions): Resolved {
  const maxInterval = given.maxInterval ?? 600;
  if (!(maxInterval >= 4 && maxInterval <= 1800))
    throw invalidArgument("maxInterval", "from 4 to 1800 seconds", maxInterval);
  const standard = maxInterval >= 9 ? 0.33 * maxInterval : 0.75 * maxInterval;
  const minInterval = given.minInterval ?? Math.max(3, standard);
  if (!(minInterval >= 3 && minInterval <= 0.75 * maxInterval)) {
    throw invalidArgument("minInterval", `from 3 to ${0.75 * maxInterval} seconds`, minInterval);
  }
  const lifetime = given.defaultLifetime ?? Math.min(9000, Math.ceil(3 * maxInterval));
  if (lifetime !== 0 && !(lifetime >= maxInterval && lifetime <= 9000)) {
    throw invalidArgument("defaultLifetime", `0 or from ${maxInterval} to 9000 seconds`, lifetime);
  }
  const { reachableTime = 0 } = given;
  if (!(reachableTime >= 0 && reachableTime <= 3_600_000)) {
    throw invalidArgument("reachableTime", "from 0 to 3600000 milliseconds", reachableTime);
  }
  for (const { validLifetime = 2_592_000, preferredLifetime = 604_800 } of given.prefixes ?? []) {
    if (preferredLifetime <= validLifetime) continue;
    throw invalidArgument("preferredLifetime", `at most the valid lifetime, ${validLifetime}`, preferredLifetime);
  }
  return {
    given,
    minInterval: Math.round(minInterval * NS_PER_SEC),
    maxInterval: Math.round(maxInterval * NS_PER_SEC),
    lifetime,
  };
}

function optionsOf({ given, lifetime, maxInterval }: Resolved): nd.NdOption[] {
  const options: nd.NdOption[] = [];
  const long = Math.ceil((3 * maxInterval) / NS_PER_SEC);
  if (given.linkMtu !== undefined && given.linkMtu > 0) options.push({ kind: "mtu", mtu: given.linkMtu });
  for (const each of given.prefixes ?? []) {
    options.push({
      kind: "prefix-information",
      prefix: each.prefix,
      prefixLength: each.prefixLength,
      flags: (each.onLink === false ? 0 : nd.PREFIX_ON_LINK) | (each.autonomous === false ? 0 : nd.PREFIX_AUTONOMOUS),
      validLifetime: each.validLifetime ?? 2_592_000,
      preferredLifetime: each.preferredLifetime ?? 604_800,
    });
  }
  for (const each of given.routes ?? []) {
    options.push({
      kind: "route-information",
      prefix: each.prefix,
      prefixLength: each.prefixLength,
      preference: preferenceBits(each.preference ?? 0),
      lifetime: each.lifetime ?? lifetime,
    });
  }
  if (given.dnsServers !== undefined && given.dnsServers.length > 0) {
    options.push({ kind: "rdnss", lifetime: long, servers: given.dnsServers });
  }
  if (given.pref64 !== undefined) {
    const { prefix, prefixLength, lifetime: told } = given.pref64;
    // Rounded up to a multiple of 8, as RFC 8781 §4.1 asks.
    const rounded = Math.min(MAX_PREF64_LIFETIME, Math.ceil((told ?? long) / 8) * 8);
    options.push({ kind: "pref64", prefix, prefixLength, lifetime: rounded });
  }
  return options;
}
