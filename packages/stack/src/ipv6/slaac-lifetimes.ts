import type { Nanos, Scheduler } from "@seville/core";
import type { Ipv6Address } from "@seville/packet";
import { IFA_F_DEPRECATED, type InterfaceAddress } from "../interface/interface-address.ts";
import { idleTimer, SoftTimers, type Timed } from "../timer/soft-timers.ts";

type Address = InterfaceAddress<Ipv6Address>;

interface Life extends Timed {
  readonly address: Address;
}

/** Deprecates addresses when their preferred lifetime ends and takes them away when they are invalid (RFC 4862 §5.5.4). */
export class AddressLifetimes {
  readonly #scheduler: Scheduler;
  readonly #lives = new Map<Address, Life>();
  readonly #timers: SoftTimers<Life>;
  readonly #deprecate: (address: Address) => void;
  readonly #expire: (address: Address) => void;

  constructor(scheduler: Scheduler, deprecate: (address: Address) => void, expire: (address: Address) => void) {
    this.#scheduler = scheduler;
    this.#deprecate = deprecate;
    this.#expire = expire;
    this.#timers = new SoftTimers(scheduler, (life, now) => {
      this.#look(life, now);
    });
  }

  /** `address` is new or its lifetimes changed; an end of deprecation shows at once. */
  watch(address: Address): void {
    let life = this.#lives.get(address);
    if (life === undefined) {
      life = { address, ...idleTimer() };
      this.#lives.set(address, life);
    }
    if (address.preferredUntil > this.#scheduler.now) address.flags &= ~IFA_F_DEPRECATED;
    this.#arm(life);
  }

  forget(address: Address): void {
    const life = this.#lives.get(address);
    if (life === undefined) return;
    this.#timers.disarm(life);
    this.#lives.delete(address);
  }

  #arm(life: Life): void {
    const { preferredUntil, validUntil, flags } = life.address;
    const next = (flags & IFA_F_DEPRECATED) === 0 ? Math.min(preferredUntil, validUntil) : validUntil;
    if (next === Infinity) this.#timers.disarm(life);
    else this.#timers.arm(life, Math.max(next, this.#scheduler.now));
  }

  #look(life: Life, now: Nanos): void {
    const { address } = life;
    if (address.validUntil <= now) {
      this.#lives.delete(address);
      this.#expire(address);
      return;
    }
    if (address.preferredUntil <= now && (address.flags & IFA_F_DEPRECATED) === 0) {
      address.flags |= IFA_F_DEPRECATED;
      this.#deprecate(address);
    }
    if (this.#lives.has(address)) this.#arm(life);
  }
}
