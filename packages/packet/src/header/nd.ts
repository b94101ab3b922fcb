import { readIpv6, writeIpv6, type Ipv6Address } from "../address/ipv6.ts";
import type { HeaderFault } from "./fault.ts";
import {
  NEIGHBOR_ADVERTISEMENT,
  NEIGHBOR_SOLICITATION,
  REDIRECT,
  ROUTER_ADVERTISEMENT,
  ROUTER_SOLICITATION,
} from "./icmpv6.ts";
import { findOptionFault, optionsLength, parseOptions, writeOptions, type NdOption } from "./nd-options.ts";

export * from "./nd-options.ts";

/*
 * Neighbor Discovery messages, RFC 4861 §4. The offset is that of the ICMPv6 type.
 *
 *   solicitation of routers (§4.1)      advertisement of routers (§4.2; Prf: RFC 4191 §2.2)
 *    0       8      16       31          0       8      16              31
 *   +-------+-------+--------+          +-------+-------+---------------+
 *   |  133  | code  |checksum|          |  134  | code  |   checksum    |
 *   +-------+-------+--------+          +-------+-------+---------------+
 *   |       reserved         |          |hop lim|MOHPrf.|router lifetime|
 *   +------------------------+          +-------+-------+---------------+
 *   | options …              |          |        reachable time         |
 *                                       |         retrans timer         |
 *   of neighbors (§4.3, §4.4)           | options …                     |
 *   +-------+-------+--------+
 *   |135/136| code  |checksum|          redirect (§4.5)
 *   +-------+-------+--------+          +-------+-------+---------------+
 *   |RSO      reserved       |          |  137  | code  |   checksum    |
 *   +------------------------+          +-------+-------+---------------+
 *   | target, 16 bytes       |          | reserved; target; destination |
 *   | options …              |          | options …                     |
 */
export const ROUTER_SOLICITATION_LENGTH = 8;
export const ROUTER_ADVERTISEMENT_LENGTH = 16;
export const NEIGHBOR_LENGTH = 24;
export const REDIRECT_LENGTH = 40;
/** Anything else came through a router: not to be believed (§6.1, §7.1, §8.1). */
export const HOP_LIMIT = 255;

/** Bits of {@link routerFlags}. */
export const ROUTER_MANAGED = 0x80;
export const ROUTER_OTHER = 0x40;
/** RFC 6275. */
export const ROUTER_HOME_AGENT = 0x20;
/** Router preference (RFC 4191 §2.1), two bits: 01 high, 00 medium, 11 low. */
export const ROUTER_PREFERENCE_MASK = 0x18;

/** Bits of {@link neighborFlags}. */
export const NEIGHBOR_ROUTER = 0x80;
export const NEIGHBOR_SOLICITED = 0x40;
export const NEIGHBOR_OVERRIDE = 0x20;

/** A message as plain data. Times in the units of the wire: router lifetime in s, the others in ms. */
export type NdMessage =
  | { readonly type: "router-solicitation"; readonly options?: readonly NdOption[] }
  | {
      readonly type: "router-advertisement";
      readonly curHopLimit: number;
      /** {@link ROUTER_MANAGED} … */
      readonly flags: number;
      readonly routerLifetime: number;
      readonly reachableTime: number;
      readonly retransTimer: number;
      readonly options?: readonly NdOption[];
    }
  | { readonly type: "neighbor-solicitation"; readonly target: Ipv6Address; readonly options?: readonly NdOption[] }
  | {
      readonly type: "neighbor-advertisement";
      readonly target: Ipv6Address;
      /** {@link NEIGHBOR_ROUTER} … */
      readonly flags: number;
      readonly options?: readonly NdOption[];
    }
  | {
      readonly type: "redirect";
      readonly target: Ipv6Address;
      readonly destination: Ipv6Address;
      readonly options?: readonly NdOption[];
    };

export function curHopLimit(view: DataView, at: number): number {
  return view.getUint8(at + 4);
}

/** Of a router advertisement: {@link ROUTER_MANAGED} … */
export function routerFlags(view: DataView, at: number): number {
  return view.getUint8(at + 5);
}

