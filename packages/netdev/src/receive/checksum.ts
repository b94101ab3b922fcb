import { add, type ChecksumKernels } from "@seville/checksum";
import { CHECKSUM_COMPLETE, CHECKSUM_NONE, CHECKSUM_UNNECESSARY, ethernet } from "@seville/packet";
import type { RxCompletion } from "../hardware/descriptor.ts";

/** `SKB_MAX_CSUM_LEVEL`. */
const MAX_LEVEL = 3;

/**
 * Says in the packet's fields what the hardware found out about its checksums (C9–C12):
 *
 * - hardware that sums: COMPLETE, which serves every protocol at every depth, but not SCTP: a sum says nothing about a CRC;
 * - good from the outside inwards: UNNECESSARY with the level of the innermost good one;
 * - a good inner checksum behind an outer one that nobody looked at: nothing. UNNECESSARY means the outermost first, and
 *   there is no way to say "the inner one only";
 * - a bad one: nothing. It is delivered even so; the stack verifies, counts and drops (C28).
 */
export function reportChecksum(kernels: ChecksumKernels, completion: RxCompletion): void {
  const { packet, sum, outer, inner } = completion;
  packet.csumLevel = 0;
  packet.csum = 0;
  packet.ipSummed = CHECKSUM_NONE;
  if (outer === "bad" || inner === "bad") return;
  if (sum !== undefined && !completion.hasCrc) {
    // The hardware begins behind the Ethernet header; `csum` is over all data.
    packet.ipSummed = CHECKSUM_COMPLETE;
    packet.csum = add(kernels.sum(packet.data, ethernet.HEADER_LENGTH), sum);
    return;
  }
  const verified = countVerified(completion);
  if (verified === 0) return;
  packet.ipSummed = CHECKSUM_UNNECESSARY;
  packet.csumLevel = Math.min(MAX_LEVEL, verified - 1);
}

/** How many checksums in a row, from the outside, need no look. An absent UDP checksum is one of them (C10). */
function countVerified({ outer, inner, outerCount }: RxCompletion): number {
  if (outer === "unknown") return 0;
  if (outer === "absent" && outerCount > 0 && inner !== "good") return 0;
  return outerCount + (inner === "good" ? 1 : 0);
}
