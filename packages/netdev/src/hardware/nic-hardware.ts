import { bindChecksum, type ChecksumKernels } from "@seville/checksum";
import {
  invalidArgument,
  serialisationDelay,
  type DropReason,
  type EventHandler,
  type EventId,
  type Nanos,
  type Scheduler,
} from "@seville/core";
import {
  ethernet,
  isMulticastMac,
  readMac,
  vlan,
  type MacAddress,
  type Packet,
  type PacketPool,
} from "@seville/packet";
import type { FrameSink, LinkEnd } from "@seville/sim";
import { whileTelling, type NicObserver } from "../observer.ts";
import { InterruptModeration } from "../queue/moderation.ts";
import { ReceiveSideScaling } from "../queue/receive-side-scaling.ts";
import { HardwareCounters } from "../stats/hardware-counters.ts";
import type { RxCompletion, TxDescriptor } from "./descriptor.ts";
import { alignFrame } from "./dma.ts";
import { parsePacket, receiveFrame, type RxSwitches } from "./receive-unit.ts";
import { RxRing, TxRing, type PostedTx, type TxCompletion } from "./rings.ts";
import type { Silicon } from "./silicon.ts";
import { transmitFrames } from "./transmit-unit.ts";

const BROADCAST: MacAddress = 0xffff_ffff_ffff;
const TWO_TAGS = 8;
/** Preamble, check sequence and gap between frames, in bytes (IEEE 802.3). */
const LINE_OVERHEAD = 8 + 4 + 12;

export interface HardwareOptions {
  readonly silicon: Silicon;
  readonly scheduler: Scheduler;
  readonly pool: PacketPool;
  /** The wire. */
  readonly link: LinkEnd;
  /** Pairs of a receive and a transmit ring, each with an interrupt vector. Default 1. */
  readonly maxQueues?: number;
  /** Entries of each ring. Default 512. */
  readonly rxRing?: number;
  readonly txRing?: number;
  /** Bits per second at which descriptors are worked off. Default `Infinity`: at once, and the link queues. */
  readonly rate?: number;
  /** Where a received frame begins in its buffer, modulo 4: 2 (NET_IP_ALIGN) or 0. Default 2. */
  readonly rxPad?: 0 | 2;
  /** Is told of frames that go no further, before they are released. */
  readonly onDrop?: (packet: Packet, reason: DropReason) => void;
}

/** Raised for a vector: frames have come in, or descriptors are done. */
export type InterruptHandler = (vector: number, now: Nanos) => void;

interface CurrentTx {
  readonly queue: number;
  readonly posted: PostedTx;
  readonly frames: readonly Packet[];
  readonly error: boolean;
  next: number;
  bytes: number;
}

/**
 * The hardware of a NIC: rings, interrupt vectors, a parser, and a wire. It does what its {@link Silicon} says with what
 * the driver posts, and knows nothing of the stack. Drivers talk to it; see skeleton-driver.ts.
 */
export class NicHardware implements FrameSink, EventHandler {
  readonly silicon: Silicon;
  readonly kernels: ChecksumKernels;
  readonly counters: HardwareCounters = new HardwareCounters();
  readonly rss: ReceiveSideScaling;
  readonly maxQueues: number;
  /** Who watches. */
  observer: NicObserver | undefined = undefined;
  /** Receive offloads that are on. */
  switches: RxSwitches = { checksum: false, vlanStripping: false, hash: false };
  /** Which destinations pass; `undefined`: all (promiscuous). */
  macFilter: ((mac: MacAddress) => boolean) | undefined = undefined;
  /** VLANs that pass; `undefined`: all. */
  vlanFilter: ReadonlySet<number> | undefined = undefined;
  readonly #scheduler: Scheduler;
  readonly #pool: PacketPool;
  readonly #link: LinkEnd;
  readonly #rate: number;
  readonly #rxPad: 0 | 2;
  readonly #onDrop: ((packet: Packet, reason: DropReason) => void) | undefined;
  readonly #txRings: TxRing[];
  readonly #rxRings: RxRing[];
  readonly #rxVectors: InterruptModeration[];
  readonly #txVectors: InterruptModeration[];
  #interrupt: InterruptHandler = () => undefined;
  #onCarrier: (up: boolean, now: Nanos) => void = () => undefined;
  #queues = 1;
  #isRunning = false;
  #current: CurrentTx | undefined = undefined;
  #timer: EventId | undefined = undefined;
  #lastServed = 0;

