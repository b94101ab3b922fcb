import { invalidArgument, type Nanos, type Random } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { FlowletTable } from "./flowlets.ts";
import { hashPacket } from "./multipath-keys.ts";
import { multipathSeed } from "./multipath.ts";
import type { HopSelection, HopSelector, Route, RouteHop } from "./route.ts";

const POLICIES = ["hash", "flowlet", "random", "round-robin", "better-of-two"] as const;
const DEFAULT_GAP: Nanos = 500_000;
const DEFAULT_FLOWLETS = 1024;
const L4 = 1;

/** Chooses one of several hops that lead to the same place. Asked once for each packet. */
type Choose = (candidates: readonly RouteHop[], packet: Packet, now: Nanos) => RouteHop;

/** What {@link createHopSelector} needs of the routing tables: whether its answer of before still holds, and what a hop is good for. */
export interface SelectorSurroundings {
  readonly generation: number;
  isUsable(hop: RouteHop): boolean;
}

/**
 * What chooses a hop of `route` for each packet as it leaves; `undefined` for `hash`, which is a property of the flow and
 * so of the lookup.
 */
export function createHopSelector(
  host: Host,
  route: Route,
  selection: HopSelection,
  around: SelectorSurroundings,
): HopSelector | undefined {
  if (selection.policy === "hash") return undefined;
  const random = host.random.fork(`spray ${String(route.destination)}/${route.prefixLength} table ${route.table}`);
  const choose = chooserOf(host, route, selection, random);
  let candidates: readonly RouteHop[] = [];
  let generation = -1;
  return {
    selection,
    next(packet, now) {
      if (generation !== around.generation) {
        generation = around.generation;
        const usable = route.hops.filter((hop) => around.isUsable(hop));
        // What remembers something of its candidates goes on as long as they are the same.
        if (usable.length !== candidates.length || usable.some((hop, i) => hop !== candidates[i])) candidates = usable;
      }
      // A route that lost all its hops is gone from its table; who kept it sends into a dead device.
      if (candidates.length < 2) return candidates[0] ?? (route.hops[0] as RouteHop);
      return choose(candidates, packet, now);
    },
  };
}

/**
 * What a caller said, if it makes sense.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function checkedSelection(selection: HopSelection): HopSelection {
  const { policy } = selection;
  if (!POLICIES.includes(policy)) throw invalidArgument("selection.policy", POLICIES.join(", "), policy);
  if (policy === "flowlet") {
    const { gap = DEFAULT_GAP, flowlets = DEFAULT_FLOWLETS } = selection;
    if (!(gap > 0)) throw invalidArgument("selection.gap", "nanoseconds above 0", gap);
    if (!Number.isInteger(flowlets) || flowlets < 1 || flowlets > 1 << 20)
      throw invalidArgument("selection.flowlets", "a whole number from 1 to 1048576", flowlets);
  } else if (policy === "better-of-two") {
    const { samples = 2, memory = 1 } = selection;
    if (!Number.isInteger(samples) || samples < 1 || samples > 64)
      throw invalidArgument("selection.samples", "a whole number from 1 to 64", samples);
    if (!Number.isInteger(memory) || memory < 0 || memory > 64)
      throw invalidArgument("selection.memory", "a whole number from 0 to 64", memory);
  }
  return selection;
}

function chooserOf(host: Host, route: Route, selection: HopSelection, random: Random): Choose {
  switch (selection.policy) {
    case "flowlet":
      return byFlowlet(host, route, selection.gap ?? DEFAULT_GAP, selection.flowlets ?? DEFAULT_FLOWLETS, random);
    case "round-robin":
      return roundRobin(random);
    case "better-of-two":
      return leastLoaded(selection.samples ?? 2, selection.memory ?? 1, random);
    default:
      return (candidates) => drawByWeight(candidates, random);
  }
}

/** Random packet spraying: each packet for itself (Dixit et al., INFOCOM 2013), by weight. */
function drawByWeight(candidates: readonly RouteHop[], random: Random): RouteHop {
  let total = 0;
  for (const hop of candidates) total += hop.weight;
  let point = random.below(total);
  for (const hop of candidates) {
    point -= hop.weight;
    if (point < 0) return hop;
  }
  return candidates[0] as RouteHop;
}

