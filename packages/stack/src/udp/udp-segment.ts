import { unsupported } from "@seville/core";
import { CHECKSUM_NONE, SKB_GSO_UDP_L4, udp, type Packet } from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { NETIF_F_GSO } from "../interface/net-device.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { SendControl } from "../socket/route-datagram.ts";
import type { UdpSocket } from "./udp-socket.ts";

/** `UDP_MAX_SEGMENTS` (include/linux/udp.h). */
const UDP_MAX_SEGMENTS = 128;

/** The way of a datagram that may become several. */
interface SegmentedPath {
  readonly out: NetInterface;
  readonly mtu: number;
  /** Bytes of the IP header. */
  readonly ipHeader: number;
}

/**
 * The size of the datagrams into which `packet`, `data` at the payload, is to be split on its way out (UDP_SEGMENT, as option or
 * control message), or 0: it is one datagram, also because it is no longer than that (`udp_send_skb`).
 *
 * @throws SevilleError `EMSGSIZE` if a segment is longer than the MTU, `EINVAL` for more than 128 of them, or without checksums
 */
export function segmentSize(socket: UdpSocket, packet: Packet, path: SegmentedPath, control: SendControl): number {
  const size = control.segment ?? socket.options.UDP_SEGMENT;
  if (!Number.isInteger(size) || size < 0 || size > 0xffff) throw errnoError("EINVAL", undefined, "segment");
  if (size === 0) return 0;
  const { length } = packet;
  if (path.ipHeader + udp.HEADER_LENGTH + Math.min(length, size) > path.mtu) throw errnoError("EMSGSIZE");
  if (length > size * UDP_MAX_SEGMENTS) throw errnoError("EINVAL", `more than ${UDP_MAX_SEGMENTS} segments`, "payload");
  const unsummed = path.ipHeader === 20 ? socket.options.SO_NO_CHECK : socket.options.UDP_NO_CHECK6_TX;
  if (unsummed !== 0) throw errnoError("EINVAL", "segments need checksums", "segment");
  if (length <= size) return 0;
  if ((path.out.device.features & NETIF_F_GSO) === 0 && socket.host.segmenter === undefined) {
    throw unsupported("UDP_SEGMENT without segmentation", "installSegmenter(host) of @seville/stack/offload gives it");
  }
  return size;
}

/** Marks `packet` as `Math.ceil(length / size)` datagrams in one. */
export function markSegments(packet: Packet, size: number): void {
  packet.gsoSegs = Math.ceil(packet.length / size);
  packet.gsoSize = size;
  packet.gsoType = SKB_GSO_UDP_L4;
}

/**
 * What `socket` gets of a packet, `data` at the UDP header: the packet itself, or of a super-packet (a device's or GRO's) the
 * datagrams in it, unless the socket takes it whole (UDP_GRO). Each has `data` at its payload. `undefined`: it could not be split, and
 * is the caller's still (`udp_unexpected_gso`, `udp_rcv_segment`).
 */
export function datagramsFor(host: Host, socket: UdpSocket, packet: Packet): readonly Packet[] | undefined {
  if (packet.gsoSize === 0 || socket.options.UDP_GRO !== 0) {
    packet.pull(udp.HEADER_LENGTH);
    return [packet];
  }
  const datagrams = splitHere(host, packet);
  for (const datagram of datagrams ?? []) datagram.pull(udp.HEADER_LENGTH);
  return datagrams;
}

/**
 * Splits a super-packet on its way up, `data` at its UDP header, into packets with `data` at theirs (`udp_rcv_segment`). Nobody
 * vouches for their checksums any more: who wants to know verifies them. `undefined`: it could not be split, and is the caller's still.
 */
export function splitHere(host: Host, packet: Packet): readonly Packet[] | undefined {
  const headers = packet.data - packet.networkHeader;
  packet.data = packet.networkHeader;
  const datagrams = host.segmenter?.(packet);
  if (datagrams === undefined) {
    packet.data += headers;
    return undefined;
  }
  for (const datagram of datagrams) {
    datagram.pull(headers);
    datagram.ipSummed = CHECKSUM_NONE;
  }
  return datagrams;
}
