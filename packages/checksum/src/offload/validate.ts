import type { ChecksumKernels } from "../kernels.ts";
import { add, isValid, type PartialSum } from "../partial.ts";
import { CHECKSUM_COMPLETE, CHECKSUM_NONE, dataLength, sumData, type ChecksumPacket } from "./state.ts";
import { decrementUnnecessary, isUnnecessary } from "./unnecessary.ts";

/**
 * How a checksum was found to be.
 * - `unnecessary`: the device had verified it, or it is a PARTIAL one that never crossed a wire;
 * - `absent`: there is none, and that is allowed;
 * - `complete`: the device's sum over the data verifies it;
 * - `software`: it was summed here and is good;
 * - `fault`: it is good, but the device's sum said otherwise: count it against the device (`netdev_rx_csum_fault`; C13);
 * - `bad`: it is wrong.
 */
export type ChecksumVerdict = "unnecessary" | "absent" | "complete" | "software" | "fault" | "bad";

/**
 * Verifies the checksum over all of the packet's data, which begins at the transport header and has been trimmed to its
 * length (Linux `__skb_checksum_validate`). Uses up one level of UNNECESSARY; a software sum is kept as COMPLETE.
 *
 * @param pseudo the pseudo-header's sum; 0 for ICMP and GRE, which have none
 * @param absent the field says "no checksum" and that is allowed here: see {@link validateUdp}
 */
export function validate(
  kernels: ChecksumKernels,
  packet: ChecksumPacket,
  pseudo: PartialSum,
  absent = false,
): ChecksumVerdict {
  const verdict = judge(kernels, packet, pseudo, absent);
  kernels.observer?.verdict?.(packet.data, verdict);
  return verdict;
}

function judge(kernels: ChecksumKernels, packet: ChecksumPacket, pseudo: PartialSum, absent: boolean): ChecksumVerdict {
  if (isUnnecessary(packet) || absent) {
    decrementUnnecessary(packet);
    return absent ? "absent" : "unnecessary";
  }
  const wasComplete = packet.ipSummed === CHECKSUM_COMPLETE;
  if (wasComplete && isValid(add(pseudo, packet.csum))) return "complete";
  const sum = sumData(kernels, packet, 0, dataLength(packet));
  packet.csum = sum;
  packet.ipSummed = CHECKSUM_COMPLETE;
  if (!isValid(add(pseudo, sum))) return "bad";
  return wasComplete ? "fault" : "software";
}

/** Offset of the checksum in the UDP header. */
export const UDP_CHECKSUM_OFFSET = 6;
/** Offset of the checksum in the TCP header. */
export const TCP_CHECKSUM_OFFSET = 16;

/**
 * {@link validate} for UDP: a field of 0 means "no checksum" over IPv4 (RFC 768) and is an error over IPv6 unless the
 * socket or tunnel allows it (RFC 6935, RFC 6936; C7).
 */
export function validateUdp(
  kernels: ChecksumKernels,
  packet: ChecksumPacket,
  pseudo: PartialSum,
  zeroAllowed: boolean,
): ChecksumVerdict {
  const isZero = kernels.memory.view.getUint16(packet.data + UDP_CHECKSUM_OFFSET) === 0;
  if (isZero && !zeroAllowed) return "bad";
  return validate(kernels, packet, pseudo, isZero);
}

/**
 * After a checksum that is there and verified: if nothing more is known of the packet, the sum over its data now is, for
 * data and pseudo-header add up to 0xffff. So NONE becomes COMPLETE and inner checksums cost no pass over the payload
 * (Linux `skb_checksum_try_convert`; C14). Call it with `data` still at the transport header.
 */
export function tryConvert(packet: ChecksumPacket, verdict: ChecksumVerdict, pseudo: PartialSum): boolean {
  if (packet.ipSummed !== CHECKSUM_NONE || verdict === "absent" || verdict === "bad") return false;
  packet.csum = ~pseudo >>> 0;
  packet.ipSummed = CHECKSUM_COMPLETE;
  return true;
}
