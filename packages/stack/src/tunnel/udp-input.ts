import {
  isUnnecessary,
  preTrim,
  pseudoHeader4,
  pseudoHeader6At,
  validate,
  type ChecksumKernels,
} from "@seville/checksum";
import type { DropReason } from "@seville/core";
import { IPPROTO_UDP, ipv4, udp, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";

/**
 * A datagram for a tunnel, `data` at its UDP header: held to its length and checksum, and counted, as one for any socket
 * (`__udp4_lib_rcv`, `udp_queue_rcv_one_skb` before `encap_rcv`). Answers why it goes no further. A sum that was made here is kept as
 * COMPLETE, so that the tunnel makes none.
 *
 * @param zeroAllowed over IPv6 a checksum of 0 is taken (`udp6zerocsumrx`)
 */
export function admitDatagram(
  host: Host,
  kernels: ChecksumKernels,
  packet: Packet,
  family: 4 | 6,
  zeroAllowed: boolean,
): DropReason | undefined {
  const mib = family === 4 ? host.mib.udp : host.mib.udp6;
  if (!trimToLength(kernels, packet)) {
    mib.InErrors++;
    return "PKT_TOO_SMALL";
  }
  if (!isRight(kernels, packet, family, zeroAllowed)) {
    mib.InCsumErrors++;
    mib.InErrors++;
    return "UDP_CSUM";
  }
  mib.InDatagrams++;
  return undefined;
}

function trimToLength(kernels: ChecksumKernels, packet: Packet): boolean {
  if (packet.gsoSize > 0) return true;
  const length = udp.length(packet.pool.memory.view, packet.data);
  if (length < udp.HEADER_LENGTH || length > packet.length || !preTrim(kernels, packet, length)) return false;
  packet.trim(length);
  return true;
}

function isRight(kernels: ChecksumKernels, packet: Packet, family: 4 | 6, zeroAllowed: boolean): boolean {
  const { view, u8 } = packet.pool.memory;
  // A verified checksum is used up where the header is taken off, not here.
  if (packet.gsoSize > 0 || isUnnecessary(packet)) return true;
  if (udp.checksum(view, packet.data) === 0) return family === 4 || zeroAllowed;
  const { length, networkHeader: ip } = packet;
  const pseudo =
    family === 4
      ? pseudoHeader4(ipv4.source(view, ip), ipv4.destination(view, ip), IPPROTO_UDP, length)
      : pseudoHeader6At(u8, ip + 8, ip + 24, IPPROTO_UDP, length);
  return validate(kernels, packet, pseudo) !== "bad";
}
