import { createRandom, SevilleError, type Nanos, type Random } from "@seville/core";
import { isIpv4, isLinkLocal, PacketPool, tryParseIp, type IpAddress, type PacketPoolOptions } from "@seville/packet";
import { Link, Simulator, type LinkDirections, type LinkEnd } from "@seville/sim";
import { closeHost, type Host, type NetDevice } from "@seville/stack";
import { addressesOf, linksOf, parseEndpoint } from "../check/network.ts";
import { fabricOf, planOf } from "../fabric/expand.ts";
import { duration, rate } from "../quantities.ts";
import type { EventResult, ScenarioResult } from "../results.ts";
import type { Event, Interface, Link as LinkSpec, LinkParameters, Scenario, Traffic } from "../types.ts";
import { CaptureSet, macFor } from "./captures.ts";
import { buildHost, configureAddresses, configureRoutes, hostEntries, restore } from "./hosts.ts";
import { directionOptions } from "./link-options.ts";
import type { RunScenarioOptions } from "./run-scenario.ts";
import { Sampler } from "./sampler.ts";
import { TraceHash } from "./trace-hash.ts";
import type { DeviceSite, EventLabel, PartRuntime, RunningTraffic, World, WorldLink } from "./world.ts";

/** Samples of a series, if the scenario does not say how far apart they are. */
const SAMPLES = 500;

/** The world of a scenario: everything in it, made in the order of the file, at time 0. */
export class BuiltWorld implements World {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly simulator: Simulator;
  readonly pool: PacketPool;
  readonly hosts: Map<string, Host> = new Map();
  readonly links: Map<string, WorldLink> = new Map();
  readonly traffic: Map<string, RunningTraffic> = new Map();
  readonly captures: CaptureSet;
  readonly sampler: Sampler;
  readonly trace: TraceHash;
  readonly events: EventResult[] = [];
  readonly warnings: string[] = [];
  /** Frames and bytes put on links. */
  frames = 0;
  bytes = 0;
  /** Called when something outside breaks. */
  onFailure: (() => void) | undefined;
  readonly #linkEnds = new Map<string, LinkEnd>();
  readonly #runtimes: readonly PartRuntime[];
  readonly #random: Random;
  #failure: Error | undefined;
  #closed = false;

