import { invalidArgument, type DropReason, type Nanos, type Scheduler } from "@seville/core";
import {
  NetDev,
  parseFeature,
  type FeatureFix,
  type FeatureSet,
  type NetDevOptions,
  type NicInterface,
} from "@seville/netdev";
import type { Packet, PacketPool } from "@seville/packet";
import type { WorldClock } from "../bridge.ts";
import { loadLibc } from "../libc/libc.ts";
import { monotonicNow } from "../port/clock.ts";
import { ETH_HLEN, VLAN_HLEN } from "../port/host-port.ts";
import type { VnetGrant } from "../tap/messages.ts";
import { openTapHandle, type TapHandle } from "../tap/tap-handle.ts";
import { workerData, type TapOptions } from "../tap/tap-options.ts";
import { formatMac } from "../tap/tun-abi.ts";
import { TapDriver } from "./driver.ts";
import { ALL_OFFLOADS, declareTap, wishOf } from "./features.ts";
import { tapHardware } from "./tap-hardware.ts";
import type { TapHardware } from "./tap-queues.ts";

export interface TapNicOptions
  extends
    Omit<TapOptions, "maxFrameBytes">,
    Omit<NetDevOptions, "scheduler" | "pool" | "receive" | "onDrop" | "onFix" | "queues"> {
  readonly scheduler: Scheduler;
  readonly pool: PacketPool;
  /** Brings what the kernel sends into simulated time: a `RealtimeDriver`. */
  readonly clock: WorldClock;
  /** Is told when the device breaks: deleted by somebody, say. */
  readonly onFailure: (error: Error) => void;
  /** Frames have a `virtio_net_hdr` (IFF_VNET_HDR): super-packets and checksums pass unfinished. Default true. */
  readonly vnetHdr?: boolean;
  /** What the kernel may leave unfinished, `TUN_F_…` of `@seville/tso`. Default: all that it knows. */
  readonly offloads?: number;
  /** Queues of the device (IFF_MULTI_QUEUE if there are several). Default 1, at most 16. */
  readonly queues?: number;
  /** Where received packets go, without an interface to {@link TapNic.attach} to. */
  readonly receive?: (packet: Packet, now: Nanos) => void;
  /** Is told of packets that go no further, before they are released. Counters have them all. */
  readonly onDrop?: (packet: Packet, reason: DropReason) => void;
}

const ARPHRD_ETHER = 1;
const IFF_BROADCAST = 0x2;
const IFF_MULTICAST = 0x1000;
/** What the stack leaves to a device that finishes packets itself, in the stack's own bits. */
const STACK_HW_CSUM = 1 << 0;
const STACK_GSO = 1 << 1;
const MOST_QUEUES = 16;
/** The largest packet of 64 KiB with a tag, so that a super-packet is not too long for its ring. */
const MAX_MTU = 65_535 - ETH_HLEN;

/**
 * Opens a TAP device of this machine's kernel as a NIC of a simulated host: `host.interfaces.add(nic, …)` takes it as it is.
 * It is a driver on a `NetDev` of `@seville/netdev`, so it has features to switch, queues, GRO and statistics; what the kernel of
 * the day cannot take is done in software.
 *
 * @throws SevilleError as `openTap`: `EPERM` without the privilege …; `ERR_UNSUPPORTED` for a kernel without IFF_VNET_HDR
 */
export async function openTapNic(options: TapNicOptions): Promise<TapNic> {
  const { queues = 1, vnetHdr = true, offloads = ALL_OFFLOADS } = options;
  if (!Number.isInteger(queues) || queues < 1 || queues > MOST_QUEUES) {
    throw invalidArgument("queues", `1 to ${MOST_QUEUES}`, queues);
  }
  if ((offloads & ~ALL_OFFLOADS) !== 0) throw invalidArgument("offloads", "bits of TUN_F_…", offloads);
  const data = workerData(options, queues, vnetHdr ? wishOf(offloads) : undefined);
  const libc = await loadLibc();
  const handle = await openTapHandle(data);
  const hardware = tapHardware(handle, libc);
  return new TapNic(options, handle, hardware, data.maxFrameBytes);
}

