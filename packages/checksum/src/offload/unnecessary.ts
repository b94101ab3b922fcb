import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  MAX_CSUM_LEVEL,
  type ChecksumState,
  type PacketBytes,
} from "./state.ts";

/** Whether the next checksum from the outside needs no verifying (Linux `skb_csum_unnecessary`; C10, C15). */
export function isUnnecessary(packet: ChecksumState & PacketBytes): boolean {
  if (packet.ipSummed === CHECKSUM_UNNECESSARY) return true;
  return packet.ipSummed === CHECKSUM_PARTIAL && packet.csumStart >= packet.data;
}

/** One verified checksum has been used up (Linux `__skb_decr_checksum_unnecessary`; C11). */
export function decrementUnnecessary(state: ChecksumState): void {
  if (state.ipSummed !== CHECKSUM_UNNECESSARY) return;
  if (state.csumLevel === 0) state.ipSummed = CHECKSUM_NONE;
  else state.csumLevel--;
}

/** One more checksum has been verified (Linux `__skb_incr_checksum_unnecessary`; C11). */
export function incrementUnnecessary(state: ChecksumState): void {
  if (state.ipSummed === CHECKSUM_UNNECESSARY) {
    if (state.csumLevel < MAX_CSUM_LEVEL) state.csumLevel++;
  } else if (state.ipSummed === CHECKSUM_NONE) {
    state.ipSummed = CHECKSUM_UNNECESSARY;
    state.csumLevel = 0;
  }
}

/** What was verified no longer holds, the data having been changed (Linux `__skb_reset_checksum_unnecessary`). */
export function resetUnnecessary(state: ChecksumState): void {
  if (state.ipSummed !== CHECKSUM_UNNECESSARY) return;
  state.ipSummed = CHECKSUM_NONE;
  state.csumLevel = 0;
}
