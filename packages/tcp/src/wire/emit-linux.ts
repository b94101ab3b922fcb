import {
  alignWithNop,
  putAccEcn,
  putFastOpen,
  putMss,
  putSack,
  putSackPermitted,
  putTimestamps,
  putWindowScale,
  type OptionWriter,
} from "./option-writer.ts";
import type { Outgoing } from "../parts.ts";

/**
 * Linux's order (`tcp_options_write`): MSS, SACK permitted in the padding of the timestamps, AccECN, SACK permitted, window
 * scale, SACK, Fast Open. What AccECN leaves of a word takes the place of the padding of what follows.
 */
export function linuxOptions(writer: OptionWriter, out: Outgoing): number {
  let sackPermitted = out.sackPermitted;
  if (out.mss !== 0) putMss(writer, out.mss);
  if (out.hasTimestamps) {
    if (sackPermitted) putSackPermitted(writer);
    sackPermitted = false;
    alignWithNop(writer, 2);
    putTimestamps(writer, out.tsval, out.tsecr);
  }
  // An empty AccECN option is not split over the single NOP before a window scale: it lets that one go first.
  const accEcnLast = out.accEcnOrder >= 0 && out.accEcnCount === 0 && out.windowScale >= 0 && !sackPermitted;
  if (out.accEcnOrder >= 0 && !accEcnLast) putAccEcn(writer, out);
  if (sackPermitted) {
    alignWithNop(writer, 2);
    putSackPermitted(writer);
  }
  if (out.windowScale >= 0) {
    alignWithNop(writer, 1);
    putWindowScale(writer, out.windowScale);
  }
  if (accEcnLast) putAccEcn(writer, out);
  if (out.sackCount > 0) {
    alignWithNop(writer, 2);
    putSack(writer, out.sack, out.sackCount);
  }
  if (out.fastOpenCookie !== undefined) {
    alignWithNop(writer, 0);
    putFastOpen(writer, out.fastOpenCookie, out.fastOpenExperimental);
  }
  alignWithNop(writer, 0);
  return writer.at - writer.start;
}
