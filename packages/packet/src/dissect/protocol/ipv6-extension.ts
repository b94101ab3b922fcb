import { IPPROTO_DSTOPTS, IPPROTO_FRAGMENT, IPPROTO_HOPOPTS } from "../../header/numbers.ts";
import {
  OPTION_HOME_ADDRESS,
  OPTION_JUMBO,
  OPTION_PAD1,
  OPTION_PADN,
  OPTION_ROUTER_ALERT,
  OPTION_TUNNEL_ENCAPSULATION_LIMIT,
  optionLengthAt,
} from "../../header/ipv6-options.ts";
import type { Dissection } from "../dissection.ts";
import { IP_PROTOCOL_NAMES, IPV6_OPTION_NAMES } from "../names.ts";

/** One extension header of `length` bytes that are there (RFC 8200 §4). */
export function dissectExtension(d: Dissection, protocol: number, at: number, length: number, end: number): void {
  if (protocol === IPPROTO_FRAGMENT) dissectFragment(d, at);
  else if (protocol === IPPROTO_HOPOPTS) dissectOptions(d, "IPv6 Hop-by-Hop Option", "ipv6.hopopts", at, length);
  else if (protocol === IPPROTO_DSTOPTS) dissectOptions(d, "Destination Options for IPv6", "ipv6.dstopts", at, length);
  else dissectRouting(d, at, length, end);
}

function dissectFragment(d: Dissection, at: number): void {
  d.group("Fragment Header for IPv6", "ipv6.fraghdr", at, 8, () => {
    d.uint("Next header", "ipv6.fraghdr.nxt", at, 1, { names: IP_PROTOCOL_NAMES });
    d.uint("Reserved octet", "ipv6.fraghdr.reserved_octet", at + 1, 1, { hex: true });
    d.bits("Offset", "ipv6.fraghdr.offset", at + 2, 2, 0xfff8);
    d.bits("Reserved bits", "ipv6.fraghdr.reserved_bits", at + 2, 2, 0x0006);
    d.flag("More Fragments", "ipv6.fraghdr.more", at + 2, 2, 0x0001);
    d.uint("Identification", "ipv6.fraghdr.ident", at + 4, 4, { hex: true });
  });
}

function dissectOptions(d: Dissection, name: string, abbreviation: string, at: number, length: number): void {
  d.group(name, abbreviation, at, length, () => {
    dissectStart(d, abbreviation, at, length);
    const end = at + length;
    let next = at + 2;
    while (next < end && !d.full) {
      const bytes = optionLengthAt(d.view, next, end);
      if (bytes === 0) {
        d.malformed(next, "bad-option");
        return;
      }
      dissectOption(d, next, bytes);
      next += bytes;
    }
  });
}

/** Next header and length, as all but the fragment header begin. */
function dissectStart(d: Dissection, abbreviation: string, at: number, length: number): void {
  d.uint("Next Header", `${abbreviation}.nxt`, at, 1, { names: IP_PROTOCOL_NAMES });
  d.uint("Length", `${abbreviation}.len`, at + 1, 1);
  d.value("Length", `${abbreviation}.len_oct`, at + 1, 1, length, `${length} bytes`);
}

function dissectOption(d: Dissection, at: number, length: number): void {
  const type = d.view.getUint8(at);
  d.group(IPV6_OPTION_NAMES[type] ?? "IPv6 Option", "ipv6.opt", at, length, () => {
    d.uint("Type", "ipv6.opt.type", at, 1, { hex: true, names: IPV6_OPTION_NAMES });
    if (type === OPTION_PAD1) return;
    d.below(() => {
      d.bits("Action", "ipv6.opt.type.action", at, 1, 0xc0);
      d.flag("May Change", "ipv6.opt.type.change", at, 1, 0x20);
      d.bits("Low-Order Bits", "ipv6.opt.type.rest", at, 1, 0x1f, { hex: true });
    });
    d.uint("Length", "ipv6.opt.length", at + 1, 1);
    if (type === OPTION_PADN) d.raw("PadN", "ipv6.opt.padn", at + 2, length - 2);
    else if (type === OPTION_ROUTER_ALERT && length === 4) d.uint("Router Alert", "ipv6.opt.router_alert", at + 2, 2);
    else if (type === OPTION_JUMBO && length === 6) d.uint("Payload Length", "ipv6.opt.jumbo", at + 2, 4);
    else if (type === OPTION_TUNNEL_ENCAPSULATION_LIMIT && length === 3) {
      d.uint("Tunnel Encapsulation Limit", "ipv6.opt.tel", at + 2, 1);
    } else if (type === OPTION_HOME_ADDRESS && length === 18) {
      d.ipv6("MIPv6 Home Address", "ipv6.opt.mipv6.home_address", at + 2);
    } else if ((type & 0x1f) === 0x1e) d.raw("Experimental Option", "ipv6.opt.experimental", at + 2, length - 2);
    else d.raw("Unknown Option Payload", "ipv6.opt.unknown", at + 2, length - 2);
  });
}

/** Type 2 (RFC 6275 §6.4) has one address; of other types the addresses are left as they are. */
function dissectRouting(d: Dissection, at: number, length: number, end: number): void {
  d.group("Routing Header for IPv6", "ipv6.routing", at, length, () => {
    dissectStart(d, "ipv6.routing", at, length);
    const type = d.uint("Type", "ipv6.routing.type", at + 2, 1);
    d.uint("Segments Left", "ipv6.routing.segleft", at + 3, 1);
    if (type === 2 && length === 24 && at + length <= end) {
      d.raw("Reserved", "ipv6.routing.mipv6.reserved", at + 4, 4);
      d.ipv6("Address[1]", "ipv6.routing.mipv6.home_address", at + 8);
    } else if (length > 4) d.raw("Type-Specific Data", "ipv6.routing.unknown.data", at + 4, length - 4);
  });
}

/**
 * Where the final destination stands that the pseudo-header counts (RFC 8200 §8.1), for the routing header at `at`:
 * the last address of types 0 and 2, the first segment of SRv6 (RFC 8754 §2), `otherwise` if none is left.
 */
export function finalDestinationAt(view: DataView, at: number, otherwise: number): number {
  const type = view.getUint8(at + 2);
  const length = (view.getUint8(at + 1) + 1) * 8;
  if (view.getUint8(at + 3) === 0 || length < 24) return otherwise;
  if (type === 0 || type === 2) return at + length - 16;
  return type === 4 ? at + 8 : otherwise;
}

/** Authentication header (RFC 4302 §2). */
export function dissectAuthentication(d: Dissection, at: number, length: number): void {
  d.group("Authentication Header", "ah", at, length, () => {
    d.uint("Next header", "ah.next_header", at, 1, { names: IP_PROTOCOL_NAMES });
    d.uint("Length", "ah.length", at + 1, 1);
    d.raw("Reserved", "ah.reserved", at + 2, 2);
    d.uint("AH SPI", "ah.spi", at + 4, 4, { hex: true });
    d.uint("AH Sequence", "ah.sequence", at + 8, 4);
    d.raw("AH ICV", "ah.icv", at + 12, length - 12);
  });
}
