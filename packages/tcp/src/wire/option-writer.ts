import { tcp } from "@seville/packet";
import { FAST_OPEN_EXPERIMENT, OPTION_ACCECN0, OPTION_ACCECN1, OPTION_EXPERIMENTAL } from "./numbers.ts";
import type { Outgoing } from "../parts.ts";

/** Where the next option goes. */
export interface OptionWriter {
  readonly view: DataView;
  /** Where the options begin. */
  readonly start: number;
  at: number;
}

/** Fills with NOPs until the next byte's place, counted from the first option, leaves `remainder` when divided by 4. */
export function alignWithNop(writer: OptionWriter, remainder: number): void {
  while ((writer.at - writer.start) % 4 !== remainder) writer.view.setUint8(writer.at++, tcp.OPTION_NOP);
}

export function putMss(writer: OptionWriter, mss: number): void {
  putHead(writer, tcp.OPTION_MSS, 4);
  writer.view.setUint16(writer.at, mss);
  writer.at += 2;
}

export function putWindowScale(writer: OptionWriter, shift: number): void {
  putHead(writer, tcp.OPTION_WINDOW_SCALE, 3);
  writer.view.setUint8(writer.at++, shift);
}

export function putSackPermitted(writer: OptionWriter): void {
  putHead(writer, tcp.OPTION_SACK_PERMITTED, 2);
}

export function putTimestamps(writer: OptionWriter, tsval: number, tsecr: number): void {
  putHead(writer, tcp.OPTION_TIMESTAMPS, 10);
  writer.view.setInt32(writer.at, tsval);
  writer.view.setInt32(writer.at + 4, tsecr);
  writer.at += 8;
}

export function putSack(writer: OptionWriter, edges: Int32Array, count: number): void {
  putHead(writer, tcp.OPTION_SACK, 2 + 8 * count);
  for (let i = 0; i < 2 * count; i++) writer.view.setInt32(writer.at + 4 * i, edges[i] as number);
  writer.at += 8 * count;
}

/** The counters in the order in which they stand in `out`, each as 24 bits. */
export function putAccEcn(writer: OptionWriter, out: Outgoing): void {
  putHead(writer, out.accEcnOrder === 0 ? OPTION_ACCECN0 : OPTION_ACCECN1, 2 + 3 * out.accEcnCount);
  for (let i = 0; i < out.accEcnCount; i++) {
    const counter = out.accEcn[i] as number;
    writer.view.setUint8(writer.at, counter >>> 16);
    writer.view.setUint16(writer.at + 1, counter & 0xffff);
    writer.at += 3;
  }
}

export function putFastOpen(writer: OptionWriter, cookie: Uint8Array, experimental: boolean): void {
  if (experimental) {
    putHead(writer, OPTION_EXPERIMENTAL, 4 + cookie.length);
    writer.view.setUint16(writer.at, FAST_OPEN_EXPERIMENT);
    writer.at += 2;
  } else {
    putHead(writer, tcp.OPTION_FAST_OPEN, 2 + cookie.length);
  }
  for (let i = 0; i < cookie.length; i++) writer.view.setUint8(writer.at + i, cookie[i] as number);
  writer.at += cookie.length;
}

/** Bytes of the Fast Open option of `out`, without padding; 0: none. */
export function fastOpenOptionLength(out: Pick<Outgoing, "fastOpenCookie" | "fastOpenExperimental">): number {
  if (out.fastOpenCookie === undefined) return 0;
  return (out.fastOpenExperimental ? 4 : 2) + out.fastOpenCookie.length;
}

function putHead(writer: OptionWriter, kind: number, length: number): void {
  writer.view.setUint8(writer.at, kind);
  writer.view.setUint8(writer.at + 1, length);
  writer.at += 2;
}
