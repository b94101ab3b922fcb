import { bindChecksum, finish, mangleZero } from "@seville/checksum";
import type { PacketMemory } from "@seville/core";
import { CHECKSUM_NONE, type Packet } from "@seville/packet";

/**
 * Computes the checksum that a CHECKSUM_PARTIAL packet still lacks (`skb_checksum_help`): the sum from `csumStart` to
 * the end, where the pseudo-header's sum stands already in the field, stored at `csumOffset`.
 */
export function finishChecksum(memory: PacketMemory, packet: Packet): void {
  const at = packet.csumStart + packet.csumOffset;
  const sum = bindChecksum(memory).sum(packet.csumStart, packet.tail - packet.csumStart);
  memory.view.setUint16(at, mangleZero(finish(sum)));
  packet.ipSummed = CHECKSUM_NONE;
}
