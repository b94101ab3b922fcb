import { mangleZero } from "../incremental.ts";
import type { ChecksumKernels } from "../kernels.ts";
import { add, finish, fold, type PartialSum } from "../partial.ts";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, dataLength, sumData, type ChecksumPacket } from "./state.ts";
import { checksumHelp, setPartial, type TransmitPacket } from "./transmit.ts";
import { UDP_CHECKSUM_OFFSET } from "./validate.ts";

/**
 * Local checksum offload: the sum from the outer header at `from` (absolute) to the end of a PARTIAL packet, without
 * reading its payload (Linux `lco_csum`; C23).
 *
 * Once the inner checksum has been filled in, everything from `csumStart` on sums to the complement of what the field
 * holds now, the pseudo-header's sum, whatever the payload is. So the outer checksum is known before the inner one.
 */
export function lcoSum(kernels: ChecksumKernels, packet: ChecksumPacket, from: number): PartialSum {
  const field = kernels.memory.view.getUint16(packet.csumStart + packet.csumOffset);
  return kernels.sum(from, packet.csumStart - from, ~field & 0xffff);
}

/** What {@link setUdpChecksum} did. `failed`: an inner CRC32c could not be finished; drop the packet. */
export type UdpChecksumWay = "none" | "gso" | "lco" | "partial" | "failed";

/**
 * Fills in or delegates the checksum of a UDP header that goes out, in the order of Linux `udp_set_csum` (C24):
 * none wanted: 0; a super-packet: the pseudo-header's sum, which segmentation completes; an inner checksum is PARTIAL:
 * local checksum offload; otherwise this one becomes the PARTIAL one. The headers must be writable.
 *
 * @param udp absolute offset of the UDP header
 * @param pseudo the pseudo-header's sum, with the UDP length
 */
export function setUdpChecksum(
  kernels: ChecksumKernels,
  packet: TransmitPacket,
  udp: number,
  pseudo: PartialSum,
  noCheck = false,
): UdpChecksumWay {
  const { view } = kernels.memory;
  const field = udp + UDP_CHECKSUM_OFFSET;
  if (noCheck) {
    view.setUint16(field, 0);
    return "none";
  }
  if ((packet.gsoSize ?? 0) !== 0) {
    view.setUint16(field, fold(pseudo));
    return "gso";
  }
  if (!finishCrc(kernels, packet)) return "failed";
  if (packet.ipSummed === CHECKSUM_PARTIAL) {
    view.setUint16(field, 0);
    const sum = lcoSum(kernels, packet, udp);
    view.setUint16(field, mangleZero(finish(add(sum, pseudo))));
    return "lco";
  }
  view.setUint16(field, fold(pseudo));
  setPartial(packet, udp, UDP_CHECKSUM_OFFSET);
  return "partial";
}

/**
 * Fills in the checksum of a GRE header with the C bit (RFC 2784 §2.3), by local checksum offload if an inner one is
 * PARTIAL, else over all bytes. A sum of 0 is stored as it is (C8). IPv4 and IPv6 alike. `false` as for UDP's `failed`.
 *
 * @param gre absolute offset of the GRE header, which begins the data to sum
 */
export function setGreChecksum(kernels: ChecksumKernels, packet: TransmitPacket, gre: number): boolean {
  const { view } = kernels.memory;
  if (!finishCrc(kernels, packet)) return false;
  view.setUint16(gre + 4, 0);
  const start = gre - packet.data;
  const sum =
    packet.ipSummed === CHECKSUM_PARTIAL
      ? lcoSum(kernels, packet, gre)
      : sumData(kernels, packet, start, dataLength(packet) - start);
  view.setUint16(gre + 4, finish(sum));
  return true;
}

/** Around a CRC32c nothing can be said without knowing it, so it is finished in software first (C18). */
function finishCrc(kernels: ChecksumKernels, packet: TransmitPacket): boolean {
  return !(packet.ipSummed === CHECKSUM_PARTIAL && packet.csumNotInet) || checksumHelp(kernels, packet);
}

/**
 * Before a tunnel header is pushed: where nothing is PARTIAL there is nothing to offload inside, so the mark that says so
 * goes, else a NIC that parses would take the packet for an inner offload (Linux `iptunnel_handle_offloads`; C25).
 */
export function settleEncapsulation(packet: ChecksumPacket & { encapsulation: boolean }): void {
  packet.encapsulation = packet.ipSummed === CHECKSUM_PARTIAL;
  if (!packet.encapsulation) packet.ipSummed = CHECKSUM_NONE;
}
