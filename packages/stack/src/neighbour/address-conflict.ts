import { NS_PER_SEC, type Nanos, type Random, type Scheduler } from "@seville/core";
import { arp } from "@seville/packet";
import { idleTimer, SoftTimers, type Timed } from "../timer/soft-timers.ts";

/** The constants of RFC 5227 §1.1. */
export const PROBE_WAIT: Nanos = NS_PER_SEC;
export const PROBE_NUM = 3;
export const PROBE_MIN: Nanos = NS_PER_SEC;
export const PROBE_MAX: Nanos = 2 * NS_PER_SEC;
export const ANNOUNCE_WAIT: Nanos = 2 * NS_PER_SEC;
export const ANNOUNCE_NUM = 2;
export const ANNOUNCE_INTERVAL: Nanos = 2 * NS_PER_SEC;
export const DEFEND_INTERVAL: Nanos = 10 * NS_PER_SEC;
export const MAX_CONFLICTS = 10;
export const RATE_LIMIT_INTERVAL: Nanos = 60 * NS_PER_SEC;

/** What {@link AddressConflictDetection} does and says. */
export interface ConflictDetectionActions {
  /** An ARP request for `address` with sender 0. */
  probe(address: number): void;
  /** An ARP request for `address` from `address`. */
  announce(address: number): void;
  /** Nobody has it: it may be configured. */
  free(address: number): void;
  /** Somebody has it, or took it: it must not be used (any longer). */
  conflict(address: number): void;
}

interface Claim extends Timed {
  readonly address: number;
  phase: "probing" | "waiting" | "announcing" | "held";
  left: number;
  lastDefence: Nanos;
}

/**
 * IPv4 address conflict detection (RFC 5227): probes before an address is used, announces it, and defends it once in
 * ten seconds. The kernel leaves this to programs such as arping and dhcpcd; a scenario switches it on per interface.
 */
export class AddressConflictDetection {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #mac: () => number;
  readonly #actions: ConflictDetectionActions;
  readonly #claims = new Map<number, Claim>();
  readonly #timers: SoftTimers<Claim>;
  #conflicts = 0;

  constructor(scheduler: Scheduler, random: Random, mac: () => number, actions: ConflictDetectionActions) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#mac = mac;
    this.#actions = actions;
    this.#timers = new SoftTimers(scheduler, (claim) => {
      this.#step(claim);
    });
  }

  /** Begins to probe for `address` (§2.1.1); after too many conflicts at most once a minute. */
  claim(address: number): void {
    this.release(address);
    const claim: Claim = { address, phase: "probing", left: PROBE_NUM, lastDefence: -Infinity, ...idleTimer() };
    this.#claims.set(address, claim);
    const limited = this.#conflicts >= MAX_CONFLICTS ? RATE_LIMIT_INTERVAL : 0;
    this.#timers.arm(claim, this.#scheduler.now + limited + this.#random.below(PROBE_WAIT));
  }

  /** The address is given up. */
  release(address: number): void {
    const claim = this.#claims.get(address);
    if (claim === undefined) return;
    this.#timers.disarm(claim);
    this.#claims.delete(address);
  }

  /** Every ARP message that comes in is shown here (§2.1.1, §2.4). */
  received(message: arp.ArpPacket): void {
    if (message.senderMac === this.#mac()) return;
    const claim = this.#claims.get(message.senderIp) ?? this.#probedByAnother(message);
    if (claim === undefined) return;
    if (claim.phase === "probing" || claim.phase === "waiting") {
      this.#lose(claim);
      return;
    }
    if (message.senderIp !== claim.address) return;
    // §2.4 b: defend once, give up if it happens again within the interval.
    const { now } = this.#scheduler;
    if (now - claim.lastDefence < DEFEND_INTERVAL) {
      this.#lose(claim);
      return;
    }
    claim.lastDefence = now;
    this.#actions.announce(claim.address);
  }

  /** Another host probes for the address for which we probe: both lose (§2.1.1). */
  #probedByAnother(message: arp.ArpPacket): Claim | undefined {
    if (message.senderIp !== 0 || message.operation !== arp.REQUEST) return undefined;
    const claim = this.#claims.get(message.targetIp);
    return claim?.phase === "probing" || claim?.phase === "waiting" ? claim : undefined;
  }

  #lose(claim: Claim): void {
    this.#conflicts++;
    this.release(claim.address);
    this.#actions.conflict(claim.address);
  }

  #step(claim: Claim): void {
    const { now } = this.#scheduler;
    if (claim.phase === "probing") {
      claim.left--;
      const pause = PROBE_MIN + this.#random.below(PROBE_MAX - PROBE_MIN + 1);
      if (claim.left === 0) claim.phase = "waiting";
      this.#timers.arm(claim, now + (claim.left === 0 ? ANNOUNCE_WAIT : pause));
      this.#actions.probe(claim.address);
      return;
    }
    if (claim.phase === "waiting") {
      claim.phase = "announcing";
      claim.left = ANNOUNCE_NUM;
      this.#conflicts = 0;
      this.#actions.free(claim.address);
    }
    claim.left--;
    if (claim.left > 0) this.#timers.arm(claim, now + ANNOUNCE_INTERVAL);
    else claim.phase = "held";
    this.#actions.announce(claim.address);
  }
}
