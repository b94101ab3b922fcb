import { bindChecksum, type ChecksumKernels } from "@seville/checksum";
import type { DropReason, Nanos, Scheduler } from "@seville/core";
import type { Packet, PacketPool } from "@seville/packet";
import { fifo, XMIT_SUCCESS, type Qdisc, type QueueAccess } from "@seville/queueing";
import { createGro, type Gro, type GroOptions } from "@seville/tso";
import { DeviceFeatures, type FeatureDeclaration, type SetFeaturesResult } from "./features/device-features.ts";
import { FeatureSet } from "./features/feature-set.ts";
import type { FeatureFix } from "./features/fix-features.ts";
import { whileTelling, type NicObserver } from "./observer.ts";
import type { ByteQueueLimitOptions } from "./queue/byte-queue-limit.ts";
import { TransmitQueue } from "./queue/transmit-queue.ts";
import { TransmitSteering, type XpsMaps } from "./queue/transmit-steering.ts";
import { createCoalescer, type Coalescer } from "./receive/coalesce.ts";
import { Napi } from "./receive/napi.ts";
import { dumpStats, STATS_QUEUE, type Statistic, type StatsReader } from "./stats/groups.ts";
import {
  QueueStatsKeeper,
  RX_QUEUE_STATS,
  TX_QUEUE_STATS,
  type QueueStatsView,
  type RxQueueStatName,
  type RxQueueStats,
  type TxQueueStatName,
  type TxQueueStats,
} from "./stats/queue-stats.ts";
import { GSO_LEGACY_MAX_SIZE, GSO_MAX_SEGS, type TransmitDevice, type TransmitSink } from "./transmit/device.ts";
import { countSegments, wireBytes } from "./transmit/packet-length.ts";
import { validateXmit } from "./transmit/validate.ts";

/** What a driver does for its device (`struct net_device_ops`). */
export interface DriverOps {
  /** `ndo_open`: the device is to work. Transmit queues are started afterwards. */
  open(now: Nanos): void;
  /** `ndo_stop`: it works no more, and holds no packet. */
  stop(now: Nanos): void;
  /** `ndo_start_xmit`: takes the packet over. `false` (NETDEV_TX_BUSY): it is the stack's still, and comes again. */
  startXmit(packet: Packet, queue: number, now: Nanos): boolean;
  /** NAPI's poll of queue pair `queue`; answers how many received frames it took. */
  poll(queue: number, budget: number, now: Nanos): number;
  /** `ndo_features_check`. */
  featuresCheck?(packet: Packet, features: FeatureSet): FeatureSet;
  fixFeatures?(features: FeatureSet): FeatureSet;
  /** `ndo_set_features`. */
  setFeatures?(features: FeatureSet, before: FeatureSet): SetFeaturesResult;
  /** `ndo_select_queue`: instead of XPS and hash. */
  selectQueue?(packet: Packet): number;
  /** Groups of statistics that this device has, by their bit. */
  readonly stats?: ReadonlyMap<number, StatsReader>;
}

/** What a driver registers. */
export interface DeviceDeclaration extends FeatureDeclaration {
  readonly name: string;
  /** Queue pairs that the device can have. Default 1. */
  readonly maxQueues?: number;
  /** Default 65536 and 65535; that of IPv4 is `gsoMaxSize`, unless it is said. */
  readonly gsoMaxSize?: number;
  readonly gsoIpv4MaxSize?: number;
  readonly gsoMaxSegs?: number;
}

/** What the host gives a device. */
export interface NetDevOptions {
  readonly scheduler: Scheduler;
  readonly pool: PacketPool;
  /** Takes what was received over; its data is at the Ethernet header. */
  readonly receive: (packet: Packet, now: Nanos) => void;
  readonly onDrop?: (packet: Packet, reason: DropReason) => void;
  /** What features were taken back, and why. */
  readonly onFix?: (fix: FeatureFix) => void;
  /** Queue pairs in use at the beginning. Default: all. */
  readonly queues?: number;
  /** What packets wait in. Default: a FIFO of 1000 packets (`txqueuelen`) for each queue. */
  readonly qdisc?: (access: QueueAccess<Packet>) => Qdisc<Packet>;
  readonly bql?: ByteQueueLimitOptions;
  readonly xps?: XpsMaps;
  /** The CPU that sends. Default: none is known, and the flow's hash chooses. */
  readonly cpu?: () => number;
  /** NAPI: packets per poll (default 64), and how long the CPU is busy with each (default 0). */
  readonly weight?: number;
  readonly cpuPerPacket?: Nanos;
  readonly gro?: Omit<GroOptions, "sink" | "link" | "fragList">;
  readonly fragmentId?: () => number;
}