  constructor(options: HardwareOptions) {
    const { maxQueues = 1, rxRing = 512, txRing = 512 } = options;
    if (!Number.isInteger(maxQueues) || maxQueues < 1) throw invalidArgument("maxQueues", "1 or more", maxQueues);
    this.silicon = options.silicon;
    this.kernels = bindChecksum(options.pool.memory);
    this.maxQueues = maxQueues;
    this.#scheduler = options.scheduler;
    this.#pool = options.pool;
    this.#link = options.link;
    this.#rate = options.rate ?? Infinity;
    this.#rxPad = options.rxPad ?? 2;
    this.#onDrop = options.onDrop;
    const vectors = Array.from({ length: maxQueues }, (_, i) => i);
    this.#txRings = vectors.map(() => new TxRing(ringSize("txRing", txRing)));
    this.#rxRings = vectors.map(() => new RxRing(ringSize("rxRing", rxRing)));
    const moderation = (vector: number): InterruptModeration =>
      new InterruptModeration(options.scheduler, (now) => {
        this.#raise(vector, now);
      });
    this.#rxVectors = vectors.map(moderation);
    this.#txVectors = vectors.map(moderation);
    this.rss = new ReceiveSideScaling(1);
    options.link.attach(this);
  }

  get mtu(): number {
    return this.#link.mtu;
  }

  get carrier(): boolean {
    return this.#link.carrier;
  }

  get queues(): number {
    return this.#queues;
  }

  /** Sets who is interrupted. */
  connect(interrupt: InterruptHandler): void {
    this.#interrupt = interrupt;
  }

  /** Sets who is told of the carrier. */
  onCarrier(call: (up: boolean, now: Nanos) => void): void {
    this.#onCarrier = call;
  }

