import { invalidArgument } from "@seville/core";
import { Ipv6Address, Ipv6Prefix, parseIpv6Prefix, type IpAddress } from "@seville/packet";

/** One row: addresses of `prefix` have this precedence as destinations and this label as either. */
export interface PolicyRow {
  readonly prefix: Ipv6Prefix;
  readonly precedence: number;
  readonly label: number;
}

/** The default policy table of RFC 6724 §2.1. */
const DEFAULTS: readonly (readonly [string, number, number])[] = [
  ["::1/128", 50, 0],
  ["::/0", 40, 1],
  ["::ffff:0:0/96", 35, 4],
  ["2002::/16", 30, 2],
  ["2001::/32", 5, 5],
  ["fc00::/7", 3, 13],
  ["::/96", 1, 3],
  ["fec0::/10", 1, 11],
  ["3ffe::/16", 1, 12],
];

/** Precedence and label of addresses, by longest matching prefix (RFC 6724 §2.1; `ip addrlabel` sets the labels). */
export class PolicyTable {
  #rows: readonly PolicyRow[];

  constructor(rows: readonly PolicyRow[] = defaultPolicy()) {
    this.#rows = inOrder(rows);
  }

  /** Longest prefix first. */
  get rows(): readonly PolicyRow[] {
    return this.#rows;
  }

  /** Adds a row, in place of one with the same prefix. */
  set(row: PolicyRow): void {
    this.#rows = inOrder([...this.#rows.filter((other) => !other.prefix.equals(row.prefix)), row]);
  }

  /** Takes the row of `prefix` out. Returns whether there was one. */
  remove(prefix: Ipv6Prefix): boolean {
    const before = this.#rows.length;
    this.#rows = this.#rows.filter((row) => !row.prefix.equals(prefix));
    return this.#rows.length < before;
  }

  label(address: IpAddress): number {
    return this.#row(address).label;
  }

  precedence(address: IpAddress): number {
    return this.#row(address).precedence;
  }

  #row(address: IpAddress): PolicyRow {
    const mapped = asIpv6(address);
    return this.#rows.find((row) => row.prefix.contains(mapped)) ?? NOTHING_MATCHES;
  }
}

/** The rows of RFC 6724 §2.1. */
export function defaultPolicy(): PolicyRow[] {
  return DEFAULTS.map(([prefix, precedence, label]) => ({ prefix: parseIpv6Prefix(prefix), precedence, label }));
}

/** An IPv4 address stands in the table as its mapped form (RFC 6724 §2.1). */
export function asIpv6(address: IpAddress): Ipv6Address {
  return typeof address === "number" ? Ipv6Address.of(0, 0, 0xffff, address) : address;
}

const NOTHING_MATCHES: PolicyRow = { prefix: Ipv6Prefix.of(Ipv6Address.of(0, 0, 0, 0), 0), precedence: 1, label: -1 };

function inOrder(rows: readonly PolicyRow[]): PolicyRow[] {
  for (const { precedence, label } of rows) {
    if (!Number.isSafeInteger(precedence)) throw invalidArgument("precedence", "a whole number", precedence);
    if (!Number.isSafeInteger(label)) throw invalidArgument("label", "a whole number", label);
  }
  return [...rows].sort((a, b) => b.prefix.length - a.prefix.length);
}
