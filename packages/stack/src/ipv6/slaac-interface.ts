import { NS_PER_SEC, type Nanos, type Random } from "@seville/core";
import { Ipv6Address, isLinkLocal, prefixOf } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { addAddress6, removeAddress6 } from "../interface/addresses6.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_MANAGETEMPADDR,
  IFA_F_NOPREFIXROUTE,
  IFA_F_PERMANENT,
  IFA_F_STABLE_PRIVACY,
  IFA_F_TEMPORARY,
  IFA_F_TENTATIVE,
  IFAPROT_KERNEL_LL,
  IFAPROT_KERNEL_RA,
  type InterfaceAddress,
} from "../interface/interface-address.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { idleTimer, SoftTimers, type Timed } from "../timer/soft-timers.ts";
import {
  ADDR_GEN_EUI64,
  ADDR_GEN_NONE,
  ADDR_GEN_STABLE_PRIVACY,
  eui64Address,
  randomAddress,
  stableAddress,
} from "./slaac-identifier.ts";
import { deadlineOf, remainingOf, updatedValidLifetime, type PrefixInformation } from "./slaac.ts";
import { desyncFactor, temporaryLifetimes } from "./slaac-temporary.ts";

type Address = InterfaceAddress<Ipv6Address>;

const LINK_LOCAL_PREFIX = Ipv6Address.of(0xfe80_0000, 0, 0, 0);

/** A temporary address, with the public one it comes from (RFC 8981 §3.3). */
interface Temporary extends Timed {
  readonly address: Address;
  readonly parent: Address;
  readonly attempt: number;
  regenerated: boolean;
}

interface Retry extends Timed {
  readonly prefix: Ipv6Address;
  readonly make: () => void;
}

/** Makes the addresses of one interface out of prefixes (RFC 4862, RFC 7217, RFC 8981) and cares for them. */
export class AddressAutoconfiguration {
  /** `stable_secret`; setting it makes stable-privacy addresses (`addr_gen_mode` 2) the rule. */
  stableSecret: Ipv6Address | undefined = undefined;
  /** The address that the device was born with; 0 where it was drawn, as of a veth. */
  permanentMac = 0;
  readonly #iface: NetInterface;
  readonly #host: Host;
  readonly #random: Random;
  readonly #temporaries = new Map<Address, Temporary>();
  readonly #timers: SoftTimers<Temporary>;
  readonly #retries: SoftTimers<Retry>;
  /** Collisions per prefix: the counter of RFC 7217 §5. */
  readonly #dadCounters = new Map<Ipv6Address, number>();
  #desync: Nanos | undefined = undefined;

