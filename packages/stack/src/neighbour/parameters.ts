import { NS_PER_MS, type Nanos, type Random } from "@seville/core";
import type { NeighConf } from "../host/sysctl-ipv4.ts";

/** Nanoseconds of the tick in which `locktime`, `proxy_delay` and `anycast_delay` are written (USER_HZ is 100). */
export const NS_PER_USER_TICK: Nanos = 10_000_000;

/** No timer of a neighbour runs shorter than that (HZ/100 in net/core/neighbour.c). */
export const SHORTEST_TIMER: Nanos = 10_000_000;

/** How long a drawn reachable time serves (RFC 4861 §6.3.4 asks for a few hours at most; Linux takes 300 s). */
export const REDRAW_INTERVAL: Nanos = 300_000_000_000;

/** The rest between two collections forced by an allocation above `gc_thresh2`, and how fresh an entry must be to survive one. */
export const FORCED_GC_INTERVAL: Nanos = 5_000_000_000;

/** A reachable time drawn from 0.5 to 1.5 times the base (RFC 4861 §6.3.2, MIN_ and MAX_RANDOM_FACTOR). */
export function drawReachableTime(conf: Readonly<NeighConf>, random: Random): Nanos {
  const base = conf.base_reachable_time_ms * NS_PER_MS;
  return base === 0 ? 0 : random.below(base) + Math.floor(base / 2);
}

/** Nanoseconds between solicitations. */
export function retransTime(conf: Readonly<NeighConf>): Nanos {
  return Math.max(conf.retrans_time_ms * NS_PER_MS, SHORTEST_TIMER);
}