interface QueuePair {
  readonly tx: TransmitQueue;
  readonly napi: Napi;
  gro: Gro;
  /** The device's own merging, in front of GRO. */
  coalescer: Coalescer | undefined;
}

/**
 * A network device as the stack and a driver share it (`struct net_device`): features, transmit queues, NAPI, statistics.
 * The stack calls {@link NetDev.transmit}; the driver hands up with {@link NetDev.receive}.
 */
export class NetDev implements TransmitDevice {
  readonly name: string;
  readonly features: DeviceFeatures;
  readonly kernels: ChecksumKernels;
  readonly gsoMaxSize: number;
  readonly gsoIpv4MaxSize: number;
  readonly gsoMaxSegs: number;
  readonly maxQueues: number;
  readonly steering: TransmitSteering;
  /** Packets that were lost between the stack and the driver (`tx_dropped`). */
  txDropped = 0;
  /** Who watches. */
  observer: NicObserver | undefined = undefined;
  readonly #ops: DriverOps;
  readonly #options: NetDevOptions;
  readonly #rxStats: QueueStatsKeeper<RxQueueStatName>;
  readonly #txStats: QueueStatsKeeper<TxQueueStatName>;
  #pairs: QueuePair[] = [];
  #isUp = false;
  #now: Nanos = 0;
  #isRunningQueue = false;

  constructor(declaration: DeviceDeclaration, ops: DriverOps, options: NetDevOptions) {
    this.name = declaration.name;
    this.maxQueues = declaration.maxQueues ?? 1;
    this.gsoMaxSize = declaration.gsoMaxSize ?? GSO_LEGACY_MAX_SIZE;
    this.gsoIpv4MaxSize = declaration.gsoIpv4MaxSize ?? this.gsoMaxSize;
    this.gsoMaxSegs = declaration.gsoMaxSegs ?? GSO_MAX_SEGS;
    this.kernels = bindChecksum(options.pool.memory);
    this.#ops = ops;
    this.#options = options;
    const queues = options.queues ?? this.maxQueues;
    this.#rxStats = new QueueStatsKeeper(RX_QUEUE_STATS, queues);
    this.#txStats = new QueueStatsKeeper(TX_QUEUE_STATS, queues);
    this.steering = new TransmitSteering(queues);
    if (options.xps !== undefined) this.steering.setMaps(options.xps);
    this.#pairs = Array.from({ length: queues }, (_, index) => this.#createPair(index));
    this.features = new DeviceFeatures(declaration, {
      ...(ops.fixFeatures === undefined ? {} : { fixFeatures: (f) => ops.fixFeatures?.(f) ?? f }),
      setFeatures: (features, before) => {
        if (ops.setFeatures?.(features, before) === "failed") return "failed";
        this.#regroup(features);
        return undefined;
      },
      ...(options.onFix === undefined ? {} : { onFix: options.onFix }),
    });
    this.#regroup(this.features.features);
    if (ops.featuresCheck !== undefined)
      this.featuresCheck = (packet, features) => ops.featuresCheck?.(packet, features) ?? features;
    if (options.fragmentId !== undefined) this.fragmentId = options.fragmentId;
  }

  readonly featuresCheck?: (packet: Packet, features: FeatureSet) => FeatureSet;
  readonly fragmentId?: () => number;

  get isUp(): boolean {
    return this.#isUp;
  }

  get queues(): number {
    return this.#pairs.length;
  }

