import { formatIp, formatMac, type PacketPool } from "@seville/packet";
import type { DropReason } from "@seville/core";
import type { Link, LinkDirection } from "@seville/sim";
import type { Host } from "@seville/stack";
import type {
  DropResult,
  HostResult,
  InterfaceResult,
  LinkResult,
  PoolResult,
  ScenarioResult,
  SeriesResult,
  Topology,
  TopologyNode,
} from "../results.ts";
import { duration } from "../quantities.ts";
import type { Attachment } from "../types.ts";
import type { BuiltWorld } from "./built-world.ts";
import type { RunEnding } from "./execute.ts";
import type { ProgramsReport } from "./programs.ts";
import type { RunScenarioOptions } from "./run-scenario.ts";
import { settingsText } from "./settings-text.ts";
import type { OpenAttachment, TrafficReport } from "./world.ts";

/** Everything that a run found. Takes the world down: only then is it known whether every packet came back. */
export function collectResult(
  world: BuiltWorld,
  ending: RunEnding,
  attachments: ReadonlyMap<string, OpenAttachment>,
  options: RunScenarioOptions,
  programs: ProgramsReport | undefined,
): ScenarioResult {
  const { scenario, simulator } = world;
  const endedAt = simulator.now;
  const reports = [...world.traffic].map(([name, traffic]) => ({ name, report: traffic.finish(endedAt) }));
  const topology = describeTopology(world, attachments);
  const links = [...world.links.values()].flatMap((each) => linkResults(each, endedAt));
  const hosts = [...world.hosts].map(([name, host]) => hostResult(name, host));
  const crcErrors = crcErrorsByEnd(world);
  const interfaces = [...world.hosts].flatMap(([name, host]) => interfaceResults(name, host, crcErrors));
  const drops = dropResults(world, links, attachments);
  const captures = world.captures.finish();
  const events = simulator.events;
  world.close();
  const pool = poolResult(world.pool);
  return {
    format: "seville-result",
    version: 1,
    scenario: {
      name: scenario.name,
      ...(scenario.description === undefined ? {} : { description: scenario.description }),
      seed: world.seed,
      duration: duration(scenario.duration ?? "10s"),
      defaults: scenario.defaults ?? "safe",
      overrides: options.overrides ?? [],
    },
    run: {
      end: ending.end,
      endedAt,
      events,
      frames: world.frames,
      bytes: world.bytes,
      traceHash: world.trace.digest(),
      versions: options.versions ?? {},
    },
    topology,
    hosts,
    interfaces,
    links,
    flows: reports.flatMap(({ report }) => report.flow ?? []),
    pings: reports.flatMap(({ report }) => report.ping ?? []),
    ...tcpResults(reports),
    ...offloadResults(reports),
    ...world.partResults(),
    drops,
    events: world.events,
    series: series(world, reports, endedAt, programs),
    pool,
    captures,
    ...(ending.realtime === undefined ? {} : { realtime: ending.realtime }),
    ...programs?.results,
    warnings: world.warnings,
  };
}

function tcpResults(reports: readonly { readonly report: TrafficReport }[]): Pick<ScenarioResult, "tcp"> {
  const tcp = reports.flatMap(({ report }) => report.tcp ?? []);
  return tcp.length === 0 ? {} : { tcp };
}

function offloadResults(reports: readonly { readonly report: TrafficReport }[]): Pick<ScenarioResult, "offloads"> {
  const offloads = reports.flatMap(({ report }) => report.offloads ?? []);
  return offloads.length === 0 ? {} : { offloads };
}

function series(
  world: BuiltWorld,
  reports: readonly { readonly name: string; readonly report: TrafficReport }[],
  endedAt: number,
  programs: ProgramsReport | undefined,
): SeriesResult {
  return {
    ...world.sampler.finish(endedAt),
    delays: [
      ...reports.map(({ name, report }) => report.delays.series(name, report.delayKind)),
      ...(programs?.delays ?? []),
    ],
    ...tcpSeries(reports),
  };
}

function tcpSeries(reports: readonly { readonly report: TrafficReport }[]): Pick<SeriesResult, "tcp"> {
  const tcp = reports.flatMap(({ report }) => report.tcpSeries ?? []);
  return tcp.length === 0 ? {} : { tcp };
}

function describeTopology(world: BuiltWorld, attachments: ReadonlyMap<string, OpenAttachment>): Topology {
  const hosts = [...world.hosts].map(([name, host]): TopologyNode => {
    const kind = world.scenario.hosts[name]?.kind ?? "host";
    const interfaces = [...host.interfaces]
      .filter((iface) => !iface.isLoopback)
      .map((iface) => ({
        name: iface.name,
        mac: formatMac(iface.mac),
        addresses: [...iface.v4.addresses, ...iface.v6.addresses].map(
          ({ address, prefixLength }) => `${formatIp(address)}/${prefixLength}`,
        ),
      }));
    return { name, kind, interfaces };
  });
  const outside = Object.entries(world.scenario.attachments ?? {}).map(([name, spec]): TopologyNode => {
    return { name, kind: "attachment", detail: attachments.get(name)?.detail ?? kindOf(spec), interfaces: [] };
  });
  const links = [...world.links].map(([name, { ends }]) => {
    const spec = world.scenario.links?.[name];
    const first = { ...spec, ...spec?.from?.[ends[0]] };
    const second = { ...spec, ...spec?.from?.[ends[1]] };
    return { name, ends, mtu: spec?.mtu ?? 1500, parameters: [settingsText(first), settingsText(second)] as const };
  });
  return { nodes: [...hosts, ...outside], links };
}

