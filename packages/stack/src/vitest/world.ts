import {
  createRandom,
  formatDuration,
  NS_PER_SEC,
  parseDuration,
  SevilleError,
  type Nanos,
  type Random,
} from "@seville/core";
import { formatIp, PacketPool, parseInterfaceAddress } from "@seville/packet";
import { Link, parseLink, Simulator, type DirectionOptions } from "@seville/sim";
import { createEthernet } from "../device/ethernet.ts";
import { closeHost, createHost } from "../host/create-host.ts";
import type { Host } from "../host/host.ts";
import { addAddress4 } from "../interface/addresses4.ts";
import { createPrograms, type Programs } from "../node/context.ts";
import { watchEscapes } from "../node/escapes.ts";
import { patchNode } from "../node/patch.ts";
import { installTcp } from "../tcp/install.ts";
import { addRoutes, type Edge } from "./routes.ts";
import { realSleep, settle } from "./settle.ts";
import { WorldHost } from "./world-host.ts";

export interface WorldOptions {
  /** Root of all that is random. Default 1. */
  readonly seed?: number | string;
  /** How long a `run` may last in the world's time before it is given up. Default an hour. */
  readonly limit?: Nanos | string;
  /** Date at the beginning of the world. Default 2016-02-09, the first day of Netconf in Seville. */
  readonly date?: Date;
}

/** One link of a world, and its faults. */
export interface WorldLink {
  readonly link: Link;
  /** Changes it, in both directions: `"loss=10%"`, or options of `@seville/sim`. */
  set(change: string | DirectionOptions): void;
  /** Frames vanish, and no carrier tells. */
  partition(): void;
  heal(): void;
  /** Pulls the cable, or plugs it in. */
  setUp(up: boolean): void;
}

const DEFAULT_LIMIT: Nanos = 3600 * NS_PER_SEC;
const FIRST_DAY = Date.UTC(2016, 1, 9);
/** How long, in real time, something outside may take while nothing is left to happen in the world. */
const PATIENCE_MS = 5000;
const PATIENCE_STEP_MS = 5;

/**
 * A network for a test: hosts, links, faults, and real programs on them, in virtual time. The same seed gives the same run.
 *
 * @example
 * const world = new World();
 * const [client, server] = [world.host("client"), world.host("server")];
 * const wire = world.link(client, server, "delay=20ms loss=1%");
 * await server.run(() => http.createServer((_, response) => response.end("hello")).listen(80));
 * const text = await client.run(() => get("http://server/"));
 */
export class World {
  readonly seed: number | string;
  readonly simulator: Simulator;
  readonly pool: PacketPool;
  readonly programs: Programs;
  readonly hosts: WorldHost[] = [];
  readonly links: WorldLink[] = [];
  readonly #random: Random;
  readonly #limit: Nanos;
  readonly #names = new Map<string, string[]>();
  readonly #edges: Edge[] = [];
  readonly #endings: (() => void)[] = [];
  #isRouted = true;
  #isClosed = false;

