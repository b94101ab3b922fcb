import type { DropReason } from "@seville/core";
import type { Statistic } from "@seville/netdev";
import type { virtioNetHdr } from "@seville/tso";

/** What the driver of a TAP device counts beside its queues, as `ethtool -S` would print it. */
export class TapCounters {
  readonly #values = new Map<string, number>();

  /** A super-packet came in unsplit. */
  rxSuper(bytes: number): void {
    this.#add("rx_gso_packets", 1);
    this.#add("rx_gso_bytes", bytes);
  }

  /** A frame that came in and went no further. */
  rx(reason: DropReason): void {
    this.#add(`rx_drop_${reason}`, 1);
  }

  /** A `virtio_net_hdr` that says what cannot be. */
  fault(fault: virtioNetHdr.Fault): void {
    this.#add(`rx_vnet_${fault.replaceAll("-", "_")}`, 1);
  }

  /** A frame that did not go out. */
  tx(reason: DropReason): void {
    this.#add(`tx_drop_${reason}`, 1);
  }

  /** What the kernel answered to a write. */
  txErrno(errno: string): void {
    this.#add(`tx_errno_${errno}`, 1);
  }

  /** Those that are not 0. */
  entries(): Iterable<Statistic> {
    return this.#values;
  }

  get(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  #add(name: string, count: number): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + count);
  }
}
