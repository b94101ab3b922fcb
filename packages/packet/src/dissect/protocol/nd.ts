import { readIpv6 } from "../../address/ipv6.ts";
import { NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION, REDIRECT, ROUTER_ADVERTISEMENT } from "../../header/icmpv6.ts";
import * as nd from "../../header/nd.ts";
import { ETH_P_IPV6 } from "../../header/numbers.ts";
import type { Dissection } from "../dissection.ts";
import { ND_OPTION_NAMES, PREFERENCE_NAMES } from "../names.ts";
import { dissectPacketAtFault } from "./icmp.ts";

/** What follows the checksum of a Neighbor Discovery message (RFC 4861 §4). */
export function dissectNd(d: Dissection, type: number, at: number, end: number): void {
  const fixed = nd.fixedLength(type);
  if (end - at < fixed) {
    d.malformed(at, "truncated");
    return;
  }
  if (type === ROUTER_ADVERTISEMENT) dissectRouterAdvertisement(d, at);
  else if (type === NEIGHBOR_ADVERTISEMENT) dissectNeighborAdvertisement(d, at);
  else d.raw("Reserved", "icmpv6.reserved", at + 4, 4);
  if (type === NEIGHBOR_SOLICITATION) d.ipv6("Target Address", "icmpv6.nd.ns.target_address", at + 8);
  if (type === REDIRECT) {
    d.ipv6("Target Address", "icmpv6.nd.rd.target_address", at + 8);
    d.ipv6("Destination Address", "icmpv6.rd.na.destination_address", at + 24);
  }
  let next = at + fixed;
  while (next < end && !d.full) {
    const length = nd.optionLengthAt(d.view, next, end);
    if (length === 0) {
      d.malformed(next, "bad-option");
      return;
    }
    dissectOption(d, next, length);
    next += length;
  }
}

function dissectRouterAdvertisement(d: Dissection, at: number): void {
  d.uint("Cur hop limit", "icmpv6.nd.ra.cur_hop_limit", at + 4, 1);
  d.uint("Flags", "icmpv6.nd.ra.flag", at + 5, 1, { hex: true });
  d.below(() => {
    d.flag("Managed address configuration", "icmpv6.nd.ra.flag.m", at + 5, 1, 0x80);
    d.flag("Other configuration", "icmpv6.nd.ra.flag.o", at + 5, 1, 0x40);
    d.flag("Home Agent", "icmpv6.nd.ra.flag.h", at + 5, 1, 0x20);
    const names = PREFERENCE_NAMES;
    d.bits("Prf (Default Router Preference)", "icmpv6.nd.ra.flag.prf", at + 5, 1, 0x18, { names });
    d.flag("Proxy", "icmpv6.nd.ra.flag.p", at + 5, 1, 0x04);
    d.bits("Reserved", "icmpv6.nd.ra.flag.rsv", at + 5, 1, 0x03);
  });
  d.uint("Router lifetime (s)", "icmpv6.nd.ra.router_lifetime", at + 6, 2);
  d.uint("Reachable time (ms)", "icmpv6.nd.ra.reachable_time", at + 8, 4);
  d.uint("Retrans timer (ms)", "icmpv6.nd.ra.retrans_timer", at + 12, 4);
}

function dissectNeighborAdvertisement(d: Dissection, at: number): void {
  d.uint("Flags", "icmpv6.nd.na.flag", at + 4, 4, { hex: true });
  d.below(() => {
    d.flag("Router", "icmpv6.nd.na.flag.r", at + 4, 4, 0x8000_0000);
    d.flag("Solicited", "icmpv6.nd.na.flag.s", at + 4, 4, 0x4000_0000);
    d.flag("Override", "icmpv6.nd.na.flag.o", at + 4, 4, 0x2000_0000);
    d.bits("Reserved", "icmpv6.nd.na.flag.rsv", at + 4, 4, 0x1fff_ffff);
  });
  d.ipv6("Target Address", "icmpv6.nd.na.target_address", at + 8);
}

function dissectOption(d: Dissection, at: number, length: number): void {
  const type = d.view.getUint8(at);
  d.group(`ICMPv6 Option (${ND_OPTION_NAMES[type] ?? "Unknown"})`, "icmpv6.opt", at, length, () => {
    d.uint("Type", "icmpv6.opt.type", at, 1, { names: ND_OPTION_NAMES });
    d.value("Length", "icmpv6.opt.length", at + 1, 1, length / 8, `${length / 8} (${length} bytes)`);
    dissectOptionBody(d, type, at, length);
  });
}

