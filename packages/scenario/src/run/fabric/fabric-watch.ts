import type { EventHandler, Nanos, Scheduler } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Link, LinkDirection } from "@seville/sim";
import { planOf } from "../../fabric/expand.ts";
import { duration, rate } from "../../quantities.ts";
import type { Fabric, LinkParameters } from "../../types.ts";
import type { World } from "../world.ts";
import type { FabricFlowResult, FabricResult } from "./fabric-result.ts";
import { FlowTrack, readFrame } from "./flow-track.ts";
import { Histogram } from "./histogram.ts";
import { ReorderingTally } from "./reordering.ts";

/** First destination port of the flows in a fabric: each has its own, by which its frames are known. */
export const FIRST_PORT = 10_000;
const SAMPLE_INTERVAL: Nanos = 100_000;
const LONGEST_QUEUE = 4096;

/** A flow of a pattern, once it has ended: all but what the watch knows by itself. */
export type FlowReport = Omit<FabricFlowResult, "sent" | "arrived" | "reordered"> & { readonly port: number };

/** Looks at the frames and queues of a fabric. It changes nothing. */
export class FabricWatch implements EventHandler {
  readonly name: string;
  readonly spec: Fabric;
  readonly hostNames: readonly string[];
  readonly reports: FlowReport[] = [];
  readonly #links: Link[] = [];
  readonly #hostRate: number | undefined;
  readonly #tracks: FlowTrack[] = [];
  readonly #queues = new Histogram(LONGEST_QUEUE);
  readonly #ports: { readonly link: Link; readonly direction: LinkDirection }[] = [];
  readonly #scheduler: Scheduler;

  constructor(world: World, name: string, spec: Fabric) {
    this.name = name;
    this.spec = spec;
    this.#scheduler = world.simulator;
    const plan = planOf(spec);
    this.hostNames = plan.hosts.map((host) => `${name}.${host.name}`);
    let hostRate: LinkParameters["rate"];
    for (const host of plan.hosts) {
      const each = world.links.get(`${name}.${host.switch}-${host.name}`);
      if (each === undefined) continue;
      hostRate ??= each.parameters[0].rate;
      this.#links.push(each.link);
      this.#watchHost(each.link);
    }
    this.#hostRate = hostRate === undefined ? undefined : rate(hostRate);
    for (const { name: local } of plan.links) {
      const each = world.links.get(`${name}.${local}`);
      if (each === undefined) continue;
      this.#links.push(each.link);
      this.#watchDrops(each.link);
      for (const direction of ["aToB", "bToA"] as const) this.#ports.push({ link: each.link, direction });
    }
    this.#scheduler.schedule(SAMPLE_INTERVAL, this);
  }

  /** A port for a new flow, the same on sender and receiver. */
  openFlow(): number {
    this.#tracks.push(new FlowTrack());
    return FIRST_PORT + this.#tracks.length - 1;
  }

  handleEvent(_argument: number, now: Nanos): void {
    for (const { link, direction } of this.#ports) this.#queues.add(link.occupancy(direction).queuedFrames);
    this.#scheduler.schedule(now + SAMPLE_INTERVAL, this);
  }

  result(): FabricResult {
    const { spec } = this;
    const plan = planOf(spec);
    const tally = new ReorderingTally();
    const flows = this.reports.map(({ port, ...report }): FabricFlowResult => {
      const track = this.#tracks[port - FIRST_PORT] as FlowTrack;
      const reordered = tally.add(track.arrivals);
      const { sent, sentAgain, arrivals } = track;
      const again = report.protocol === "tcp" ? { retransmits: sentAgain } : {};
      return { ...report, sent, arrived: arrivals.length, reordered, ...again };
    });
    return {
      name: this.name,
      kind: spec.fatTree === undefined ? "paths" : "fat-tree",
      family: spec.family ?? "ipv4",
      select: typeof spec.select === "object" ? (Object.keys(spec.select)[0] ?? "hash") : (spec.select ?? "hash"),
      ...(spec.resequence === undefined ? {} : { resequence: duration(spec.resequence) }),
      hosts: plan.hosts.length,
      switches: plan.switches.length,
      links: this.#links.length,
      ...(this.#hostRate === undefined ? {} : { hostRate: this.#hostRate }),
      degraded: Object.entries(spec.degrade ?? {}).map(([link, settings]) => `${link} ${settingsOf(settings)}`),
      flows,
      queue: this.#queues.distribution(),
      reordering: tally.result(),
      dropped: this.#links.reduce((sum, link) => sum + dropsOf(link), 0),
      fairness: jain(flows.map(({ throughput }) => throughput)),
    };
  }

  #watchHost(link: Link): void {
    // The switch is at the first end, the host at the second.
    link.tap({
      frame: (direction, point, frame, _now, reason) => {
        if (point === "sent" && direction === "bToA") this.#leaves(frame);
        else if (point === "delivered" && direction === "aToB") this.#arrives(frame);
        else if (point === "dropped" && reason !== "END_OF_RUN") this.#isDropped(frame, link, direction);
      },
    });
  }

  #watchDrops(link: Link): void {
    link.tap({
      frame: (direction, point, frame, _now, reason) => {
        if (point === "dropped" && reason !== "END_OF_RUN") this.#isDropped(frame, link, direction);
      },
    });
  }

  #leaves(frame: Packet): void {
    const facts = readFrame(frame);
    if (facts !== undefined) this.#trackOf(facts.destinationPort)?.leaves(facts.id, facts.isTcp);
  }

  #arrives(frame: Packet): void {
    const facts = readFrame(frame);
    if (facts !== undefined) this.#trackOf(facts.destinationPort)?.arrives(facts.id);
  }

  /** A frame that a host's own queue refused never was on the wire. */
  #isDropped(frame: Packet, link: Link, direction: LinkDirection): void {
    const facts = readFrame(frame);
    if (facts === undefined) return;
    const neverLeft = direction === "bToA" && !this.#ports.some((port) => port.link === link);
    if (!neverLeft) this.#trackOf(facts.destinationPort)?.isDropped(facts.id);
  }

  #trackOf(port: number): FlowTrack | undefined {
    return this.#tracks[port - FIRST_PORT];
  }
}

/** Frames that it dropped on both directions; the end of the run is no drop. */
function dropsOf(link: Link): number {
  const directions = [link.stats("aToB"), link.stats("bToA")];
  return directions.reduce((sum, { framesDropped, dropped }) => sum + framesDropped - (dropped.END_OF_RUN ?? 0), 0);
}

function settingsOf(settings: LinkParameters): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

/** (Σx)² / (n Σx²). */
function jain(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}
