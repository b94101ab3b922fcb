import type { DropReason, Nanos, Scheduler } from "@seville/core";
import type { MacAddress, Packet, PacketPool } from "@seville/packet";
import type { LinkEnd } from "@seville/sim";
import { parseFeature } from "./features/ethtool.ts";
import type { FeatureSet } from "./features/feature-set.ts";
import { NicHardware, type HardwareOptions } from "./hardware/nic-hardware.ts";
import type { NetDev, NetDevOptions } from "./net-device.ts";
import type { NicObserver } from "./observer.ts";
import type { NicProfile } from "./profile/profile.ts";
import { TUNNEL_OFFLOAD } from "./profile/profiles.ts";
import type { RssOptions } from "./queue/receive-side-scaling.ts";
import type { Coalesce } from "./queue/moderation.ts";
import { probeSkeleton } from "./skeleton-driver.ts";

/** The interface that a NIC serves: `NetInterface` of `@seville/stack` is one. */
export interface NicInterface {
  /** Takes a frame over, its data at the Ethernet header. */
  receive(packet: Packet, now: Nanos): void;
  /** Which destinations the host listens to. */
  filterAccepts(mac: MacAddress): boolean;
  readonly host: { readonly interfaces: { setCarrier(iface: never, up: boolean): void } };
}

export interface NicOptions
  extends
    Omit<HardwareOptions, "silicon" | "maxQueues">,
    Omit<NetDevOptions, "receive" | "scheduler" | "pool" | "onDrop"> {
  readonly scheduler: Scheduler;
  readonly pool: PacketPool;
  readonly link: LinkEnd;
  readonly name?: string;
  /** Default: `tunnel-offload`. */
  readonly profile?: NicProfile;
  /** Queue pairs that the hardware has. Default 1. */
  readonly maxQueues?: number;
  readonly rss?: RssOptions;
  /** Where received packets go, without an interface to {@link Nic.attach} to. */
  readonly receive?: (packet: Packet, now: Nanos) => void;
  readonly onDrop?: (packet: Packet, reason: DropReason) => void;
}

const ARPHRD_ETHER = 1;
const IFF_BROADCAST = 0x2;
const IFF_MULTICAST = 0x1000;
/** What the stack leaves to a device that finishes packets itself, in the stack's own bits. */
const STACK_HW_CSUM = 1 << 0;
const STACK_GSO = 1 << 1;

/**
 * A NIC on a link, ready to be added to a host: hardware of some {@link NicProfile}, driven by the skeleton driver, behind a
 * network device that does in software what the hardware does not. It is a `NetDevice` of `@seville/stack`.
 */
export function createNic(options: NicOptions): Nic {
  return new Nic(options);
}

export class Nic {
  readonly kind = "ether";
  readonly type: number = ARPHRD_ETHER;
  readonly flags: number = IFF_BROADCAST | IFF_MULTICAST;
  readonly hardHeaderLength = 14;
  /** A tag that the hardware does not insert is pushed in front. */
  readonly neededHeadroom = 4;
  readonly minMtu = 68;
  readonly profile: NicProfile;
  readonly hardware: NicHardware;
  readonly device: NetDev;
  #iface: NicInterface | undefined = undefined;
  #receive: (packet: Packet, now: Nanos) => void;

  constructor(options: NicOptions) {
    const { profile = TUNNEL_OFFLOAD, name = "eth0", maxQueues = 1 } = options;
    this.profile = profile;
    this.#receive = options.receive ?? ((packet) => packet.release());
    this.hardware = new NicHardware({ ...options, silicon: profile.silicon, maxQueues });
    this.device = probeSkeleton(this.hardware, profile, name, {
      ...options,
      receive: (packet, now) => this.#receive(packet, now),
    });
    if (options.rss !== undefined) this.hardware.rss.configure(this.device.queues, options.rss);
  }

  /**
   * What the stack need not do, in its bits: everything. The device does in software what the hardware cannot. Without GSO
   * the stack makes no super-packets.
   */
  get features(): number {
    return STACK_HW_CSUM | (this.device.features.features.has("GSO") ? STACK_GSO : 0);
  }

  get mtu(): number {
    return this.hardware.mtu;
  }

  get maxMtu(): number {
    return this.hardware.mtu;
  }

  get carrier(): boolean {
    return this.hardware.carrier;
  }

  /** Serves `iface` from now on: what it filters out does not pass the hardware. */
  attach(iface: NicInterface): void {
    this.#iface = iface;
    this.#receive = (packet, now) => {
      iface.receive(packet, now);
    };
    this.hardware.macFilter = (mac) => iface.filterAccepts(mac);
    this.hardware.onCarrier((up) => {
      this.#iface?.host.interfaces.setCarrier(iface as never, up);
    });
  }

  open(now: Nanos): void {
    this.device.open(now);
  }

  stop(now: Nanos): void {
    this.device.stop(now);
  }

  transmit(packet: Packet, now: Nanos): void {
    this.device.transmit(packet, now);
  }

  /**
   * `ethtool -K DEV WORD on|off`: a group (`tso`), a feature's name (`tx-udp_tnl-segmentation`) or the kernel's. Answers what
   * did not come out as asked.
   * @throws SevilleError `ERR_UNKNOWN_FEATURE`
   */
  setFeature(word: string, on: boolean): FeatureSet {
    return this.device.features.set(parseFeature(word), on);
  }

  /** Watches hardware and device from now on; `undefined`: nobody does. */
  observe(observer: NicObserver | undefined): void {
    this.hardware.observer = observer;
    this.device.observer = observer;
  }

  /** `ethtool -C`: interrupt moderation. */
  setCoalesce(rx: Coalesce, tx: Coalesce = rx): void {
    this.hardware.setCoalesce(rx, tx);
  }

  /** `ethtool -G`: sizes of the rings. The device goes down and up for it. */
  setRings(rx: number, tx: number, now: Nanos): void {
    const wasUp = this.device.isUp;
    this.stop(now);
    this.hardware.setRingSizes(rx, tx);
    if (wasUp) this.open(now);
  }

  /** `ethtool -L combined`: number of queue pairs. */
  setQueues(count: number, now: Nanos): void {
    this.device.setQueues(count, now);
  }

  /** VLANs that pass the hardware's filter, while NETIF_F_HW_VLAN_CTAG_FILTER is on; `undefined`: all. */
  setVlanFilter(ids: ReadonlySet<number> | undefined): void {
    const isOn = this.device.features.features.has("HW_VLAN_CTAG_FILTER");
    this.hardware.vlanFilter = isOn ? ids : undefined;
  }
}