  constructor(options: WorldOptions = {}) {
    this.seed = options.seed ?? 1;
    this.#random = createRandom(this.seed);
    this.simulator = new Simulator({ random: this.#random });
    this.pool = new PacketPool({ small: 16_384, jumbo: 64, super: 64 });
    this.#limit = toNanos(options.limit ?? DEFAULT_LIMIT, "limit");
    this.programs = createPrograms(this.#names, options.date?.getTime() ?? FIRST_DAY);
    this.#endings.push(patchNode(), watchEscapes());
  }

  /** The world's time, ns since its beginning. */
  get now(): Nanos {
    return this.simulator.now;
  }

  /**
   * Adds a host. Others reach it by its name once a link leads there.
   * @throws SevilleError `ERR_INVALID_ARGUMENT`: there is one of that name
   */
  host(name: string): WorldHost {
    if (this.hosts.some((one) => one.name === name)) {
      throw new SevilleError("ERR_INVALID_ARGUMENT", `there is a host ${JSON.stringify(name)} already`, "name");
    }
    const host = createHost({ name, scheduler: this.simulator, pool: this.pool, random: this.#random, sysctls: QUIET });
    installTcp(host);
    const made = new WorldHost(this, host);
    this.hosts.push(made);
    return made;
  }

  /** Joins two hosts. `how` is such as `"delay=20ms loss=1% rate=10mbit"`, or options of `@seville/sim`. */
  link(a: WorldHost, b: WorldHost, how: string | DirectionOptions = {}): WorldLink {
    const number = this.links.length;
    const link = new Link({
      scheduler: this.simulator,
      random: this.#random,
      name: `${a.name}-${b.name}-${number}`,
      ...(typeof how === "string" ? parseLink(how) : how),
    });
    const subnet = `10.${number >> 8}.${number & 255}`;
    const ends = [a, b].map((end, i) => {
      const own = i === 0 ? link.a : link.b;
      const iface = end.host.interfaces.add(createEthernet(own), { name: `eth${end.interfaces++}`, up: true });
      const given = parseInterfaceAddress(`${subnet}.${i + 1}/24`);
      addAddress4(iface, { address: given.address as number, prefixLength: given.prefixLength });
      this.#names.set(end.name.toLowerCase(), [
        ...(this.#names.get(end.name.toLowerCase()) ?? []),
        formatIp(given.address),
      ]);
      return { host: end.host, iface, address: given.address as number };
    });
    this.#edges.push({ ends: ends as unknown as Edge["ends"] });
    this.#isRouted = false;
    const made: WorldLink = {
      link,
      set: (change) => {
        link.set(typeof change === "string" ? parseLink(change) : change);
      },
      partition: () => {
        link.partition();
      },
      heal: () => {
        link.heal();
      },
      setUp: (up) => {
        link.setUp(up);
      },
    };
    this.links.push(made);
    return made;
  }

  /** A host of this world by its name. @throws SevilleError `ERR_INVALID_ARGUMENT` */
  get(name: string): WorldHost {
    const found = this.hosts.find((one) => one.name === name);
    if (found !== undefined) return found;
    const names = this.hosts.map((one) => one.name).join(", ");
    throw new SevilleError(
      "ERR_INVALID_ARGUMENT",
      `there is no host ${JSON.stringify(name)}; there are: ${names}`,
      "name",
    );
  }

  /** Cuts every link between the hosts of one side and those of the other (default: all others). Nobody's carrier tells. */
  partition(side: readonly WorldHost[], other: readonly WorldHost[] = this.hosts): void {
    for (const link of this.#between(side, other)) link.partition();
  }

  /** Ends all partitions. */
  heal(): void {
    for (const link of this.links) link.heal();
  }

  /**
   * Lets the world's time pass until `work` has settled, and answers as it does. Time goes on only while all programs wait.
   * @throws SevilleError `ETIMEDOUT`: the limit has passed, or nothing is left that could happen
   */
  async run<Result>(work: Promise<Result> | (() => Promise<Result> | Result)): Promise<Result> {
    this.#route();
    const promise = typeof work === "function" ? (async () => work())() : work;
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    const end = this.now + this.#limit;
    const isDone = (): boolean => isSettled;
    while (await this.#programsWait(isDone)) {
      if (this.now >= end) {
        throw new SevilleError(
          "ETIMEDOUT",
          `not done after ${formatDuration(this.#limit)} of the world's time; ${this.#story()}`,
        );
      }
      if (!this.#step(end) && !(await this.#outside(isDone))) {
        throw new SevilleError("ETIMEDOUT", `not done, and nothing is left that could happen; ${this.#story()}`);
      }
    }
    return promise;
  }

  /** Lets so much of the world's time pass: a number of ns, or `"1.5s"`. */
  async sleep(duration: Nanos | string): Promise<void> {
    const end = this.now + toNanos(duration, "duration");
    this.#route();
    while (await this.#programsWait(() => this.now >= end)) {
      if (!this.#step(end)) this.simulator.run({ until: end });
    }
  }

  /** Ends the world: programs' sockets and timers go, and every packet must be back. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const end of [...this.programs.endings]) end();
    await settle(this.programs);
    for (const { host } of this.hosts) closeHost(host);
    for (const { link } of this.links) link.close();
    for (const end of this.#endings) end();
    this.pool.assertDrained();
  }

  /** Whether programs have nothing to do any more but `isDone` does not hold. */
  async #programsWait(isDone: () => boolean): Promise<boolean> {
    await settle(this.programs);
    return !isDone();
  }

  /** Fires events until one has woken a program, or `end`. `false`: there was none to fire. */
  #step(end: Nanos): boolean {
    const { programs, simulator } = this;
    const before = programs.activity;
    if (simulator.nextEventAt > end) return false;
    while (programs.activity === before && simulator.nextEventAt <= end) simulator.run({ maxEvents: 1 });
    return true;
  }

  /** Nothing is left to happen here: is it outside that programs wait? */
  async #outside(isDone: () => boolean): Promise<boolean> {
    for (let waited = 0; waited < PATIENCE_MS; waited += PATIENCE_STEP_MS) {
      await realSleep(PATIENCE_STEP_MS);
      if (isDone() || this.simulator.nextEventAt < Infinity) return true;
    }
    return false;
  }

  #story(): string {
    const escapes = [...this.programs.escapes].map(([name, count]) => `${count} × ${name}`).join(", ");
    const outside = escapes === "" ? "" : `; programs used what no simulation sees: ${escapes}`;
    return `seed ${this.seed}, time ${formatDuration(this.now)}${outside}`;
  }

  #route(): void {
    if (this.#isRouted) return;
    this.#isRouted = true;
    addRoutes(this.#edges);
  }

  #between(side: readonly WorldHost[], other: readonly WorldHost[]): WorldLink[] {
    const left = new Set(side.map((one) => one.host));
    const right = new Set(other.map((one) => one.host).filter((host: Host) => !left.has(host)));
    return this.links.filter((_, i) => {
      const [a, b] = (this.#edges[i] as Edge).ends;
      return (left.has(a.host) && right.has(b.host)) || (left.has(b.host) && right.has(a.host));
    });
  }
}

function toNanos(duration: Nanos | string, argument: string): Nanos {
  return typeof duration === "number" ? duration : parseDuration(duration, argument);
}

/** IPv6 would speak at the beginning of every test, and nobody listens. */
const QUIET = {
  "net.ipv6.conf.all.accept_dad": 0,
  "net.ipv6.conf.default.accept_dad": 0,
  "net.ipv6.conf.default.router_solicitations": 0,
} as const;
