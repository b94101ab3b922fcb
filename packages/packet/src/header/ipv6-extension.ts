import type { HeaderFault } from "./fault.ts";
import { IPPROTO_AH, IPPROTO_DSTOPTS, IPPROTO_FRAGMENT, IPPROTO_HOPOPTS, IPPROTO_ROUTING } from "./numbers.ts";

/*
 * IPv6 extension headers, RFC 8200 §4 (uniform format of new ones: RFC 6564):
 *
 *    0       8              16                31      fragment header, RFC 8200 §4.5:
 *   +-------+---------------+------------------+      0       8       16           29  31
 *   | next  | length in 8 B |   data …         |     +-------+-------+-------------+---+-+
 *   |header | beyond the 1st|                  |     | next  |   0   |offset in 8 B|res|M|
 *   +-------+---------------+------------------+     +-------+-------+-------------+---+-+
 *                                                    |          identification           |
 * AH (RFC 4302 §2.2) counts its length in 4 B, less 2.
 */
export const FRAGMENT_HEADER_LENGTH = 8;
/** Headers that {@link walkExtensions} walks over before it gives up. */
export const MAX_EXTENSION_HEADERS = 16;

/** What {@link walkExtensions} found. Offsets are those of the view; -1: there is none. Reusable. */
export interface Ipv6Chain {
  /** Next-header value of what is at {@link at}: the upper layer, ESP, no-next-header or a number unknown here. */
  protocol: number;
  /** Where that begins. */
  at: number;
  /** Offset of the byte that names {@link protocol}. */
  protocolAt: number;
  /** How many extension headers were walked over. */
  count: number;
  hopByHopAt: number;
  /** The first routing header. */
  routingAt: number;
  fragmentAt: number;
  /** The last destination options header. */
  destinationAt: number;
  authenticationAt: number;
  /** What follows is the later part of a fragmented packet: not the header that {@link protocol} names. */
  isLaterFragment: boolean;
  /** Why the walk stopped early; `at` and `protocol` are then those of the header at fault. */
  fault: HeaderFault | undefined;
}

export function newChain(): Ipv6Chain {
  return {
    protocol: 0,
    at: 0,
    protocolAt: 0,
    count: 0,
    hopByHopAt: -1,
    routingAt: -1,
    fragmentAt: -1,
    destinationAt: -1,
    authenticationAt: -1,
    isLaterFragment: false,
    fault: undefined,
  };
}

/**
 * Whether `protocol` is an extension header to walk over, as in Linux `ipv6_ext_hdr`. ESP is not (what follows it is
 * secret), nor are Mobility, HIP and Shim6, which nothing follows in practice.
 */
export function isExtension(protocol: number): boolean {
  switch (protocol) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_FRAGMENT:
    case IPPROTO_DSTOPTS:
    case IPPROTO_AH:
      return true;
    default:
      return false;
  }
}

/** Bytes of the extension header `protocol` at `at`, of which at least 2 must be there. */
export function extensionLength(view: DataView, at: number, protocol: number): number {
  if (protocol === IPPROTO_FRAGMENT) return FRAGMENT_HEADER_LENGTH;
  const units = view.getUint8(at + 1);
  return protocol === IPPROTO_AH ? (units + 2) * 4 : (units + 1) * 8;
}

/**
 * Walks the extension headers of the IPv6 packet whose (checked) header is at `at` to the upper layer. Nothing at or
 * behind `end`, the end of the packet by its payload length, is read. Stops at the first header behind the fragment
 * header of a later fragment. A hop-by-hop header anywhere but first is `bad-order` (RFC 8200 §4.1).
 *
 * @param chain is filled and returned, so that a hot path can keep one.
 */
export function walkExtensions(view: DataView, at: number, end: number, chain: Ipv6Chain = newChain()): Ipv6Chain {
  start(view, at, chain);
  while (!chain.isLaterFragment && isExtension(chain.protocol)) {
    chain.fault = stepOver(view, end, chain);
    if (chain.fault !== undefined) return chain;
  }
  return chain;
}

function start(view: DataView, at: number, chain: Ipv6Chain): void {
  chain.protocol = view.getUint8(at + 6);
  chain.protocolAt = at + 6;
  chain.at = at + 40;
  chain.count = 0;
  chain.hopByHopAt = -1;
  chain.routingAt = -1;
  chain.fragmentAt = -1;
  chain.destinationAt = -1;
  chain.authenticationAt = -1;
  chain.isLaterFragment = false;
  chain.fault = undefined;
}

function stepOver(view: DataView, end: number, chain: Ipv6Chain): HeaderFault | undefined {
  const { at, protocol } = chain;
  if (chain.count === MAX_EXTENSION_HEADERS) return "too-many";
  if (end - at < 8) return "truncated";
  const length = extensionLength(view, at, protocol);
  if (length > end - at) return "truncated";
  switch (protocol) {
    case IPPROTO_HOPOPTS:
      if (chain.count > 0) return "bad-order";
      chain.hopByHopAt = at;
      break;
    case IPPROTO_ROUTING:
      if (chain.routingAt < 0) chain.routingAt = at;
      break;
    case IPPROTO_FRAGMENT:
      // One packet is one fragment of one packet (RFC 8200 §4.5).
      if (chain.fragmentAt >= 0) return "bad-order";
      chain.fragmentAt = at;
      chain.isLaterFragment = fragmentOffset(view, at) > 0;
      break;
    case IPPROTO_DSTOPTS:
      chain.destinationAt = at;
      break;
    case IPPROTO_AH:
      // The fixed part alone is 12 bytes (RFC 4302 §2).
      if (length < 12) return "bad-length";
      chain.authenticationAt = at;
      break;
  }
  chain.protocol = view.getUint8(at);
  chain.protocolAt = at;
  chain.at = at + length;
  chain.count++;
  return undefined;
}

export interface Ipv6FragmentHeader {
  readonly nextHeader: number;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  readonly identification: number;
}

/** Of the fragment header at `at`, in bytes. */
export function fragmentOffset(view: DataView, at: number): number {
  return view.getUint16(at + 2) & 0xfff8;
}

/** Of the fragment header at `at`. */
export function moreFragments(view: DataView, at: number): boolean {
  return (view.getUint8(at + 3) & 1) !== 0;
}

/** Of the fragment header at `at`. */
export function fragmentIdentification(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** Writes a fragment header and returns its length. */
export function writeFragment(view: DataView, at: number, fields: Ipv6FragmentHeader): number {
  view.setUint8(at, fields.nextHeader);
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, (fields.fragmentOffset & 0xfff8) | (fields.moreFragments ? 1 : 0));
  view.setUint32(at + 4, fields.identification);
  return FRAGMENT_HEADER_LENGTH;
}

/** Of the routing header at `at`: 0 source route (deprecated, RFC 5095), 2 mobility, 3 RPL, 4 SRv6. */
export function routingType(view: DataView, at: number): number {
  return view.getUint8(at + 2);
}

/** Of the routing header at `at`. */
export function segmentsLeft(view: DataView, at: number): number {
  return view.getUint8(at + 3);
}