  constructor(iface: NetInterface, random: Random) {
    this.#iface = iface;
    this.#host = iface.host;
    this.#random = random;
    this.#timers = new SoftTimers(iface.host.scheduler, (temporary) => {
      this.#regenerate(temporary);
    });
    this.#retries = new SoftTimers(iface.host.scheduler, (retry) => {
      retry.make();
    });
  }

  /** The link-local address of the interface (RFC 4862 §5.3), if it has none yet and `addr_gen_mode` makes one. */
  makeLinkLocal(): void {
    const iface = this.#iface;
    if (iface.isLoopback || iface.v6.addresses.some(({ address }) => isLinkLocal(address))) return;
    const address = this.#addressFor(LINK_LOCAL_PREFIX);
    if (address === undefined) return;
    const flags = this.#mode === ADDR_GEN_EUI64 ? 0 : IFA_F_STABLE_PRIVACY;
    addAddress6(iface, { address, prefixLength: 64, proto: IFAPROT_KERNEL_LL, flags });
  }

  /** A router advertised an autonomous prefix (RFC 4862 §5.5.3 d, e). */
  prefix(option: PrefixInformation): void {
    const { now } = this.#host;
    const { conf, addresses } = this.#iface.v6;
    const wanted = prefixOf(option.prefix, 64);
    const made = addresses.filter(
      (own) => own.proto === IFAPROT_KERNEL_RA && (own.flags & IFA_F_TEMPORARY) === 0 && wanted.contains(own.address),
    );
    if (made.length === 0) {
      if (option.validLifetime > 0) this.#make(option, now);
      return;
    }
    for (const own of made) {
      const remaining = remainingOf(own.validUntil, now);
      const valid = updatedValidLifetime(remaining, option.validLifetime, conf.ra_honor_pio_life !== 0);
      own.validUntil = deadlineOf(valid, now);
      own.preferredUntil = deadlineOf(Math.min(option.preferredLifetime, valid), now);
      own.updated = now;
      this.#updateTemporaries(own, now);
      this.#host.notifier.notify({ type: "address-changed", iface: this.#iface, address: own }, now);
    }
  }

  /** `address` passed its test: a public one gets a temporary companion. */
  addressUsable(address: Address): void {
    if ((address.flags & IFA_F_MANAGETEMPADDR) === 0 || this.#iface.v6.conf.use_tempaddr <= 0) return;
    for (const temporary of this.#temporaries.values()) if (temporary.parent === address) return;
    this.#makeTemporary(address, 0);
  }

  /** Somebody has `address`: an address that we made is made anew with another identifier, if there is a way. */
  duplicate(address: Address): void {
    const { idgen_retries: retries, idgen_delay: delay } = this.#host.ipv6.sysctl;
    const temporary = this.#temporaries.get(address);
    if (temporary !== undefined) {
      removeAddress6(this.#iface, address.address);
      if (temporary.attempt < this.#iface.v6.conf.regen_max_retry)
        this.#makeTemporary(temporary.parent, temporary.attempt + 1);
      return;
    }
    const isStable = (address.flags & IFA_F_STABLE_PRIVACY) !== 0;
    const prefix = prefixOf(address.address, 64).network as Ipv6Address;
    const count = (this.#dadCounters.get(prefix) ?? 0) + 1;
    if (isStable && count <= retries) {
      const { prefixLength, proto, flags, preferredUntil, validUntil } = address;
      this.#dadCounters.set(prefix, count);
      removeAddress6(this.#iface, address.address);
      this.#later(prefix, delay * NS_PER_SEC, () => {
        const next = this.#addressFor(prefix);
        if (next === undefined) return;
        const kept = flags & ~(IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_PERMANENT);
        this.#add({ address: next, prefixLength, proto, flags: kept, preferredUntil, validUntil });
      });
      return;
    }
    // An address that only a router's prefix made is of no use; one that people gave stays, marked.
    if ((address.flags & IFA_F_PERMANENT) === 0) removeAddress6(this.#iface, address.address);
  }

  addressRemoved(address: Address): void {
    const temporary = this.#temporaries.get(address);
    if (temporary !== undefined) {
      this.#timers.disarm(temporary);
      this.#temporaries.delete(address);
    }
    // Temporary addresses do not outlive the public one that they come from.
    for (const other of [...this.#temporaries.values()]) {
      if (other.parent === address) removeAddress6(this.#iface, other.address.address);
    }
  }

  /** The interface is down. */
  reset(): void {
    this.#dadCounters.clear();
  }

  get #mode(): number {
    return this.stableSecret === undefined ? this.#iface.v6.conf.addr_gen_mode : ADDR_GEN_STABLE_PRIVACY;
  }

  #addressFor(prefix: Ipv6Address): Ipv6Address | undefined {
    const mode = this.#mode;
    if (mode === ADDR_GEN_NONE && prefix === LINK_LOCAL_PREFIX) return undefined;
    if (mode === ADDR_GEN_STABLE_PRIVACY) {
      const secret = this.stableSecret;
      // Without a secret the kernel makes no such address either.
      if (secret === undefined) return undefined;
      return stableAddress(prefix, secret, this.permanentMac, this.#dadCounters.get(prefix) ?? 0);
    }
    if (mode <= ADDR_GEN_NONE && this.#iface.device.hardHeaderLength > 0) return eui64Address(prefix, this.#iface.mac);
    return randomAddress(prefix, () => this.#random.uint32());
  }

  #make(option: PrefixInformation, now: Nanos): void {
    const { conf, addresses } = this.#iface.v6;
    if (conf.max_addresses > 0 && addresses.length >= conf.max_addresses) return;
    const address = this.#addressFor(option.prefix);
    if (address === undefined) return;
    this.#add({
      address,
      prefixLength: 64,
      proto: IFAPROT_KERNEL_RA,
      flags:
        (this.#mode === ADDR_GEN_STABLE_PRIVACY ? IFA_F_STABLE_PRIVACY : 0) |
        IFA_F_MANAGETEMPADDR |
        IFA_F_NOPREFIXROUTE,
      validUntil: deadlineOf(option.validLifetime, now),
      preferredUntil: deadlineOf(option.preferredLifetime, now),
    });
  }

  /** Adds an address unless somebody gave the interface the same one by hand. */
  #add(given: Parameters<typeof addAddress6>[1]): Address | undefined {
    if (this.#iface.v6.addresses.some((own) => own.address === given.address)) return undefined;
    return addAddress6(this.#iface, given);
  }

  #makeTemporary(parent: Address, attempt: number): void {
    const { conf, neigh } = this.#iface.v6;
    const { now } = this.#host;
    this.#desync = desyncFactor(conf, this.#desync, this.#random);
    const lifetimes = temporaryLifetimes(conf, now, now, parent, this.#desync, neigh.retrans_time_ms);
    if (lifetimes === undefined) return;
    const bytes = new Uint8Array(8);
    const address = randomAddress(parent.address, () => {
      this.#host.secretRandom(bytes);
      return new DataView(bytes.buffer).getUint32(0);
    });
    const made = this.#add({
      address,
      prefixLength: parent.prefixLength,
      proto: IFAPROT_KERNEL_RA,
      flags: IFA_F_TEMPORARY | IFA_F_NOPREFIXROUTE,
      preferredUntil: lifetimes.preferredUntil,
      validUntil: lifetimes.validUntil,
    });
    if (made === undefined) return;
    const temporary: Temporary = { address: made, parent, attempt, regenerated: false, ...idleTimer() };
    this.#temporaries.set(made, temporary);
    if (lifetimes.regenerateAt < Infinity) this.#timers.arm(temporary, lifetimes.regenerateAt);
  }

  /** A little before the address is deprecated its successor is made (RFC 8981 §3.5). */
  #regenerate(temporary: Temporary): void {
    if (temporary.regenerated) return;
    temporary.regenerated = true;
    this.#makeTemporary(temporary.parent, 0);
  }

  /** The public address lives longer or shorter: so do its temporary ones, within their own limits (RFC 8981 §3.4). */
  #updateTemporaries(parent: Address, now: Nanos): void {
    const { conf, neigh } = this.#iface.v6;
    for (const temporary of [...this.#temporaries.values()]) {
      if (temporary.parent !== parent) continue;
      const { address } = temporary;
      const lifetimes = temporaryLifetimes(
        conf,
        address.created,
        now,
        parent,
        this.#desync ?? 0,
        neigh.retrans_time_ms,
      );
      if (lifetimes === undefined) continue;
      address.validUntil = lifetimes.validUntil;
      address.preferredUntil = lifetimes.preferredUntil;
      if (!temporary.regenerated && lifetimes.regenerateAt < Infinity) {
        this.#timers.arm(temporary, Math.max(now, lifetimes.regenerateAt));
      }
      this.#host.notifier.notify({ type: "address-changed", iface: this.#iface, address }, now);
    }
  }

  #later(prefix: Ipv6Address, wait: Nanos, make: () => void): void {
    this.#retries.arm({ prefix, make, ...idleTimer() }, this.#host.now + wait);
  }
}