  /** Begins to work with that many pairs of rings. */
  start(queues: number): void {
    if (!Number.isInteger(queues) || queues < 1 || queues > this.maxQueues) {
      throw invalidArgument("queues", `1 to ${this.maxQueues}`, queues);
    }
    if (queues !== this.#queues) this.rss.configure(queues);
    this.#queues = queues;
    this.#isRunning = true;
  }

  /** Stops, and gives back every frame that is in a ring. */
  stop(): void {
    this.#isRunning = false;
    if (this.#timer !== undefined) this.#scheduler.cancel(this.#timer);
    this.#timer = undefined;
    const current = this.#current;
    this.#current = undefined;
    for (let i = current?.next ?? 0; i < (current?.frames.length ?? 0); i++) current?.frames[i]?.release();
    for (const ring of this.#txRings) {
      for (const { descriptor } of ring.posted.splice(0)) descriptor.packet.release();
      ring.completed.length = 0;
      ring.inWork = 0;
    }
    for (const ring of this.#rxRings) {
      for (const { packet } of ring.completed.splice(0)) packet.release();
      ring.buffers = 0;
    }
    for (const vector of [...this.#rxVectors, ...this.#txVectors]) vector.mask();
  }

  /** Changes the rings' sizes; only while stopped (`ethtool -G`). */
  setRingSizes(rx: number, tx: number): void {
    if (this.#isRunning) throw invalidArgument("ring", "changed while the device is down", "a running device");
    for (const ring of this.#rxRings) ring.size = ringSize("rx", rx);
    for (const ring of this.#txRings) ring.size = ringSize("tx", tx);
  }

  get ringSizes(): { readonly rx: number; readonly tx: number } {
    return { rx: (this.#rxRings[0] as RxRing).size, tx: (this.#txRings[0] as TxRing).size };
  }

  /** Interrupt moderation of all vectors (`ethtool -C`). */
  setCoalesce(rx: { usecs: number; frames: number }, tx: { usecs: number; frames: number }): void {
    for (const vector of this.#rxVectors) vector.configure(rx);
    for (const vector of this.#txVectors) vector.configure(tx);
  }

  /** Entries of a transmit ring that are free. */
  txFree(queue: number): number {
    return (this.#txRings[queue] as TxRing).free;
  }

  /** Posts a descriptor; the hardware owns its packet. `false`: the ring is full, and the packet still the driver's. */
  post(queue: number, descriptor: TxDescriptor): boolean {
    const ring = this.#txRings[queue] as TxRing;
    if (!this.#isRunning || ring.free === 0) return false;
    this.observer?.posted?.(descriptor);
    ring.posted.push({ descriptor, bytes: descriptor.packet.totalLength });
    return true;
  }

  /** Tells the hardware that descriptors were posted. */
  doorbell(queue: number, now: Nanos): void {
    this.#lastServed = this.#current === undefined ? (queue + this.#queues - 1) % this.#queues : this.#lastServed;
    this.#serve(now);
  }

  /** The next transmit completion; its entry is free again. */
  reap(queue: number): TxCompletion | undefined {
    return (this.#txRings[queue] as TxRing).completed.shift();
  }

  /** The next received frame, now the driver's. Its buffer is used up. */
  takeRx(queue: number): RxCompletion | undefined {
    return (this.#rxRings[queue] as RxRing).completed.shift();
  }

  /** Posts empty buffers until the ring is full; answers how many. A driver that forgets it receives no more. */
  refill(queue: number): number {
    const ring = this.#rxRings[queue] as RxRing;
    const missing = ring.size - ring.buffers - ring.completed.length;
    ring.buffers += missing;
    return missing;
  }

  mask(vector: number): void {
    this.#rxVectors[vector]?.mask();
    this.#txVectors[vector]?.mask();
  }

  unmask(vector: number, now: Nanos): void {
    this.#rxVectors[vector]?.unmask((this.#rxRings[vector] as RxRing).completed.length, now);
    this.#txVectors[vector]?.unmask((this.#txRings[vector] as TxRing).completed.length, now);
  }

  carrierChanged(up: boolean, now: Nanos): void {
    this.#onCarrier(up, now);
  }

  receiveFrame(frame: Packet, now: Nanos): void {
    const refusal = this.#accept(frame);
    if (refusal !== undefined) {
      this.#drop(frame, refusal);
      return;
    }
    const { rss } = this;
    const parsed = parsePacket(frame, this.silicon.rx);
    // The queue depends on the hash whether or not the driver wants to read it.
    const { hash } = this.silicon.rx.hash ? rss.hash(frame.pool.memory.view, parsed) : { hash: 0 };
    const queue = rss.queueOf(hash);
    const ring = this.#rxRings[queue] as RxRing;
    if (ring.buffers === 0) {
      this.counters.driver.rx_missed++;
      this.#overrun?.(queue);
      this.#drop(frame, "FULL_RING");
      return;
    }
    const completion = whileTelling(this.observer?.hardware, () =>
      receiveFrame(this.kernels, this.silicon.rx, this.switches, frame, parsed, (view, headers) =>
        rss.hash(view, headers),
      ),
    );
    const aligned = alignFrame(this.#pool, completion.packet, this.#rxPad);
    if (aligned === undefined) {
      this.counters.driver.rx_no_dma_resources++;
      this.#drop(completion.packet, "NOMEM");
      return;
    }
    if (aligned !== completion.packet) this.counters.driver.rx_realigned++;
    ring.buffers--;
    ring.completed.push({ ...completion, packet: aligned });
    this.#rxVectors[queue]?.notify(now);
  }

  /** Is told of frames that a ring had no buffer for. */
  onOverrun(call: (queue: number) => void): void {
    this.#overrun = call;
  }

  /** The last bit of a frame is on the line. */
  handleEvent(_argument: number, now: Nanos): void {
    this.#timer = undefined;
    const current = this.#current as CurrentTx;
    this.#frameSent(current);
    if (current.next < current.frames.length) {
      this.#schedule(now);
      return;
    }
    this.#complete(current, now);
    this.#serve(now);
  }

  #overrun: ((queue: number) => void) | undefined = undefined;

  #raise(vector: number, now: Nanos): void {
    this.counters.driver.interrupts++;
    this.mask(vector);
    this.#interrupt(vector, now);
  }

  /** What the MAC and the filters say of a frame. */
  #accept(frame: Packet): DropReason | undefined {
    const { counters } = this;
    if (!this.#isRunning) return "DEV_READY";
    if (frame.length < ethernet.HEADER_LENGTH) {
      counters.rmon["undersize-pkts"] = (counters.rmon["undersize-pkts"] as number) + 1;
      return "PKT_TOO_SMALL";
    }
    if (frame.length > this.mtu + ethernet.HEADER_LENGTH + TWO_TAGS) {
      counters.rmon["oversize-pkts"] = (counters.rmon["oversize-pkts"] as number) + 1;
      counters.mac.FrameTooLongErrors++;
      return "PKT_TOO_BIG";
    }
    const { view } = frame.pool.memory;
    const mac = readMac(view, frame.data);
    counters.received(frame.length, groupOf(mac));
    if (this.macFilter?.(mac) === false) {
      counters.driver.rx_filtered++;
      return "OTHERHOST";
    }
    if (this.silicon.rx.vlanFilter && this.#isForeignVlan(frame)) {
      counters.driver.rx_vlan_filtered++;
      return "OTHERHOST";
    }
    return undefined;
  }

  #isForeignVlan(frame: Packet): boolean {
    const { view } = frame.pool.memory;
    if (this.vlanFilter === undefined || frame.length < ethernet.HEADER_LENGTH + vlan.HEADER_LENGTH) return false;
    if (!vlan.isTag(ethernet.etherType(view, frame.data))) return false;
    const id = vlan.id(view, frame.data + ethernet.HEADER_LENGTH);
    return id !== vlan.VID_PRIORITY_ONLY && !this.vlanFilter.has(id);
  }

  /** Works off the rings, one descriptor of each in turn. */
  #serve(now: Nanos): void {
    if (this.#current !== undefined) return;
    while (this.#isRunning) {
      const queue = this.#nextQueue();
      if (queue === undefined) return;
      const current = this.#begin(queue);
      this.#current = current;
      if (this.#rate !== Infinity && current.frames.length > 0) {
        this.#schedule(now);
        return;
      }
      while (current.next < current.frames.length) this.#frameSent(current);
      this.#complete(current, now);
    }
  }

  #nextQueue(): number | undefined {
    for (let i = 1; i <= this.#queues; i++) {
      const queue = (this.#lastServed + i) % this.#queues;
      if ((this.#txRings[queue] as TxRing).posted.length === 0) continue;
      this.#lastServed = queue;
      return queue;
    }
    return undefined;
  }

  #begin(queue: number): CurrentTx {
    const ring = this.#txRings[queue] as TxRing;
    const posted = ring.posted.shift() as PostedTx;
    ring.inWork++;
    const { frames, error } = whileTelling(this.observer?.hardware, () =>
      transmitFrames(this.kernels, this.silicon.tx, posted.descriptor),
    );
    const { driver, mac } = this.counters;
    if (error === "bad-descriptor") driver.tx_descriptor_errors++;
    if (error === "no-memory") {
      driver.tx_no_memory++;
      mac.FramesLostDueToIntMACXmitError++;
    }
    const fitting = frames.filter((frame) => this.#fits(frame));
    const isCut = error !== undefined || fitting.length < frames.length;
    return { queue, posted, frames: fitting, error: isCut, next: 0, bytes: 0 };
  }

  /** A frame that the MAC would have to cut is not sent at all. */
  #fits(frame: Packet): boolean {
    if (frame.length <= this.mtu + ethernet.HEADER_LENGTH + TWO_TAGS) return true;
    this.counters.driver.tx_oversize++;
    this.#drop(frame, "PKT_TOO_BIG");
    return false;
  }

  #schedule(now: Nanos): void {
    const current = this.#current as CurrentTx;
    const frame = current.frames[current.next] as Packet;
    const bits = (Math.max(frame.length, ethernet.MIN_FRAME_LENGTH) + LINE_OVERHEAD) * 8;
    this.#timer = this.#scheduler.schedule(now + serialisationDelay(bits, this.#rate), this);
  }

  #frameSent(current: CurrentTx): void {
    const frame = current.frames[current.next++] as Packet;
    current.bytes += frame.length;
    this.counters.transmitted(frame.length, groupOf(readMac(frame.pool.memory.view, frame.data)));
    this.#link.send(frame);
  }

  #complete(current: CurrentTx, now: Nanos): void {
    this.#current = undefined;
    const ring = this.#txRings[current.queue] as TxRing;
    ring.inWork--;
    ring.completed.push({
      bytes: current.posted.bytes,
      isGso: current.posted.descriptor.segmentation !== undefined,
      frames: current.next,
      frameBytes: current.bytes,
      error: current.error,
    });
    this.#txVectors[current.queue]?.notify(now);
  }

  #drop(packet: Packet, reason: DropReason): void {
    this.#onDrop?.(packet, reason);
    packet.release();
  }
}

function ringSize(name: string, size: number): number {
  if (!Number.isInteger(size) || size < 1) throw invalidArgument(name, "1 entry or more", size);
  return size;
}

function groupOf(mac: MacAddress): "unicast" | "multicast" | "broadcast" {
  if (mac === BROADCAST) return "broadcast";
  return isMulticastMac(mac) ? "multicast" : "unicast";
}
