import { SevilleError, type Nanos, type Random } from "@seville/core";
import type { IpAddress, PacketPool } from "@seville/packet";
import type { Link, LinkDirections, LinkEnd, Simulator } from "@seville/sim";
import type { Host, NetDevice } from "@seville/stack";
import type { EventResult, FlowResult, PingResult, ScenarioResult } from "../results.ts";
import type { Event, Interface, LinkParameters, Scenario, Traffic } from "../types.ts";
import type { OffloadResult } from "./offloads/offload-result.ts";
import type { DelayRecorder } from "./delays.ts";
import type { TcpResult, TcpSeries } from "./tcp/tcp-result.ts";

/** A link of the world, with what a scenario calls its ends. */
export interface WorldLink {
  readonly link: Link;
  readonly ends: readonly [string, string];
  /** What each direction is set to at the moment, from the first end and from the second. */
  readonly parameters: [LinkParameters, LinkParameters];
}

/** What traffic tells of itself. */
export interface TrafficReport {
  readonly ping?: PingResult;
  readonly flow?: FlowResult;
  readonly offloads?: readonly OffloadResult[];
  readonly tcp?: TcpResult;
  readonly tcpSeries?: readonly TcpSeries[];
  readonly delays: DelayRecorder;
  readonly delayKind: "rtt" | "one-way";
}

/** Traffic that was set up. Started and stopped by the runner, any number of times. */
export interface RunningTraffic {
  start(now: Nanos): void;
  stop(now: Nanos): void;
  /** The run is over: what was found. Frees sockets. */
  finish(now: Nanos): TrafficReport;
}

/** What parts of scenarios, and `setup`, work on. */
export interface World {
  readonly scenario: Scenario;
  readonly simulator: Simulator;
  readonly pool: PacketPool;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly links: ReadonlyMap<string, WorldLink>;
  readonly traffic: ReadonlyMap<string, RunningTraffic>;
  /** A stream of random numbers of its own for `label`. */
  random(label: string): Random;
  /** Changes what `parameters` names. */
  setLink(name: string, parameters: LinkParameters, directions?: LinkDirections): void;
  /** `ip link set … up` or `down`. In `defaults: safe`, up brings back the addresses and routes that down took away. */
  setInterfaceUp(host: string, name: string, up: boolean): void;
  /** Frames between these groups of nodes vanish from now on; an empty list ends it. */
  partition(groups: readonly (readonly string[])[]): void;
  /** The address that a scenario means by `to`, as seen from the host `from`. */
  resolve(from: string, to: string, family: "ipv4" | "ipv6" | undefined): IpAddress;
  /** Puts a mark on the report's time axis. */
  event(event: Omit<EventResult, "at">): void;
  warn(text: string): void;
}

/** The host that sends. The check of traffic has seen that it is there. */
export function senderHost(world: World, name: string): Host {
  const host = world.hosts.get(name);
  if (host === undefined) throw new SevilleError("ERR_INVALID_ARGUMENT", `there is no host ${name}`, "from");
  return host;
}

/** The end of a link that an attachment is to take, and what that needs. */
export interface AttachmentSite {
  readonly name: string;
  readonly end: LinkEnd;
  readonly pool: PacketPool;
  readonly simulator: Simulator;
  /** It broke: the run ends with this error. */
  readonly fail: (error: Error) => void;
}

/** An attachment that is open. */
export interface OpenAttachment {
  /** For people: `tap sv-left in netns sv-left`. */
  readonly detail: string;
  /** Frames that were lost outside the simulation, by reason. Asked at the end. */
  readonly drops?: () => Readonly<Record<string, number>>;
  /** Counters of the kernel behind it, by the names of `nstat`. Asked before and after a run with programs. */
  readonly counters?: () => Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** A program to run outside. */
export interface OutsideProgram {
  readonly command: readonly string[];
  readonly netns: string;
}

/** A program that runs outside. */
export interface RunningProgram {
  /** ms since 1970. */
  readonly startedAt: number;
  /** Never rejects. */
  readonly ended: Promise<{
    readonly exitCode?: number;
    readonly signal?: string;
    readonly stdout: string;
    readonly stderr: string;
    /** It cannot be run here: why, and what to do. */
    readonly missing?: string;
  }>;
  /** Interrupts it, and kills it if it does not listen. */
  stop(): void;
}

/** An interface that needs a device. */
export interface DeviceSite {
  readonly host: Host;
  readonly spec: Interface;
  /** `host:interface`. */
  readonly endpoint: string;
  /** The end of the link that it is at, or of no cable. */
  readonly end: LinkEnd;
  /** The end of the link at another interface, if it is at one. */
  linkEnd(endpoint: string): LinkEnd | undefined;
}

/** What carries a part out. */
export interface PartRuntime {
  /** Makes the device of an interface that has a key of this part; `undefined`: it has none. */
  readonly device?: (site: DeviceSite, scenario: Scenario) => NetDevice | undefined;
  /** After the base has made the interfaces, given the addresses, set the routes. */
  readonly build?: (world: World, phase: "interfaces" | "addresses" | "routes") => void;
  /** The run is over: what this part adds to the result. */
  readonly finish?: (world: World) => Pick<ScenarioResult, "alignment" | "embeddedSwitches" | "fabrics">;
  /** Timeline keys. `event` is the whole entry. */
  readonly actions?: Readonly<Record<string, (world: World, event: Event) => EventLabel>>;
  /** Traffic keys. */
  readonly traffic?: Readonly<Record<string, (world: World, name: string, spec: Traffic) => RunningTraffic>>;
}

/** What the report writes at the time axis, unless the event has a label of its own. */
export type EventLabel = Omit<EventResult, "at">;
