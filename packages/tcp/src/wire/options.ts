import { tcp } from "@seville/packet";
import type { SegmentOptions } from "../parts.ts";
import { FAST_OPEN_EXPERIMENT, OPTION_ACCECN0, OPTION_ACCECN1, OPTION_EXPERIMENTAL } from "./numbers.ts";

/** Four fit beside nothing else, three beside timestamps. */
const MAX_SACK_BLOCKS = 4;

export function newSegmentOptions(): SegmentOptions {
  return {
    mss: 0,
    windowScale: -1,
    sackPermitted: false,
    hasTimestamps: false,
    tsval: 0,
    tsecr: 0,
    sackCount: 0,
    sack: new Int32Array(MAX_SACK_BLOCKS * 2),
    fastOpenAt: -1,
    fastOpenLength: 0,
    fastOpenExperimental: false,
    accEcnOrder: -1,
    accEcnCount: 0,
    accEcn: new Int32Array(3),
    hasMd5: false,
    hasAo: false,
  };
}

/**
 * Reads the options of the (checked) header at `at` as `tcp_parse_options` does (net/ipv4/tcp_input.c): a length that
 * cannot be ends the reading and keeps what came before; an option of a known kind with a wrong length is passed over;
 * of an option that is there twice the last one counts. What only a SYN may negotiate (MSS, window scale, SACK
 * permitted, Fast Open) is not seen elsewhere. Nothing is allocated.
 */
export function readOptions(view: DataView, at: number, into: SegmentOptions): void {
  reset(into);
  const end = at + tcp.headerLength(view, at);
  let next = at + tcp.HEADER_LENGTH;
  // What nearly every segment of a connection has: NOP, NOP, timestamps (RFC 7323 App. A).
  if (end - next === 12 && view.getUint32(next) === 0x0101_080a) {
    readTimestamps(view, next + 2, into);
    return;
  }
  const syn = (tcp.flags(view, at) & tcp.SYN) !== 0;
  while (next < end) {
    const length = tcp.optionLengthAt(view, next, end);
    if (length === 0 || view.getUint8(next) === tcp.OPTION_END) return;
    if (!readOption(view, next, length, into) && syn) readSynOption(view, next, length, into);
    next += length;
  }
}

function reset(into: SegmentOptions): void {
  into.mss = 0;
  into.windowScale = -1;
  into.sackPermitted = false;
  into.hasTimestamps = false;
  into.sackCount = 0;
  into.fastOpenAt = -1;
  into.fastOpenLength = 0;
  into.fastOpenExperimental = false;
  into.accEcnOrder = -1;
  into.accEcnCount = 0;
  into.hasMd5 = false;
  into.hasAo = false;
}

/** Options of any segment. `false`: it is none of those. */
function readOption(view: DataView, at: number, length: number, into: SegmentOptions): boolean {
  const kind = view.getUint8(at);
  switch (kind) {
    case tcp.OPTION_TIMESTAMPS:
      if (length === 10) readTimestamps(view, at, into);
      return true;
    case tcp.OPTION_SACK:
      if (length >= 10 && (length - 2) % 8 === 0) readSack(view, at, length, into);
      return true;
    case OPTION_ACCECN0:
    case OPTION_ACCECN1:
      readAccEcn(view, at, length, kind === OPTION_ACCECN0 ? 0 : 1, into);
      return true;
    case tcp.OPTION_MD5:
      if (length === 18) into.hasMd5 = true;
      return true;
    case tcp.OPTION_AO:
      if (length >= 4) into.hasAo = true;
      return true;
    default:
      return false;
  }
}

function readSynOption(view: DataView, at: number, length: number, into: SegmentOptions): void {
  switch (view.getUint8(at)) {
    case tcp.OPTION_MSS:
      // Linux passes over a size of 0, too.
      if (length === 4 && view.getUint16(at + 2) !== 0) into.mss = view.getUint16(at + 2);
      return;
    case tcp.OPTION_WINDOW_SCALE:
      if (length === 3) into.windowScale = Math.min(view.getUint8(at + 2), tcp.MAX_WINDOW_SCALE);
      return;
    case tcp.OPTION_SACK_PERMITTED:
      if (length === 2) into.sackPermitted = true;
      return;
    case tcp.OPTION_FAST_OPEN:
      readFastOpen(at + 2, length - 2, false, into);
      return;
    case OPTION_EXPERIMENTAL:
      if (length >= 4 && view.getUint16(at + 2) === FAST_OPEN_EXPERIMENT) readFastOpen(at + 4, length - 4, true, into);
  }
}

function readTimestamps(view: DataView, at: number, into: SegmentOptions): void {
  into.hasTimestamps = true;
  into.tsval = view.getInt32(at + 2);
  into.tsecr = view.getInt32(at + 6);
}

function readSack(view: DataView, at: number, length: number, into: SegmentOptions): void {
  into.sackCount = (length - 2) / 8;
  for (let i = 0; i < into.sackCount * 2; i++) into.sack[i] = view.getInt32(at + 2 + i * 4);
}

/** As many whole counters as there are: what is left over, and what comes after the third, is ignored (RFC 9768 §3.2.3.3). */
function readAccEcn(view: DataView, at: number, length: number, order: 0 | 1, into: SegmentOptions): void {
  into.accEcnOrder = order;
  into.accEcnCount = Math.min(Math.floor((length - 2) / 3), 3);
  for (let i = 0; i < into.accEcnCount; i++) {
    const counter = at + 2 + 3 * i;
    into.accEcn[i] = (view.getUint8(counter) << 16) | view.getUint16(counter + 1);
  }
}

/** `tcp_parse_fastopen_option`: an odd length is passed over, an even one out of range takes back what came before. */
function readFastOpen(at: number, length: number, experimental: boolean, into: SegmentOptions): void {
  if (length % 2 !== 0) return;
  const valid = length === 0 || (length >= 4 && length <= 16);
  into.fastOpenAt = valid ? at : -1;
  into.fastOpenLength = valid ? length : 0;
  into.fastOpenExperimental = experimental;
}
