import { createSimulation, type Simulation } from "@seville/sim";
import type { DropReason, Nanos } from "@seville/core";
import { NetDev, type NetDevOptions } from "@seville/netdev";
import { PacketPool, type MacAddress, type Packet } from "@seville/packet";
import { virtioNetHdr } from "@seville/tso";
import { afterEach } from "vitest";
import { TapDriver } from "../../src/tap-nic/driver.ts";
import { ALL_OFFLOADS, declareTap } from "../../src/tap-nic/features.ts";
import type { TapHardware, TapQueue } from "../../src/tap-nic/tap-queues.ts";
import type { VnetGrant } from "../../src/tap/messages.ts";

export const GRANT_6_18: VnetGrant = { headerBytes: 24, offloads: ALL_OFFLOADS };
/** Before USO and tunnels. */
export const GRANT_5_10: VnetGrant = { headerBytes: 12, offloads: 0x0f };

const benches: Bench[] = [];

afterEach(() => {
  for (const bench of benches.splice(0)) bench.pool.assertDrained();
});

/** A queue in this process's memory: what the kernel would have sent, and what it was given. */
class FakeQueue implements TapQueue {
  readonly bytes: Uint8Array = new Uint8Array(1 << 17);
  readonly written: Uint8Array[] = [];
  readonly pieces: number[] = [];
  isMasked = true;
  /** What writes fail with. */
  errno: string | undefined = undefined;
  readonly #waiting: Uint8Array[] = [];

  /** The kernel has something. Answers whether that interrupts. */
  offer(record: Uint8Array): boolean {
    this.#waiting.push(record);
    const interrupts = !this.isMasked;
    this.isMasked = true;
    return interrupts;
  }

  drain(limit: number, visit: (offset: number, length: number) => void): number {
    let count = 0;
    for (; count < limit && this.#waiting.length > 0; count++) {
      const record = this.#waiting.shift() as Uint8Array;
      this.bytes.set(record, 64);
      visit(64, record.length);
      this.bytes.fill(0xee, 0, 64 + record.length);
    }
    return count;
  }

  unmask(): boolean {
    if (this.#waiting.length > 0) return false;
    this.isMasked = false;
    return true;
  }

  write(pieces: readonly Uint8Array[]): string | undefined {
    if (this.errno !== undefined) return this.errno;
    this.pieces.push(pieces.length);
    this.written.push(Uint8Array.from(Buffer.concat(pieces)));
    return undefined;
  }

  get backlog(): number {
    return this.#waiting.length;
  }
}

export interface BenchOptions {
  readonly grant?: VnetGrant | undefined;
  readonly queues?: number;
  readonly accepts?: (mac: MacAddress) => boolean;
  readonly device?: Partial<NetDevOptions>;
  readonly pool?: PacketPool;
}

/** The driver on hardware that is not there. */
export class Bench {
  readonly simulation: Simulation;
  readonly pool: PacketPool;
  readonly queues: readonly FakeQueue[];
  readonly hardware: TapHardware;
  readonly driver: TapDriver;
  readonly device: NetDev;
  readonly received: Packet[] = [];
  readonly drops: DropReason[] = [];
  readonly offloads: number[] = [];
  /** What TUNSETOFFLOAD answers. */
  takesOffloads = true;
  /** Why nothing can be injected. */
  refusal: DropReason | undefined = undefined;
  readonly #later: (() => void)[] = [];

  constructor(options: BenchOptions = {}) {
    const grant = "grant" in options ? options.grant : GRANT_6_18;
    this.pool = options.pool ?? new PacketPool({ small: 512, jumbo: 8, super: 16, debug: true });
    this.simulation = createSimulation({ pool: this.pool });
    this.queues = Array.from({ length: options.queues ?? 1 }, () => new FakeQueue());
    this.hardware = {
      queues: this.queues,
      onInterrupt: () => undefined,
      setOffloads: (mask) => {
        if (this.takesOffloads) this.offloads.push(mask);
        return this.takesOffloads;
      },
    };
    this.driver = new TapDriver({
      hardware: this.hardware,
      pool: this.pool,
      grant,
      maxFrameBytes: 65_553,
      inject: (input) => {
        if (this.refusal === undefined) input(this.now);
        return this.refusal;
      },
      later: (call) => void this.#later.push(call),
      accepts: options.accepts ?? (() => true),
      onDrop: (_packet, reason) => void this.drops.push(reason),
    });
    this.device = new NetDev({ ...declareTap(grant), name: "tap0", maxQueues: this.queues.length }, this.driver, {
      scheduler: this.simulation.simulator,
      pool: this.pool,
      receive: (packet) => void this.received.push(packet),
      onDrop: (_packet, reason) => void this.drops.push(reason),
      ...options.device,
    });
    this.driver.bind(this.device);
    this.device.open(this.now);
    benches.push(this);
  }

  get now(): Nanos {
    return this.simulation.simulator.now;
  }

  /** The kernel sends a frame with this header. */
  offer(frame: Uint8Array, header: Partial<virtioNetHdr.Header> = {}, queue = 0, size: 0 | 12 | 24 = 24): void {
    const record = new Uint8Array(size + frame.length);
    if (size !== 0) virtioNetHdr.encode(new DataView(record.buffer), 0, { ...virtioNetHdr.empty(), ...header }, size);
    record.set(frame, size);
    this.offerRaw(record, queue);
  }

  offerRaw(record: Uint8Array, queue = 0): void {
    if (this.queues[queue]?.offer(record) === true) this.hardware.onInterrupt(queue);
  }

  /** Runs events and what was put off, until neither is left. */
  settle(): void {
    for (let turns = 0; turns < 10_000; turns++) {
      this.simulation.run();
      const calls = this.#later.splice(0);
      if (calls.length === 0) return;
      for (const call of calls) call();
    }
    throw new Error("it never settles");
  }

  /** Turns that were asked for and have not come. */
  get putOff(): number {
    return this.#later.length;
  }

  send(packet: Packet): void {
    this.device.transmit(packet, this.now);
  }

  /** What the kernel was given: the header, and the frame behind it. */
  written(index: number, size: 12 | 24 = 24, queue = 0): { header: virtioNetHdr.Header; frame: Uint8Array } {
    const record = this.queues[queue]?.written[index] as Uint8Array;
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const header = virtioNetHdr.decode(view, 0, size, size) as virtioNetHdr.Header;
    return { header, frame: record.slice(size) };
  }

  statistic(name: string): number {
    return this.driver.counters.get(name);
  }

  /** Gives back what was received. */
  release(): void {
    for (const packet of this.received.splice(0)) packet.release();
  }
}
