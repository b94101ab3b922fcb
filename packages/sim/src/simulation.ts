import { createRandom, type Nanos, type Random } from "@seville/core";
import { PacketPool, type PacketPoolOptions } from "@seville/packet";
import { Link } from "./link.ts";
import type { LinkOptions } from "./link-options.ts";
import { Simulator, type RunOptions, type RunResult } from "./simulator.ts";

export interface SimulationOptions {
  /** Root of all randomness. Default 1. */
  readonly seed?: number | string | bigint;
  /** A pool, or how large to make one. */
  readonly pool?: PacketPool | PacketPoolOptions;
}

/** A world: its clock, its memory, its dice and its links. */
export interface Simulation {
  readonly simulator: Simulator;
  readonly pool: PacketPool;
  readonly links: readonly Link[];
  /** The stream of random numbers called `label`: what one component draws disturbs no other. */
  random(label: string): Random;
  link(options: Omit<LinkOptions, "scheduler" | "random">): Link;
  run(options?: RunOptions): RunResult;
  /** Ends it: no event fires any more, and every link gives up its frames with reason `END_OF_RUN`. Returns the last time. */
  close(): Nanos;
}

/** @throws SevilleError `ERR_INVALID_ARGUMENT` */
export function createSimulation(options: SimulationOptions = {}): Simulation {
  const root = createRandom(options.seed ?? 1);
  const simulator = new Simulator({ random: root });
  const pool = options.pool instanceof PacketPool ? options.pool : new PacketPool(options.pool);
  const links: Link[] = [];
  return {
    simulator,
    pool,
    links,
    random: (label) => root.fork(label),
    link(linkOptions) {
      const name = linkOptions.name ?? `link${links.length}`;
      const link = new Link({ ...linkOptions, name, scheduler: simulator, random: root });
      links.push(link);
      return link;
    },
    run: (runOptions) => simulator.run(runOptions),
    close() {
      simulator.stop();
      for (const link of links) link.close();
      return simulator.now;
    },
  };
}
