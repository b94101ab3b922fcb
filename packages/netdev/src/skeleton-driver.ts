/*
 * The skeleton driver: copy this file to write a device. It is compiled, tested and run as it stands here; every profile
 * of this package is driven by it. The steps are in the order in which one writes them. docs/writing-a-driver.md tells
 * what to decide at each; docs/checksum-offloads.md what every flag means.
 *
 * A driver translates. The stack speaks of packets with metadata (`ipSummed`, `csumStart`, `gsoSize`, `vlanTci`), the
 * hardware of descriptors. The driver decides nothing else: what the hardware cannot do it says beforehand (steps 1 and
 * 4), and the stack does it in software.
 */
import type { Nanos } from "@seville/core";
import {
  CHECKSUM_PARTIAL,
  NO_HEADER,
  SKB_GSO_GRE,
  SKB_GSO_GRE_CSUM,
  SKB_GSO_IPXIP4,
  SKB_GSO_IPXIP6,
  SKB_GSO_PARTIAL,
  SKB_GSO_TCP_FIXEDID,
  SKB_GSO_TCP_FIXEDID_INNER,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  type Packet,
} from "@seville/packet";
import type { FeatureSet } from "./features/feature-set.ts";
import type { ChecksumRequest, RxCompletion, SegmentationRequest, TunnelRequest } from "./hardware/descriptor.ts";
import type { NicHardware } from "./hardware/nic-hardware.ts";
import { NetDev, type DriverOps, type NetDevOptions } from "./net-device.ts";
import type { NicProfile } from "./profile/profile.ts";
import { reportChecksum } from "./receive/checksum.ts";
import { STATS_DRIVER, STATS_ETH_CTRL, STATS_ETH_MAC, STATS_ETH_PHY, STATS_RMON } from "./stats/groups.ts";

/** Stop while there is still room for what may already be on its way: a packet and its descriptors. */
const STOP_THRESHOLD = 1;
/** Wake only when there is room for a few, or the queue would stop and wake with every packet. */
const WAKE_THRESHOLD = 4;

/**
 * Step 1: probe. Say what the device is: the features that its silicon keeps, and nothing more. A flag too many is a bad
 * packet on the wire; a flag too few costs CPU only.
 *
 * - `hwFeatures`: what a user can switch with `ethtool -K`;
 * - `features`: what is on at the beginning;
 * - `hwEncFeatures`, `vlanFeatures`, `mplsFeatures`: what of it still holds behind a tunnel's headers, a tag, a label;
 * - `gsoPartialFeatures`: tunnels of which the hardware splits the inside only.
 */
export function probeSkeleton(
  hardware: NicHardware,
  profile: NicProfile,
  name: string,
  options: NetDevOptions,
): NetDev {
  const driver = new SkeletonDriver(hardware, profile);
  const device = new NetDev({ ...profile, name, maxQueues: hardware.maxQueues }, driver, options);
  driver.bind(device);
  return device;
}

export class SkeletonDriver implements DriverOps {
  readonly #hardware: NicHardware;
  readonly #profile: NicProfile;
  #device: NetDev | undefined = undefined;

  constructor(hardware: NicHardware, profile: NicProfile) {
    this.#hardware = hardware;
    this.#profile = profile;
    if (profile.featuresCheck === undefined) return;
    const { featuresCheck } = profile;
    this.featuresCheck = featuresCheck;
  }