function kindOf(attachment: Attachment): string {
  return Object.keys(attachment)[0] ?? "attachment";
}

function linkResults(
  { link, ends }: { readonly link: Link; readonly ends: readonly [string, string] },
  endedAt: number,
): LinkResult[] {
  const directions: readonly [LinkDirection, string, string][] = [
    ["aToB", ends[0], ends[1]],
    ["bToA", ends[1], ends[0]],
  ];
  return directions.map(([direction, from, to]) => {
    const stats = link.stats(direction);
    const { queuedFrames, inFlight } = link.occupancy(direction);
    return {
      link: link.name,
      from,
      to,
      offered: stats.framesIn,
      offeredBytes: stats.bytesIn,
      delivered: stats.framesDelivered,
      deliveredBytes: stats.bytesDelivered,
      duplicated: stats.duplicated,
      reordered: stats.reordered,
      corrupted: stats.corrupted,
      inFlight: queuedFrames + inFlight,
      drops: { ...stats.dropped },
      maxQueuePackets: stats.maxQueuedFrames,
      maxQueueBytes: stats.maxQueuedBytes,
      ...(stats.busy === 0 || endedAt === 0 ? {} : { utilisation: Math.min(1, stats.busy / endedAt) }),
    };
  });
}

/** The counters of /proc/net/snmp, snmp6 and netstat under the names that `nstat` gives them. */
function hostResult(name: string, host: Host): HostResult {
  const counters: Record<string, number> = {};
  for (const [group, fields] of Object.entries(host.mib) as [string, object][]) {
    const prefix = MIB_PREFIXES[group] ?? group;
    for (const [field, value] of Object.entries(fields) as [string, unknown][]) {
      if (typeof value === "number" && value !== 0) counters[`${prefix}${field}`] = value;
    }
  }
  return { name, counters };
}

const MIB_PREFIXES: Readonly<Record<string, string>> = {
  ip: "Ip",
  ipExt: "IpExt",
  icmp: "Icmp",
  udp: "Udp",
  udpLite: "UdpLite",
  ip6: "Ip6",
  icmp6: "Icmp6",
  udp6: "Udp6",
  udpLite6: "UdpLite6",
};

function interfaceResults(name: string, host: Host, crcErrors: ReadonlyMap<string, number>): InterfaceResult[] {
  return [...host.interfaces]
    .filter((iface) => !iface.isLoopback)
    .map((iface): InterfaceResult => {
      const { stats } = iface;
      // The simulated NIC never sees a frame whose check sequence is wrong: the link drops it on its behalf.
      const crc = crcErrors.get(`${name}:${iface.name}`) ?? 0;
      return {
        host: name,
        name: iface.name,
        rxPackets: stats.rx_packets,
        rxBytes: stats.rx_bytes,
        rxErrors: stats.rx_errors + crc,
        rxDropped: stats.rx_dropped,
        rxCrcErrors: stats.rx_crc_errors + crc,
        txPackets: stats.tx_packets,
        txBytes: stats.tx_bytes,
        txErrors: stats.tx_errors,
        txDropped: stats.tx_dropped,
      };
    });
}

function crcErrorsByEnd(world: BuiltWorld): Map<string, number> {
  const errors = new Map<string, number>();
  for (const { link, ends } of world.links.values()) {
    errors.set(ends[1], link.stats("aToB").rxCrcErrors);
    errors.set(ends[0], link.stats("bToA").rxCrcErrors);
  }
  return errors;
}

function dropResults(
  world: BuiltWorld,
  links: readonly LinkResult[],
  attachments: ReadonlyMap<string, OpenAttachment>,
): DropResult[] {
  const entry = (place: string, where: DropResult["where"], [reason, packets]: [string, number]): DropResult => {
    return { place, where, reason: reason as DropReason, packets };
  };
  return [
    ...links.flatMap(({ from, drops }) => Object.entries(drops).map((drop) => entry(from, "link", drop))),
    ...[...world.hosts].flatMap(([name, host]) => [...host.drops.counts].map((drop) => entry(name, "host", drop))),
    ...[...attachments].flatMap(([name, { drops }]) =>
      Object.entries(drops?.() ?? {}).map((drop) => entry(name, "outside", drop)),
    ),
  ];
}

function poolResult(pool: PacketPool): PoolResult {
  const { capacity, highWater, inUse, failures } = pool.stats;
  return { capacity, highWater, before: 0, after: inUse, failures };
}
