import { HEADER_BYTES, MSS, SEGMENTS } from "./frames.ts";

/** What segments are written to: where each begins, in a buffer that others use too. */
export interface Targets {
  readonly u8: Uint8Array;
  readonly view: DataView;
  /** Where the super-packet's frame begins. */
  readonly source: number;
  readonly at: readonly number[];
}

/** The least that anybody must do: copies headers and payload of each segment, and leaves every field and checksum wrong. */
export function copyWithin({ u8, source, at }: Targets): number {
  let payload = source + HEADER_BYTES;
  for (let i = 0; i < SEGMENTS; i++) {
    const target = at[i]!;
    u8.copyWithin(target, source, source + HEADER_BYTES);
    u8.copyWithin(target + HEADER_BYTES, payload, payload + MSS);
    payload += MSS;
  }
  return payload;
}

/** What one writes first: views, `set`, and a checksum word by word. All fields are right. */
export function naive(targets: Targets): number {
  const { u8, source, at } = targets;
  const headers = u8.subarray(source, source + HEADER_BYTES);
  const from = new DataView(u8.buffer, source, HEADER_BYTES);
  const sequence = from.getUint32(38);
  const id = from.getUint16(18);
  let last = 0;
  for (let i = 0; i < SEGMENTS; i++) {
    const payload = source + HEADER_BYTES + i * MSS;
    const frame = u8.subarray(at[i], at[i]! + HEADER_BYTES + MSS);
    frame.set(headers);
    frame.set(u8.subarray(payload, payload + MSS), HEADER_BYTES);
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    view.setUint16(16, frame.length - 14);
    view.setUint16(18, id + i);
    view.setUint16(24, 0);
    view.setUint16(24, checksum(view, 14, 34, 0));
    view.setUint32(38, sequence + i * MSS);
    if (i < SEGMENTS - 1) view.setUint8(47, view.getUint8(47) & ~0x09);
    view.setUint16(50, 0);
    const pseudo = sum(view, 26, 34) + 6 + frame.length - 34;
    last = checksum(view, 34, frame.length, pseudo);
    view.setUint16(50, last);
  }
  return last;
}

function checksum(view: DataView, from: number, to: number, seed: number): number {
  let total = seed + sum(view, from, to);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

function sum(view: DataView, from: number, to: number): number {
  let total = 0;
  for (let at = from; at + 1 < to; at += 2) total += view.getUint16(at);
  if ((to - from) % 2 === 1) total += view.getUint8(to - 1) << 8;
  return total;
}
