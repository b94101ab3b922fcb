import type { Packet } from "@seville/packet";
import { segment } from "@seville/tso";
import type { Host } from "../host/host.ts";

/**
 * Gives `host` software segmentation (`skb_gso_segment`): super-packets for a device without GSO, and those that a second
 * tunnel is to wrap, are split with their checksums finished. Without it they are dropped.
 */
export function installSegmenter(host: Host): void {
  host.segmenter = (packet) => {
    const segments: Packet[] = [];
    const outcome = segment(packet, (one) => segments.push(one), { fragmentId: () => host.ipv6.nextIdentification() });
    return outcome.ok ? segments : undefined;
  };
}
