import type { DropReason, Nanos } from "@seville/core";
import {
  countSegments,
  STATS_DRIVER,
  type DriverOps,
  type FeatureSet,
  type NetDev,
  type RxQueueStats,
  type TxQueueStats,
} from "@seville/netdev";
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  ETHERNET_HEADROOM,
  readMac,
  type MacAddress,
  type Packet,
  type PacketPool,
} from "@seville/packet";
import { virtioNetHdr } from "@seville/tso";
import { ETH_HLEN } from "../port/host-port.ts";
import { writeFault } from "../tap/tap-handle.ts";
import type { VnetGrant } from "../tap/messages.ts";
import { offloadsOf } from "./features.ts";
import { TapCounters } from "./counters.ts";
import type { TapHardware, TapQueue } from "./tap-queues.ts";

/** What the driver is told beside its hardware. */
export interface TapDriverOptions {
  readonly hardware: TapHardware;
  readonly pool: PacketPool;
  /** What the kernel granted; `undefined`: bare frames. */
  readonly grant: VnetGrant | undefined;
  /** The longest frame, without its `virtio_net_hdr`. */
  readonly maxFrameBytes: number;
  /**
   * Passes `input` into simulated time, now; or does not, and says why: `DEV_READY` before the run, `END_OF_RUN` after.
   */
  readonly inject: (input: (now: Nanos) => void) => DropReason | undefined;
  /** Has `call` called in the next turn of this thread, after its other work. */
  readonly later: (call: () => void) => void;
  /** Which destinations the host listens to. */
  readonly accepts: (mac: MacAddress) => boolean;
  readonly onDrop: (packet: Packet, reason: DropReason) => void;
}

/** `IOV_MAX`, less the one for the headers. */
const MOST_PIECES = 1023;

/**
 * The driver of a TAP device with a `virtio_net_hdr` in front of each frame, made from the skeleton driver of
 * `@seville/netdev`; the steps are its steps. What a NIC has descriptors for, this one has headers for: they say which
 * checksum is yet to be computed and what a super-packet is to be split into, in both directions.
 *
 * There is no transmit ring: a write returns when the kernel has the frame.
 */
export class TapDriver implements DriverOps {
  readonly counters: TapCounters = new TapCounters();
  readonly #options: TapDriverOptions;
  readonly #hardware: TapHardware;
  readonly #grant: VnetGrant | undefined;
  readonly #headerBytes: 0 | virtioNetHdr.Size;
  readonly #views: readonly DataView[];
  #device: NetDev | undefined = undefined;
  #isUp = false;
  #offloads: number;