  /** `ip link set up`. */
  open(now: Nanos): void {
    if (this.#isUp) return;
    this.#now = now;
    this.#isUp = true;
    this.#ops.open(now);
    for (const { tx, napi } of this.#pairs) {
      tx.start(now);
      napi.enable();
    }
  }

  /** `ip link set down`: everything that waits is dropped. Statistics stay. */
  stop(now: Nanos): void {
    if (!this.#isUp) return;
    this.#now = now;
    this.#isUp = false;
    for (const { tx, napi, gro, coalescer } of this.#pairs) {
      napi.disable();
      coalescer?.flush();
      gro.flush();
      tx.stop();
      tx.qdisc.clear("DEV_READY", now);
      for (const packet of tx.requeued.splice(0)) this.#drop(packet, "DEV_READY");
    }
    this.#ops.stop(now);
  }

  /** Changes the number of queue pairs (`ethtool -L combined`). The device is down for a moment; totals are kept. */
  setQueues(count: number, now: Nanos): void {
    const wasUp = this.#isUp;
    this.stop(now);
    this.#rxStats.setQueues(count);
    this.#txStats.setQueues(count);
    this.steering.setQueues(count);
    this.#pairs = Array.from({ length: count }, (_, index) => this.#createPair(index));
    this.#regroup(this.features.features);
    if (wasUp) this.open(now);
  }

  /** `dev_queue_xmit`: takes the packet over. Its data is at the Ethernet header. */
  transmit(packet: Packet, now: Nanos): void {
    this.#now = now;
    if (!this.#isUp) {
      this.#drop(packet, "DEV_READY");
      return;
    }
    countSegments(packet);
    const cpu = this.#options.cpu?.();
    const queue = this.#ops.selectQueue?.(packet) ?? this.steering.pick(packet, cpu);
    packet.queueMapping = queue;
    const pair = this.#pairs[queue] as QueuePair;
    if (pair.tx.qdisc.enqueue(packet, now) === XMIT_SUCCESS) this.runQueue(queue, now);
  }

  /** Sends what waits, as long as the driver takes it (`__qdisc_run`). A driver's poll calls it after a wake. */
  runQueue(queue: number, now: Nanos): void {
    // A driver that completes at once would come back here in the middle.
    if (this.#isRunningQueue) return;
    this.#now = now;
    this.#isRunningQueue = true;
    try {
      const { tx } = this.#pairs[queue] as QueuePair;
      while (!tx.stopped && this.#sendNext(tx, now));
    } finally {
      this.#isRunningQueue = false;
    }
  }

  /** A received frame from the driver, described in the packet's fields (`napi_gro_receive`). Takes it over. */
  receive(packet: Packet, queue: number, now: Nanos): void {
    this.#now = now;
    this.observer?.received?.(packet);
    const stats = this.#rxStats.of(queue);
    stats.packets++;
    stats.bytes += packet.length;
    const { coalescer } = this.#pairs[queue] as QueuePair;
    if (coalescer === undefined) this.#groReceive(packet, queue, now);
    else coalescer.receive(packet, now);
  }

  /** What the device hands over goes through software's GRO. */
  #groReceive(packet: Packet, queue: number, now: Nanos): void {
    if (!this.features.features.has("GRO")) {
      this.#options.receive(packet, now);
      return;
    }
    const result = (this.#pairs[queue] as QueuePair).gro.receive(packet, now);
    if (result === "merged") this.#rxStats.of(queue).gro_wire_packets++;
  }

  /** The transmit queue `index`, for the driver. */
  txQueue(index: number): TransmitQueue {
    return (this.#pairs[index] as QueuePair).tx;
  }

  napi(index: number): Napi {
    return (this.#pairs[index] as QueuePair).napi;
  }

  /** Statistics of a queue, for the driver to count with. */
  rxStats(queue: number): RxQueueStats {
    return this.#rxStats.of(queue);
  }

  txStats(queue: number): TxQueueStats {
    return this.#txStats.of(queue);
  }

  /** Per queue, of queues that are no more, and in all. */
  get rxQueueStats(): QueueStatsView<RxQueueStats> {
    return this.#rxStats.view();
  }

  get txQueueStats(): QueueStatsView<TxQueueStats> {
    return this.#txStats.view();
  }

  /**
   * `ethtool -S`, filtered: the groups that `filter` (bits of `STATS_…`) names, and nothing else is read.
   * @throws SevilleError `ERR_INVALID_ARGUMENT` for unknown bits
   */
  stats(filter: number): Map<string, number> {
    const readers = new Map(this.#ops.stats ?? []);
    readers.set(STATS_QUEUE, () => this.#queueStats());
    return dumpStats(readers, filter);
  }

  *#queueStats(): Iterable<Statistic> {
    const directions = [
      ["rx", this.rxQueueStats],
      ["tx", this.txQueueStats],
    ] as const;
    for (const [direction, { queues }] of directions) {
      for (const [index, stats] of queues.entries()) {
        for (const [name, value] of Object.entries(stats)) yield [`${direction}-${index}.${name}`, value];
      }
    }
  }

  /** One packet from the queue to the driver. `false`: there is none. */
  #sendNext(tx: TransmitQueue, now: Nanos): boolean {
    const packet = tx.requeued.shift();
    if (packet !== undefined) {
      this.#startXmit(tx, packet, now);
      return true;
    }
    const next = tx.qdisc.dequeue(now);
    if (next === undefined) return false;
    validateXmit(next, this, this.#sinkOf(tx, now));
    return true;
  }

  /** Where a validated packet, or its segments, go: to the driver until it stops, then to wait. */
  #sinkOf(tx: TransmitQueue, now: Nanos): TransmitSink {
    return {
      send: (packet) => {
        if (tx.stopped || tx.requeued.length > 0) tx.requeued.push(packet);
        else this.#startXmit(tx, packet, now);
      },
      drop: (packet, reason) => {
        this.#drop(packet, reason);
      },
    };
  }

  #startXmit(tx: TransmitQueue, packet: Packet, now: Nanos): void {
    if (this.#ops.startXmit(packet, tx.index, now)) return;
    // A driver that stops its queue in time never says this.
    this.#txStats.of(tx.index).busy++;
    tx.requeued.unshift(packet);
    tx.stop();
  }

  #createPair(index: number): QueuePair {
    const { scheduler, weight, cpuPerPacket, bql } = this.#options;
    const access: QueueAccess<Packet> = {
      length: wireBytes,
      onDrop: (packet, reason) => {
        this.#drop(packet, reason);
      },
      flowHash: (packet) => packet.hash,
    };
    const qdisc = this.#options.qdisc?.(access) ?? fifo(access, { limitPackets: 1000 });
    const napi = new Napi({
      scheduler,
      poll: (budget, now) => whileTelling(this.observer?.polling, () => this.#ops.poll(index, budget, now)),
      afterPoll: (complete, now) => {
        whileTelling(this.observer?.polling, () => {
          this.#afterPoll(index, complete, now);
        });
      },
      ...(weight === undefined ? {} : { weight }),
      ...(cpuPerPacket === undefined ? {} : { cpuPerPacket }),
    });
    const tx = new TransmitQueue(index, qdisc, () => this.#txStats.of(index), bql);
    return { tx, napi, gro: this.#createGro(index, FeatureSet.NONE), coalescer: undefined };
  }

  #createCoalescer(queue: number, features: FeatureSet): Coalescer | undefined {
    return createCoalescer({
      features,
      gro: this.#options.gro,
      stats: () => this.#rxStats.of(queue),
      sink: (packet) => {
        this.#groReceive(packet, queue, this.#now);
      },
    });
  }

  #createGro(queue: number, features: FeatureSet): Gro {
    const { gro } = this.#options;
    return createGro({
      ...gro,
      udp: gro?.udp ?? features.has("GRO_UDP_FWD"),
      fragList: features.has("GRO_FRAGLIST"),
      sink: (packet) => {
        if (packet.gsoSize > 0 && packet.gsoType > 0) {
          const stats = this.#rxStats.of(queue);
          stats.gro_packets++;
          stats.gro_wire_packets++;
        }
        this.#options.receive(packet, this.#now);
      },
    });
  }

  /** GRO follows its features: what is held goes on, and what comes next is treated anew. */
  #regroup(features: FeatureSet): void {
    for (const [index, pair] of this.#pairs.entries()) {
      pair.coalescer?.flush();
      pair.coalescer = this.#createCoalescer(index, features);
      pair.gro.flush();
      pair.gro = this.#createGro(index, features);
    }
  }

  #afterPoll(queue: number, complete: boolean, now: Nanos): void {
    this.#now = now;
    const { gro, tx, coalescer } = this.#pairs[queue] as QueuePair;
    coalescer?.flush();
    if (complete) {
      gro.endOfPoll(now);
      const deadline = gro.nextTimeout();
      if (deadline !== Infinity)
        this.#options.scheduler.scheduleCall(deadline, () => {
          this.#now = deadline;
          whileTelling(this.observer?.polling, () => {
            gro.handleTimeout(deadline);
          });
        });
    } else gro.flushOld(now);
    if (tx.backlog > 0) this.runQueue(queue, now);
  }

  #drop(packet: Packet, reason: DropReason): void {
    this.txDropped++;
    this.#options.onDrop?.(packet, reason);
    packet.release();
  }
}
