import { add, fold, pseudoHeader4, pseudoHeader6At, sub, type PartialSum } from "@seville/checksum";
import type { PacketMemory } from "@seville/core";
import { CHECKSUM_PARTIAL, type Packet } from "@seville/packet";
import type { IpLevel } from "./layout.ts";

/** The pseudo-header's sum from the IP header of `level`, of a packet (or a copy of its headers) that begins at `base`. */
export function pseudoOf(
  { view, u8 }: PacketMemory,
  base: number,
  level: IpLevel,
  protocol: number,
  length: number,
): PartialSum {
  const at = base + level.at;
  if (level.version === 4) return pseudoHeader4(view.getUint32(at + 12), view.getUint32(at + 16), protocol, length);
  return pseudoHeader6At(u8, at + 8, at + 24, protocol, length);
}

/**
 * The pseudo-header's sum of a super-packet's transport header, without its length. A PARTIAL packet brings it along in
 * the checksum field, and it may say more than the IP header does (the final destination behind a routing header), so it
 * is taken from there (S4); otherwise it is computed.
 */
export function superPseudo(packet: Packet, level: IpLevel, transport: number, protocol: number): PartialSum {
  const { memory } = packet.pool;
  if (packet.ipSummed !== CHECKSUM_PARTIAL || packet.csumNotInet) {
    return pseudoOf(memory, packet.data, level, protocol, 0);
  }
  const stored = memory.view.getUint16(packet.csumStart + packet.csumOffset);
  return fold(sub(add(stored, 0), packet.totalLength - transport));
}