  constructor(scenario: Scenario, runtimes: readonly PartRuntime[], until: Nanos, options: RunScenarioOptions) {
    this.scenario = scenario;
    this.#runtimes = runtimes;
    this.seed = options.seed ?? scenario.seed ?? 1;
    this.#random = createRandom(this.seed);
    this.simulator = new Simulator({ random: this.#random });
    this.pool = new PacketPool({ ...poolFor(scenario), ...options.pool });
    this.captures = new CaptureSet(options.capture, options.captureAt ?? "wire", scenario.captures ?? {});
    const interval = scenario.sampling === undefined ? Math.ceil(until / SAMPLES) : duration(scenario.sampling);
    this.sampler = new Sampler(this.simulator, Math.max(1000, interval));
    this.trace = new TraceHash(this.pool.memory);
    for (const [name, spec] of linksOf(scenario)) this.#addLink(name, spec);
    for (const [i, [name, spec]] of hostEntries(scenario).entries()) {
      const around = {
        simulator: this.simulator,
        pool: this.pool,
        random: this.#random,
        linkEnd: (end: string) => this.linkEnd(end),
        device: (site: DeviceSite) => deviceOf(runtimes, site, scenario),
      };
      this.hosts.set(name, buildHost(name, spec, i, around));
    }
    this.#openCaptures();
    this.#buildPhase(runtimes, "interfaces");
    for (const [name, spec] of hostEntries(scenario)) configureAddresses(this.#host(name), spec);
    this.#buildPhase(runtimes, "addresses");
    for (const [name, spec] of hostEntries(scenario)) configureRoutes(this.#host(name), spec);
    this.#buildPhase(runtimes, "routes");
    for (const [name, spec] of Object.entries(scenario.traffic ?? {})) this.#addTraffic(name, spec, runtimes);
    for (const event of scenario.timeline ?? []) this.#schedule(event, runtimes);
  }

  /** What the parts add to the result. */
  partResults(): Pick<ScenarioResult, "alignment" | "embeddedSwitches" | "fabrics"> {
    return Object.assign({}, ...this.#runtimes.map(({ finish }) => finish?.(this) ?? {})) as Pick<
      ScenarioResult,
      "alignment" | "embeddedSwitches" | "fabrics"
    >;
  }

  random(label: string): Random {
    return this.#random.fork(label);
  }

  /** The end of a link at `host:interface` or at an attachment. */
  linkEnd(endpoint: string): LinkEnd | undefined {
    return this.#linkEnds.get(endpoint);
  }

  setLink(name: string, parameters: LinkParameters, directions: LinkDirections = "both"): void {
    const target = this.links.get(name);
    if (target === undefined) throw new SevilleError("ERR_INVALID_ARGUMENT", `there is no link ${name}`, "name");
    target.link.set(directionOptions(parameters), directions);
    if (directions !== "bToA") target.parameters[0] = { ...target.parameters[0], ...parameters };
    if (directions !== "aToB") target.parameters[1] = { ...target.parameters[1], ...parameters };
  }

  partition(groups: readonly (readonly string[])[]): void {
    const groupOf = (endpoint: string): number =>
      groups.findIndex((group) => group.includes(parseEndpoint(endpoint).node));
    for (const { link, ends } of this.links.values()) {
      if (groups.length > 0 && groupOf(ends[0]) !== groupOf(ends[1])) link.partition();
      else link.heal();
    }
  }

  setInterfaceUp(hostName: string, name: string, up: boolean): void {
    const host = this.#host(hostName);
    const device = host.interfaces.named(name);
    if (!up) {
      host.interfaces.setDown(device);
      return;
    }
    host.interfaces.setUp(device);
    const spec = this.scenario.hosts[hostName];
    if (spec !== undefined && this.scenario.defaults !== "linux-exact") restore(host, spec, device);
  }

  resolve(from: string, to: string, family: "ipv4" | "ipv6" | undefined): IpAddress {
    const literal = tryParseIp(to);
    if (literal !== undefined) return literal;
    const { node, interface: only } = parseEndpoint(to);
    const addresses = this.#addresses(node, only);
    const senderHasIpv4 = this.#addresses(from).some(isIpv4);
    const wanted = family ?? (senderHasIpv4 && addresses.some(isIpv4) ? "ipv4" : "ipv6");
    const found = addresses.find((address) => isIpv4(address) === (wanted === "ipv4"));
    if (found === undefined) throw new SevilleError("ERR_INVALID_ARGUMENT", `${to} has no ${wanted} address`, "to");
    return found;
  }

  event(event: Omit<EventResult, "at">): void {
    this.events.push({ at: this.simulator.now, ...event });
  }

  warn(text: string): void {
    if (!this.warnings.includes(text)) this.warnings.push(text);
  }

  /** Something outside broke: the run is to end with this error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.simulator.pause();
    this.onFailure?.();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the world: no event fires any more, and every packet goes back to the pool. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.simulator.stop();
    for (const host of this.hosts.values()) closeHost(host);
    for (const { link } of this.links.values()) link.close();
  }

  #addLink(name: string, spec: LinkSpec): void {
    const { between, from = {}, mtu, up } = spec;
    const ends: readonly [string, string] = [between[0], between[1]];
    const parameters: [LinkParameters, LinkParameters] = [
      { ...parametersOf(spec), ...from[ends[0]] },
      { ...parametersOf(spec), ...from[ends[1]] },
    ];
    const link = new Link({
      scheduler: this.simulator,
      random: this.#random,
      name,
      ends,
      ...(mtu === undefined ? {} : { mtu }),
      ...(up === undefined ? {} : { up }),
      aToB: directionOptions(parameters[0]),
      bToA: directionOptions(parameters[1]),
    });
    const place = this.links.size * 2;
    this.links.set(name, { link, ends, parameters });
    this.#linkEnds.set(ends[0], link.a);
    this.#linkEnds.set(ends[1], link.b);
    // Of hundreds of links nobody looks at one: a fabric has figures of its own.
    if (fabricOf(this.scenario, name) === undefined) this.sampler.watch(link, ends);
    link.tap({
      frame: (direction, point, frame, now, reason) => {
        const at = place + (direction === "aToB" ? 0 : 1);
        if (point === "sent") {
          this.frames++;
          this.bytes += frame.length;
          this.trace.add(now, at, frame.data, frame.length);
        }
        if (reason !== undefined && reason !== "END_OF_RUN") this.sampler.drop(reason);
      },
    });
  }

  #openCaptures(): void {
    const hosts = Object.keys(this.scenario.hosts);
    for (const { link, ends, parameters } of this.links.values()) {
      for (const [i, endpoint] of ends.entries()) {
        const { node, interface: name } = parseEndpoint(endpoint);
        const specs = this.scenario.hosts[node]?.interfaces ?? {};
        const index = Object.keys(specs).indexOf(name ?? "");
        const mac = index < 0 ? undefined : macFor(specs[name ?? ""]?.mac, hosts.indexOf(node), index);
        const speed = parameters[i === 0 ? 0 : 1].rate;
        this.captures.open(endpoint, mac, speed === undefined ? undefined : rate(speed));
      }
      this.captures.tapWire(link, ends);
    }
    for (const [name, host] of this.hosts) {
      host.drops.listen((packet, reason, iface) => {
        if (this.#closed) return;
        this.sampler.drop(reason);
        if (iface !== undefined) this.captures.get(`${name}:${iface.name}`)?.dropped(packet, reason);
      });
      if (this.captures.at === "host") {
        host.taps.add((packet, iface, direction, now) => {
          this.captures.get(`${name}:${iface.name}`)?.frame(packet, direction === "in" ? "inbound" : "outbound", now);
        });
      }
    }
  }

  #buildPhase(runtimes: readonly PartRuntime[], phase: "interfaces" | "addresses" | "routes"): void {
    for (const runtime of runtimes) runtime.build?.(this, phase);
  }

  #addTraffic(name: string, spec: Traffic, runtimes: readonly PartRuntime[]): void {
    const create = runtimes.flatMap(({ traffic = {} }) => Object.entries(traffic)).find(([key]) => key in spec)?.[1];
    if (create === undefined)
      throw new SevilleError("ERR_SCENARIO_PART", `no part carries out the traffic ${name}`, name);
    const running = create(this, name, spec);
    this.traffic.set(name, running);
    const { simulator } = this;
    if (spec.manual !== true) simulator.scheduleCall(duration(spec.start ?? "0s"), () => running.start(simulator.now));
    if (spec.stop !== undefined) simulator.scheduleCall(duration(spec.stop), () => running.stop(simulator.now));
  }

  #schedule(event: Event, runtimes: readonly PartRuntime[]): void {
    const act = runtimes.flatMap(({ actions = {} }) => Object.entries(actions)).find(([key]) => key in event)?.[1];
    if (act === undefined)
      throw new SevilleError("ERR_SCENARIO_PART", `no part carries out the event at ${event.at}`, "timeline");
    this.simulator.scheduleCall(duration(event.at), () => {
      const label: EventLabel = act(this, event);
      this.event(event.label === undefined ? label : { ...label, label: event.label });
    });
  }

  #host(name: string): Host {
    const host = this.hosts.get(name);
    if (host === undefined) throw new SevilleError("ERR_INVALID_ARGUMENT", `there is no host ${name}`, "host");
    return host;
  }

  /** Addresses of a host as the file gives them: no link-local ones, which mean nothing to others. */
  #addresses(hostName: string, only?: string): IpAddress[] {
    const interfaces = Object.entries<Interface>(this.scenario.hosts[hostName]?.interfaces ?? {});
    return interfaces
      .filter(([name]) => only === undefined || name === only)
      .flatMap(([, spec]) => addressesOf(spec).map(({ address }) => address))
      .filter((address) => !isLinkLocal(address));
  }
}

/** Room for what the hosts of fabrics have under way: some hundred packets each. */
function poolFor(scenario: Scenario): PacketPoolOptions {
  const hosts = Object.values(scenario.fabrics ?? {}).reduce((sum, fabric) => sum + planOf(fabric).hosts.length, 0);
  const strictAlign = Object.values(scenario.hosts).some(({ alignment }) => alignment?.arch === "strict-align");
  return { strictAlign, ...(hosts === 0 ? {} : { small: 16_384 + 384 * hosts }) };
}

/** The device that the first part to know one of its keys makes. */
function deviceOf(runtimes: readonly PartRuntime[], site: DeviceSite, scenario: Scenario): NetDevice | undefined {
  for (const { device } of runtimes) {
    const made = device?.(site, scenario);
    if (made !== undefined) return made;
  }
  return undefined;
}

/** What of a link's specification concerns its directions. */
function parametersOf(spec: LinkSpec): LinkParameters {
  const own = new Set(["between", "mtu", "up", "from"]);
  return Object.fromEntries(Object.entries(spec).filter(([key]) => !own.has(key)));
}
