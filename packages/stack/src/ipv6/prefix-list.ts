import type { Nanos, Scheduler } from "@seville/core";
import type { Ipv6Address } from "@seville/packet";
import { idleTimer, SoftTimers, type Timed } from "../timer/soft-timers.ts";

/** A prefix whose addresses are on the link. */
export interface OnLinkPrefix {
  readonly prefix: Ipv6Address;
  readonly prefixLength: number;
  readonly expires: Nanos;
  /** The routers that advertised it, for rule 5.5 of RFC 6724. */
  readonly advertisedBy: readonly Ipv6Address[];
}

interface Entry extends Timed {
  readonly prefix: Ipv6Address;
  readonly prefixLength: number;
  expires: Nanos;
  readonly advertisedBy: Set<Ipv6Address>;
}

/** The prefix list of one interface (RFC 4861 §5.1, §6.3.4): what routers said is on the link, and until when. */
export class PrefixList {
  readonly #scheduler: Scheduler;
  readonly #entries = new Map<string, Entry>();
  readonly #timers: SoftTimers<Entry>;
  readonly #changed: (prefix: OnLinkPrefix, there: boolean) => void;

  /** `changed` is told when a prefix comes, goes, or lives longer or shorter. */
  constructor(scheduler: Scheduler, changed: (prefix: OnLinkPrefix, there: boolean) => void) {
    this.#scheduler = scheduler;
    this.#changed = changed;
    this.#timers = new SoftTimers(scheduler, (entry) => {
      this.#forget(entry);
    });
  }

  /** `router` says that `prefix` is on the link until `expires`. A time that has passed takes the prefix out. */
  set(prefix: Ipv6Address, prefixLength: number, expires: Nanos, router: Ipv6Address): void {
    const key = keyOf(prefix, prefixLength);
    let entry = this.#entries.get(key);
    if (expires <= this.#scheduler.now) {
      if (entry !== undefined) this.#forget(entry);
      return;
    }
    if (entry === undefined) {
      entry = { prefix, prefixLength, expires, advertisedBy: new Set(), ...idleTimer() };
      this.#entries.set(key, entry);
    }
    entry.expires = expires;
    entry.advertisedBy.add(router);
    if (expires === Infinity) this.#timers.disarm(entry);
    else this.#timers.arm(entry, expires);
    this.#changed(publicOf(entry), true);
  }

  prefixes(): OnLinkPrefix[] {
    return [...this.#entries.values()].map(publicOf);
  }

  clear(): void {
    for (const entry of [...this.#entries.values()]) this.#forget(entry);
  }

  #forget(entry: Entry): void {
    this.#timers.disarm(entry);
    this.#entries.delete(keyOf(entry.prefix, entry.prefixLength));
    this.#changed(publicOf(entry), false);
  }
}

function keyOf(prefix: Ipv6Address, prefixLength: number): string {
  return `${prefix.toString()}/${prefixLength}`;
}

function publicOf(entry: Entry): OnLinkPrefix {
  const { prefix, prefixLength, expires } = entry;
  return { prefix, prefixLength, expires, advertisedBy: [...entry.advertisedBy] };
}