/** In seconds; 0: not a default router. */
export function routerLifetime(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** In milliseconds; 0: unspecified. */
export function reachableTime(view: DataView, at: number): number {
  return view.getUint32(at + 8);
}

/** In milliseconds; 0: unspecified. */
export function retransTimer(view: DataView, at: number): number {
  return view.getUint32(at + 12);
}

/** Of a neighbor advertisement: {@link NEIGHBOR_ROUTER} … */
export function neighborFlags(view: DataView, at: number): number {
  return view.getUint8(at + 4);
}

/** Of a neighbor message or a redirect. */
export function target(view: DataView, at: number): Ipv6Address {
  return readIpv6(view, at + 8);
}

/** Of a redirect. */
export function destination(view: DataView, at: number): Ipv6Address {
  return readIpv6(view, at + 24);
}

/** Bytes before the options in a message of ICMPv6 type `type`; 0: not one of Neighbor Discovery. */
export function fixedLength(type: number): number {
  switch (type) {
    case ROUTER_SOLICITATION:
      return ROUTER_SOLICITATION_LENGTH;
    case ROUTER_ADVERTISEMENT:
      return ROUTER_ADVERTISEMENT_LENGTH;
    case NEIGHBOR_SOLICITATION:
    case NEIGHBOR_ADVERTISEMENT:
      return NEIGHBOR_LENGTH;
    case REDIRECT:
      return REDIRECT_LENGTH;
    default:
      return 0;
  }
}

/**
 * What makes the bytes from `at` to `end` no Neighbor Discovery message; `undefined`: nothing. Code, hop limit,
 * addresses and checksum are for the receiver to judge (§6.1.1 to §8.1).
 */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < ROUTER_SOLICITATION_LENGTH) return "truncated";
  const fixed = fixedLength(view.getUint8(at));
  if (fixed === 0) return "bad-value";
  if (end - at < fixed) return "truncated";
  return findOptionFault(view, at + fixed, end) < 0 ? undefined : "bad-option";
}

/** The message, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): NdMessage | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  const type = view.getUint8(at);
  const options = parseOptions(view, at + fixedLength(type), end);
  switch (type) {
    case ROUTER_SOLICITATION:
      return { type: "router-solicitation", options };
    case ROUTER_ADVERTISEMENT:
      return {
        type: "router-advertisement",
        curHopLimit: curHopLimit(view, at),
        flags: routerFlags(view, at),
        routerLifetime: routerLifetime(view, at),
        reachableTime: reachableTime(view, at),
        retransTimer: retransTimer(view, at),
        options,
      };
    case NEIGHBOR_SOLICITATION:
      return { type: "neighbor-solicitation", target: target(view, at), options };
    case NEIGHBOR_ADVERTISEMENT:
      return { type: "neighbor-advertisement", target: target(view, at), flags: neighborFlags(view, at), options };
    default:
      return { type: "redirect", target: target(view, at), destination: destination(view, at), options };
  }
}

/** Writes the message, checksum zero, and returns its length. */
export function write(view: DataView, at: number, message: NdMessage): number {
  view.setUint32(at + 4, 0);
  const fixed = writeFixed(view, at, message);
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, 0);
  return fixed + writeOptions(view, at + fixed, message.options ?? []);
}

/** Bytes that {@link write} will write. */
export function lengthOf(message: NdMessage): number {
  return fixedLength(TYPE_NUMBERS[message.type]) + optionsLength(message.options ?? []);
}

const TYPE_NUMBERS = {
  "router-solicitation": ROUTER_SOLICITATION,
  "router-advertisement": ROUTER_ADVERTISEMENT,
  "neighbor-solicitation": NEIGHBOR_SOLICITATION,
  "neighbor-advertisement": NEIGHBOR_ADVERTISEMENT,
  redirect: REDIRECT,
} as const;

function writeFixed(view: DataView, at: number, message: NdMessage): number {
  view.setUint8(at, TYPE_NUMBERS[message.type]);
  switch (message.type) {
    case "router-solicitation":
      return ROUTER_SOLICITATION_LENGTH;
    case "router-advertisement":
      view.setUint8(at + 4, message.curHopLimit);
      view.setUint8(at + 5, message.flags);
      view.setUint16(at + 6, message.routerLifetime);
      view.setUint32(at + 8, message.reachableTime);
      view.setUint32(at + 12, message.retransTimer);
      return ROUTER_ADVERTISEMENT_LENGTH;
    case "neighbor-solicitation":
      writeIpv6(view, at + 8, message.target);
      return NEIGHBOR_LENGTH;
    case "neighbor-advertisement":
      view.setUint8(at + 4, message.flags);
      writeIpv6(view, at + 8, message.target);
      return NEIGHBOR_LENGTH;
    case "redirect":
      writeIpv6(view, at + 8, message.target);
      writeIpv6(view, at + 24, message.destination);
      return REDIRECT_LENGTH;
  }
}

export function print(view: DataView, at: number): string {
  switch (view.getUint8(at)) {
    case ROUTER_SOLICITATION:
      return "ICMP6, router solicitation";
    case ROUTER_ADVERTISEMENT:
      return "ICMP6, router advertisement";
    case NEIGHBOR_SOLICITATION:
      return `ICMP6, neighbor solicitation, who has ${target(view, at).toString()}`;
    case NEIGHBOR_ADVERTISEMENT:
      return `ICMP6, neighbor advertisement, tgt is ${target(view, at).toString()}`;
    default:
      return `ICMP6, redirect, ${destination(view, at).toString()} to ${target(view, at).toString()}`;
  }
}
