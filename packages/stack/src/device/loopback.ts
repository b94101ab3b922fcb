import { CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY, type Packet } from "@seville/packet";
import { ARPHRD_LOOPBACK, IFF_LOOPBACK } from "../interface/flags.ts";
import { NETIF_F_GSO, NETIF_F_HW_CSUM, NETIF_F_LOOPBACK, type NetDevice } from "../interface/net-device.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { Delivery } from "./delivery.ts";

/** `lo`: what is sent comes in again, super-packets whole and checksums unfinished (drivers/net/loopback.c). */
export function createLoopback(): NetDevice {
  let delivery: Delivery | undefined;
  return {
    kind: "loopback",
    type: ARPHRD_LOOPBACK,
    flags: IFF_LOOPBACK,
    features: NETIF_F_HW_CSUM | NETIF_F_GSO | NETIF_F_LOOPBACK,
    hardHeaderLength: 14,
    neededHeadroom: 0,
    mtu: 65_536,
    minMtu: 0,
    maxMtu: 0x7fff_ffff,
    carrier: true,
    attach(iface: NetInterface) {
      delivery = new Delivery(iface.host.scheduler, (packet, now) => iface.receive(packet, now));
    },
    transmit(packet: Packet) {
      trustChecksum(packet);
      delivery?.push(packet);
    },
  };
}

/** What never left the machine needs no check: the receiver takes an unfinished checksum as a right one. */
export function trustChecksum(packet: Packet): void {
  if (packet.ipSummed !== CHECKSUM_PARTIAL) packet.ipSummed = CHECKSUM_UNNECESSARY;
}
