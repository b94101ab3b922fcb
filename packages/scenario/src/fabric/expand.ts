import type { CheckReporter } from "../schema/part.ts";
import type { Duration, Fabric, Host, Interface, Link, LinkParameters, Route, Scenario } from "../types.ts";
import { suggestion } from "../check/did-you-mean.ts";
import { fabricAddresses, type FabricAddresses } from "./addresses.ts";
import { fatTree } from "./fat-tree.ts";
import { parallelPaths } from "./parallel-paths.ts";
import type { FabricPlan, FabricSwitch } from "./plan.ts";

/** Their number stands in an address. */
const MOST_FABRICS = 256;
/** What a host's own transmit queue holds: no buffer of the network, so it is not what `queue` says. */
const HOST_QUEUE = { fifo: { limit: "1000p" } } as const;

/** The topology of a fabric that is written out. */
export function planOf(fabric: Fabric): FabricPlan {
  if (fabric.fatTree !== undefined) return fatTree(fabric.fatTree.k);
  if (fabric.paths !== undefined) return parallelPaths(fabric.paths.count, fabric.paths.hosts ?? 1);
  return { hosts: [], switches: [], links: [] };
}

/** The fabric that made the host or link `name`; `undefined`: the file itself did. */
export function fabricOf(scenario: Scenario, name: string): string | undefined {
  const dot = name.indexOf(".");
  const prefix = name.slice(0, Math.max(0, dot));
  return scenario.fabrics?.[prefix] === undefined ? undefined : prefix;
}

/**
 * The scenario with the hosts and links that its fabrics consist of, as if they had been written down: `web.h3`, `web.e0.1-a0.0`.
 * Where that cannot be, the mistake is reported and the scenario stays as it is.
 */
export function expandFabrics(scenario: Scenario, report: CheckReporter): Scenario {
  const fabrics = Object.entries(scenario.fabrics ?? {});
  if (fabrics.length === 0) return scenario;
  if (fabrics.length > MOST_FABRICS) {
    report.error(["fabrics"], `a scenario has at most ${MOST_FABRICS} fabrics`);
    return scenario;
  }
  const hosts: Record<string, Host> = { ...scenario.hosts };
  const links: Record<string, Link> = { ...scenario.links };
  const written: Record<string, Fabric> = {};
  let isRight = true;
  for (const [index, [name, spec]] of fabrics.entries()) {
    const fabric = writtenOut(scenario, name, spec, report);
    if (fabric === undefined) {
      isRight = false;
      continue;
    }
    written[name] = fabric;
    const plan = planOf(fabric);
    isRight = checkFabric(scenario, name, fabric, plan, report) && isRight;
    build(name, fabric, plan, fabricAddresses(fabric.family ?? "ipv4", index), hosts, links);
  }
  return isRight ? { ...scenario, fabrics: written, hosts, links } : scenario;
}

/** A fabric that is `like` another with what it has of that one. */
function writtenOut(scenario: Scenario, name: string, fabric: Fabric, report: CheckReporter): Fabric | undefined {
  if (fabric.like === undefined) return fabric;
  const { like, ...own } = fabric;
  const model = scenario.fabrics?.[like];
  if (model === undefined || model.like !== undefined) {
    const what = model === undefined ? `there is no fabric ${like}` : `${like} is like another one itself`;
    report.error(["fabrics", name, "like"], what, suggestion(like, Object.keys(scenario.fabrics ?? {})));
    return undefined;
  }
  return { ...model, ...own };
}

function checkFabric(
  scenario: Scenario,
  name: string,
  fabric: Fabric,
  plan: FabricPlan,
  report: CheckReporter,
): boolean {
  const path = ["fabrics", name];
  let isRight = true;
  const error = (place: readonly string[], message: string, hint?: string): void => {
    isRight = false;
    report.error([...path, ...place], message, hint);
  };
  if (name.includes(".")) error([], `${name} has a dot, which parts a fabric from its hosts`);
  if (fabric.fatTree !== undefined && fabric.fatTree.k % 2 !== 0)
    error(["fatTree", "k"], "a fat-tree has switches of an even number of ports");
  for (const other of [...Object.keys(scenario.hosts), ...Object.keys(scenario.links ?? {})]) {
    if (other.startsWith(`${name}.`)) error([], `${other} bears a name of this fabric`);
  }
  const names = linkNames(plan);
  for (const link of Object.keys(fabric.degrade ?? {})) {
    if (!names.includes(link))
      error(["degrade", link], `there is no link ${link} in this fabric`, suggestion(link, names));
  }
  return isRight;
}

