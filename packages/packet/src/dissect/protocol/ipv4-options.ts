import {
  OPTION_END,
  OPTION_LSRR,
  OPTION_NOP,
  OPTION_ROUTER_ALERT,
  OPTION_RR,
  OPTION_SSRR,
  OPTION_TIMESTAMP,
  TIMESTAMP_ONLY,
} from "../../header/ipv4-options.ts";
import type { Dissection } from "../dissection.ts";

const TITLES: Readonly<Record<number, readonly [name: string, abbreviation: string]>> = {
  [OPTION_END]: ["End of Options List (EOL)", "ip.options.eol"],
  [OPTION_NOP]: ["No-Operation (NOP)", "ip.options.nop"],
  [OPTION_RR]: ["Record Route", "ip.options.record_route"],
  [OPTION_LSRR]: ["Loose Source Route", "ip.options.route"],
  [OPTION_SSRR]: ["Strict Source Route", "ip.options.source_route"],
  [OPTION_TIMESTAMP]: ["Time Stamp", "ip.options.timestamp"],
  [OPTION_ROUTER_ALERT]: ["Router Alert", "ip.options.routeralert"],
};

/** IPv4 options (RFC 791 §3.1). `isRouted`: a source route is not used up, and its last address is the destination. */
export function dissectIpv4Options(d: Dissection, at: number, end: number, isRouted: boolean): void {
  d.group("Options", "", at, end - at, () => {
    let next = at;
    while (next < end && !d.full) {
      const type = d.view.getUint8(next);
      const length = type <= OPTION_NOP ? 1 : end - next < 2 ? 0 : d.view.getUint8(next + 1);
      if (length === 0 || (length === 1 && type > OPTION_NOP) || length > end - next) {
        d.malformed(next, "bad-option");
        return;
      }
      dissectOption(d, next, type, length, isRouted);
      if (type === OPTION_END) return;
      next += length;
    }
  });
}

function dissectOption(d: Dissection, at: number, type: number, length: number, isRouted: boolean): void {
  const title = TITLES[type];
  if (title === undefined) {
    d.raw(`Unknown (0x${type.toString(16)})`, "", at, length);
    return;
  }
  const [name, abbreviation] = title;
  d.group(name, abbreviation, at, length, () => {
    d.uint("Type", "ip.opt.type", at, 1);
    d.below(() => {
      d.flag("Copy on fragmentation", "ip.opt.type.copy", at, 1, 0x80);
      d.bits("Class", "ip.opt.type.class", at, 1, 0x60);
      d.bits("Number", "ip.opt.type.number", at, 1, 0x1f);
    });
    if (type <= OPTION_NOP) return;
    d.uint("Length", "ip.opt.len", at + 1, 1);
    if (type === OPTION_RR || type === OPTION_LSRR || type === OPTION_SSRR) {
      dissectRoute(d, at, type, length, isRouted);
    } else if (type === OPTION_TIMESTAMP) dissectTimestamp(d, at, length);
    else if (length === 4) d.uint("Router Alert", "ip.opt.ra", at + 2, 2);
    else d.malformed(at, "bad-option");
  });
}

function dissectRoute(d: Dissection, at: number, type: number, length: number, isRouted: boolean): void {
  if (length < 3) {
    d.malformed(at, "bad-option");
    return;
  }
  const pointer = d.uint("Pointer", "ip.opt.ptr", at + 2, 1);
  for (let i = 3; i + 4 <= length; i += 4) {
    const isUsed = i + 1 < pointer;
    const isLast = i + 8 > length;
    if (type === OPTION_RR)
      d.ipv4(isUsed ? "Recorded Route" : "Empty Route", isUsed ? "ip.rec_rt" : "ip.empty_rt", at + i);
    else if (isUsed) d.ipv4("Recorded Route", "ip.rec_rt", at + i);
    else if (isLast && isRouted) d.ipv4("Destination Address", "ip.dst", at + i);
    else d.ipv4("Source Route", "ip.src_rt", at + i);
  }
}

function dissectTimestamp(d: Dissection, at: number, length: number): void {
  if (length < 4) {
    d.malformed(at, "bad-option");
    return;
  }
  d.uint("Pointer", "ip.opt.ptr", at + 2, 1);
  d.bits("Overflow", "ip.opt.overflow", at + 3, 1, 0xf0);
  const flag = d.bits("Flag", "ip.opt.flag", at + 3, 1, 0x0f, { hex: true });
  const step = flag === TIMESTAMP_ONLY ? 4 : 8;
  for (let i = 4; i + step <= length; i += step) {
    if (step === 8) d.ipv4("Address", "ip.opt.time_stamp_addr", at + i);
    d.uint("Time stamp", "ip.opt.time_stamp", at + i + step - 4, 4);
  }
}
