import type { Packet } from "@seville/packet";
import { Direction } from "./direction.ts";
import type { FrameSink, LinkEnd } from "./link-end.ts";
import type { DirectionOptions, LinkOptions } from "./link-options.ts";
import type { DirectionOccupancy, DirectionStats } from "./link-stats.ts";
import type { LinkDirection, LinkTap } from "./link-tap.ts";

/** Which directions of a link something concerns. */
export type LinkDirections = LinkDirection | "both";

/**
 * A full-duplex point-to-point link with rate, delay, queue and faults.
 *
 * Everything can be changed at any time, and a change takes effect at once and as a whole. All randomness comes from
 * `random`, one stream per direction and impairment.
 */
export class Link {
  readonly name: string;
  /** The first end, `a`. */
  readonly a: LinkEnd;
  /** The second end, `b`. */
  readonly b: LinkEnd;
  readonly #options: LinkOptions;
  readonly #taps: LinkTap[] = [];
  readonly #aToB: Direction;
  readonly #bToA: Direction;
  #up: boolean;
  #closed = false;

  constructor(options: LinkOptions) {
    const { name = "link", aToB = {}, bToA = {} } = options;
    const [nameA, nameB] = options.ends ?? [`${name}:a`, `${name}:b`];
    this.name = name;
    this.#options = options;
    this.#up = options.up ?? true;
    this.#aToB = this.#createDirection("aToB", { ...options, ...aToB });
    this.#bToA = this.#createDirection("bToA", { ...options, ...bToA });
    this.a = new End(nameA, this, this.#aToB, this.#bToA);
    this.b = new End(nameB, this, this.#bToA, this.#aToB);
    if (!this.#up) this.#shut("LINK_DOWN");
  }

  /** Both ends have a carrier. */
  get up(): boolean {
    return this.#up && !this.#closed;
  }

  /** Changes what `options` names, in one or both directions. What is on the line is not touched. */
  set(options: DirectionOptions, directions: LinkDirections = "both"): void {
    for (const direction of this.#select(directions)) direction.configure(options);
  }

  /**
   * Pulls the cable or plugs it in. Down: what waits and what is in flight is lost (`LINK_DOWN`), and both ends see their
   * carrier go.
   */
  setUp(up: boolean): void {
    if (this.#closed || up === this.#up) return;
    this.#up = up;
    if (up) for (const direction of this.#select("both")) direction.open();
    else this.#shut("LINK_DOWN");
    const { now } = this.#options.scheduler;
    this.#aToB.carrierChanged(up, now);
    this.#bToA.carrierChanged(up, now);
  }

  /**
   * A partition: frames put on the line vanish (`LINK_PARTITION`), and nobody's carrier tells. Frames in flight arrive.
   */
  partition(directions: LinkDirections = "both"): void {
    for (const direction of this.#select(directions)) direction.partitioned = true;
  }

  heal(directions: LinkDirections = "both"): void {
    for (const direction of this.#select(directions)) direction.partitioned = false;
  }

  /** The counters themselves: they go on counting. */
  stats(direction: LinkDirection): Readonly<DirectionStats> {
    return this.#direction(direction).stats;
  }

  /** What waits and what is under way at this moment. */
  occupancy(direction: LinkDirection): DirectionOccupancy {
    return this.#direction(direction).occupancy;
  }

  /** Has `tap` see every frame from now on. Returns how to end that. */
  tap(tap: LinkTap): () => void {
    this.#taps.push(tap);
    return () => {
      const at = this.#taps.indexOf(tap);
      if (at >= 0) this.#taps.splice(at, 1);
    };
  }

  /** The end of the world: releases every frame that waits or is in flight, with reason `END_OF_RUN`. For good. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#shut("END_OF_RUN");
  }

  #createDirection(direction: LinkDirection, options: DirectionOptions): Direction {
    const { scheduler, random } = this.#options;
    const stream = random.fork(`link ${this.name}`).fork(direction);
    return new Direction({ name: this.name, direction, scheduler, random: stream, taps: this.#taps }, options);
  }

  #shut(reason: "LINK_DOWN" | "END_OF_RUN"): void {
    for (const direction of this.#select("both")) direction.shut(reason);
  }

  #direction(direction: LinkDirection): Direction {
    return direction === "aToB" ? this.#aToB : this.#bToA;
  }

  #select(directions: LinkDirections): readonly Direction[] {
    return directions === "both" ? [this.#aToB, this.#bToA] : [this.#direction(directions)];
  }
}

class End implements LinkEnd {
  readonly name: string;
  readonly #link: Link;
  readonly #out: Direction;
  readonly #in: Direction;

  constructor(name: string, link: Link, out: Direction, into: Direction) {
    this.name = name;
    this.#link = link;
    this.#out = out;
    this.#in = into;
  }

  get mtu(): number {
    return this.#out.mtu;
  }

  get carrier(): boolean {
    return this.#link.up;
  }

  get backlog(): number {
    return this.#out.backlog;
  }

  attach(sink: FrameSink): void {
    this.#in.attach(sink);
  }

  send(frame: Packet): void {
    this.#out.send(frame);
  }
}