function linkNames({ hosts, links }: FabricPlan): string[] {
  return [...hosts.map((host) => `${host.switch}-${host.name}`), ...links.map(({ name }) => name)];
}

function build(
  prefix: string,
  fabric: Fabric,
  plan: FabricPlan,
  addresses: FabricAddresses,
  hosts: Record<string, Host>,
  links: Record<string, Link>,
): void {
  const interfaces = new Map<string, Record<string, Interface>>();
  const neighbours = new Map<string, string>();
  const plug = (node: string, port: string, address: string, length: number, resequence?: Duration): string => {
    const ports = interfaces.get(node) ?? {};
    ports[port] = { addresses: [`${address}/${length}`], ...(resequence === undefined ? {} : { resequence }) };
    interfaces.set(node, ports);
    return `${prefix}.${node}:${port}`;
  };
  const whole = parametersOf(fabric);
  const access = fabric.access ?? {};
  for (const { name, rack, index, switch: edge, port } of plan.hosts) {
    const { near, far, length } = addresses.hostLink(rack, index);
    const local = `${edge}-${name}`;
    const hostEnd = plug(name, "eth0", far, length, fabric.resequence);
    neighbours.set(name, near);
    links[`${prefix}.${local}`] = {
      between: [plug(edge, port, near, length), hostEnd],
      ...whole,
      ...access,
      from: { [hostEnd]: { queue: HOST_QUEUE } },
      ...fabric.degrade?.[local],
    };
  }
  for (const [n, { name, ends }] of plan.links.entries()) {
    const { near, far, length } = addresses.switchLink(n);
    const [a, b] = ends;
    neighbours.set(`${a.node} ${a.port}`, far);
    neighbours.set(`${b.node} ${b.port}`, near);
    links[`${prefix}.${name}`] = {
      between: [plug(a.node, a.port, near, length), plug(b.node, b.port, far, length)],
      ...whole,
      ...fabric.degrade?.[name],
    };
  }
  for (const { name } of plan.hosts) {
    hosts[`${prefix}.${name}`] = {
      interfaces: interfaces.get(name) ?? {},
      routes: [{ to: "default", via: neighbours.get(name) ?? "" }],
      sysctls: { ...quiet(addresses.family), ...fabric.hostSysctls },
    };
  }
  for (const each of plan.switches) {
    hosts[`${prefix}.${each.name}`] = {
      kind: "router",
      interfaces: interfaces.get(each.name) ?? {},
      routes: routesOf(each, fabric, addresses, neighbours),
      sysctls: { ...quiet(addresses.family), ...hashing(addresses.family, fabric), ...fabric.switchSysctls },
    };
  }
}

/** Down by the one way there is, up by any. */
function routesOf(
  { name, down, up }: FabricSwitch,
  fabric: Fabric,
  addresses: FabricAddresses,
  neighbours: ReadonlyMap<string, string>,
): Route[] {
  const via = (port: string): string => neighbours.get(`${name} ${port}`) ?? "";
  const routes = down.map(({ racks, port }): Route => ({ to: addresses.racks(racks), via: via(port) }));
  if (up.length === 0) return routes;
  const nexthops = up.map((port) => ({ via: via(port) }));
  return [
    ...routes,
    { to: addresses.everything, nexthops, ...(fabric.select === undefined ? {} : { select: fabric.select }) },
  ];
}

/** Nothing but the traffic: no autoconfiguration, no search for duplicates, and not the family that is not asked for. */
function quiet(family: "ipv4" | "ipv6"): Record<string, number> {
  return family === "ipv4"
    ? { "net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1 }
    : {
        "net.ipv6.conf.all.accept_dad": 0,
        "net.ipv6.conf.default.accept_dad": 0,
        "net.ipv6.conf.default.router_solicitations": 0,
      };
}

function hashing(family: "ipv4" | "ipv6", { hashPolicy }: Fabric): Record<string, number> {
  return {
    // By flow label where there is one, else by ports.
    [`net.${family}.fib_multipath_hash_policy`]: hashPolicy ?? (family === "ipv4" ? 1 : 0),
    [`net.${family}.conf.all.ignore_routes_with_linkdown`]: 1,
  };
}

/** What of a fabric concerns its links. */
function parametersOf(fabric: Fabric): LinkParameters {
  return Object.fromEntries(Object.entries(fabric).filter(([key]) => !OWN_KEYS.has(key)));
}

const OWN_KEYS: ReadonlySet<string> = new Set([
  "fatTree",
  "like",
  "paths",
  "family",
  "select",
  "hashPolicy",
  "access",
  "resequence",
  "degrade",
  "hostSysctls",
  "switchSysctls",
]);
