import type { Packet } from "@seville/packet";

/** Frames that the tests of this file put on a wire. A hook of `wire.ts` shows them to tshark. */
export const frames: Uint8Array[] = [];
/** More than that are not kept: tshark needs time. */
const MAX_FRAMES = 4000;
let paused = false;

export function recordFrame(packet: Packet): void {
  if (!paused && frames.length < MAX_FRAMES) frames.push(packet.bytes().slice());
}

/** Frames made while `run` runs are broken on purpose and are not shown to tshark. */
export function unrecorded<T>(run: () => T): T {
  paused = true;
  try {
    return run();
  } finally {
    paused = false;
  }
}
