import { NS_PER_SEC, SevilleError, type Nanos } from "@seville/core";
import type { Host } from "@seville/stack";
import { enableResequencing } from "@seville/stack/offload";
import { duration, rate } from "../../quantities.ts";
import type { Host as HostSpec, Traffic } from "../../types.ts";
import { DelayRecorder } from "../delays.ts";
import { senderHost, type PartRuntime, type RunningTraffic, type TrafficReport, type World } from "../world.ts";
import { FabricWatch } from "./fabric-watch.ts";
import { incast, permutation, stride, type PatternPair } from "./patterns.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { PoissonFlow, type FlowEnds, type PatternFlow } from "./udp-flow.ts";

const watches = new WeakMap<World, Map<string, FabricWatch>>();

/** `fabrics`, and the patterns of traffic over them. */
export const fabrics: PartRuntime = {
  build(world, phase) {
    if (phase === "interfaces") for (const [name, host] of world.hosts) resequence(world.scenario.hosts[name], host);
    if (phase !== "routes") return;
    const all = new Map<string, FabricWatch>();
    for (const [name, spec] of Object.entries(world.scenario.fabrics ?? {}))
      all.set(name, new FabricWatch(world, name, spec));
    watches.set(world, all);
  },
  traffic: { permutation: pattern, stride: pattern, incast: pattern, pairs: pattern },
  finish: (world) => ({ fabrics: [...(watches.get(world)?.values() ?? [])].map((watch) => watch.result()) }),
};

function resequence(spec: HostSpec | undefined, host: Host): void {
  for (const [name, { resequence: timeout }] of Object.entries(spec?.interfaces ?? {})) {
    if (timeout !== undefined) enableResequencing(host.interfaces.named(name), { timeout: duration(timeout) });
  }
}

type PatternSpec = NonNullable<Traffic["permutation"]>;

function pattern(world: World, name: string, traffic: Traffic): RunningTraffic {
  const spec: PatternSpec | undefined = traffic.permutation ?? traffic.stride ?? traffic.incast ?? traffic.pairs;
  if (spec === undefined) throw new TypeError(`traffic ${name} is no pattern`);
  const flows: RunningFlow[] = [];
  for (const fabric of typeof spec.in === "string" ? [spec.in] : spec.in) {
    const watch = watches.get(world)?.get(fabric);
    if (watch === undefined) throw new SevilleError("ERR_INVALID_ARGUMENT", `there is no fabric ${fabric}`, "in");
    for (const pair of pairsOf(world, traffic, watch.hostNames.length))
      flows.push(openFlow(world, name, spec, watch, pair, flows.length));
  }
  return new Pattern(flows);
}

interface RunningFlow {
  readonly flow: PatternFlow;
  readonly watch: FabricWatch;
  readonly pair: PatternPair;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

class Pattern implements RunningTraffic {
  readonly #flows: readonly RunningFlow[];

  constructor(flows: readonly RunningFlow[]) {
    this.#flows = flows;
  }

  start(now: Nanos): void {
    for (const { flow } of this.#flows) flow.start(now);
  }

  stop(now: Nanos): void {
    for (const { flow } of this.#flows) flow.stop(now);
  }

  finish(now: Nanos): TrafficReport {
    for (const { flow, watch, pair, port, protocol } of this.#flows) {
      const { bytes, span, completion } = flow.finish(now);
      watch.reports.push({
        from: nameOf(watch, pair.from),
        to: nameOf(watch, pair.to),
        protocol,
        port,
        bytes,
        throughput: span === 0 ? 0 : (bytes * 8 * NS_PER_SEC) / span,
        ...(completion === undefined ? {} : { completion }),
      });
    }
    return { delays: new DelayRecorder(), delayKind: "one-way" };
  }
}

/** The same in every fabric that a pattern names, so that they can be compared. */
function pairsOf(
  world: World,
  { permutation: permute, stride: strided, incast: many, pairs }: Traffic,
  hosts: number,
): PatternPair[] {
  const random = world.random(`pattern ${permute?.seed ?? many?.seed ?? 0}`);
  if (permute !== undefined) return permutation(hosts, random);
  if (strided !== undefined) return stride(hosts, strided.by ?? hosts / 2);
  if (many !== undefined) return incast(hosts, many.to ?? 0, many.senders, random);
  const { from = 0, to = hosts - 1, flows = 1 } = pairs ?? {};
  return Array.from({ length: flows }, () => ({ from, to }));
}

function openFlow(
  world: World,
  name: string,
  spec: PatternSpec,
  watch: FabricWatch,
  pair: PatternPair,
  index: number,
): RunningFlow {
  const [from, to] = [watch.hostNames[pair.from] ?? "", watch.hostNames[pair.to] ?? ""];
  const port = watch.openFlow();
  const ends: FlowEnds = {
    name,
    sender: senderHost(world, from),
    receiver: senderHost(world, to),
    to: world.resolve(from, to, undefined),
    port,
  };
  if (spec.udp === undefined) {
    const flow = new TcpFlow(world, ends, { bytes: spec.bytes, congestion: spec.congestion });
    return { flow, watch, pair, port, protocol: "tcp" };
  }
  const random = world.random(`flow ${name} ${index}`);
  const flow = new PoissonFlow(world, ends, rate(spec.udp), spec.size ?? 1400, random);
  return { flow, watch, pair, port, protocol: "udp" };
}

function nameOf(watch: FabricWatch, host: number): string {
  return (watch.hostNames[host] ?? "").slice(watch.name.length + 1);
}