/** A TAP device as a NIC. See {@link openTapNic}. */
export class TapNic {
  readonly kind = "ether";
  readonly type: number = ARPHRD_ETHER;
  readonly flags: number = IFF_BROADCAST | IFF_MULTICAST;
  readonly hardHeaderLength: number = ETH_HLEN;
  readonly neededHeadroom: number;
  readonly minMtu = 68;
  readonly maxMtu: number = MAX_MTU;
  /** The MTU of the kernel's side when it was opened. */
  readonly mtu: number;
  /** For people: `tap tap0`. */
  readonly name: string;
  /** Ethernet address of the kernel's side. */
  readonly kernelMac: string;
  /** What the kernel granted; `undefined`: bare frames. */
  readonly vnet: VnetGrant | undefined;
  readonly device: NetDev;
  readonly driver: TapDriver;
  /** What the rules of features took back since the last {@link TapNic.setFeature} began, and why. */
  readonly fixes: FeatureFix[] = [];
  readonly #handle: TapHandle;
  #carrier = true;
  #iface: NicInterface | undefined = undefined;
  #receive: (packet: Packet, now: Nanos) => void;

  /** @internal See {@link openTapNic}. */
  constructor(options: TapNicOptions, handle: TapHandle, hardware: TapHardware, maxFrameBytes: number) {
    const { opened } = handle;
    const { clock, pool } = options;
    this.#handle = handle;
    handle.watcher = {
      framesCame: (queue) => hardware.onInterrupt(queue),
      failed: (error) => {
        this.#carrier = false;
        const iface = this.#iface;
        iface?.host.interfaces.setCarrier(iface as never, false);
        options.onFailure(error);
      },
    };
    this.name = handle.name;
    this.kernelMac = formatMac(opened.mac);
    this.vnet = opened.vnet;
    this.mtu = opened.mtu;
    this.neededHeadroom = VLAN_HLEN + (opened.vnet?.headerBytes ?? 0);
    this.#receive = options.receive ?? ((packet) => packet.release());
    const onDrop = options.onDrop ?? (() => undefined);
    this.driver = new TapDriver({
      hardware,
      pool,
      grant: opened.vnet,
      maxFrameBytes,
      inject: (input) => clock.inject(input, monotonicNow()),
      later: setImmediate,
      accepts: (mac) => this.#iface?.filterAccepts(mac) ?? true,
      onDrop,
    });
    const declaration = { ...declareTap(opened.vnet), name: options.device, maxQueues: hardware.queues.length };
    this.device = new NetDev(declaration, this.driver, {
      ...options,
      queues: hardware.queues.length,
      receive: (packet, now) => this.#receive(packet, now),
      onDrop,
      onFix: (fix) => this.fixes.push(fix),
    });
    this.driver.bind(this.device);
  }

  /** What the stack need not do, in its bits. Without GSO the stack makes no super-packets. */
  get features(): number {
    return STACK_HW_CSUM | (this.device.features.features.has("GSO") ? STACK_GSO : 0);
  }

  get carrier(): boolean {
    return this.#carrier;
  }

  /** Frames that the kernel dropped since the device was opened, because they were read too slowly. */
  get kernelDrops(): number {
    return this.#handle.kernelDrops;
  }

  /** Serves `iface` from now on. */
  attach(iface: NicInterface): void {
    this.#iface = iface;
    this.#receive = (packet, now) => {
      iface.receive(packet, now);
    };
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
   * `ethtool -K DEV WORD on|off`: a group (`tso`), a feature's name (`tx-udp_tnl-segmentation`) or the kernel's. `rx` and
   * `rx-gro-hw` are what the kernel's side may leave to us. Answers what did not come out as asked.
   * @throws SevilleError `ERR_UNKNOWN_FEATURE`
   */
  setFeature(word: string, on: boolean): FeatureSet {
    this.fixes.length = 0;
    return this.device.features.set(parseFeature(word), on);
  }

  /** `ethtool -S`, filtered by `STATS_…` of `@seville/netdev`. */
  stats(filter: number): Map<string, number> {
    return this.device.stats(filter);
  }

  /** Frees all that it holds. Take the interface down, or out of its host, first. A second call gets the same promise. */
  close(): Promise<void> {
    return this.#handle.close();
  }
}
