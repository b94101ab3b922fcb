import { NO_HEADER, PACKET_HOST, type Packet } from "@seville/packet";
import { ARPHRD_ETHER, IFF_BROADCAST, IFF_MULTICAST } from "../interface/flags.ts";
import { NETIF_F_GSO, NETIF_F_HW_CSUM, type NetDevice } from "../interface/net-device.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { Delivery } from "./delivery.ts";

const ETHERNET_HEADER = 14;
const VLAN_TAG = 4;

/** Two Ethernet devices joined back to back, in one host or in two (drivers/net/veth.c). */
export function createVethPair(): [NetDevice, NetDevice] {
  const a = new VethDevice();
  const b = new VethDevice();
  a.join(b);
  b.join(a);
  return [a, b];
}

class VethDevice implements NetDevice {
  readonly kind = "veth";
  readonly type = ARPHRD_ETHER;
  readonly flags = IFF_BROADCAST | IFF_MULTICAST;
  readonly features = NETIF_F_HW_CSUM | NETIF_F_GSO;
  readonly hardHeaderLength = ETHERNET_HEADER;
  readonly neededHeadroom = 0;
  readonly mtu = 1500;
  readonly minMtu = 68;
  readonly maxMtu = 65_535;
  iface: NetInterface | undefined = undefined;
  #peer: VethDevice | undefined = undefined;
  delivery: Delivery | undefined = undefined;

  join(peer: VethDevice): void {
    this.#peer = peer;
  }

  /** There is carrier while both ends are up. */
  get carrier(): boolean {
    return this.iface?.isUp === true && this.#peer?.iface?.isUp === true;
  }

  attach(iface: NetInterface): void {
    this.iface = iface;
    this.delivery = new Delivery(iface.host.scheduler, (packet, now) => iface.receive(packet, now));
  }

  open(): void {
    this.#peer?.tellCarrier();
  }

  stop(): void {
    this.tellCarrier();
    this.#peer?.tellCarrier();
  }

  tellCarrier(): void {
    this.iface?.host.interfaces.setCarrier(this.iface, this.carrier);
  }

  transmit(packet: Packet): void {
    const peer = this.#peer;
    const to = peer?.iface;
    const delivery = peer?.delivery;
    if (to === undefined || delivery === undefined || !to.isUp) {
      drop(this.iface, packet, "DEV_READY");
      return;
    }
    // `is_skb_forwardable`: super-packets pass, others must fit the receiver's MTU.
    if (packet.gsoSize === 0 && packet.length > to.mtu + ETHERNET_HEADER + VLAN_TAG) {
      drop(this.iface, packet, "PKT_TOO_BIG");
      return;
    }
    scrub(packet);
    delivery.push(packet);
  }
}

function drop(iface: NetInterface | undefined, packet: Packet, reason: "DEV_READY" | "PKT_TOO_BIG"): void {
  if (iface === undefined) {
    packet.release();
    return;
  }
  iface.stats.tx_dropped++;
  iface.host.drop(packet, reason, iface);
}

/** What one host noted on a packet is nothing to the next (`skb_scrub_packet`); the checksum state stays. */
function scrub(packet: Packet): void {
  packet.networkHeader = NO_HEADER;
  packet.transportHeader = NO_HEADER;
  packet.macHeader = NO_HEADER;
  packet.pktType = PACKET_HOST;
  packet.mark = 0;
  packet.priority = 0;
  packet.hash = 0;
  packet.cb = 0;
}
