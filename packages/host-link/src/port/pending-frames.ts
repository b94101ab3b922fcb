import type { PortListener } from "./host-port.ts";

/** How many frames a port keeps for a listener that has not come yet. */
const MOST = 256;

/** Frames that came in between a port's opening and its first listener. */
export class PendingFrames {
  #frames: { readonly bytes: Uint8Array; readonly arrivedAt: number }[] = [];

  /** Keeps a copy. `false`: there is no room. */
  keep(memory: Uint8Array, offset: number, length: number, arrivedAt: number): boolean {
    if (this.#frames.length >= MOST) return false;
    this.#frames.push({ bytes: Uint8Array.from(memory.subarray(offset, offset + length)), arrivedAt });
    return true;
  }

  deliver(listener: PortListener): void {
    const frames = this.#frames;
    this.#frames = [];
    for (const { bytes, arrivedAt } of frames) listener.receiveFrame(bytes, 0, bytes.length, arrivedAt);
  }
}
