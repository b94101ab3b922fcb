import type { Packet } from "@seville/packet";
import { segment, type SegmentOptions, type SegmentOutcome } from "@seville/tso";

/** Segments `packet` and gives back copies of the frames; everything has been released. */
export function segmentFrames(
  packet: Packet,
  options: SegmentOptions = {},
): { outcome: SegmentOutcome; frames: Uint8Array[] } {
  const frames: Uint8Array[] = [];
  const outcome = segment(
    packet,
    (one) => {
      frames.push(wholeFrame(one));
      one.release();
    },
    options,
  );
  if (!outcome.ok) packet.release();
  return { outcome, frames };
}

/** A copy of all bytes of a packet, those of its fragments too. */
export function wholeFrame(packet: Packet): Uint8Array {
  const bytes = new Uint8Array(packet.totalLength);
  let at = 0;
  const walk = (one: Packet): void => {
    bytes.set(one.bytes(), at);
    at += one.length;
    one.fragList?.forEach(walk);
  };
  walk(packet);
  return bytes;
}

export function hex(frames: readonly Uint8Array[]): string[] {
  return frames.map((frame) => Buffer.from(frame).toString("hex"));
}
