import { NS_PER_MS, NS_PER_SEC, type Nanos, type Random, type Scheduler } from "@seville/core";
import { isLinkLocal, type Ipv6Address } from "@seville/packet";
import type { Ipv6Conf } from "../host/sysctl-ipv6.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_NODAD,
  IFA_F_OPTIMISTIC,
  IFA_F_PERMANENT,
  IFA_F_TENTATIVE,
  type InterfaceAddress,
} from "../interface/interface-address.ts";
import { SHORTEST_TIMER } from "../neighbour/parameters.ts";
import { idleTimer, SoftTimers, type Timed } from "../timer/soft-timers.ts";

type Address = InterfaceAddress<Ipv6Address>;

/** What {@link DuplicateAddressDetection} asks of the interface whose addresses it tests. */
export interface DadInterface {
  readonly conf: Readonly<Ipv6Conf>;
  readonly confAll: Readonly<Ipv6Conf>;
  /** Milliseconds between probes: `retrans_time_ms`. */
  readonly retransTimeMs: number;
  /** The link has no neighbours to ask: loopback or NOARP. */
  readonly skips: boolean;
  /** The interface is up and its carrier is there. */
  readonly ready: boolean;
  /** A neighbour solicitation from `::` for `address`; `nonce` 0: without the option. */
  probe(address: Address, nonce: number): void;
  /** Nobody else has it: it can be used. `tested`: it took time to find out. */
  unique(address: Address, tested: boolean): void;
  /** Somebody has it; `address.flags` say so already. */
  duplicate(address: Address): void;
}

interface Test extends Timed {
  readonly address: Address;
  probesLeft: number;
  nonce: number;
}

/**
 * Duplicate address detection of one interface (RFC 4862 §5.4), with nonces against loops (RFC 7527) and optimistic
 * addresses (RFC 4429), in the rhythm of net/ipv6/addrconf.c: a random delay up to `router_solicitation_delay`, then
 * `dad_transmits` probes, `retrans_time_ms` apart, and as long again for the answer to the last.
 */
export class DuplicateAddressDetection {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #on: DadInterface;
  readonly #tests = new Map<Address, Test>();
  readonly #timers: SoftTimers<Test>;

  constructor(scheduler: Scheduler, random: Random, on: DadInterface) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#on = on;
    this.#timers = new SoftTimers(scheduler, (test) => {
      this.#step(test);
    });
  }

  /** How many addresses are being tested. */
  get running(): number {
    return this.#tests.size;
  }

  /** `address` is new, or its interface has come up. It is unique at once where nothing can or need be asked. */
  begin(address: Address): void {
    const { conf, confAll, skips, ready } = this.#on;
    const untested = (address.flags & IFA_F_NODAD) !== 0 || conf.dad_transmits === 0;
    if (skips || untested || (conf.accept_dad < 1 && confAll.accept_dad < 1)) {
      address.flags &= ~(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED);
      this.#on.unique(address, false);
      return;
    }
    const optimistic = (conf.optimistic_dad | confAll.optimistic_dad) !== 0 && conf.forwarding === 0;
    address.flags |= IFA_F_TENTATIVE | (optimistic ? IFA_F_OPTIMISTIC : 0);
    address.flags &= ~IFA_F_DADFAILED;
    // Without a carrier the question would reach nobody: it waits, tentative, until there is one.
    if (!ready) return;
    const test: Test = { address, probesLeft: conf.dad_transmits, nonce: this.#drawNonce(), ...idleTimer() };
    this.cancel(address);
    this.#tests.set(address, test);
    const longest = optimistic ? 0 : conf.router_solicitation_delay * NS_PER_SEC;
    this.#timers.arm(test, this.#scheduler.now + (longest === 0 ? 0 : this.#random.below(longest)));
  }

  /** The address is gone, or its interface is down. */
  cancel(address: Address): void {
    const test = this.#tests.get(address);
    if (test === undefined) return;
    this.#tests.delete(address);
    this.#timers.disarm(test);
  }

  cancelAll(): void {
    for (const address of [...this.#tests.keys()]) this.cancel(address);
  }

  /**
   * Somebody else asks for, or claims, a tentative address of ours. `nonce`: that of a solicitation; one with our own
   * nonce is our own probe that came back, and says nothing (RFC 7527 §4.2).
   */
  conflict(address: Address, nonce: number | undefined): void {
    if ((address.flags & IFA_F_TENTATIVE) === 0) return;
    const test = this.#tests.get(address);
    if (nonce !== undefined && test !== undefined && test.nonce !== 0 && test.nonce === nonce) return;
    this.cancel(address);
    address.flags |= IFA_F_DADFAILED;
    address.flags &= ~IFA_F_OPTIMISTIC;
    this.#on.duplicate(address);
  }

  #step(test: Test): void {
    const { address } = test;
    if (test.probesLeft === 0) {
      this.#tests.delete(address);
      address.flags &= ~(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED);
      this.#on.unique(address, true);
      return;
    }
    test.probesLeft--;
    const pause: Nanos = Math.max(this.#on.retransTimeMs * NS_PER_MS, SHORTEST_TIMER);
    this.#timers.arm(test, this.#scheduler.now + pause);
    this.#on.probe(address, test.nonce);
  }

  /** 48 random bits that are not 0; 0: `enhanced_dad` is off. */
  #drawNonce(): number {
    if ((this.#on.conf.enhanced_dad | this.#on.confAll.enhanced_dad) === 0) return 0;
    return this.#random.below(0xffff_ffff_ffff) + 1;
  }
}

/** Whether the whole interface must go off IPv6 after `address` failed (`accept_dad` 2, RFC 4862 §5.4.5). */
export function disablesInterface(conf: Readonly<Ipv6Conf>, confAll: Readonly<Ipv6Conf>, address: Address): boolean {
  if (Math.max(conf.accept_dad, confAll.accept_dad) < 2) return false;
  return isLinkLocal(address.address) && (address.flags & IFA_F_PERMANENT) !== 0;
}
