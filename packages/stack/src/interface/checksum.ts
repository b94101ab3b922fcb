import {
  add,
  bindChecksum,
  isValid,
  postPull,
  preTrim,
  type ChecksumVerdict,
  type PartialSum,
} from "@seville/checksum";
import { CHECKSUM_COMPLETE, CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY, type Packet } from "@seville/packet";

/** Takes `count` bytes of headers off the front; a COMPLETE sum loses theirs (`skb_pull_rcsum`). */
export function pullHeaders(packet: Packet, count: number): void {
  packet.pull(count);
  if (packet.ipSummed === CHECKSUM_COMPLETE) postPull(bindChecksum(packet.pool.memory), packet, count);
}

/** Cuts the packet to `length` bytes; a COMPLETE sum loses that of the rest, a link's padding for one (`pskb_trim_rcsum`). */
export function trimPadding(packet: Packet, length: number): void {
  if (packet.ipSummed === CHECKSUM_COMPLETE) preTrim(bindChecksum(packet.pool.memory), packet, length);
  packet.trim(length);
}

/** Whether the device or the sender vouches for the checksum (`skb_csum_unnecessary`). */
export function isChecksumKnown(packet: Packet): boolean {
  const isKnown = packet.ipSummed === CHECKSUM_UNNECESSARY || packet.ipSummed === CHECKSUM_PARTIAL;
  if (isKnown) note(packet, "unnecessary");
  return isKnown;
}

/**
 * Whether the Internet checksum over all of the data is right, by the device's sum, or else by one that is made here: a device whose sum
 * says otherwise may be wrong, and is not believed (`__skb_checksum_validate_complete`).
 *
 * @param pseudo the pseudo-header's sum; ICMP for IPv4 has none
 */
export function isSumRight(packet: Packet, pseudo: PartialSum): boolean {
  const isSummed = packet.ipSummed === CHECKSUM_COMPLETE;
  const isKnown = isSummed && isValid(add(pseudo, packet.csum));
  const isRight = isKnown || isValid(bindChecksum(packet.pool.memory).sum(packet.data, packet.length, pseudo));
  note(packet, isKnown ? "complete" : !isRight ? "bad" : isSummed ? "fault" : "software");
  return isRight;
}

/** For whoever watches checksums (`observeChecksum`). */
function note(packet: Packet, verdict: ChecksumVerdict): void {
  bindChecksum(packet.pool.memory).observer?.verdict?.(packet.data, verdict);
}
