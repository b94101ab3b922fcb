import { NS_PER_SEC } from "@seville/core";
import {
  formatIp,
  isIpv4,
  isLinkLocal,
  isMulticast,
  isUnspecified,
  parseInterfaceAddress,
  parsePrefix,
  tryParseIp,
  type InterfaceAddress,
  type IpAddress,
} from "@seville/packet";
import type { CheckReporter } from "../schema/part.ts";
import { duration } from "../quantities.ts";
import type { Advertise, Host, Interface, NextHop, Route, Scenario } from "../types.ts";
import { suggestion } from "./did-you-mean.ts";
import { addressesOf, familyOf, interfacesOf, onLinkPrefix } from "./network.ts";

/** Addresses, MACs, routes, advertisements: what can be said of hosts without looking at links. */
export function checkHosts(scenario: Scenario, report: CheckReporter): void {
  if (Object.keys(scenario.hosts).length === 0 && Object.keys(scenario.fabrics ?? {}).length === 0)
    report.error(["hosts"], "a scenario needs a host");
  const owners = new Map<string, string>();
  const macs = new Map<string, string>();
  for (const entry of interfacesOf(scenario)) {
    const { spec, path, endpoint } = entry;
    for (const [i, text] of (spec.addresses ?? []).entries()) {
      checkAddress(text, [...path, "addresses", i], endpoint, owners, report);
    }
    if (spec.mac !== undefined) checkMac(spec.mac, [...path, "mac"], endpoint, macs, report);
    checkAdvertise(spec, path, scenario.hosts[entry.host] as Host, report);
    checkIpv6Mtu(spec, path, report);
  }
  for (const [name, host] of Object.entries(scenario.hosts)) {
    for (const [i, route] of (host.routes ?? []).entries()) {
      checkRoute(route, host, ["hosts", name, "routes", i], report);
    }
  }
}

function checkAddress(
  text: string,
  path: readonly (string | number)[],
  endpoint: string,
  owners: Map<string, string>,
  report: CheckReporter,
): void {
  const parsed = attempt(() => parseInterfaceAddress(text), path, report);
  if (parsed === undefined) return;
  const { address, prefixLength } = parsed;
  if (isMulticast(address)) {
    report.error(path, `${formatIp(address)} is a multicast address: no interface can own it`);
    return;
  }
  if (isUnspecified(address)) {
    report.error(path, `${formatIp(address)} is no address of an interface`);
    return;
  }
  if (isIpv4(address) && prefixLength < 31) checkHostPart(parsed, path, report);
  if (isLinkLocal(address)) return; // unique on its link only
  const key = formatIp(address);
  const owner = owners.get(key);
  if (owner !== undefined) report.error(path, `${key} is the address of ${owner} already`);
  else owners.set(key, endpoint);
}

/** RFC 1122 §3.2.1.3: a host part of all zeros or all ones is no host. */
function checkHostPart(
  { address, prefixLength }: InterfaceAddress,
  path: readonly (string | number)[],
  report: CheckReporter,
): void {
  const hostBits = 2 ** (32 - prefixLength);
  const hostPart = (address as number) % hostBits;
  if (hostPart !== 0 && hostPart !== hostBits - 1) return;
  const what = hostPart === 0 ? "the network" : "the broadcast";
  report.error(path, `${formatIp(address)} is ${what} address of its own /${prefixLength} (RFC 1122 §3.2.1.3)`);
}

function checkMac(
  mac: string,
  path: readonly string[],
  endpoint: string,
  macs: Map<string, string>,
  report: CheckReporter,
): void {
  const key = mac.toLowerCase();
  if ((parseInt(key.slice(0, 2), 16) & 1) === 1) {
    report.error(path, `${mac} is a group address: no interface can own it`);
    return;
  }
  if (key === "00:00:00:00:00:00") {
    report.error(path, `${mac} is no address of an interface`);
    return;
  }
  const owner = macs.get(key);
  if (owner !== undefined) report.error(path, `${mac} is the Ethernet address of ${owner} already`);
  macs.set(key, endpoint);
}

function checkAdvertise(spec: Interface, path: readonly string[], host: Host, report: CheckReporter): void {
  const { advertise } = spec;
  if (advertise === undefined || advertise === false) return;
  const place = [...path, "advertise"];
  const forwards = host.forwarding ?? host.kind === "router";
  if (!forwards)
    report.error(place, "only a router sends router advertisements (RFC 4861 §6.2.1)", "give the host kind: router");
  const written = advertise === true ? undefined : advertise.prefixes;
  if (advertise !== true) checkAdvertisedTimes(advertise, place, report);
  for (const [i, text] of (written ?? []).entries()) {
    const parsed = attempt(() => parsePrefix(text), [...place, "prefixes", i], report);
    if (parsed === undefined) continue;
    if (isIpv4(parsed.network)) report.error([...place, "prefixes", i], `${text} is not an IPv6 prefix`);
    else if (parsed.length !== 64) {
      report.warning([...place, "prefixes", i], `${text}: hosts autoconfigure from a /64 only (RFC 4862 §5.5.3)`);
    }
  }
  const own = addressesOf(spec).filter(({ address }) => !isIpv4(address) && !isLinkLocal(address));
  if (written === undefined && own.length === 0)
    report.warning(place, "advertises no prefix: the interface has no IPv6 address");
}

