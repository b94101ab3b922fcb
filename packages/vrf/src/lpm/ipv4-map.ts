import type { Ipv4Address } from "@seville/packet";
import { FamilyMap, type AddressFamily } from "./family-map.ts";
import { compileIpv4Compact } from "./ipv4-compact.ts";
import { compileDir24 } from "./ipv4-dir-24-8.ts";

const IPV4: AddressFamily<Ipv4Address> = {
  bits: 32,
  write(address, words) {
    words[0] = address;
  },
  read: (words) => words[0] as number,
};

/** `compact`: about 7 MB for a full Internet table; `dir-24-8`: 32 MiB always, and lookups two to three times as fast. */
export type Ipv4SnapshotMode = "compact" | "dir-24-8";

/** An immutable copy of an {@link Ipv4PrefixMap}, made for lookups. */
export interface Ipv4Snapshot<V> {
  readonly mode: Ipv4SnapshotMode;
  /** Bytes of the table, its batch area included. */
  readonly byteLength: number;
  /** Values by their number; 0 is no value. */
  readonly values: readonly (V | undefined)[];
  /** The value of the longest prefix that holds `address`; `undefined`: none does. */
  readonly lookup: (address: Ipv4Address) => V | undefined;
  /** The number of that value in {@link values}; 0: none. */
  readonly lookupNumber: (address: Ipv4Address) => number;
  /**
   * The value's number of each address, at once by WebAssembly: `answers[i]` for `addresses[i]`, as many as the shorter
   * of the two holds.
   */
  readonly lookupMany: (addresses: Uint32Array, answers: Uint32Array) => void;
}

/** IPv4 prefixes with a value each; addresses are unsigned 32-bit numbers (`parseIpv4` of `@seville/packet`). */
export class Ipv4PrefixMap<V> extends FamilyMap<Ipv4Address, V> {
  constructor() {
    super(IPV4);
  }

  /**
   * Compiles what the map holds now. Later changes do not show in the snapshot.
   * @throws SevilleError `ERR_UNSUPPORTED`: too many different values, or long prefixes, for `dir-24-8`
   */
  compile(mode: Ipv4SnapshotMode = "compact"): Ipv4Snapshot<V> {
    const { trie, values } = this.forCompiling();
    const table = mode === "compact" ? compileIpv4Compact(trie) : compileDir24(trie, values.length - 1);
    return {
      mode,
      byteLength: table.byteLength,
      values,
      lookup: (address) => values[table.lookup(address)],
      lookupNumber: table.lookup,
      lookupMany: table.lookupMany,
    };
  }
}
