import { tcp } from "@seville/packet";
import { fastOpenOptionLength } from "./option-writer.ts";
import type { Outgoing } from "../parts.ts";

const SACK_BLOCK_LENGTH = 8;
const MAX_COUNTERS = 3;
const COUNTER_LENGTH = 3;

/**
 * Drops the Fast Open option of a SYN or SYN-ACK whose other options leave no room for it (`tcp_syn_options`). Answers
 * whether it stayed.
 */
export function fitFastOpen(out: Outgoing): boolean {
  const length = fastOpenOptionLength(out);
  if (length === 0) return false;
  if (synLength(out) + align4(length) <= tcp.MAX_OPTIONS_LENGTH) return true;
  out.fastOpenCookie = undefined;
  return false;
}

/**
 * How many of `blocks` SACK blocks go into a segment with these other options (`tcp_established_options`): all, or what
 * is left of 40 bytes; beside timestamps that is three.
 * @param used bytes that other options take
 */
export function fitSackBlocks(used: number, blocks: number): number {
  return Math.max(0, Math.min(blocks, Math.floor((tcp.MAX_OPTIONS_LENGTH - used - 4) / SACK_BLOCK_LENGTH)));
}

/**
 * How many counters an AccECN option can have in the `room` bytes that the other options of `out` leave (`tcp_options_fit_accecn`): three, or
 * fewer, but not fewer than `required`; for those SACK blocks are given up as long as two remain. Sets `accEcnCount` and
 * `sackCount`; if it does not go in, `accEcnOrder` is -1 and all else as before. Answers whether it does.
 */
export function fitAccEcn(out: Outgoing, required: number, room: number, onSyn: boolean): boolean {
  const saving = onSyn ? synPadding(out) : out.sackCount > 0 ? 2 : 0;
  // Without any counter there is nothing for which a block would be worth giving up.
  const spare = required > 0 ? Math.max(out.sackCount - 2, 0) : 0;
  for (let fewer = 0; fewer <= spare; fewer++) {
    for (let count = MAX_COUNTERS; count >= required; count--) {
      if (alignAccEcn(2 + count * COUNTER_LENGTH, saving) > room + fewer * SACK_BLOCK_LENGTH) continue;
      out.accEcnCount = count;
      out.sackCount -= fewer;
      return true;
    }
  }
  out.accEcnOrder = -1;
  return false;
}

/** Bytes that MSS, timestamps, window scale and SACK permitted take on a SYN of Linux. */
function synLength(out: Outgoing): number {
  return (
    (out.mss !== 0 ? 4 : 0) +
    (out.hasTimestamps ? 12 : 0) +
    (out.windowScale >= 0 ? 4 : 0) +
    (out.sackPermitted && !out.hasTimestamps ? 4 : 0)
  );
}

/** Bytes of padding of other options in which the end of an AccECN option may stand. */
function synPadding(out: Outgoing): number {
  if (out.sackPermitted && !out.hasTimestamps) return 2;
  return out.windowScale >= 0 ? 1 : 0;
}

function alignAccEcn(length: number, saving: number): number {
  const over = length % 4;
  return over <= saving ? length - over : align4(length);
}

function align4(length: number): number {
  return (length + 3) & ~3;
}
