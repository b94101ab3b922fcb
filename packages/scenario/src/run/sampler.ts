import type { DropReason, EventHandler, Nanos, Scheduler } from "@seville/core";
import type { Link, LinkDirection, LinkTap } from "@seville/sim";
import type { DropSeries, LinkSeries, SeriesResult } from "../results.ts";

/** One direction of a link under observation. */
interface Probe {
  readonly link: Link;
  readonly direction: LinkDirection;
  readonly names: { readonly link: string; readonly from: string; readonly to: string };
  lastBytes: number;
  mostPackets: number;
  mostBytes: number;
  readonly throughput: number[];
  readonly queuePackets: number[];
  readonly queueBytes: number[];
}

/**
 * Samples links and drops at a fixed interval of virtual time. It looks and changes nothing: its events are the only trace that
 * it leaves in the simulator.
 */
export class Sampler implements EventHandler {
  readonly interval: Nanos;
  readonly #scheduler: Scheduler;
  readonly #probes: Probe[] = [];
  readonly #drops = new Map<DropReason, { now: number; readonly series: number[] }>();
  #samples = 0;

  constructor(scheduler: Scheduler, interval: Nanos) {
    this.#scheduler = scheduler;
    this.interval = interval;
    scheduler.schedule(interval, this);
  }

  /** Observes both directions of a link whose ends bear these names. */
  watch(link: Link, ends: readonly [string, string]): void {
    const [a, b] = ends;
    const probes = { aToB: this.#probe(link, "aToB", a, b), bToA: this.#probe(link, "bToA", b, a) };
    const tap: LinkTap = {
      frame: (direction, point) => {
        // A queue is longest just before a frame leaves it, or is refused by it.
        if (point !== "delivered") observe(probes[direction]);
      },
    };
    link.tap(tap);
  }

  drop(reason: DropReason): void {
    const counted = this.#drops.get(reason);
    if (counted !== undefined) counted.now++;
    else this.#drops.set(reason, { now: 1, series: new Array<number>(this.#samples).fill(0) });
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#sample(this.interval);
    this.#scheduler.schedule(now + this.interval, this);
  }

  /** Closes the series at the end of the run, with a last and shorter sample if there is one. */
  finish(now: Nanos): Pick<SeriesResult, "interval" | "samples" | "links" | "drops"> {
    const rest = now - this.#samples * this.interval;
    if (rest > 0 || this.#samples === 0) this.#sample(Math.max(1, rest));
    else this.#amend();
    return {
      interval: this.interval,
      samples: this.#samples,
      links: this.#probes.map(({ names, throughput, queuePackets, queueBytes }): LinkSeries => ({
        ...names,
        throughput,
        queuePackets,
        queueBytes,
      })),
      drops: [...this.#drops].map(([reason, { series }]): DropSeries => ({ reason, packets: series })),
    };
  }

  #probe(link: Link, direction: LinkDirection, from: string, to: string): Probe {
    const probe: Probe = {
      link,
      direction,
      names: { link: link.name, from, to },
      lastBytes: 0,
      mostPackets: 0,
      mostBytes: 0,
      throughput: [],
      queuePackets: [],
      queueBytes: [],
    };
    this.#probes.push(probe);
    return probe;
  }

  #sample(over: Nanos): void {
    for (const probe of this.#probes) {
      observe(probe);
      const { bytesDelivered } = probe.link.stats(probe.direction);
      probe.throughput.push(Math.round(((bytesDelivered - probe.lastBytes) * 8e9) / over));
      probe.queuePackets.push(probe.mostPackets);
      probe.queueBytes.push(probe.mostBytes);
      probe.lastBytes = bytesDelivered;
      probe.mostPackets = 0;
      probe.mostBytes = 0;
      observe(probe);
    }
    for (const drops of this.#drops.values()) {
      drops.series.push(drops.now);
      drops.now = 0;
    }
    this.#samples++;
  }

  /** What happened at the very time of the last sample, but after it, belongs to it. */
  #amend(): void {
    const last = this.#samples - 1;
    for (const probe of this.#probes) {
      const { bytesDelivered } = probe.link.stats(probe.direction);
      const more = Math.round(((bytesDelivered - probe.lastBytes) * 8e9) / this.interval);
      probe.throughput[last] = (probe.throughput[last] as number) + more;
      probe.queuePackets[last] = Math.max(probe.queuePackets[last] as number, probe.mostPackets);
      probe.queueBytes[last] = Math.max(probe.queueBytes[last] as number, probe.mostBytes);
    }
    for (const drops of this.#drops.values()) {
      drops.series[last] = (drops.series[last] as number) + drops.now;
    }
  }
}

function observe(probe: Probe): void {
  const { queuedFrames, queuedBytes } = probe.link.occupancy(probe.direction);
  if (queuedFrames > probe.mostPackets) probe.mostPackets = queuedFrames;
  if (queuedBytes > probe.mostBytes) probe.mostBytes = queuedBytes;
}
