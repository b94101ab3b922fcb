import type { DropReason, Nanos } from "@seville/core";
import { isMulticastMac, multicastMac, type IpAddress, type MacAddress, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import {
  IFF_ALLMULTI,
  IFF_BROADCAST,
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_MULTICAST,
  IFF_PROMISC,
  IFF_RUNNING,
  IFF_UP,
  MAC_BROADCAST,
} from "./flags.ts";
import { Inet6Device, InDevice } from "./in-device.ts";
import type { GroupState } from "./multicast-groups.ts";
import { createLinkStats, type LinkStats } from "./link-stats.ts";
import type { NetDevice } from "./net-device.ts";
import { receiveFrame } from "./receive.ts";
import { sendTo } from "./transmit.ts";

/** Takes a frame before the protocols do (`rx_handler` of a bridge port). Answers `false` if it took the packet. */
export type RxHandler = (packet: Packet, iface: NetInterface, now: Nanos) => boolean;

/** One interface of a host, `struct net_device` as the administrator sees it: `ip link` shows it. */
export class NetInterface {
  readonly host: Host;
  readonly ifindex: number;
  readonly device: NetDevice;
  /** Statistics, kept while the interface goes down and up. */
  readonly stats: LinkStats = createLinkStats();
  /** Packets lost here, by reason. */
  readonly dropCounts: Map<DropReason, number> = new Map<DropReason, number>();
  readonly v4: InDevice;
  readonly v6: Inet6Device;
  /** Link-layer groups that are listened to, and by how many network-layer groups. */
  readonly linkGroups: Map<MacAddress, number> = new Map<MacAddress, number>();
  /** These change through `host.interfaces`, which tells all who must know. */
  name: string;
  mac: MacAddress;
  broadcastMac: MacAddress = MAC_BROADCAST;
  mtu: number;
  /** `IFF_…` as set; {@link NetInterface.flags} adds what the device says. */
  adminFlags: number;
  carrier: boolean;
  /** Bridge, bond or VRF that this interface is a port of. */
  master: NetInterface | undefined = undefined;
  rxHandler: RxHandler | undefined = undefined;

  /** @internal Interfaces come from `host.interfaces.add`. */
  constructor(host: Host, ifindex: number, name: string, mac: MacAddress, device: NetDevice) {
    this.host = host;
    this.ifindex = ifindex;
    this.name = name;
    this.mac = mac;
    this.device = device;
    this.mtu = device.mtu;
    this.adminFlags = device.flags;
    this.carrier = device.carrier;
    const { ipv4, ipv6 } = host;
    const changed = (group: IpAddress, before: GroupState | undefined, after: GroupState | undefined): void => {
      if (before === undefined) this.#listenTo(multicastMac(group), 1);
      if (after === undefined) this.#listenTo(multicastMac(group), -1);
      host.notifier.notify({ type: "group-changed", iface: this, group, before, after }, host.now);
    };
    this.v4 = new InDevice(ipv4.confDefault, ipv4.neighDefault, changed);
    this.v6 = new Inet6Device(ipv6.confDefault, ipv6.neighDefault, device.mtu, changed);
  }

  /** `IFF_…`, as `ip link` prints them between < and >. */
  get flags(): number {
    const running = this.isUp && this.carrier ? IFF_RUNNING | IFF_LOWER_UP : 0;
    return this.adminFlags | running;
  }

  /** Switched on by the administrator. */
  get isUp(): boolean {
    return (this.adminFlags & IFF_UP) !== 0;
  }

  /** On, and the wire is there. */
  get isRunning(): boolean {
    return this.isUp && this.carrier;
  }

  get isLoopback(): boolean {
    return (this.adminFlags & IFF_LOOPBACK) !== 0;
  }

  get canBroadcast(): boolean {
    return (this.adminFlags & IFF_BROADCAST) !== 0;
  }

  get canMulticast(): boolean {
    return (this.adminFlags & IFF_MULTICAST) !== 0;
  }

  /** The VRF of which it is a port or which it is itself: `l3mdev_master_ifindex`; 0: none. */
  get l3mdevIndex(): number {
    if (this.device.l3mdev !== undefined) return this.ifindex;
    return this.master?.device.l3mdev === undefined ? 0 : this.master.ifindex;
  }

  /** Whether a NIC that filters in hardware passes frames to `mac` on (`dev_set_rx_mode`). */
  filterAccepts(mac: MacAddress): boolean {
    if (mac === this.mac || mac === this.broadcastMac || (this.adminFlags & IFF_PROMISC) !== 0) return true;
    if (!isMulticastMac(mac)) return false;
    return this.linkGroups.has(mac) || mac === ALL_HOSTS_MAC || (this.adminFlags & IFF_ALLMULTI) !== 0;
  }

  /** A frame came in: `data` at the link-layer header, if the device has one. The stack owns it now. */
  receive(packet: Packet, now: Nanos): void {
    receiveFrame(this, packet, now);
  }

  /**
   * Sends `packet`, `data` at what `packet.protocol` (an EtherType) says, to the station `mac`. For devices without a
   * link-layer header `mac` means nothing. The packet is the device's afterwards, or dropped with its reason.
   */
  sendTo(packet: Packet, mac: MacAddress, now: Nanos): void {
    sendTo(this, packet, mac, now);
  }

  #listenTo(mac: MacAddress, more: 1 | -1): void {
    const users = (this.linkGroups.get(mac) ?? 0) + more;
    if (users > 0) this.linkGroups.set(mac, users);
    else this.linkGroups.delete(mac);
    if (users + more === 1 || users === 0) this.device.setRxMode?.(this);
  }
}

/** 224.0.0.1: every station is in it (RFC 1112 §4). */
const ALL_HOSTS_MAC = 0x0100_5e00_0001;
