import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import { createGro, createLro, type GroOptions } from "@seville/tso";
import type { FeatureSet } from "../features/feature-set.ts";
import type { RxQueueStats } from "../stats/queue-stats.ts";

/** What a device does with the frames of a queue before software sees them. */
export interface Coalescer {
  receive(packet: Packet, now: Nanos): void;
  /** Lets go of what is held: the interrupt will not wait for more. */
  flush(): void;
}

export interface CoalescerOptions {
  readonly features: FeatureSet;
  readonly gro?: Omit<GroOptions, "sink" | "link" | "fragList"> | undefined;
  readonly stats: () => RxQueueStats;
  /** Takes what was merged, or was not to be merged, over. */
  readonly sink: (packet: Packet) => void;
}

/**
 * Merging by the device: NETIF_F_GRO_HW, which makes of frames what GRO would make, so that they can be taken apart again; or
 * NETIF_F_LRO, which forgets how they were (S15). `undefined`: neither is on.
 */
export function createCoalescer(options: CoalescerOptions): Coalescer | undefined {
  const { features, sink } = options;
  if (features.has("GRO_HW")) return hardwareGro(options);
  return features.has("LRO") ? createLro({ sink }) : undefined;
}

function hardwareGro({ gro, stats, sink }: CoalescerOptions): Coalescer {
  return createGro({
    ...gro,
    fragList: false,
    sink: (packet) => {
      if (packet.gsoSize > 0) {
        const counters = stats();
        const headers = packet.length - Math.min(packet.length, packet.gsoSize);
        counters.hw_gro_packets++;
        counters.hw_gro_bytes += packet.totalLength;
        counters.hw_gro_wire_packets += packet.gsoSegs;
        counters.hw_gro_wire_bytes += packet.totalLength + (packet.gsoSegs - 1) * headers;
      }
      sink(packet);
    },
  });
}
