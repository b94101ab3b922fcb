import type { Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "./net-interface.ts";

/**
 * Splits a super-packet of which not even one segment fits the way out, so that each segment is fragmented by itself: its peer
 * gets segments, not one datagram of 64 KiB of which every fragment must arrive (`ip_finish_output_gso`,
 * `ip6_finish_output_gso_slowpath_drop`). It comes about where a smaller MTU lies behind a tunnel or a bridge. Takes the packet.
 */
export function segmentFirst(host: Host, packet: Packet, out: NetInterface, each: (segment: Packet) => void): void {
  const segments = host.segmenter?.(packet);
  if (segments === undefined) {
    host.drop(packet, "PKT_TOO_BIG", out);
    return;
  }
  for (const segment of segments) each(segment);
}
