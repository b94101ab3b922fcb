import { isIpv4, tryParseIp } from "@seville/packet";
import type { CheckReporter } from "../schema/part.ts";
import type { Interface, Scenario, Tunnel } from "../types.ts";
import { suggestion } from "./did-you-mean.ts";
import { checkEndpoint } from "./links.ts";
import { interfacesOf, linksOf, parseEndpoint } from "./network.ts";

/** NICs: features need one, and `ethtool` events something to switch. */
export function checkNics(scenario: Scenario, report: CheckReporter): void {
  for (const { spec, path, endpoint } of interfacesOf(scenario)) {
    if (spec.features !== undefined && spec.nic === undefined) {
      report.error([...path, "features"], "there is nothing to switch: the interface has no nic");
    }
    if (spec.vf !== undefined) checkFunction(scenario, endpoint, spec, path, report);
    if (spec.embeddedSwitch !== undefined && spec.nic !== "embedded-switch") {
      report.error([...path, "embeddedSwitch"], "there is no switch in it: its nic is not embedded-switch");
    }
    if (spec.driver !== undefined && spec.nic === undefined) {
      report.error([...path, "driver"], "there is nothing to drive: the interface has no nic");
    }
    if (spec.rxPad !== undefined && spec.nic === undefined) {
      report.error([...path, "rxPad"], "only a nic puts frames anywhere: the interface has none");
    }
  }
  for (const [i, event] of (scenario.timeline ?? []).entries()) {
    const { ethtool } = event;
    if (ethtool === undefined) continue;
    const path = ["timeline", i, "ethtool", "interface"];
    if (!checkEndpoint(ethtool.interface, scenario, path, report)) continue;
    const { node, interface: name = "" } = parseEndpoint(ethtool.interface);
    if (scenario.hosts[node]?.interfaces?.[name]?.nic === undefined) {
      report.error(path, `there is nothing to switch: ${ethtool.interface} has no nic`);
    }
  }
}

/** A virtual function: of a NIC with a switch, which is at a link; and nothing else itself. */
function checkFunction(
  scenario: Scenario,
  endpoint: string,
  { vf = "", nic, tunnel }: Interface,
  path: readonly string[],
  report: CheckReporter,
): void {
  const place = [...path, "vf"];
  if (!checkEndpoint(vf, scenario, place, report)) return;
  const plugged = linksOf(scenario).flatMap(([, link]) => link.between);
  const { node, interface: name = "" } = parseEndpoint(vf);
  if (scenario.hosts[node]?.interfaces?.[name]?.nic !== "embedded-switch") {
    report.error(place, `${vf} has no switch in it: its nic is not embedded-switch`);
  } else if (!plugged.includes(vf)) report.error(place, `${vf} is at no link`);
  if (nic !== undefined || tunnel !== undefined)
    report.error(place, "a virtual function is no nic and no tunnel itself");
  if (plugged.includes(endpoint)) report.error(place, `${endpoint} is at a link, and a virtual function has no cable`);
}

/** Tunnels: their ends and what their kind needs. */
export function checkTunnels(scenario: Scenario, report: CheckReporter): void {
  const plugged = new Set(linksOf(scenario).flatMap(([, link]) => link.between));
  for (const { spec, path, endpoint, host } of interfacesOf(scenario)) {
    const { tunnel } = spec;
    if (tunnel === undefined) continue;
    const place = [...path, "tunnel"];
    if (plugged.has(endpoint)) report.error(place, `${endpoint} is at a link, and a tunnel has no cable`);
    if (spec.nic !== undefined) report.error(place, "a tunnel has no nic");
    checkEnds(tunnel, place, report);
    checkKeys(tunnel, place, report);
    const names = Object.keys(scenario.hosts[host]?.interfaces ?? {});
    if (tunnel.dev !== undefined && !names.includes(tunnel.dev)) {
      report.error([...place, "dev"], `there is no interface ${tunnel.dev}`, suggestion(tunnel.dev, names));
    }
  }
}

