import type { Packet } from "@seville/packet";

/**
 * The word `packet.cb` while the IP layers hold a packet: flags in the low byte, above them the slave interface by
 * which a VRF's packet came (`inet_sdif`).
 */

/** It was forwarded (`IPSKB_FORWARDED`). */
export const CB_FORWARDED = 1;
/** It came back from the wire of this host: a multicast or broadcast copy for our own sockets. */
export const CB_LOOPED = 2;
/** It was put together from fragments; see `fragMaxSize` in `src/ipv4/reassembly.ts`. */
export const CB_DEFRAGMENTED = 4;
/** Source route option was followed. */
export const CB_SOURCE_ROUTED = 8;
/** The ICMP error must say that the redirect is due: the packet leaves by the interface by which it came. */
export const CB_DO_REDIRECT = 16;

const SDIF_SHIFT = 8;

/** The slave by which a packet came into the VRF that `packet.ifindex` names; 0: not in a VRF. */
export function sdifOf(packet: Packet): number {
  return packet.cb >>> SDIF_SHIFT;
}

export function setSdif(packet: Packet, ifindex: number): void {
  packet.cb = (packet.cb & 0xff) | (ifindex << SDIF_SHIFT);
}
