import type { DropReason } from "@seville/core";
import type { Packet } from "@seville/packet";
import { createSimulation, type DirectionOptions, type Link, type LinkOptions, type Simulation } from "../src/index.ts";

export const US = 1_000;
export const MS = 1_000_000;
export const SEC = 1_000_000_000;

export interface Arrival {
  /** The number that {@link TestWorld.send} gave the frame. */
  readonly frame: number;
  readonly at: number;
  readonly bytes: number;
}

export interface Loss {
  readonly frame: number;
  readonly at: number;
  readonly reason: DropReason;
}

/** A world with one link. Frames carry a number, by which the arrivals and losses at `b` (and back at `a`) are told. */
export class TestWorld {
  readonly simulation: Simulation;
  readonly link: Link;
  readonly atB: Arrival[] = [];
  readonly atA: Arrival[] = [];
  readonly lost: Loss[] = [];
  #next = 0;

  constructor(options: Omit<LinkOptions, "scheduler" | "random"> = {}, seed = 1) {
    this.simulation = createSimulation({ seed, pool: { small: 4096, jumbo: 64, super: 4 } });
    this.link = this.simulation.link({ framing: "none", ...options });
    this.link.b.attach({ receiveFrame: (frame, now) => this.#note(this.atB, frame, now) });
    this.link.a.attach({ receiveFrame: (frame, now) => this.#note(this.atA, frame, now) });
    this.link.tap({
      frame: (_direction, point, frame, at, reason) => {
        if (point === "dropped") this.lost.push({ frame: numberOf(frame), at, reason: reason! });
      },
    });
  }

  get now(): number {
    return this.simulation.simulator.now;
  }

  /** A numbered frame of `bytes` bytes. */
  frame(bytes = 1000): Packet {
    const content = new Uint8Array(bytes);
    if (bytes >= 18) new DataView(content.buffer).setUint32(14, this.#next);
    this.#next++;
    return this.simulation.pool.from(content)!;
  }

  /** Sends `count` frames from `a` at once. */
  send(count = 1, bytes = 1000): void {
    for (let i = 0; i < count; i++) this.link.a.send(this.frame(bytes));
  }

  sendBack(count = 1, bytes = 1000): void {
    for (let i = 0; i < count; i++) this.link.b.send(this.frame(bytes));
  }

  /** Sends `count` frames from `a`, one every `gap`, and runs until the last is through. */
  stream(count: number, gap: number, bytes = 1000): this {
    const { simulator } = this.simulation;
    const begin = simulator.now;
    const tick = {
      handleEvent: (sent: number) => {
        this.send(1, bytes);
        if (sent + 1 < count) simulator.schedule(begin + (sent + 1) * gap, tick, sent + 1);
      },
    };
    simulator.schedule(begin, tick, 0);
    this.run();
    return this;
  }

  at(time: number, call: () => void): void {
    this.simulation.simulator.scheduleCall(time, call);
  }

  run(until?: number): void {
    this.simulation.run(until === undefined ? {} : { until });
  }

  set(options: DirectionOptions): void {
    this.link.set(options);
  }

  /** Numbers of the frames that arrived at `b`, in order. */
  get order(): number[] {
    return this.atB.map(({ frame }) => frame);
  }

  get arrivals(): number[] {
    return this.atB.map(({ at }) => at);
  }

  get inUse(): number {
    return this.simulation.pool.stats.inUse;
  }

  #note(into: Arrival[], frame: Packet, at: number): void {
    into.push({ frame: numberOf(frame), at, bytes: frame.length });
    frame.release();
  }
}

export function numberOf(frame: Packet): number {
  return frame.length < 18 ? -1 : frame.pool.memory.view.getUint32(frame.data + 14);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}