/** The limits of RFC 4861 §6.2.1. */
function checkAdvertisedTimes(
  { interval = "200s", lifetime = "1800s" }: Advertise,
  path: readonly string[],
  report: CheckReporter,
): void {
  const [every, lasts] = [duration(interval) / NS_PER_SEC, duration(lifetime) / NS_PER_SEC];
  if (every < 4 || every > 1800)
    report.error([...path, "interval"], `${interval} is not from 4s to 1800s (RFC 4861 §6.2.1)`);
  else if (lasts !== 0 && (lasts < every || lasts > 9000)) {
    report.error(
      [...path, "lifetime"],
      `${lifetime} is neither 0s nor from the interval (${interval}) to 9000s (RFC 4861 §6.2.1)`,
    );
  }
}

/** RFC 8200 §5: every link that carries IPv6 has an MTU of at least 1280. */
function checkIpv6Mtu(spec: Interface, path: readonly string[], report: CheckReporter): void {
  if (spec.mtu === undefined || spec.mtu >= 1280) return;
  if (!addressesOf(spec).some(({ address }) => !isIpv4(address))) return;
  report.error([...path, "mtu"], `IPv6 needs an MTU of at least 1280 (RFC 8200 §5); this one is ${spec.mtu}`);
}

function checkRoute(route: Route, host: Host, path: readonly (string | number)[], report: CheckReporter): void {
  if (route.nexthops === undefined) {
    if (route.select !== undefined) report.error([...path, "select"], "chooses among nexthops, and there are none");
    checkHop(route, route.to, host, path, report);
    return;
  }
  if (route.via !== undefined || route.dev !== undefined) {
    report.error([...path, "nexthops"], "stand in place of via and dev: not beside them");
    return;
  }
  for (const [i, each] of route.nexthops.entries()) checkHop(each, route.to, host, [...path, "nexthops", i], report);
}

function checkHop(
  hop: NextHop,
  to: Route["to"],
  host: Host,
  path: readonly (string | number)[],
  report: CheckReporter,
): void {
  const interfaces = host.interfaces ?? {};
  if (hop.dev !== undefined && !(hop.dev in interfaces)) {
    report.error([...path, "dev"], `there is no interface ${hop.dev}`, suggestion(hop.dev, Object.keys(interfaces)));
    return;
  }
  if (hop.via === undefined && hop.dev === undefined) {
    report.error(path, "a route needs via, dev, or both");
    return;
  }
  const toPath = path.at(-2) === "nexthops" ? [...path.slice(0, -2), "to"] : [...path, "to"];
  const prefix = to === "default" ? undefined : attempt(() => parsePrefix(to), toPath, report);
  if (to !== "default" && prefix === undefined) return;
  if (hop.via === undefined) {
    if (prefix === undefined) report.error(toPath, "default without via has no family", "write 0.0.0.0/0 or ::/0");
    return;
  }
  const via = tryParseIp(hop.via);
  if (via === undefined) {
    report.error([...path, "via"], `${hop.via} is not an IP address`);
    return;
  }
  // An IPv4 route may go by an IPv6 router (RFC 5549), and never the other way round.
  if (prefix !== undefined && familyOf(prefix.network) !== familyOf(via) && !isIpv4(prefix.network)) {
    report.error([...path, "via"], `${hop.via} is of another family than ${to}`);
    return;
  }
  checkNextHop(via, hop, interfaces, path, report);
}

function checkNextHop(
  via: IpAddress,
  hop: NextHop,
  interfaces: Readonly<Record<string, Interface>>,
  path: readonly (string | number)[],
  report: CheckReporter,
): void {
  const text = formatIp(via);
  if (isLinkLocal(via)) {
    if (hop.dev === undefined) report.error([...path, "via"], `${text} is link-local: dev must say on which link`);
    return;
  }
  const candidates = Object.entries(interfaces).filter(([name]) => hop.dev === undefined || name === hop.dev);
  const addresses = candidates.flatMap(([, spec]) => addressesOf(spec));
  if (addresses.some(({ address }) => formatIp(address) === text)) {
    report.error([...path, "via"], `${text} is the host's own address`);
    return;
  }
  if (addresses.some((address) => onLinkPrefix(address).contains(via))) return;
  const known = addresses.filter(({ address }) => familyOf(address) === familyOf(via));
  const prefixes = known.map((address) => onLinkPrefix(address).toString());
  const where = hop.dev === undefined ? "no interface of the host has" : `${hop.dev} does not have`;
  report.error(
    [...path, "via"],
    `${text} is not on-link: ${where} an address in its network`,
    prefixes.length === 0 ? undefined : `on-link are ${prefixes.join(", ")}`,
  );
}

/** What `parse` gives; its error becomes a finding at `path`. */
function attempt<Value>(
  parse: () => Value,
  path: readonly (string | number)[],
  report: CheckReporter,
): Value | undefined {
  try {
    return parse();
  } catch (error) {
    report.error(path, (error as Error).message);
    return undefined;
  }
}
