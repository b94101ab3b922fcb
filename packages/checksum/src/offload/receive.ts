import type { ChecksumKernels } from "../kernels.ts";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_UNNECESSARY,
  dataLength,
  MAX_CSUM_LEVEL,
  sumData,
  type ChecksumPacket,
} from "./state.ts";

/** A checksum that a receiving device met, from the outside inwards. IPv4 headers do not count. */
export interface ReceivedChecksum {
  readonly protocol: "tcp" | "udp" | "gre" | "sctp" | "fcoe";
  /** Whether there is one. GRE without the C bit has none and is passed over; a UDP checksum of 0 counts as verified. */
  readonly present: boolean;
  /** Whether the device knew how to verify it and found it good. */
  readonly verified: boolean;
}

/** What a device can say of what it receives. */
export interface ReceiveDevice {
  /** It sums all bytes that it hands up. */
  readonly canSum: boolean;
  /** It parses headers and verifies. */
  readonly canVerify: boolean;
}

/**
 * Sets what a receiving device reports of a packet whose `data` is where the stack will begin to read (C9, C10, C12).
 *
 * A device that can sum must report COMPLETE, which serves every protocol at every depth, unless there is a CRC that a
 * sum says nothing about (SCTP, FCoE); one that can only verify counts checksums; any other reports NONE.
 */
export function reportReceived(
  kernels: ChecksumKernels,
  packet: ChecksumPacket,
  device: ReceiveDevice,
  checksums: readonly ReceivedChecksum[],
): void {
  packet.csum = 0;
  packet.csumLevel = 0;
  const hasCrc = checksums.some(({ protocol }) => protocol === "sctp" || protocol === "fcoe");
  if (device.canSum && !hasCrc) {
    packet.ipSummed = CHECKSUM_COMPLETE;
    packet.csum = sumData(kernels, packet, 0, dataLength(packet));
    return;
  }
  const verified = device.canVerify ? countVerified(checksums) : 0;
  packet.ipSummed = verified === 0 ? CHECKSUM_NONE : CHECKSUM_UNNECESSARY;
  packet.csumLevel = Math.max(0, Math.min(MAX_CSUM_LEVEL, verified - 1));
}

/** How many checksums in a row, from the outside, are good. */
function countVerified(checksums: readonly ReceivedChecksum[]): number {
  let count = 0;
  for (const { present, verified } of checksums) {
    if (!present) continue;
    if (!verified) break;
    count++;
  }
  return count;
}
