import type { DropReason, Nanos } from "@seville/core";
import { PacketPool, type Packet } from "@seville/packet";
import { createSimulation, type Link, type LinkOptions, type Simulation } from "@seville/sim";
import { afterEach } from "vitest";
import { createNic, type Nic, type NicOptions } from "../../src/index.ts";

const worlds: World[] = [];

afterEach(() => {
  for (const world of [...worlds]) world.close();
});

export type NicSettings = Partial<Omit<NicOptions, "scheduler" | "pool" | "link">>;

/** A link with a NIC at its end `a` and at its end `b`, and what each received and lost. Its pool is empty at the end. */
export class World {
  readonly simulation: Simulation;
  readonly pool: PacketPool;
  readonly link: Link;
  /** Frames on the wire from `a` to `b`, as they were, and when. */
  readonly wire: Uint8Array[] = [];
  readonly drops: DropReason[] = [];
  readonly #nics: Nic[] = [];

  constructor(link: Omit<LinkOptions, "scheduler" | "random"> = {}) {
    this.pool = new PacketPool({ small: 2048, jumbo: 64, super: 32, debug: true });
    this.simulation = createSimulation({ pool: this.pool });
    this.link = this.simulation.link({ name: "wire", queue: { kind: "fifo", limitPackets: 100_000 }, ...link });
    this.link.tap({
      frame: (direction, point, frame) => {
        if (direction === "aToB" && point === "sent") this.wire.push(frame.bytes().slice());
      },
    });
    worlds.push(this);
  }

  get now(): Nanos {
    return this.simulation.simulator.now;
  }

  /** A NIC at end `a` (or `b`), open. */
  nic(end: "a" | "b", settings: NicSettings = {}): Nic {
    const nic = createNic({
      scheduler: this.simulation.simulator,
      pool: this.pool,
      link: this.link[end],
      onDrop: (_packet, reason) => this.drops.push(reason),
      ...settings,
    });
    this.#nics.push(nic);
    nic.open(this.now);
    return nic;
  }

  /** Sends at once and runs until nothing happens any more. */
  send(nic: Nic, ...packets: readonly Packet[]): void {
    for (const packet of packets) nic.transmit(packet, this.now);
    this.run();
  }

  run(): void {
    this.simulation.run();
  }

  at(time: Nanos, call: () => void): void {
    this.simulation.simulator.scheduleCall(time, call);
  }

  close(): void {
    const at = worlds.indexOf(this);
    if (at >= 0) worlds.splice(at, 1);
    for (const nic of this.#nics) nic.stop(this.now);
    this.simulation.close();
    this.pool.assertDrained();
  }
}