  constructor(options: TapDriverOptions) {
    this.#options = options;
    this.#hardware = options.hardware;
    this.#grant = options.grant;
    this.#headerBytes = options.grant?.headerBytes ?? 0;
    this.#offloads = options.grant?.offloads ?? 0;
    this.#views = options.hardware.queues.map(({ bytes }) => {
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    });
  }

  /** The device that was made for it. Interrupts go to its NAPI instances from now on (step 2). */
  bind(device: NetDev): void {
    this.#device = device;
    this.setFeatures(device.features.features);
    this.#hardware.onInterrupt = (queue) => this.#interrupt(queue);
    for (const queue of this.#hardware.queues.keys()) this.#unmask(queue);
  }

  /** Step 3. What came before is nothing to a device that was down. */
  open(): void {
    this.#isUp = true;
  }

  stop(): void {
    this.#isUp = false;
    // A poll that was due never comes: its queue is masked and may have frames.
    for (const queue of this.#hardware.queues.keys()) this.#options.later(() => this.#interrupt(queue));
  }

  /** Step 5: RXCSUM and GRO_HW are the kernel's to switch, for it finishes and splits what they are off for. */
  setFeatures(features: FeatureSet): "failed" | undefined {
    if (this.#grant === undefined) return undefined;
    const offloads = offloadsOf(features, this.#grant);
    if (offloads === this.#offloads) return undefined;
    if (!this.#hardware.setOffloads(offloads)) return "failed";
    this.#offloads = offloads;
    return undefined;
  }

  /** Step 6: the frame behind its header, in one write. */
  startXmit(packet: Packet, queue: number): boolean {
    const stats = this.#dev.txStats(queue);
    const bytes = packet.totalLength;
    const reason = this.#transmit(packet, this.#hardware.queues[queue] as TapQueue);
    if (reason === undefined) countSent(stats, packet, bytes);
    else {
      stats.hw_drops++;
      stats.hw_drop_errors++;
      this.counters.tx(reason);
      this.#options.onDrop(packet, reason);
    }
    packet.release();
    return true;
  }

  /** Step 7: what came in, up to the budget. */
  poll(queue: number, budget: number, now: Nanos): number {
    const source = this.#hardware.queues[queue] as TapQueue;
    const view = this.#views[queue] as DataView;
    const stats = this.#dev.rxStats(queue);
    const count = source.drain(budget, (offset, length) => {
      this.#receive(source.bytes, view, offset, length, queue, stats, now);
    });
    // Also if there is more: to be polled again at once is to be polled at the same simulated time, under load for ever.
    this.#dev.napi(queue).complete();
    if (count === budget) this.#options.later(() => this.#interrupt(queue));
    else this.#unmask(queue);
    return count;
  }

  /** Step 8. */
  readonly stats: DriverOps["stats"] & object = new Map([[STATS_DRIVER, () => this.counters.entries()]]);

  #interrupt(queue: number): void {
    const refusal = this.#isUp ? this.#options.inject((now) => this.#dev.napi(queue).schedule(now)) : "DEV_READY";
    if (refusal === undefined) return;
    this.#discard(queue, refusal);
  }

  /** Nobody wants what comes: it is counted, and does not become old news. */
  #discard(queue: number, reason: DropReason): void {
    const source = this.#hardware.queues[queue] as TapQueue;
    const limit = 64;
    const count = source.drain(limit, () => this.counters.rx(reason));
    if (count === limit) this.#options.later(() => this.#interrupt(queue));
    else this.#unmask(queue);
  }

  #unmask(queue: number): void {
    if ((this.#hardware.queues[queue] as TapQueue).unmask()) return;
    this.#options.later(() => this.#interrupt(queue));
  }

  /** Step 9: copies a frame into the pool and says of it what its header says. No bytes throw. */
  #receive(
    bytes: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    queue: number,
    stats: RxQueueStats,
    now: Nanos,
  ): void {
    const headerBytes = this.#headerBytes;
    const frameBytes = length - headerBytes;
    if (frameBytes < ETH_HLEN || frameBytes > this.#options.maxFrameBytes) {
      this.#refuse(stats, frameBytes < ETH_HLEN ? "PKT_TOO_SMALL" : "PKT_TOO_BIG");
      return;
    }
    const at = offset + headerBytes;
    if (!this.#options.accepts(readMac(view, at))) {
      this.counters.rx("OTHERHOST");
      return;
    }
    const packet = this.#options.pool.alloc(frameBytes, ETHERNET_HEADROOM);
    if (packet === undefined) {
      stats.alloc_fail++;
      this.#refuse(stats, "NOMEM");
      return;
    }
    packet.pool.memory.u8.set(bytes.subarray(at, at + frameBytes), packet.put(frameBytes));
    const fault = headerBytes === 0 ? undefined : this.#describe(packet, view, offset, headerBytes);
    if (fault !== undefined) {
      this.counters.fault(fault);
      this.#refuse(stats, "DEV_HDR");
      this.#options.onDrop(packet, "DEV_HDR");
      packet.release();
      return;
    }
    if (packet.ipSummed === CHECKSUM_UNNECESSARY || packet.ipSummed === CHECKSUM_PARTIAL) stats.csum_unnecessary++;
    else stats.csum_none++;
    if (packet.gsoSize > 0) {
      // The kernel does not say how many they are.
      countSegments(packet);
      this.counters.rxSuper(frameBytes);
    }
    packet.queueMapping = queue;
    this.#dev.receive(packet, queue, now);
  }

  #describe(packet: Packet, view: DataView, offset: number, size: virtioNetHdr.Size): virtioNetHdr.Fault | undefined {
    const header = virtioNetHdr.decode(view, offset, offset + size, size) as virtioNetHdr.Header;
    const tunnel = size === 24;
    return virtioNetHdr.toMeta(packet, header, { tunnel, tunnelCsum: tunnel, driver: true });
  }

  #refuse(stats: RxQueueStats, reason: DropReason): void {
    stats.hw_drops++;
    this.counters.rx(reason);
  }

  #transmit(packet: Packet, queue: TapQueue): DropReason | undefined {
    if (packet.totalLength > this.#options.maxFrameBytes) return "PKT_TOO_BIG";
    if (packet.totalLength < ETH_HLEN) return "PKT_TOO_SMALL";
    const size = this.#headerBytes;
    if (size !== 0) {
      const tunnel = size === 24;
      const header = virtioNetHdr.fromMeta(packet, { tunnel, tunnelCsum: tunnel });
      // No feature asks for it: a super-packet that lies about itself.
      if (header === undefined) return "DEV_HDR";
      if (!packet.cowHead(size)) return "NOMEM";
      virtioNetHdr.encode(packet.pool.memory.view, packet.push(size), header, size);
    }
    const errno = queue.write(piecesOf(packet));
    if (errno === undefined) return undefined;
    this.counters.txErrno(errno);
    // The kernel read the header and took it for none (`tun_vnet_hdr_to_skb`).
    if (errno === "EINVAL" && size !== 0) return "DEV_HDR";
    return writeFault(errno) ?? "NOT_SPECIFIED";
  }

  get #dev(): NetDev {
    if (this.#device === undefined) throw new TypeError("bind() comes before everything else");
    return this.#device;
  }
}

function countSent(stats: TxQueueStats, packet: Packet, bytes: number): void {
  stats.packets++;
  stats.bytes += bytes;
  if (packet.gsoSize > 0) {
    stats.hw_gso_packets++;
    stats.hw_gso_bytes += bytes;
  }
  if (packet.ipSummed === CHECKSUM_PARTIAL) stats.needs_csum++;
  else stats.csum_none++;
}

/** The packet's data and that of its fragments, in order. */
function piecesOf(packet: Packet): Uint8Array[] {
  if (packet.fragList === undefined) return [packet.bytes()];
  const pieces: Uint8Array[] = [];
  gather(packet, pieces);
  if (pieces.length <= MOST_PIECES) return pieces;
  const whole = new Uint8Array(packet.totalLength);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return [whole];
}

function gather(packet: Packet, pieces: Uint8Array[]): void {
  pieces.push(packet.bytes());
  for (const fragment of packet.fragList ?? []) gather(fragment, pieces);
}
