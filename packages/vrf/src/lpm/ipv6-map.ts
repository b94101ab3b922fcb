import { Ipv6Address } from "@seville/packet";
import { FamilyMap, type AddressFamily } from "./family-map.ts";
import { compileIpv6Compact } from "./ipv6-compact.ts";

const IPV6: AddressFamily<Ipv6Address> = {
  bits: 128,
  write(address, words) {
    words[0] = address.w0;
    words[1] = address.w1;
    words[2] = address.w2;
    words[3] = address.w3;
  },
  read: (words) => Ipv6Address.of(words[0] as number, words[1] as number, words[2] as number, words[3] as number),
};

/** An immutable copy of an {@link Ipv6PrefixMap}, made for lookups. */
export interface Ipv6Snapshot<V> {
  /** Bytes of the table, its batch area included. */
  readonly byteLength: number;
  /** Values by their number; 0 is no value. */
  readonly values: readonly (V | undefined)[];
  /** The value of the longest prefix that holds `address`; `undefined`: none does. */
  readonly lookup: (address: Ipv6Address) => V | undefined;
  /** The number of that value in {@link values}; 0: none. */
  readonly lookupNumber: (address: Ipv6Address) => number;
  /**
   * The value's number of each address, at once by WebAssembly: four words of `addresses`, in the order of the wire, for
   * each of `answers`.
   */
  readonly lookupMany: (addresses: Uint32Array, answers: Uint32Array) => void;
}

/** IPv6 prefixes with a value each. Zones of addresses play no part. */
export class Ipv6PrefixMap<V> extends FamilyMap<Ipv6Address, V> {
  constructor() {
    super(IPV6);
  }

  /** Compiles what the map holds now. Later changes do not show in the snapshot. */
  compile(): Ipv6Snapshot<V> {
    const { trie, values } = this.forCompiling();
    const { byteLength, lookup, lookupMany } = compileIpv6Compact(trie);
    return { byteLength, values, lookup: (address) => values[lookup(address)], lookupNumber: lookup, lookupMany };
  }
}
