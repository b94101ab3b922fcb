import { tcp } from "@seville/packet";
import {
  alignWithNop,
  fastOpenOptionLength,
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
 * FreeBSD's order (`tcp_addoptions`): MSS, window scale, SACK permitted, timestamps, SACK, Fast Open, AccECN; then an
 * end-of-list and zeros. What does not fit any more is left out, SACK blocks one by one.
 */
export function freebsdOptions(writer: OptionWriter, out: Outgoing): number {
  if (out.mss !== 0) putMss(writer, out.mss);
  if (out.windowScale >= 0) {
    alignWithNop(writer, 1);
    putWindowScale(writer, out.windowScale);
  }
  if (out.sackPermitted) putSackPermitted(writer);
  if (out.hasTimestamps) {
    alignWithNop(writer, 2);
    putTimestamps(writer, out.tsval, out.tsecr);
  }
  putSackBlocks(writer, out);
  if (out.fastOpenCookie !== undefined && left(writer) >= fastOpenOptionLength(out)) {
    putFastOpen(writer, out.fastOpenCookie, out.fastOpenExperimental);
  }
  if (out.accEcnOrder >= 0 && left(writer) >= 2 + 3 * out.accEcnCount) putAccEcn(writer, out);
  while ((writer.at - writer.start) % 4 !== 0) writer.view.setUint8(writer.at++, tcp.OPTION_END);
  return writer.at - writer.start;
}

function putSackBlocks(writer: OptionWriter, out: Outgoing): void {
  if (out.sackCount === 0) return;
  const padding = (6 - ((writer.at - writer.start) % 4)) % 4;
  const fits = Math.floor((left(writer) - padding - 2) / 8);
  if (fits < 1) return;
  alignWithNop(writer, 2);
  putSack(writer, out.sack, Math.min(out.sackCount, fits));
}

function left(writer: OptionWriter): number {
  return tcp.MAX_OPTIONS_LENGTH - (writer.at - writer.start);
}
