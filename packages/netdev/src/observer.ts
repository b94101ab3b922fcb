import type { Packet } from "@seville/packet";
import type { TxDescriptor } from "./hardware/descriptor.ts";

/**
 * Watches one NIC at work, for meters and tests. What happens between the two calls of `hardware` is done by the NIC's own
 * silicon, what happens between those of `polling` by the CPU in the NIC's softirq: receiving, merging, delivering, and
 * sending what waited.
 */
export interface NicObserver {
  readonly hardware?: (busy: boolean) => void;
  readonly polling?: (busy: boolean) => void;
  /** A transmit descriptor was posted; its packet is the hardware's from now on, so this is the last look at it. */
  readonly posted?: (descriptor: TxDescriptor) => void;
  /** A frame comes from the driver, described in the packet's fields; nobody has looked at it yet. */
  readonly received?: (packet: Packet) => void;
}

/** Runs `work`, telling `tell` before and after; without it there is only `work`. */
export function whileTelling<Result>(tell: ((busy: boolean) => void) | undefined, work: () => Result): Result {
  if (tell === undefined) return work();
  tell(true);
  try {
    return work();
  } finally {
    tell(false);
  }
}
