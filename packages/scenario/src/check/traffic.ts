import { duration } from "../quantities.ts";
import { tryParseIp } from "@seville/packet";
import type { CheckReporter } from "../schema/part.ts";
import type { Duration, Event, Scenario } from "../types.ts";
import { suggestion } from "./did-you-mean.ts";
import { checkEndpoint, checkParameters } from "./links.ts";
import { addressesOf, familyOf, parseEndpoint } from "./network.ts";

type Path = readonly (string | number)[];
interface Ends {
  readonly from: string;
  readonly to: string;
  readonly family?: "ipv4" | "ipv6";
}

/** Who sends to whom, and whether they can. */
export function checkTraffic(scenario: Scenario, report: CheckReporter): void {
  const ports = new Map<string, string>();
  for (const [name, traffic] of Object.entries(scenario.traffic ?? {})) {
    const path = ["traffic", name];
    const { start = "0s", stop } = traffic;
    if (stop !== undefined && duration(stop) <= duration(start)) {
      report.error([...path, "stop"], `stops at ${stop}, and starts at ${start}`);
    }
    checkNeverStarts(scenario, start, [...path, "start"], report);
    if (traffic.ping !== undefined) checkEnds(scenario, traffic.ping, [...path, "ping"], report);
    if (traffic.udp !== undefined) {
      checkEnds(scenario, traffic.udp, [...path, "udp"], report);
      checkPort(traffic.udp.to, traffic.udp.port ?? 5001, name, ports, [...path, "udp"], report);
      if (Number.parseFloat(traffic.udp.rate) === 0)
        report.error([...path, "udp", "rate"], "a rate of 0 sends nothing");
    }
    if (traffic.udpEcho !== undefined) {
      checkEnds(scenario, traffic.udpEcho, [...path, "udpEcho"], report);
      checkPort(traffic.udpEcho.to, traffic.udpEcho.port ?? 7, name, ports, [...path, "udpEcho"], report);
    }
  }
}

/** What happens, to things that are there, at times that come. */
export function checkTimeline(scenario: Scenario, report: CheckReporter): void {
  const partitions = (scenario.timeline ?? []).filter((event) => event.partition !== undefined);
  for (const [i, event] of (scenario.timeline ?? []).entries()) {
    const path = ["timeline", i];
    if (duration(event.at) > durationOf(scenario)) {
      report.warning([...path, "at"], `happens at ${event.at}, and the run ends at ${scenario.duration ?? "10s"}`);
    }
    checkSet(scenario, event, path, report);
    for (const key of ["down", "up"] as const) {
      const target = event[key];
      if (target !== undefined) checkUpDown(scenario, target, [...path, key], report);
    }
    if (event.partition !== undefined) checkPartition(scenario, event.partition, [...path, "partition"], report);
    if (event.heal !== undefined && !partitions.some((other) => duration(other.at) <= duration(event.at))) {
      report.warning([...path, "heal"], "there is no partition before it");
    }
    for (const key of ["start", "stop"] as const) {
      const names = event[key];
      if (names !== undefined) checkNames(scenario, names, [...path, key], report);
    }
  }
}

function checkSet(scenario: Scenario, event: Event, path: Path, report: CheckReporter): void {
  const { set } = event;
  if (set === undefined) return;
  const place = [...path, "set"];
  const links = scenario.links ?? {};
  const link = links[set.link];
  if (link === undefined) {
    report.error([...place, "link"], `there is no link ${set.link}`, suggestion(set.link, Object.keys(links)));
    return;
  }
  if (set.from !== undefined && !link.between.includes(set.from)) {
    report.error([...place, "from"], `${set.from} is no end of link ${set.link}`, suggestion(set.from, link.between));
  }
  const parameters = Object.entries(set).filter(([key]) => key !== "link" && key !== "from");
  if (parameters.length === 0) report.error(place, "changes nothing: name a setting, such as loss: 1%");
  checkParameters({ ...link, ...Object.fromEntries(parameters) }, place, report);
}

