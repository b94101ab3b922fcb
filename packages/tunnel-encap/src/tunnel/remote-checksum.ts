import { CHECKSUM_NONE, type Packet } from "@seville/packet";

/**
 * The inner checksum is left to the receiver (remote checksum offload): its field keeps the pseudo-header's sum, nothing is
 * PARTIAL any more, and the outer checksum covers the packet as it is. A super-packet stays PARTIAL: its segments are not
 * there yet.
 */
export function deferChecksum(packet: Packet): void {
  if (packet.gsoSize !== 0) return;
  packet.ipSummed = CHECKSUM_NONE;
  packet.encapsulation = false;
}
