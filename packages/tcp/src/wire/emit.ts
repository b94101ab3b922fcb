import { tcp } from "@seville/packet";
import type { OptionLayout, Outgoing } from "../parts.ts";
import { freebsdOptions } from "./emit-freebsd.ts";
import { linuxOptions } from "./emit-linux.ts";

export function newOutgoing(): Outgoing {
  return {
    sourcePort: 0,
    destinationPort: 0,
    seq: 0,
    ack: 0,
    flags: 0,
    window: 0,
    urgentPointer: 0,
    mss: 0,
    windowScale: -1,
    sackPermitted: false,
    hasTimestamps: false,
    tsval: 0,
    tsecr: 0,
    sackCount: 0,
    sack: new Int32Array(8),
    fastOpenCookie: undefined,
    fastOpenExperimental: false,
    accEcnOrder: -1,
    accEcnCount: 0,
    accEcn: new Int32Array(3),
  };
}

/** Takes all options out of `out`; the header's fields stay. */
export function clearOptions(out: Outgoing): void {
  out.mss = 0;
  out.windowScale = -1;
  out.sackPermitted = false;
  out.hasTimestamps = false;
  out.sackCount = 0;
  out.fastOpenCookie = undefined;
  out.fastOpenExperimental = false;
  out.accEcnOrder = -1;
  out.accEcnCount = 0;
}

/**
 * Length of the header that {@link writeHeader} writes: 20 to 60, a multiple of 4. The caller sees to it that the options
 * fit (`fitFastOpen`, `fitSackBlocks`, `fitAccEcn`).
 */
export function headerBytes(out: Outgoing, layout: OptionLayout): number {
  if (isPlain(out)) return out.hasTimestamps ? 32 : tcp.HEADER_LENGTH;
  return tcp.HEADER_LENGTH + writeOptions(scratch, 0, out, layout);
}

/** Writes header and options at `at`, with checksum 0, and answers how long they are. */
export function writeHeader(view: DataView, at: number, out: Outgoing, layout: OptionLayout): number {
  const length = tcp.HEADER_LENGTH + writeOptions(view, at + tcp.HEADER_LENGTH, out, layout);
  view.setUint16(at, out.sourcePort);
  view.setUint16(at + 2, out.destinationPort);
  view.setInt32(at + 4, out.seq);
  view.setInt32(at + 8, out.ack);
  view.setUint16(at + 12, (length << 10) | (out.flags & 0x1ff));
  view.setUint16(at + 14, out.window);
  view.setUint16(at + 16, 0);
  view.setUint16(at + 18, out.urgentPointer);
  return length;
}

function writeOptions(view: DataView, at: number, out: Outgoing, layout: OptionLayout): number {
  if (!isPlain(out)) return layOut[layout]({ view, start: at, at }, out);
  if (!out.hasTimestamps) return 0;
  // The same in every layout (RFC 7323 App. A).
  view.setUint32(at, 0x0101_080a);
  view.setInt32(at + 4, out.tsval);
  view.setInt32(at + 8, out.tsecr);
  return 12;
}

const layOut = { linux: linuxOptions, freebsd: freebsdOptions } as const;

/** Room for every option at once, which is more than fits into a header. */
const scratch = new DataView(new ArrayBuffer(128));

/** There are no options, or timestamps alone: as in nearly every segment. */
function isPlain(out: Outgoing): boolean {
  return (
    out.sackCount === 0 &&
    out.mss === 0 &&
    out.windowScale < 0 &&
    !out.sackPermitted &&
    out.accEcnOrder < 0 &&
    out.fastOpenCookie === undefined
  );
}
