import { Ipv6Address } from "@seville/packet";
import { FamilyMap, type AddressFamily } from "./family-map.ts";

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

/** IPv6 prefixes with a value each. Zones of addresses play no part. */
export class Ipv6PrefixMap<V> extends FamilyMap<Ipv6Address, V> {
  constructor() {
    super(IPV6);
  }
}
