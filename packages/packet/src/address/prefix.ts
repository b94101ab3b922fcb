import { invalidArgument, SevilleError } from "@seville/core";
import { addressBits, tryParseIp, type IpAddress } from "./ip.ts";
import { formatIpv4, type Ipv4Address } from "./ipv4.ts";
import { Ipv6Address } from "./ipv6.ts";

/** `network/length`, its host bits zero. */
export class Ipv4Prefix {
  readonly network: Ipv4Address;
  /** 0 to 32. */
  readonly length: number;
  /** The netmask. */
  readonly mask: Ipv4Address;

  private constructor(network: Ipv4Address, length: number, mask: number) {
    this.network = network;
    this.length = length;
    this.mask = mask;
  }

  /** The prefix of `length` bits in which `address` lies. */
  static of(address: Ipv4Address, length: number): Ipv4Prefix {
    checkLength(length, 32);
    const mask = prefixMask(length);
    return new Ipv4Prefix((address & mask) >>> 0, length, mask);
  }

  contains(address: IpAddress): boolean {
    return typeof address === "number" && (address & this.mask) >>> 0 === this.network;
  }

  equals(other: IpPrefix): boolean {
    return other instanceof Ipv4Prefix && other.network === this.network && other.length === this.length;
  }

  /** The directed broadcast address (RFC 922 §7); a /31 and a /32 have none (RFC 3021): then the last address. */
  get broadcast(): Ipv4Address {
    return (this.network | ~this.mask) >>> 0;
  }

  toString(): string {
    return `${formatIpv4(this.network)}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** `network/length`, its host bits zero. */
export class Ipv6Prefix {
  readonly network: Ipv6Address;
  /** 0 to 128. */
  readonly length: number;
  readonly #masks: readonly [number, number, number, number];

  private constructor(network: Ipv6Address, length: number, masks: readonly [number, number, number, number]) {
    this.network = network;
    this.length = length;
    this.#masks = masks;
  }

  /** The prefix of `length` bits in which `address` lies. It has no zone. */
  static of(address: Ipv6Address, length: number): Ipv6Prefix {
    checkLength(length, 128);
    const masks = [
      prefixMask(length),
      prefixMask(length - 32),
      prefixMask(length - 64),
      prefixMask(length - 96),
    ] as const;
    const network = Ipv6Address.of(
      address.w0 & masks[0],
      address.w1 & masks[1],
      address.w2 & masks[2],
      address.w3 & masks[3],
    );
    return new Ipv6Prefix(network, length, masks);
  }

  /** Whether `address`, in whatever zone, lies in it. */
  contains(address: IpAddress): boolean {
    if (typeof address === "number") return false;
    const { network } = this;
    const masks = this.#masks;
    return (
      ((address.w0 ^ network.w0) & masks[0]) === 0 &&
      ((address.w1 ^ network.w1) & masks[1]) === 0 &&
      ((address.w2 ^ network.w2) & masks[2]) === 0 &&
      ((address.w3 ^ network.w3) & masks[3]) === 0
    );
  }

  equals(other: IpPrefix): boolean {
    return other instanceof Ipv6Prefix && other.network === this.network && other.length === this.length;
  }

  toString(): string {
    return `${this.network.toString()}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

export type IpPrefix = Ipv4Prefix | Ipv6Prefix;

/** An address and how long its network's prefix is: what an interface is given (`10.0.0.1/24`). */
export interface InterfaceAddress {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/** The prefix of `length` bits in which `address` lies. */
export function prefixOf(address: IpAddress, length: number): IpPrefix {
  return typeof address === "number" ? Ipv4Prefix.of(address, length) : Ipv6Prefix.of(address, length);
}

/**
 * The prefix that `text` writes, such as `10.0.0.0/8` or `2001:db8::/32` (RFC 4632 §3.1, RFC 4291 §2.3). Without a
 * length it is that of the whole address. Host bits must be zero, as the kernel demands of a route.
 * @throws SevilleError `ERR_INVALID_PREFIX`
 */
export function parsePrefix(text: string): IpPrefix {
  const { address, prefixLength } = parseInterfaceAddress(text);
  const prefix = prefixOf(address, prefixLength);
  if (prefix.network === address) return prefix;
  throw invalidPrefix(text, `has bits set behind its length; its prefix is ${prefix.toString()}`);
}

/** As {@link parsePrefix}; another kind of address is an error. */
export function parseIpv4Prefix(text: string): Ipv4Prefix {
  const prefix = parsePrefix(text);
  if (prefix instanceof Ipv4Prefix) return prefix;
  throw invalidPrefix(text, "is not an IPv4 prefix");
}

/** As {@link parsePrefix}; another kind of address is an error. */
export function parseIpv6Prefix(text: string): Ipv6Prefix {
  const prefix = parsePrefix(text);
  if (prefix instanceof Ipv6Prefix) return prefix;
  throw invalidPrefix(text, "is not an IPv6 prefix");
}

/**
 * The address with prefix length that `text` writes, such as `10.0.0.1/24`. Without a length it is that of the whole
 * address.
 * @throws SevilleError `ERR_INVALID_PREFIX`
 */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const slash = text.indexOf("/");
  const address = tryParseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) throw invalidPrefix(text, "does not begin with an IP address");
  const bits = addressBits(address);
  if (slash < 0) return { address, prefixLength: bits };
  const digits = text.slice(slash + 1);
  const prefixLength = /^(?:0|[1-9][0-9]{0,2})$/.test(digits) ? Number(digits) : Infinity;
  if (prefixLength > bits) throw invalidPrefix(text, `has no length of 0 to ${bits} behind its /`);
  return { address, prefixLength };
}

/** `length` one bits and then zeros, for lengths below 0 and over 32 too. */
function prefixMask(length: number): number {
  if (length <= 0) return 0;
  return length >= 32 ? 0xffff_ffff : (-1 << (32 - length)) >>> 0;
}

function checkLength(length: number, bits: number): void {
  if (Number.isInteger(length) && length >= 0 && length <= bits) return;
  throw invalidArgument("length", `a whole number of 0 to ${bits}`, length);
}

function invalidPrefix(text: string, why: string): SevilleError {
  return new SevilleError("ERR_INVALID_PREFIX", `${JSON.stringify(text)} ${why}`, "text");
}
