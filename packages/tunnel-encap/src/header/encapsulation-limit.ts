import { IPPROTO_DSTOPTS, ipv6 } from "@seville/packet";

/*
 * Tunnel encapsulation limit, RFC 2473 §4.1.1, in a destination options header of its own, padded as Linux does it:
 *
 *    0               8              16              24             31
 *   +---------------+---------------+---------------+---------------+
 *   |  next header  |   hdr len 0   |   option 4    |   length 1    |
 *   +---------------+---------------+---------------+---------------+
 *   |     limit     |    PadN 1     |   length 1    |       0       |
 *   +---------------+---------------+---------------+---------------+
 */
export const HEADER_LENGTH = 8;
/** RFC 2473 §6.6 (`IPV6_DEFAULT_TNL_ENCAP_LIMIT`). */
export const DEFAULT_LIMIT = 4;

/** Writes the header, to go in front of `nextHeader`, and returns its length. */
export function write(view: DataView, at: number, nextHeader: number, limit: number): number {
  view.setUint8(at, nextHeader);
  view.setUint8(at + 1, 0);
  view.setUint8(at + 2, ipv6.OPTION_TUNNEL_ENCAPSULATION_LIMIT);
  view.setUint8(at + 3, 1);
  view.setUint8(at + 4, limit);
  view.setUint8(at + 5, ipv6.OPTION_PADN);
  view.setUint8(at + 6, 1);
  view.setUint8(at + 7, 0);
  return HEADER_LENGTH;
}

/**
 * Where the limit's option begins in the IPv6 packet from `at` to `end`, or -1 (Linux `ip6_tnl_parse_tlv_enc_lim`): a
 * packet that carries one may be wrapped that many more times.
 */
export function find(view: DataView, at: number, end: number): number {
  let next = at + ipv6.HEADER_LENGTH;
  let protocol = ipv6.nextHeader(view, at);
  for (let i = 0; i < ipv6.MAX_EXTENSION_HEADERS && ipv6.isExtension(protocol); i++) {
    if (end - next < 8) return -1;
    const length = ipv6.extensionLength(view, next, protocol);
    if (length > end - next) return -1;
    if (protocol === IPPROTO_DSTOPTS) {
      const option = ipv6.findExtensionOption(view, next, ipv6.OPTION_TUNNEL_ENCAPSULATION_LIMIT);
      if (option >= 0 && view.getUint8(option + 1) === 1) return option;
    }
    protocol = view.getUint8(next);
    next += length;
  }
  return -1;
}

/** The limit in the option at `option`. */
export function limit(view: DataView, option: number): number {
  return view.getUint8(option + 2);
}

export function print(view: DataView, at: number): string {
  return `tunnel encapsulation limit ${view.getUint8(at + 4)}`;
}