  /** The device that probe made. Interrupts go to its NAPI instances from now on. */
  bind(device: NetDev): void {
    this.#device = device;
    this.setFeatures(device.features.features);
    // Step 2: the interrupt. Nothing is done here: the vector has masked itself, NAPI does the work.
    this.#hardware.connect((vector, now) => {
      device.napi(vector).schedule(now);
    });
    this.#hardware.onOverrun((queue) => {
      const stats = device.rxStats(queue);
      stats.hw_drops++;
      stats.hw_drop_overruns++;
    });
  }

  /** Step 3: open and stop. Start the rings, fill them with buffers, let interrupts through; and the other way round. */
  open(now: Nanos): void {
    const { queues } = this.#dev;
    this.#hardware.start(queues);
    for (let queue = 0; queue < queues; queue++) {
      this.#hardware.refill(queue);
      this.#hardware.unmask(queue, now);
    }
  }

  stop(): void {
    // Whatever is in the rings goes back to the pool: a driver that forgets it leaks.
    this.#hardware.stop();
  }

  /**
   * Step 4: features_check. What the flags cannot say: this packet has headers that are too long, a port that the parser
   * does not know, a checksum where the parser will not look (C22). Take features away; never add any.
   */
  readonly featuresCheck?: (packet: Packet, features: FeatureSet) => FeatureSet;

  /** Step 5: set_features. Switch the hardware. What is only about transmission needs nothing: the stack stops asking. */
  setFeatures(features: FeatureSet): void {
    this.#hardware.switches = {
      checksum: features.has("RXCSUM"),
      vlanStripping: features.has("HW_VLAN_CTAG_RX"),
      hash: features.has("RXHASH"),
    };
    if (!features.has("HW_VLAN_CTAG_FILTER")) this.#hardware.vlanFilter = undefined;
  }

  /**
   * Step 6: start_xmit. The packet is as features said: translate it, post it, and stop the queue before the ring is full.
   * `false` (NETDEV_TX_BUSY) is for a ring that is full all the same; it is a bug of this function.
   */
  startXmit(packet: Packet, queue: number, now: Nanos): boolean {
    const tx = this.#dev.txQueue(queue);
    const stats = this.#dev.txStats(queue);
    const bytes = packet.totalLength;
    const checksum = checksumRequest(packet);
    const segmentation = segmentationRequest(packet);
    if (!this.#hardware.post(queue, { packet, vlanTci: packet.vlanTci, checksum, segmentation })) return false;
    // From here on the packet is the hardware's: not one field of it may be read.
    if (checksum === undefined && segmentation === undefined) stats.csum_none++;
    else stats.needs_csum++;
    if (segmentation !== undefined) {
      stats.hw_gso_packets++;
      stats.hw_gso_bytes += bytes;
    }
    tx.sent(bytes);
    if (this.#hardware.txFree(queue) < STOP_THRESHOLD) tx.stop();
    // The doorbell comes last: the hardware may complete at once.
    this.#hardware.doorbell(queue, now);
    return true;
  }

  /** Step 7: poll. First what went out, without limit; then what came in, up to the budget. */
  poll(queue: number, budget: number, now: Nanos): number {
    this.#cleanTx(queue, now);
    let work = 0;
    while (work < budget) {
      const completion = this.#hardware.takeRx(queue);
      if (completion === undefined) break;
      work++;
      this.#receive(completion, queue, now);
    }
    // New buffers for those that went up; without them the ring runs dry.
    this.#hardware.refill(queue);
    if (work < budget && this.#dev.napi(queue).complete()) this.#hardware.unmask(queue, now);
    return work;
  }

  /** Step 8: statistics, one reader a group: only what is asked for is read. */
  readonly stats: DriverOps["stats"] & object = new Map([
    [STATS_ETH_PHY, () => Object.entries(this.#hardware.counters.phy)],
    [STATS_ETH_MAC, () => Object.entries(this.#hardware.counters.mac)],
    [STATS_ETH_CTRL, () => Object.entries(this.#hardware.counters.ctrl)],
    [STATS_RMON, () => Object.entries(this.#hardware.counters.rmon)],
    [STATS_DRIVER, () => Object.entries(this.#hardware.counters.driver)],
  ]);

  /** What the hardware is done with: count, free, tell byte queue limits, and wake the queue if there is room again. */
  #cleanTx(queue: number, now: Nanos): void {
    const tx = this.#dev.txQueue(queue);
    const stats = this.#dev.txStats(queue);
    let bytes = 0;
    for (let done = this.#hardware.reap(queue); done !== undefined; done = this.#hardware.reap(queue)) {
      bytes += done.bytes;
      stats.packets += done.frames;
      stats.bytes += done.frameBytes;
      if (done.isGso) {
        stats.hw_gso_wire_packets += done.frames;
        stats.hw_gso_wire_bytes += done.frameBytes;
      }
      if (!done.error) continue;
      stats.hw_drops++;
      stats.hw_drop_errors++;
    }
    tx.completed(bytes, now);
    const room = Math.min(WAKE_THRESHOLD, this.#hardware.ringSizes.tx);
    if (this.#hardware.txFree(queue) >= room) tx.wake();
  }

  /** Step 9: describe what came in: checksum, tag, hash, queue. Say only what the hardware is sure of. */
  #receive(completion: RxCompletion, queue: number, now: Nanos): void {
    const { packet } = completion;
    const stats = this.#dev.rxStats(queue);
    reportChecksum(this.#hardware.kernels, completion);
    if (completion.outer === "bad" || completion.inner === "bad") stats.csum_bad++;
    stats[RX_STAT[packet.ipSummed]]++;
    packet.vlanTci = completion.vlanTci;
    packet.hash = completion.hash;
    packet.queueMapping = queue;
    this.#dev.receive(packet, queue, now);
  }

  get #dev(): NetDev {
    if (this.#device === undefined) throw new TypeError("bind() comes before everything else");
    return this.#device;
  }
}

const RX_STAT = ["csum_none", "csum_unnecessary", "csum_complete", "csum_none"] as const;

/**
 * What PARTIAL asks for (C16): the sum from `csumStart` on, stored at `csumOffset`. Pass both on as they are. Hardware that
 * ignores them is what `featuresCheck` is for; this function must not second-guess the protocol.
 */
export function checksumRequest(packet: Packet): ChecksumRequest | undefined {
  if (packet.ipSummed !== CHECKSUM_PARTIAL || packet.gsoSize > 0) return undefined;
  return {
    kind: packet.csumNotInet ? "crc32c" : "internet",
    start: packet.csumStart - packet.data,
    offset: packet.csumOffset,
  };
}

/**
 * What a super-packet asks for: frames of `gsoSize` bytes of payload behind a copy of its headers. With a tunnel, the
 * inner headers are those that are replicated, and the outer ones are either rewritten too or, for a packet that software
 * prepared (SKB_GSO_PARTIAL), copied as they are.
 */
export function segmentationRequest(packet: Packet): SegmentationRequest | undefined {
  if (packet.gsoSize === 0) return undefined;
  const { data, gsoType } = packet;
  const tunnel = tunnelRequest(packet);
  const network = tunnel === undefined ? packet.networkHeader : packet.innerNetworkHeader;
  return {
    mss: packet.gsoSize,
    protocol: (gsoType & SKB_GSO_UDP_L4) === 0 ? "tcp" : "udp",
    network: network - data,
    transport: packet.csumStart - data,
    tunnel,
    copyOuter: (gsoType & SKB_GSO_PARTIAL) !== 0,
    fixedId: (gsoType & SKB_GSO_TCP_FIXEDID) !== 0,
    fixedInnerId: (gsoType & SKB_GSO_TCP_FIXEDID_INNER) !== 0,
  };
}

function tunnelRequest(packet: Packet): TunnelRequest | undefined {
  const { data, gsoType, networkHeader, transportHeader, innerNetworkHeader } = packet;
  if (!packet.encapsulation || innerNetworkHeader === NO_HEADER) return undefined;
  const network = networkHeader - data;
  const isUdp = (gsoType & (SKB_GSO_UDP_TUNNEL | SKB_GSO_UDP_TUNNEL_CSUM)) !== 0;
  const isGre = (gsoType & (SKB_GSO_GRE | SKB_GSO_GRE_CSUM)) !== 0;
  if (isUdp || isGre) {
    const checksum = (gsoType & (isUdp ? SKB_GSO_UDP_TUNNEL_CSUM : SKB_GSO_GRE_CSUM)) !== 0;
    return { network, transport: transportHeader - data, kind: isUdp ? "udp" : "gre", checksum };
  }
  if ((gsoType & (SKB_GSO_IPXIP4 | SKB_GSO_IPXIP6)) === 0) return undefined;
  return { network, transport: innerNetworkHeader - data, kind: "ip", checksum: false };
}
