import type { DropReason } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { NetInterface } from "../interface/net-interface.ts";

/** Is told of each packet that the host drops, while its bytes are still there. It only borrows the packet. */
export type HostDropListener = (packet: Packet, reason: DropReason, iface: NetInterface | undefined) => void;

/** How many packets went no further, and why. A reason that never occurred is absent. */
export type DropCounts = ReadonlyMap<DropReason, number>;

/** The only way in which a host loses a packet (`kfree_skb_reason`). */
export class DropLog {
  readonly #counts = new Map<DropReason, number>();
  #listeners: readonly HostDropListener[] = [];

  get counts(): DropCounts {
    return this.#counts;
  }

  /** Adds `listener` and answers the function that takes it away. */
  listen(listener: HostDropListener): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** Counts and reports `packet` and gives it back to its pool. */
  drop(packet: Packet, reason: DropReason, iface: NetInterface | undefined): void {
    this.note(packet, reason, iface);
    packet.release();
  }

  /** Counts and reports a packet that somebody else releases: one of several copies, or a clone for one socket. */
  note(packet: Packet, reason: DropReason, iface: NetInterface | undefined): void {
    count(this.#counts, reason);
    if (iface !== undefined) count(iface.dropCounts, reason);
    for (const listener of this.#listeners) listener(packet, reason, iface);
  }
}

function count(counts: Map<DropReason, number>, reason: DropReason): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}
