import type { DropReason, Nanos } from "@seville/core";
import type { AlignmentResult } from "./run/offloads/alignment-result.ts";
import type { EmbeddedSwitchResult } from "./run/offloads/embedded-switch-result.ts";
import type { FabricResult } from "./run/fabric/fabric-result.ts";
import type { OffloadResult } from "./run/offloads/offload-result.ts";

export type { AlignmentResult } from "./run/offloads/alignment-result.ts";
export type { FabricFlowResult, FabricResult, ReorderingResult } from "./run/fabric/fabric-result.ts";
import type { TcpResult, TcpSeries } from "./run/tcp/tcp-result.ts";
export type { TcpConnectionResult, TcpResult, TcpSeries } from "./run/tcp/tcp-result.ts";
export type { EmbeddedSwitchPort, EmbeddedSwitchResult } from "./run/offloads/embedded-switch-result.ts";
export type { ChecksumPlace, OffloadReceipt, OffloadResult, VerifiedBy } from "./run/offloads/offload-result.ts";

/*
 * What a run found, as plain JSON. Times are nanoseconds of virtual time since the run began, sizes are bytes, rates are
 * bits per second, probabilities go from 0 to 1. Frame sizes are those of Ethernet frames without their check sequence.
 * A later minor release may add fields; one that changes a meaning raises `version`.
 */

export interface ScenarioResult {
  readonly format: "seville-result";
  readonly version: 1;
  readonly scenario: ScenarioSummary;
  readonly run: RunSummary;
  readonly topology: Topology;
  readonly hosts: readonly HostResult[];
  readonly interfaces: readonly InterfaceResult[];
  /** One entry for each direction of each link. */
  readonly links: readonly LinkResult[];
  readonly flows: readonly FlowResult[];
  readonly pings: readonly PingResult[];
  /** Bulk transfers over TCP. Absent: there was none. */
  readonly tcp?: readonly TcpResult[];
  /** What `superPackets` found. Absent: nothing of the kind was asked. */
  readonly offloads?: readonly OffloadResult[];
  /** What passed the switches in NICs, port by port. Absent: there is none. */
  readonly embeddedSwitches?: readonly EmbeddedSwitchResult[];
  /** What misaligned headers cost. Absent: no host minds. */
  readonly alignment?: readonly AlignmentResult[];
  /** What happened in each fabric. Absent: there is none. Their links have no series. */
  readonly fabrics?: readonly FabricResult[];
  /** Every frame and packet that went no further, by place and reason. */
  readonly drops: readonly DropResult[];
  readonly events: readonly EventResult[];
  readonly series: SeriesResult;
  readonly pool: PoolResult;
  readonly captures: readonly CaptureResult[];
  /** Only for a run in real time. */
  readonly realtime?: RealtimeResult;
  /** What programs of this machine measured, beside what the simulator counted. Only for runs with programs. */
  readonly programs?: readonly ProgramResult[];
  /** What the kernels of the programs' namespaces counted, beside what passed their attachments. */
  readonly kernels?: readonly KernelResult[];
  /** What kernels sent and none received, beside what the simulator dropped: for protocols that hosts had no part in. */
  readonly crossings?: readonly CrossingResult[];
  readonly warnings: readonly string[];
}

export interface ScenarioSummary {
  readonly name: string;
  readonly description?: string;
  readonly seed: number;
  readonly duration: Nanos;
  readonly defaults: "safe" | "linux-exact";
  /** What was changed from outside, as `path=value`. */
  readonly overrides: readonly string[];
}

export interface RunSummary {
  /** `finished`: it ran its time. `aborted`: whoever ran it stopped it. */
  readonly end: "finished" | "aborted";
  /** Virtual time at the end. */
  readonly endedAt: Nanos;
  /** Events of the simulator. */
  readonly events: number;
  /** Frames that hosts and attachments put on links. */
  readonly frames: number;
  readonly bytes: number;
  /**
   * 128 bits over every frame put on a link: when, where and which bytes. Two runs with the same hash sent the same
   * frames at the same nanoseconds. In a run in real time it says nothing.
   */
  readonly traceHash: string;
  /** Versions of the packages that ran it, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Topology {
  readonly nodes: readonly TopologyNode[];
  readonly links: readonly TopologyLink[];
}

export interface TopologyNode {
  readonly name: string;
  readonly kind: "host" | "router" | "attachment";
  /** Of an attachment: what is behind it, such as `tap sv-left`. */
  readonly detail?: string;
  readonly interfaces: readonly {
    readonly name: string;
    readonly mac: string;
    readonly addresses: readonly string[];
  }[];
}

