import { isIpv4 } from "@seville/packet";
import { duration, size } from "../quantities.ts";
import type { CheckReporter } from "../schema/part.ts";
import type { Interface, Link, LinkParameters, Scenario } from "../types.ts";
import { suggestion } from "./did-you-mean.ts";
import { addressesOf, familyOf, interfacesOf, linksOf, onLinkPrefix, parseEndpoint } from "./network.ts";

/** What links join, and whether their settings make sense together. */
export function checkLinks(scenario: Scenario, report: CheckReporter): void {
  const taken = new Map<string, string>();
  for (const [name, link] of linksOf(scenario)) {
    const path = ["links", name];
    for (const [i, endpoint] of link.between.entries()) {
      const place = [...path, "between", i];
      if (!checkEndpoint(endpoint, scenario, place, report)) continue;
      const other = taken.get(endpoint);
      if (other !== undefined) report.error(place, `${endpoint} is an end of link ${other} already`);
      taken.set(endpoint, name);
    }
    checkParameters(link, path, report);
    for (const [endpoint, parameters] of Object.entries(link.from ?? {})) {
      if (!link.between.includes(endpoint)) {
        report.error(
          [...path, "from", endpoint],
          `${endpoint} is no end of this link`,
          suggestion(endpoint, link.between),
        );
      }
      checkParameters({ ...link, ...parameters }, [...path, "from", endpoint], report);
    }
    checkMtu(scenario, link, path, report);
    checkSharedPrefix(scenario, link, path, report);
  }
  for (const { endpoint, path, spec } of interfacesOf(scenario)) {
    if (!taken.has(endpoint) && isPlain(spec)) report.warning(path, `${endpoint} is on no link`);
  }
  for (const name of Object.keys(scenario.attachments ?? {})) {
    if (!taken.has(name)) report.warning(["attachments", name], `attachment ${name} is at no link`);
  }
}

/** Whether `endpoint` names an interface or attachment that is there. Reports it if not. */
export function checkEndpoint(
  endpoint: string,
  scenario: Scenario,
  path: readonly (string | number)[],
  report: CheckReporter,
): boolean {
  const { node, interface: name } = parseEndpoint(endpoint);
  if (name === undefined) {
    const attachments = Object.keys(scenario.attachments ?? {});
    if (attachments.includes(node)) return true;
    if (node in scenario.hosts) {
      const interfaces = Object.keys(scenario.hosts[node]?.interfaces ?? {}).map((each) => `${node}:${each}`);
      report.error(path, `${node} is a host: which interface of it?`, suggestion("", interfaces));
    } else
      report.error(
        path,
        `there is no attachment ${node}`,
        suggestion(node, [...attachments, ...Object.keys(scenario.hosts)]),
      );
    return false;
  }
  const host = scenario.hosts[node];
  if (host === undefined) {
    report.error(path, `there is no host ${node}`, suggestion(node, Object.keys(scenario.hosts)));
    return false;
  }
  const interfaces = Object.keys(host.interfaces ?? {});
  if (interfaces.includes(name)) return true;
  report.error(path, `host ${node} has no interface ${name}`, suggestion(name, interfaces));
  return false;
}

/** Settings of a link that contradict each other. */
export function checkParameters(
  parameters: LinkParameters,
  path: readonly (string | number)[],
  report: CheckReporter,
): void {
  const { delay = "0ms", jitter, reorder, queue, rate } = parameters;
  const deviation = typeof jitter === "object" ? jitter.deviation : jitter;
  if (deviation !== undefined && duration(deviation) > duration(delay)) {
    report.warning([...path, "jitter"], `${deviation} is more than the delay ${delay}: delays below zero become zero`);
  }
  if (reorder !== undefined && reorder !== "0%" && duration(delay) === 0) {
    report.warning([...path, "reorder"], "frames overtake others by skipping the delay, and there is none");
  }
  if (rate !== undefined && Number.parseFloat(rate) === 0)
    report.error([...path, "rate"], "a rate of 0 carries nothing: take the link down");
  if (typeof queue !== "object" || queue.red === undefined) return;
  const { min, max, limit } = queue.red;
  if (size(min) >= size(max)) report.error([...path, "queue", "red", "min"], `min ${min} must be less than max ${max}`);
  if (size(max) > size(limit))
    report.error([...path, "queue", "red", "max"], `max ${max} must not exceed limit ${limit}`);
}

function checkMtu(scenario: Scenario, link: Link, path: readonly string[], report: CheckReporter): void {
  const mtu = link.mtu ?? 1500;
  for (const endpoint of link.between) {
    const spec = interfaceAt(scenario, endpoint);
    if (spec === undefined || (spec.mtu ?? 1500) <= mtu) continue;
    report.warning(
      link.mtu === undefined ? path : [...path, "mtu"],
      `${endpoint} may send packets of ${spec.mtu ?? 1500} bytes; this link drops those over ${mtu}`,
    );
  }
}

/** Two ends with IPv4 addresses of different networks cannot speak to each other: almost always a slip. */
function checkSharedPrefix(scenario: Scenario, link: Link, path: readonly string[], report: CheckReporter): void {
  const ends = link.between.map((endpoint) => {
    const spec = interfaceAt(scenario, endpoint);
    return spec === undefined ? [] : addressesOf(spec).filter(({ address }) => isIpv4(address));
  });
  const [left = [], right = []] = ends;
  if (left.length === 0 || right.length === 0) return;
  const shared = left.some((a) =>
    right.some((b) => familyOf(a.address) === familyOf(b.address) && onLinkPrefix(a).contains(b.address)),
  );
  if (!shared) report.warning([...path, "between"], "the two ends have IPv4 addresses, but no network in common");
}

function interfaceAt(scenario: Scenario, endpoint: string): Interface | undefined {
  const { node, interface: name } = parseEndpoint(endpoint);
  return name === undefined ? undefined : scenario.hosts[node]?.interfaces?.[name];
}

/** Whether nothing but this package's own keys is there: a part's device (a tunnel, a bridge) needs no link. */
function isPlain(spec: object): boolean {
  const own = new Set(["addresses", "mac", "mtu", "up", "advertise", "resequence"]);
  return Object.keys(spec).every((key) => own.has(key));
}
