import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { NetInterface } from "../interface/net-interface.ts";

export type TapDirection = "in" | "out";

/**
 * Sees a packet where tcpdump does: on the way in before any protocol, on the way out after everything but the
 * device. `packet.data` is at the link-layer header; checksums may be unfinished. It only borrows the packet.
 */
export type Tap = (packet: Packet, iface: NetInterface, direction: TapDirection, now: Nanos) => void;

/** The taps of a host (`ptype_all`). */
export class Taps {
  #entries: readonly { readonly tap: Tap; readonly iface: NetInterface | undefined }[] = [];

  get active(): boolean {
    return this.#entries.length > 0;
  }

  /** Adds a tap on `iface`, or on all interfaces, and answers the function that takes it away. */
  add(tap: Tap, iface?: NetInterface): () => void {
    const entry = { tap, iface };
    this.#entries = [...this.#entries, entry];
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    };
  }

  deliver(packet: Packet, iface: NetInterface, direction: TapDirection, now: Nanos): void {
    for (const entry of this.#entries) {
      if (entry.iface === undefined || entry.iface === iface) entry.tap(packet, iface, direction, now);
    }
  }
}