function dissectOptionBody(d: Dissection, type: number, at: number, length: number): void {
  const isLinkLayer = type === nd.OPTION_SOURCE_LINK_LAYER || type === nd.OPTION_TARGET_LINK_LAYER;
  if (isLinkLayer && length === 8) d.mac("Link-layer address", "icmpv6.opt.linkaddr", at + 2);
  else if (type === nd.OPTION_PREFIX_INFORMATION && length === 32) dissectPrefix(d, at);
  else if (type === nd.OPTION_MTU && length === 8) d.uint("MTU", "icmpv6.opt.mtu", at + 4, 4);
  else if (type === nd.OPTION_NONCE) d.raw("Nonce", "icmpv6.opt.nonce", at + 2, length - 2);
  else if (type === nd.OPTION_ROUTE_INFORMATION && length <= 24) dissectRoute(d, at, length);
  else if (type === nd.OPTION_RDNSS && length % 16 === 8) dissectRdnss(d, at, length);
  else if (type === nd.OPTION_PREF64 && length === 16) dissectPref64(d, at);
  else if (type === nd.OPTION_REDIRECTED_HEADER) {
    dissectPacketAtFault(d, "etherType", ETH_P_IPV6, at + 8, at + length);
  } else d.raw("Data", "icmpv6.data", at + 2, length - 2);
}

function dissectPrefix(d: Dissection, at: number): void {
  d.uint("Prefix Length", "icmpv6.opt.prefix.length", at + 2, 1);
  d.uint("Flag", "icmpv6.opt.prefix.flag", at + 3, 1, { hex: true });
  d.below(() => {
    d.flag("On-link flag(L)", "icmpv6.opt.prefix.flag.l", at + 3, 1, nd.PREFIX_ON_LINK);
    d.flag("Autonomous address-configuration flag(A)", "icmpv6.opt.prefix.flag.a", at + 3, 1, nd.PREFIX_AUTONOMOUS);
    d.flag("Router address flag(R)", "icmpv6.opt.prefix.flag.r", at + 3, 1, nd.PREFIX_ROUTER_ADDRESS);
  });
  const names = { [nd.INFINITE_LIFETIME]: "Infinity" };
  d.uint("Valid Lifetime", "icmpv6.opt.prefix.valid_lifetime", at + 4, 4, { names });
  d.uint("Preferred Lifetime", "icmpv6.opt.prefix.preferred_lifetime", at + 8, 4, { names });
  d.ipv6("Prefix", "icmpv6.opt.prefix", at + 16);
}

function dissectRoute(d: Dissection, at: number, length: number): void {
  d.uint("Prefix Length", "icmpv6.opt.prefix.length", at + 2, 1);
  const names = PREFERENCE_NAMES;
  d.bits("Route Preference", "icmpv6.opt.route_info.flag.route_preference", at + 3, 1, 0x18, { names });
  d.uint("Route Lifetime", "icmpv6.opt.route_lifetime", at + 4, 4);
  if (length > 8) d.value("Prefix", "icmpv6.opt.prefix", at + 8, length - 8, paddedPrefix(d, at + 8, length - 8));
}

function dissectRdnss(d: Dissection, at: number, length: number): void {
  d.uint("Lifetime", "icmpv6.opt.rdnss.lifetime", at + 4, 4);
  for (let i = 8; i < length; i += 16) d.ipv6("Recursive DNS Servers", "icmpv6.opt.rdnss", at + i);
}

/** RFC 8781 §4. */
function dissectPref64(d: Dissection, at: number): void {
  d.bits("Scaled Lifetime", "icmpv6.opt.pref64.scaled_lifetime", at + 2, 2, 0xfff8);
  d.bits("PLC (Prefix Length Code)", "icmpv6.opt.pref64.plc", at + 2, 2, 0x0007, { hex: true });
  d.value("Prefix", "icmpv6.opt.pref64.prefix", at + 4, 12, paddedPrefix(d, at + 4, 12));
}

/** An address of which the first `length` bytes are there and the rest is zero. */
function paddedPrefix(d: Dissection, at: number, length: number): string {
  const whole = new Uint8Array(16);
  whole.set(d.bytes.subarray(at, at + length));
  return readIpv6(new DataView(whole.buffer), 0).toString();
}
