import type { Nanos } from "@seville/core";
import { readMac, type Packet } from "@seville/packet";
import type { FrameSink, LinkEnd } from "@seville/sim";
import { ARPHRD_ETHER, IFF_BROADCAST, IFF_MULTICAST } from "../interface/flags.ts";
import type { NetDevice } from "../interface/net-device.ts";
import type { NetInterface } from "../interface/net-interface.ts";

/**
 * A plain Ethernet NIC on one end of a link: no offloads, so the wire sees finished frames.
 * The netdev package has NICs that do more.
 */
export function createEthernet(link: LinkEnd): NetDevice {
  const device = new EthernetDevice(link);
  link.attach(device);
  return device;
}

class EthernetDevice implements NetDevice, FrameSink {
  readonly kind = "ether";
  readonly type = ARPHRD_ETHER;
  readonly flags = IFF_BROADCAST | IFF_MULTICAST;
  readonly features = 0;
  readonly hardHeaderLength = 14;
  readonly neededHeadroom = 0;
  readonly minMtu = 68;
  readonly #link: LinkEnd;
  #iface: NetInterface | undefined = undefined;

  constructor(link: LinkEnd) {
    this.#link = link;
  }

  get mtu(): number {
    return this.#link.mtu;
  }

  /** The link's: longer frames would not get through. */
  get maxMtu(): number {
    return this.#link.mtu;
  }

  get backlog(): number {
    return this.#link.backlog ?? 0;
  }

  get carrier(): boolean {
    return this.#link.carrier;
  }

  attach(iface: NetInterface): void {
    this.#iface = iface;
  }

  transmit(packet: Packet): void {
    this.#link.send(packet);
  }

  receiveFrame(frame: Packet, now: Nanos): void {
    const iface = this.#iface;
    // What the filter in the NIC does not pass, the host never sees.
    if (iface?.filterAccepts(readMac(frame.pool.memory.view, frame.data)) !== true) frame.release();
    else iface.receive(frame, now);
  }

  carrierChanged(up: boolean): void {
    if (this.#iface !== undefined) this.#iface.host.interfaces.setCarrier(this.#iface, up);
  }
}