/**
 * In turn, by weight and without clumps: each hop gains its weight, the richest one sends and pays for all (smooth weighted
 * round robin). Begins anywhere, or else all routers would start with their first hop.
 */
function roundRobin(random: Random): Choose {
  let known: readonly RouteHop[] = [];
  let credit: number[] = [];
  let total = 0;
  return (candidates) => {
    if (candidates !== known) {
      known = candidates;
      total = candidates.reduce((sum, hop) => sum + hop.weight, 0);
      credit = candidates.map(() => 0);
      for (let skip = random.below(total); skip > 0; skip--) takeTurn(candidates, credit, total);
    }
    return takeTurn(candidates, credit, total);
  };
}

function takeTurn(candidates: readonly RouteHop[], credit: number[], total: number): RouteHop {
  let richest = 0;
  for (let i = 0; i < candidates.length; i++) {
    credit[i] = (credit[i] as number) + (candidates[i] as RouteHop).weight;
    if ((credit[i] as number) > (credit[richest] as number)) richest = i;
  }
  credit[richest] = (credit[richest] as number) - total;
  return candidates[richest] as RouteHop;
}

/**
 * DRILL(d, m) (Ghorbani et al., SIGCOMM 2017 §3.2): of `samples` hops at random and the `memory` best of before, the one
 * whose device has the fewest bytes waiting.
 */
function leastLoaded(samples: number, memory: number, random: Random): Choose {
  let known: readonly RouteHop[] = [];
  let remembered: RouteHop[] = [];
  return (candidates) => {
    if (candidates !== known) {
      known = candidates;
      remembered = [];
    }
    let best = drawByWeight(candidates, random);
    let least = backlogOf(best);
    const drawn = memory === 0 ? undefined : [best];
    for (let i = 1; i < samples; i++) {
      const hop = drawByWeight(candidates, random);
      drawn?.push(hop);
      const backlog = backlogOf(hop);
      if (backlog < least) [best, least] = [hop, backlog];
    }
    for (const hop of remembered) {
      const backlog = backlogOf(hop);
      if (backlog < least) [best, least] = [hop, backlog];
    }
    if (drawn !== undefined) remembered = bestOf(drawn, remembered, memory, best);
    return best;
  };
}

/** The `memory` least loaded of those looked at; `best` is the first. */
function bestOf(drawn: RouteHop[], remembered: readonly RouteHop[], memory: number, best: RouteHop): RouteHop[] {
  if (memory === 1) {
    drawn.length = 1;
    drawn[0] = best;
    return drawn;
  }
  const all = [...new Set([best, ...drawn, ...remembered])];
  return all.sort((a, b) => backlogOf(a) - backlogOf(b)).slice(0, memory);
}

/** Bytes that wait at the device of `hop`; those that cannot tell have none. */
function backlogOf(hop: RouteHop): number {
  return hop.dev?.device.backlog ?? 0;
}

/** By bursts of flows: after a pause longer than the paths differ, a flow may change over without reordering (Kandula et al., 2007). */
function byFlowlet(host: Host, route: Route, gap: Nanos, flowlets: number, random: Random): Choose {
  const table = new FlowletTable<RouteHop>(flowlets);
  let known: readonly RouteHop[] = [];
  return (candidates, packet, now) => {
    if (candidates !== known) {
      known = candidates;
      table.clear();
    }
    const hash = hashPacket(host.memory, packet.networkHeader, packet.tail, route.family, L4, 0, multipathSeed(host));
    const current = table.get(hash, now, gap);
    return current ?? table.set(hash, now, drawByWeight(candidates, random));
  };
}