function checkUpDown(scenario: Scenario, target: string, path: Path, report: CheckReporter): void {
  if (target.includes(":")) {
    checkEndpoint(target, scenario, path, report);
    return;
  }
  const links = Object.keys(scenario.links ?? {});
  if (!links.includes(target)) report.error(path, `there is no link ${target}`, suggestion(target, links));
}

function checkPartition(
  scenario: Scenario,
  groups: readonly (readonly string[])[],
  path: Path,
  report: CheckReporter,
): void {
  const nodes = [...Object.keys(scenario.hosts), ...Object.keys(scenario.attachments ?? {})];
  const seen = new Set<string>();
  for (const [i, group] of groups.entries()) {
    for (const [j, name] of group.entries()) {
      if (!nodes.includes(name)) report.error([...path, i, j], `there is no host ${name}`, suggestion(name, nodes));
      else if (seen.has(name)) report.error([...path, i, j], `${name} is in two groups`);
      seen.add(name);
    }
  }
}

function checkNames(scenario: Scenario, names: string | readonly string[], path: Path, report: CheckReporter): void {
  const known = Object.keys(scenario.traffic ?? {});
  for (const [i, name] of (typeof names === "string" ? [names] : names).entries()) {
    if (known.includes(name)) continue;
    report.error(
      typeof names === "string" ? path : [...path, i],
      `there is no traffic ${name}`,
      suggestion(name, known),
    );
  }
}

/** Who sends, to whom, and whether they have addresses of one family. */
export function checkEnds(scenario: Scenario, ends: Ends, path: Path, report: CheckReporter): void {
  const hosts = Object.keys(scenario.hosts);
  const sender = familiesOf(scenario, ends.from);
  if (sender === undefined)
    report.error([...path, "from"], `there is no host ${ends.from}`, suggestion(ends.from, hosts));
  const receiver = receiverFamilies(scenario, ends.to, [...path, "to"], report);
  if (sender === undefined || receiver === undefined) return;
  if (ends.family !== undefined && !receiver.has(ends.family)) {
    report.error([...path, "family"], `${ends.to} has no ${ends.family} address`);
  }
}

function receiverFamilies(scenario: Scenario, to: string, path: Path, report: CheckReporter): Set<string> | undefined {
  const address = tryParseIp(to);
  if (address !== undefined) return new Set([familyOf(address)]);
  const hosts = Object.keys(scenario.hosts);
  const { node, interface: name } = parseEndpoint(to);
  const host = scenario.hosts[node];
  if (host === undefined) {
    report.error(path, `${to} is neither a host nor an address`, suggestion(node, hosts));
    return undefined;
  }
  if (name !== undefined && !checkEndpoint(to, scenario, path, report)) return undefined;
  const families = familiesOf(scenario, node, name) ?? new Set<string>();
  if (families.size === 0) report.error(path, `${to} has no address`);
  return families;
}

function familiesOf(scenario: Scenario, host: string, only?: string): Set<string> | undefined {
  const spec = scenario.hosts[host];
  if (spec === undefined) return undefined;
  const interfaces = Object.entries(spec.interfaces ?? {}).filter(([name]) => only === undefined || name === only);
  return new Set(interfaces.flatMap(([, each]) => addressesOf(each)).map(({ address }) => familyOf(address)));
}

/** Two listeners of one protocol cannot have one port. */
export function checkPort(
  to: string,
  port: number,
  name: string,
  ports: Map<string, string>,
  path: Path,
  report: CheckReporter,
): void {
  const key = `${parseEndpoint(to).node} ${port}`;
  const other = ports.get(key);
  if (other === undefined) ports.set(key, name);
  else
    report.error(
      [...path, "port"],
      `port ${port} of ${to} belongs to traffic ${other} already`,
      "give it another port",
    );
}

function checkNeverStarts(scenario: Scenario, start: Duration, path: Path, report: CheckReporter): void {
  if (duration(start) >= durationOf(scenario)) report.warning(path, "starts when the run is over");
}

function durationOf(scenario: Scenario): number {
  return duration(scenario.duration ?? "10s");
}
