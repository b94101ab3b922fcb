import {
  MAX_WINDOW_SCALE,
  OPTION_END,
  OPTION_FAST_OPEN,
  OPTION_MSS,
  OPTION_SACK,
  OPTION_SACK_PERMITTED,
  OPTION_TIMESTAMPS,
  OPTION_WINDOW_SCALE,
  optionLengthAt,
} from "./tcp-options.ts";

/** Four fit beside nothing else, three beside timestamps. */
const MAX_SACK_BLOCKS = 4;

/** What a segment's options said, in the shape that a connection needs: Linux `struct tcp_options_received`. Reusable. */
export interface TcpOptionsReceived {
  /** Maximum segment size; 0: not there. */
  mss: number;
  /** Shift, at most 14; -1: not there. */
  windowScale: number;
  sackPermitted: boolean;
  hasTimestamps: boolean;
  timestampValue: number;
  timestampEchoReply: number;
  sackCount: number;
  /** `[left, right]` of each block, one after the other; the first `2 × sackCount` count. */
  readonly sackEdges: Uint32Array;
  /** Offset of a Fast Open cookie; -1: the option is not there. */
  fastOpenAt: number;
  /** Bytes of cookie; 0 asks for one. */
  fastOpenLength: number;
}

export function newOptionsReceived(): TcpOptionsReceived {
  return {
    mss: 0,
    windowScale: -1,
    sackPermitted: false,
    hasTimestamps: false,
    timestampValue: 0,
    timestampEchoReply: 0,
    sackCount: 0,
    sackEdges: new Uint32Array(MAX_SACK_BLOCKS * 2),
    fastOpenAt: -1,
    fastOpenLength: 0,
  };
}

/**
 * Reads the options of the (checked) header at `at` without making anything. A malformed option ends the reading, as in
 * Linux `tcp_parse_options`; one of a known kind with a wrong length is passed over.
 */
export function readOptions(view: DataView, at: number, into: TcpOptionsReceived): void {
  into.mss = 0;
  into.windowScale = -1;
  into.sackPermitted = false;
  into.hasTimestamps = false;
  into.sackCount = 0;
  into.fastOpenAt = -1;
  into.fastOpenLength = 0;
  const end = at + (view.getUint8(at + 12) >>> 4) * 4;
  let next = at + 20;
  // The layout that nearly every segment of a connection has: NOP, NOP, timestamps (RFC 7323 App. A).
  if (end - next === 12 && view.getUint32(next) === 0x0101_080a) {
    readTimestamps(view, next + 2, into);
    return;
  }
  while (next < end) {
    const length = optionLengthAt(view, next, end);
    if (length === 0 || view.getUint8(next) === OPTION_END) return;
    readOption(view, next, length, into);
    next += length;
  }
}

function readOption(view: DataView, at: number, length: number, into: TcpOptionsReceived): void {
  switch (view.getUint8(at)) {
    case OPTION_MSS:
      if (length === 4) into.mss = view.getUint16(at + 2);
      return;
    case OPTION_WINDOW_SCALE:
      if (length === 3) into.windowScale = Math.min(view.getUint8(at + 2), MAX_WINDOW_SCALE);
      return;
    case OPTION_SACK_PERMITTED:
      if (length === 2) into.sackPermitted = true;
      return;
    case OPTION_TIMESTAMPS:
      if (length === 10) readTimestamps(view, at, into);
      return;
    case OPTION_SACK:
      if (length >= 10 && (length - 2) % 8 === 0) readSack(view, at, length, into);
      return;
    case OPTION_FAST_OPEN:
      into.fastOpenAt = at + 2;
      into.fastOpenLength = length - 2;
  }
}

function readTimestamps(view: DataView, at: number, into: TcpOptionsReceived): void {
  into.hasTimestamps = true;
  into.timestampValue = view.getUint32(at + 2);
  into.timestampEchoReply = view.getUint32(at + 6);
}

function readSack(view: DataView, at: number, length: number, into: TcpOptionsReceived): void {
  into.sackCount = (length - 2) / 8;
  for (let i = 0; i < into.sackCount * 2; i++) into.sackEdges[i] = view.getUint32(at + 2 + i * 4);
}
