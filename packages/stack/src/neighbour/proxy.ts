import type { Nanos, Random, Scheduler } from "@seville/core";
import type { NeighConf } from "../host/sysctl-ipv4.ts";
import { idleTimer, SoftTimers, type Timed } from "../timer/soft-timers.ts";
import { NS_PER_USER_TICK } from "./parameters.ts";

interface Waiting extends Timed {
  readonly ifindex: number;
  readonly answer: () => void;
}

/**
 * For whom a host answers besides itself (`ip neigh add proxy`), and the answers that wait for their random moment so
 * that a real owner comes first (`pneigh_*` of net/core/neighbour.c, RFC 4861 §7.2.8).
 */
export class ProxyNeighbours<Key> {
  readonly #entries = new Map<Key, Set<number>>();
  readonly #waiting = new Map<number, Set<Waiting>>();
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #timers: SoftTimers<Waiting>;

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#timers = new SoftTimers(scheduler, (waiting) => {
      this.#waiting.get(waiting.ifindex)?.delete(waiting);
      waiting.answer();
    });
  }

  /** Answers for `key` on interface `ifindex`; 0: on every one. */
  add(key: Key, ifindex = 0): void {
    const there = this.#entries.get(key);
    if (there === undefined) this.#entries.set(key, new Set([ifindex]));
    else there.add(ifindex);
  }

  /** Returns whether there was such an entry. */
  remove(key: Key, ifindex = 0): boolean {
    const there = this.#entries.get(key);
    if (there?.delete(ifindex) !== true) return false;
    if (there.size === 0) this.#entries.delete(key);
    return true;
  }

  has(key: Key, ifindex: number): boolean {
    const there = this.#entries.get(key);
    return there !== undefined && (there.has(ifindex) || there.has(0));
  }

  /** As `ip neigh show proxy` lists them: key and interface index, 0 for any. */
  *entries(): IterableIterator<readonly [Key, number]> {
    for (const [key, indices] of this.#entries) for (const ifindex of indices) yield [key, ifindex];
  }

  /** Calls `answer` after a random time up to `proxy_delay`; not at all where `proxy_qlen` others wait already. */
  later(ifindex: number, conf: Readonly<NeighConf>, answer: () => void): boolean {
    let waiting = this.#waiting.get(ifindex);
    if (waiting === undefined) this.#waiting.set(ifindex, (waiting = new Set()));
    if (waiting.size > conf.proxy_qlen) return false;
    const longest: Nanos = conf.proxy_delay * NS_PER_USER_TICK;
    const item: Waiting = { ifindex, answer, ...idleTimer() };
    waiting.add(item);
    this.#timers.arm(item, this.#scheduler.now + (longest === 0 ? 0 : this.#random.below(longest)));
    return true;
  }

  /** The interface is down or gone: its answers and its entries go. */
  interfaceDown(ifindex: number): void {
    for (const item of this.#waiting.get(ifindex) ?? []) this.#timers.disarm(item);
    this.#waiting.delete(ifindex);
    for (const key of [...this.#entries.keys()]) this.remove(key, ifindex);
  }
}
