import type { DropReason } from "@seville/core";

/** What a port moved and what it threw away. Directions as the simulation sees them: `rx` came from the real world. */
export interface HostPortStats {
  readonly rxFrames: number;
  readonly rxBytes: number;
  readonly txFrames: number;
  readonly txBytes: number;
  /** Frames that came in and went no further, by reason. */
  readonly rxDrops: Readonly<Partial<Record<DropReason, number>>>;
  /** Frames that could not be put out, by reason. */
  readonly txDrops: Readonly<Partial<Record<DropReason, number>>>;
  /** Frames that the host's kernel threw away before this port could read them, as the kernel counts them. */
  readonly kernelDrops: number;
}

/** The counters of one port. Ports own one and hand out snapshots. */
export class PortCounters {
  rxFrames = 0;
  rxBytes = 0;
  txFrames = 0;
  txBytes = 0;
  kernelDrops = 0;
  readonly #rxDrops = new Map<DropReason, number>();
  readonly #txDrops = new Map<DropReason, number>();

  received(bytes: number): void {
    this.rxFrames++;
    this.rxBytes += bytes;
  }

  sent(bytes: number): void {
    this.txFrames++;
    this.txBytes += bytes;
  }

  dropReceived(reason: DropReason): void {
    this.#rxDrops.set(reason, (this.#rxDrops.get(reason) ?? 0) + 1);
  }

  dropSent(reason: DropReason): void {
    this.#txDrops.set(reason, (this.#txDrops.get(reason) ?? 0) + 1);
  }

  snapshot(): HostPortStats {
    return {
      rxFrames: this.rxFrames,
      rxBytes: this.rxBytes,
      txFrames: this.txFrames,
      txBytes: this.txBytes,
      rxDrops: Object.fromEntries(this.#rxDrops),
      txDrops: Object.fromEntries(this.#txDrops),
      kernelDrops: this.kernelDrops,
    };
  }
}

/**
 * Frames lost by several parties together, by reason, in both directions. What the kernel dropped is its own `FULL_RING`:
 * nobody took it from the queue of the device, or of the socket.
 */
export function totalDrops(all: readonly HostPortStats[]): Record<string, number> {
  const sum: Record<string, number> = {};
  const add = (reason: string, count: number): void => {
    if (count > 0) sum[reason] = (sum[reason] ?? 0) + count;
  };
  for (const { rxDrops, txDrops, kernelDrops } of all) {
    for (const drops of [rxDrops, txDrops]) for (const [reason, count] of Object.entries(drops)) add(reason, count);
    add("FULL_RING", kernelDrops);
  }
  return sum;
}
