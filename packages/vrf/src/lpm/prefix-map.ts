import { invalidArgument } from "@seville/core";
import {
  Ipv6Address,
  parseInterfaceAddress,
  parseIp,
  prefixOf,
  readIpv6,
  type IpAddress,
  type IpPrefix,
} from "@seville/packet";
import { Ipv4PrefixMap, type Ipv4Snapshot, type Ipv4SnapshotMode } from "./ipv4-map.ts";
import { Ipv6PrefixMap, type Ipv6Snapshot } from "./ipv6-map.ts";

/** An address in any form: text, an IPv4 address as a number, an `Ipv6Address`, or 4 or 16 bytes in the order of the wire. */
export type AddressLike = string | IpAddress | Uint8Array;
/** A prefix as text (`10.0.0.0/8`, `2001:db8::/32`, a lone address) or as an `Ipv4Prefix` or `Ipv6Prefix`. */
export type PrefixLike = string | IpPrefix;

/** A prefix and what it leads to. */
export interface PrefixMapEntry<V> {
  readonly prefix: IpPrefix;
  readonly value: V;
}

/** An immutable copy of a {@link PrefixMap}, made for lookups. */
export interface PrefixSnapshot<V> {
  readonly ipv4: Ipv4Snapshot<V>;
  readonly ipv6: Ipv6Snapshot<V>;
  /** The value of the longest prefix that holds `address`; `undefined`: none does. */
  readonly lookup: (address: AddressLike) => V | undefined;
}

/**
 * IP prefix → value, both families, by longest-prefix match.
 *
 * Text is convenient and costs more than the lookup itself; numbers, `Ipv6Address` and the maps of one family ({@link ipv4}, {@link ipv6}) are
 * for those who look up millions.
 *
 * @example
 * const map = new PrefixMap([["10.0.0.0/8", "office"], ["10.1.0.0/16", "lab"], ["2001:db8::/32", "docs"]]);
 * map.lookup("10.1.2.3"); // "lab"
 */
export class PrefixMap<V> implements Iterable<PrefixMapEntry<V>> {
  readonly ipv4: Ipv4PrefixMap<V> = new Ipv4PrefixMap<V>();
  readonly ipv6: Ipv6PrefixMap<V> = new Ipv6PrefixMap<V>();

  constructor(entries: Iterable<readonly [PrefixLike, V]> = []) {
    for (const [prefix, value] of entries) this.set(prefix, value);
  }

  get size(): number {
    return this.ipv4.size + this.ipv6.size;
  }

  /**
   * Sets the value of a prefix. Text may have bits set behind its length: they are ignored.
   * @throws SevilleError `ERR_INVALID_PREFIX`
   */
  set(prefix: PrefixLike, value: V): this {
    const { network, length } = toPrefix(prefix);
    if (typeof network === "number") this.ipv4.set(network, length, value);
    else this.ipv6.set(network, length, value);
    return this;
  }

  /** Removes exactly this prefix. Whether it was there. */
  delete(prefix: PrefixLike): boolean {
    const { network, length } = toPrefix(prefix);
    return typeof network === "number" ? this.ipv4.delete(network, length) : this.ipv6.delete(network, length);
  }

  /** The value of exactly this prefix. */
  get(prefix: PrefixLike): V | undefined {
    const { network, length } = toPrefix(prefix);
    return typeof network === "number" ? this.ipv4.get(network, length) : this.ipv6.get(network, length);
  }

  /** Whether exactly this prefix is there. */
  has(prefix: PrefixLike): boolean {
    const { network, length } = toPrefix(prefix);
    return typeof network === "number" ? this.ipv4.has(network, length) : this.ipv6.has(network, length);
  }

  clear(): void {
    this.ipv4.clear();
    this.ipv6.clear();
  }

  /**
   * The value of the longest prefix that holds `address`; `undefined`: none does.
   * @throws SevilleError `ERR_INVALID_ADDRESS`
   */
  lookup(address: AddressLike): V | undefined {
    const ip = toAddress(address);
    return typeof ip === "number" ? this.ipv4.lookup(ip) : this.ipv6.lookup(ip);
  }

  /** As {@link lookup}, with the prefix. */
  match(address: AddressLike): PrefixMapEntry<V> | undefined {
    const ip = toAddress(address);
    const found = typeof ip === "number" ? this.ipv4.match(ip) : this.ipv6.match(ip);
    return found && { prefix: prefixOf(found.network, found.length), value: found.value };
  }

  /** Every prefix that holds the one given, itself included, the longest first. */
  *covering(prefix: PrefixLike): Generator<PrefixMapEntry<V>> {
    const { network, length } = toPrefix(prefix);
    const found =
      typeof network === "number" ? this.ipv4.covering(network, length) : this.ipv6.covering(network, length);
    for (const one of found) yield { prefix: prefixOf(one.network, one.length), value: one.value };
  }

  /** Every prefix inside the one given, itself included: by address, of one address the shorter first. */
  *within(prefix: PrefixLike): Generator<PrefixMapEntry<V>> {
    const { network, length } = toPrefix(prefix);
    const found = typeof network === "number" ? this.ipv4.within(network, length) : this.ipv6.within(network, length);
    for (const one of found) yield { prefix: prefixOf(one.network, one.length), value: one.value };
  }

  /**
   * Compiles what the map holds now, for many lookups. Later changes do not show in the snapshot.
   * @throws SevilleError `ERR_UNSUPPORTED`: too many different values, or long prefixes, for `dir-24-8`
   */
  compile(mode: Ipv4SnapshotMode = "compact"): PrefixSnapshot<V> {
    const ipv4 = this.ipv4.compile(mode);
    const ipv6 = this.ipv6.compile();
    return {
      ipv4,
      ipv6,
      lookup: (address) => {
        const ip = toAddress(address);
        return typeof ip === "number" ? ipv4.lookup(ip) : ipv6.lookup(ip);
      },
    };
  }

  /** IPv4 before IPv6, each in the order of {@link within}. */
  *[Symbol.iterator](): Iterator<PrefixMapEntry<V>> {
    for (const one of [...this.ipv4.entries(), ...this.ipv6.entries()]) {
      yield { prefix: prefixOf(one.network, one.length), value: one.value };
    }
  }
}

function toPrefix(prefix: PrefixLike): { readonly network: IpAddress; readonly length: number } {
  if (typeof prefix !== "string") return prefix;
  const { address, prefixLength } = parseInterfaceAddress(prefix);
  return { network: address, length: prefixLength };
}

function toAddress(address: AddressLike): IpAddress {
  if (typeof address === "string") return parseIp(address);
  if (typeof address === "number") {
    if (address === address >>> 0) return address;
    throw invalidArgument("address", "an unsigned 32-bit number", address);
  }
  if (address instanceof Ipv6Address) return address;
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  if (view.byteLength === 4) return view.getUint32(0);
  if (view.byteLength === 16) return readIpv6(view, 0);
  throw invalidArgument("address", "4 or 16 bytes", view.byteLength);
}