export interface TopologyLink {
  readonly name: string;
  readonly ends: readonly [string, string];
  readonly mtu: number;
  /** Settings at the beginning, from the first end and from the second. */
  readonly parameters: readonly [LinkSettings, LinkSettings];
}

/** Settings of a direction, for people: as the scenario wrote them. */
export interface LinkSettings {
  readonly rate?: string;
  readonly delay?: string;
  readonly jitter?: string;
  readonly loss?: string;
  readonly queue: string;
  readonly reorder?: string;
  readonly duplicate?: string;
  readonly corrupt?: string;
}

/** Counters by their Linux MIB names (`IpInReceives`, `Ip6OutForwDatagrams`, …). Those that are zero are left out. */
export interface HostResult {
  readonly name: string;
  readonly counters: Readonly<Record<string, number>>;
}

/** As `ip -s link` shows an interface. */
export interface InterfaceResult {
  readonly host: string;
  readonly name: string;
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly rxCrcErrors: number;
  readonly txPackets: number;
  readonly txBytes: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** One direction of a link. `offered + duplicated = delivered + sum(drops) + inFlight`. */
export interface LinkResult {
  readonly link: string;
  readonly from: string;
  readonly to: string;
  /** Frames handed to it. */
  readonly offered: number;
  readonly offeredBytes: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly corrupted: number;
  /** Frames that were queued or on their way when the run ended. */
  readonly inFlight: number;
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
  readonly maxQueuePackets: number;
  readonly maxQueueBytes: number;
  /** Share of the time in which the transmitter was busy, if it has a rate. */
  readonly utilisation?: number;
}

/** How a quantity was spread. All zero if `count` is. */
export interface Distribution {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Mean deviation, as ping prints it. */
  readonly mdev: number;
  /** Points of the distribution function: at most 100, ascending. */
  readonly cdf: readonly (readonly [value: number, share: number])[];
}

/** Numbered datagrams from one host to another. */
export interface FlowResult {
  readonly name: string;
  readonly kind: "udp";
  readonly from: string;
  readonly to: string;
  /** The addresses and ports that were used: `10.0.1.2:49152 > 10.0.2.2:5001`. */
  readonly tuple: string;
  readonly sent: number;
  readonly sentBytes: number;
  /** Distinct datagrams that arrived. */
  readonly received: number;
  readonly receivedBytes: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Arrived after one with a higher number (RFC 4737 §3.3). */
  readonly reordered: number;
  /** Payload received over the time from the first to the last arrival. */
  readonly throughput: number;
  readonly delay: Distribution;
  /** Interarrival jitter (RFC 3550 §6.4.1). */
  readonly jitter: Nanos;
}

/** Requests and their answers: ICMP echo, UDP echo, or requests over TCP. */
export interface PingResult {
  readonly name: string;
  readonly kind: "icmp" | "udp" | "tcp";
  readonly from: string;
  readonly to: string;
  readonly address: string;
  readonly transmitted: number;
  readonly received: number;
  readonly duplicates: number;
  /** Answered with an ICMP error; over TCP: the connection failed. */
  readonly errors: number;
  readonly rtt: Distribution;
}

export interface DropResult {
  /** A link's end (`r1:eth0`, where it was sent) a host, or an attachment. */
  readonly place: string;
  readonly where: "link" | "host" | "outside";
  readonly reason: DropReason;
  readonly packets: number;
}

/** Something that the timeline did, or that a run had to tell. */
export interface EventResult {
  readonly at: Nanos;
  readonly label: string;
  /** For the colour on the time axis. */
  readonly kind: "set" | "down" | "up" | "partition" | "heal" | "start" | "stop" | "other";
}

export interface SeriesResult {
  /** Time between two samples. Sample `i` covers the time from `i * interval` to `(i + 1) * interval`, the last to the end. */
  readonly interval: Nanos;
  readonly samples: number;
  readonly links: readonly LinkSeries[];
  readonly drops: readonly DropSeries[];
  /** Round-trip times and one-way delays, one point for each answer or datagram (thinned if there are very many). */
  readonly delays: readonly DelaySeries[];
  /** TCP connections of bulk transfers. Absent: there was none. */
  readonly tcp?: readonly TcpSeries[];
}

/** One direction of a link over time. */
export interface LinkSeries {
  readonly link: string;
  readonly from: string;
  readonly to: string;
  /** Delivered, in bits per second. */
  readonly throughput: readonly number[];
  /** Most packets that were queued in the interval. */
  readonly queuePackets: readonly number[];
  readonly queueBytes: readonly number[];
}

export interface DropSeries {
  readonly reason: DropReason;
  /** Drops in each interval, over all places. */
  readonly packets: readonly number[];
}

export interface DelaySeries {
  readonly name: string;
  readonly kind: "rtt" | "one-way";
  /** When it was measured. */
  readonly at: readonly Nanos[];
  readonly value: readonly Nanos[];
  /** When something was sent that no answer came to. */
  readonly lostAt: readonly Nanos[];
}

export interface PoolResult {
  readonly capacity: number;
  readonly highWater: number;
  /** Packets out when the run began and after it was torn down: equal, or there is a leak. */
  readonly before: number;
  readonly after: number;
  /** Allocations that found no slot. */
  readonly failures: number;
}

export interface CaptureResult {
  readonly interface: string;
  /** Where the tap was: on the wire, or where tcpdump's is. */
  readonly at: "wire" | "host";
  readonly frames: number;
  readonly bytes: number;
  /** Of the file, if whoever ran it says so. */
  readonly file?: string;
}

export interface RealtimeResult {
  /** How far behind the wall clock events were at worst, in the median, and at the 99th percentile. */
  readonly maxLateness: Nanos;
  readonly p50Lateness: Nanos;
  readonly p99Lateness: Nanos;
}

/** A program of this machine. */
export interface ProgramResult {
  readonly name: string;
  readonly attachment: string;
  readonly netns: string;
  readonly command: readonly string[];
  /**
   * `exited`: by itself. `stopped`: by us, at its `stop` or when the run ended. `missing`: not installed. `not-started`: the run
   * ended before.
   */
  readonly end: "exited" | "stopped" | "missing" | "not-started";
  readonly startedAt?: Nanos;
  readonly endedAt?: Nanos;
  readonly exitCode?: number;
  /** What ended it, if that was a signal. */
  readonly signal?: string;
  /** The last lines of what it printed. */
  readonly output: string;
  readonly errors: string;
  readonly ping?: ProgramPing;
  readonly iperf3?: ProgramIperf3;
  /** Its frames in the simulation, if it is known which they are. */
  readonly wire?: ProgramWire;
}

/** What ping printed. */
export interface ProgramPing {
  readonly address: string;
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly errors: number;
  /** Of its lines, one for each answer. */
  readonly rtt: Distribution;
}

/** What iperf3 printed. */
export interface ProgramIperf3 {
  readonly protocol: "udp" | "tcp";
  readonly seconds: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** At the receiver. */
  readonly throughput: number;
  /** TCP, if the system tells. */
  readonly retransmits?: number;
  readonly congestion?: string;
  /** UDP. `lost` is what iperf3 prints: it knows nothing of datagrams behind the last one that it read. */
  readonly packets?: number;
  readonly received?: number;
  readonly lost?: number;
  readonly outOfOrder?: number;
  readonly jitter?: Nanos;
}

/** Frames of a program: what it sent (`forth`) and what came back. */
export interface ProgramWire {
  readonly forth: WireCount;
  readonly back: WireCount;
  /**
   * What the links on the way there and back take for frames of that size: delay and the time on the line, as they were set at
   * the end, with empty queues.
   */
  readonly modelRtt?: Nanos;
}

/** Frames of some traffic. Of a fragmented datagram only the first fragment is counted. */
export interface WireCount {
  /** Came in at attachments. */
  readonly entered: number;
  /** Went out at attachments. */
  readonly left: number;
  readonly leftBytes: number;
  /** On links, by reason. */
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
}

export type WireProtocol = "icmp-echo" | "udp" | "tcp";

/** A network namespace: the growth of its kernel's counters during the run (/proc/net/snmp, snmp6, IpExt of netstat). */
export interface KernelResult {
  readonly attachment: string;
  readonly netns: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly protocols: readonly {
    readonly protocol: WireProtocol;
    /** Packets, by the kernel's counters. */
    readonly sent: number;
    readonly received: number;
    /** Frames, by the simulator. */
    readonly entered: number;
    readonly left: number;
  }[];
}

export interface CrossingResult {
  readonly protocol: WireProtocol;
  /** By the counters of all kernels together. */
  readonly sent: number;
  readonly received: number;
  /** `sent - received`. */
  readonly missing: number;
  /** By the simulator: the sum of `drops`. */
  readonly dropped: number;
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
}