function checkEnds(tunnel: Tunnel, place: readonly string[], report: CheckReporter): void {
  const { kind, local, remote, remotes = [], fdb = {} } = tunnel;
  const isNetwork = tunnel.remotes !== undefined || tunnel.fdb !== undefined;
  if (remote === undefined && !isNetwork) report.error(place, "a tunnel needs the other end: remote");
  if (remote !== undefined && isNetwork) {
    report.error([...place, "remote"], "a VXLAN has one end (remote) or several (remotes, fdb), not both");
  }
  const a = tryParseIp(local);
  if (a === undefined) {
    report.error([...place, "local"], `${local} is not an IP address`);
    return;
  }
  const others: [(string | number)[], string][] = [
    ...(remote === undefined ? [] : ([[["remote"], remote]] as [string[], string][])),
    ...remotes.map((text, i): [(string | number)[], string] => [["remotes", i], text]),
    ...Object.entries(fdb).map(([mac, text]): [(string | number)[], string] => [["fdb", mac], text]),
  ];
  for (const [key, text] of others) {
    const b = tryParseIp(text);
    if (b === undefined) report.error([...place, ...key], `${text} is not an IP address`);
    else if (isIpv4(a) !== isIpv4(b)) report.error([...place, ...key], `${text} is of another family than ${local}`);
  }
  for (const address of Object.keys(tunnel.neighbours ?? {})) {
    if (tryParseIp(address) === undefined)
      report.error([...place, "neighbours", address], `${address} is not an IP address`);
  }
  if (tunnel.suppress !== undefined && tunnel.neighbours === undefined) {
    report.error([...place, "suppress"], "there is nobody to answer for: no neighbours");
  }
  if (!isIpv4(a) && (kind === "ipip" || kind === "sit")) {
    report.error([...place, "local"], `${kind} is over IPv4`, "ip6tnl is over IPv6");
  } else if (isIpv4(a) && kind === "ip6tnl") report.error([...place, "local"], "ip6tnl is over IPv6");
}

/** Which kinds know a key; a key that would do nothing is a mistake. */
const KINDS: Readonly<Record<string, readonly Tunnel["kind"][]>> = {
  id: ["vxlan", "geneve", "nvgre", "erspan"],
  key: ["gre", "gretap"],
  csum: ["gre", "gretap"],
  seq: ["gre", "gretap"],
  remotes: ["vxlan"],
  fdb: ["vxlan"],
  learning: ["vxlan"],
  ageing: ["vxlan"],
  neighbours: ["vxlan"],
  suppress: ["vxlan"],
  udpcsum: ["vxlan", "geneve"],
  dstport: ["vxlan", "geneve"],
  encap: ["gre", "gretap", "ipip", "sit", "ip6tnl"],
};

function checkKeys(tunnel: Tunnel, place: readonly string[], report: CheckReporter): void {
  for (const [key, kinds] of Object.entries(KINDS)) {
    if (key in tunnel && !kinds.includes(tunnel.kind)) report.error([...place, key], `${tunnel.kind} knows no ${key}`);
  }
  const isNetwork = tunnel.remotes !== undefined || tunnel.fdb !== undefined;
  for (const key of ["learning", "ageing", "neighbours", "suppress"] as const) {
    if (key in tunnel && tunnel.kind === "vxlan" && !isNetwork) {
      report.error([...place, key], `a VXLAN with one end knows no ${key}: give it remotes`);
    }
  }
  const needsId = tunnel.kind === "vxlan" || tunnel.kind === "geneve" || tunnel.kind === "nvgre";
  if (needsId && tunnel.id === undefined) report.error(place, `${tunnel.kind} needs an id`);
  if (tunnel.kind === "erspan" && (tunnel.id ?? 0) > 1023) {
    report.error([...place, "id"], `a session of ERSPAN is at most 1023; this one is ${tunnel.id ?? 0}`);
  }
}

/** Super-packets: who sends what through which interface. */
export function checkSuperPackets(scenario: Scenario, report: CheckReporter): void {
  const hosts = Object.keys(scenario.hosts);
  for (const [name, { superPackets }] of Object.entries(scenario.traffic ?? {})) {
    if (superPackets === undefined) continue;
    const path = ["traffic", name, "superPackets"];
    const { from, to, nic = "eth0", via } = superPackets;
    for (const [key, host] of Object.entries({ from, to })) {
      if (!hosts.includes(host)) report.error([...path, key], `there is no host ${host}`, suggestion(host, hosts));
    }
    const own = scenario.hosts[from]?.interfaces ?? {};
    const theirs = scenario.hosts[to]?.interfaces ?? {};
    for (const [i, iface] of via.entries()) {
      for (const [host, interfaces] of [
        [from, own],
        [to, theirs],
      ] as const) {
        if (iface in interfaces || !hosts.includes(host)) continue;
        report.error(
          [...path, "via", i],
          `${host} has no interface ${iface}`,
          suggestion(iface, Object.keys(interfaces)),
        );
      }
    }
    if (hosts.includes(from) && own[nic]?.nic === undefined) {
      report.error([...path, "nic"], `${from}:${nic} has no nic: what its hardware does is the question`);
    }
  }
}
