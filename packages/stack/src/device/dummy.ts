import type { Packet } from "@seville/packet";
import { ARPHRD_ETHER, IFF_BROADCAST, IFF_NOARP } from "../interface/flags.ts";
import { NETIF_F_GSO, NETIF_F_HW_CSUM, type NetDevice } from "../interface/net-device.ts";

/** A device that forgets what it is given: a place for addresses (drivers/net/dummy.c). */
export function createDummy(): NetDevice {
  return {
    kind: "dummy",
    type: ARPHRD_ETHER,
    flags: IFF_BROADCAST | IFF_NOARP,
    features: NETIF_F_HW_CSUM | NETIF_F_GSO,
    hardHeaderLength: 14,
    neededHeadroom: 0,
    mtu: 1500,
    minMtu: 0,
    maxMtu: 0x7fff_ffff,
    carrier: true,
    attach() {
      // Nothing ever comes in.
    },
    transmit(packet: Packet) {
      packet.release();
    },
  };
}
