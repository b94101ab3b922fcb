import { isIpv4, parseInterfaceAddress, parseIp, parsePrefix, type IpAddress, type PacketPool } from "@seville/packet";
import type { LinkEnd, Simulator } from "@seville/sim";
import {
  addAddress4,
  addAddress6,
  createEthernet,
  createHost,
  type HopSelection,
  type Host,
  type NetDevice,
  type NetInterface,
} from "@seville/stack";
import type { Random } from "@seville/core";
import { duration } from "../quantities.ts";
import type { Host as HostSpec, Interface, NextHop, Route, Scenario } from "../types.ts";
import { configureAdvertisements } from "./advertise.ts";
import { macFor } from "./captures.ts";
import type { DeviceSite } from "./world.ts";

/** What making a host needs of the world around it. */
export interface HostSurroundings {
  readonly simulator: Simulator;
  readonly pool: PacketPool;
  readonly random: Random;
  /** The end of the link at `host:interface`, if it is at one. */
  linkEnd(endpoint: string): LinkEnd | undefined;
  /** What a part makes of an interface; `undefined`: it is plain Ethernet. */
  device(site: DeviceSite): NetDevice | undefined;
}

/** Makes a host with its interfaces, all of them down and without addresses. */
export function buildHost(name: string, spec: HostSpec, index: number, around: HostSurroundings): Host {
  const host = createHost({
    name,
    scheduler: around.simulator,
    pool: around.pool,
    random: around.random,
    arch: spec.alignment?.arch ?? "x86",
    sysctls: sysctlsOf(spec),
  });
  for (const [i, [ifname, iface]] of Object.entries(spec.interfaces ?? {}).entries()) {
    const endpoint = `${name}:${ifname}`;
    const end = around.linkEnd(endpoint) ?? UNPLUGGED(endpoint, iface.mtu);
    const site: DeviceSite = { host, spec: iface, endpoint, end, linkEnd: (other) => around.linkEnd(other) };
    host.interfaces.add(around.device(site) ?? createEthernet(end), {
      name: ifname,
      mac: macFor(iface.mac, index, i),
      ...(iface.mtu === undefined ? {} : { mtu: iface.mtu }),
    });
  }
  return host;
}

/** Brings the interfaces up and gives them their addresses: `ip link set up`, `ip address add`. */
export function configureAddresses(host: Host, spec: HostSpec): void {
  for (const [name, iface] of Object.entries(spec.interfaces ?? {})) {
    const device = host.interfaces.named(name);
    if (iface.up !== false) host.interfaces.setUp(device);
    addAddresses(device, iface);
    configureAdvertisements(host, device, iface);
  }
}

/** `ip route add` for each. */
export function configureRoutes(host: Host, spec: HostSpec): void {
  for (const route of spec.routes ?? []) addRoute(host, route);
}

/**
 * What taking an interface down took away, given again when it comes up: its IPv6 addresses and the static routes through it. Linux leaves
 * that to the administrator (`keep_addr_on_down` keeps the addresses only); `defaults: safe` does it.
 */
export function restore(host: Host, spec: HostSpec, device: NetInterface): void {
  const iface = spec.interfaces?.[device.name];
  if (iface !== undefined) addAddresses(device, iface);
  for (const route of spec.routes ?? []) if (!hasRoute(host, route)) addRoute(host, route);
}

/** Settings by which `kind` and `forwarding` act, and those that the file names, in that order. */
function sysctlsOf(spec: HostSpec): Record<string, number | string> {
  const forwards = spec.forwarding ?? spec.kind === "router";
  return {
    ...(forwards ? { "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1 } : {}),
    ...spec.sysctls,
  };
}

function addAddresses(device: NetInterface, iface: Interface): void {
  for (const text of iface.addresses ?? []) {
    const { address, prefixLength } = parseInterfaceAddress(text);
    if (isIpv4(address)) {
      if (device.v4.addresses.every((own) => own.address !== address)) addAddress4(device, { address, prefixLength });
    } else if (device.v6.addresses.every((own) => own.address !== address))
      addAddress6(device, { address, prefixLength });
  }
}

function addRoute(host: Host, route: Route): void {
  const { destination, prefixLength, family } = target(route);
  const fib = family === "ipv4" ? host.ipv4.fib : host.ipv6.fib;
  fib.add({
    destination,
    prefixLength,
    protocol: "static",
    ...(route.nexthops === undefined
      ? nextHop(host, route)
      : { hops: route.nexthops.map((each) => ({ ...nextHop(host, each), weight: each.weight ?? 1 })) }),
    ...(route.select === undefined ? {} : { selection: selectionOf(route.select) }),
    ...(route.metric === undefined ? {} : { priority: route.metric }),
  });
}

function nextHop(host: Host, { via, dev }: NextHop): { gateway?: IpAddress; dev?: NetInterface } {
  return {
    ...(via === undefined ? {} : { gateway: parseIp(via) }),
    ...(dev === undefined ? {} : { dev: host.interfaces.named(dev) }),
  };
}

/** Ways of choosing among next hops as a scenario writes them, as the stack takes them. */
export function selectionOf(select: NonNullable<Route["select"]>): HopSelection {
  if (typeof select === "string") return { policy: select };
  if (select.flowlet !== undefined) {
    const { gap, flowlets } = select.flowlet;
    return {
      policy: "flowlet",
      ...(gap === undefined ? {} : { gap: duration(gap) }),
      ...(flowlets === undefined ? {} : { flowlets }),
    };
  }
  if (select["better-of-two"] !== undefined) return { policy: "better-of-two", ...select["better-of-two"] };
  if (select.random !== undefined) return { policy: "random" };
  return select["round-robin"] === undefined ? { policy: "hash" } : { policy: "round-robin" };
}

function hasRoute(host: Host, route: Route): boolean {
  const { destination, prefixLength, family } = target(route);
  const fib = family === "ipv4" ? host.ipv4.fib : host.ipv6.fib;
  const gateways = (route.nexthops ?? [route]).map(({ via }) => (via === undefined ? undefined : parseIp(via)));
  return [...fib.routes()].some(
    (other) =>
      other.destination === destination &&
      other.prefixLength === prefixLength &&
      other.protocol === "static" &&
      (route.metric === undefined || other.priority === route.metric) &&
      gateways.every((gateway) => other.hops.some((hop) => hop.gateway === gateway)),
  );
}

function target(route: Route): { destination: IpAddress; prefixLength: number; family: "ipv4" | "ipv6" } {
  if (route.to === "default") {
    const isV4 = isIpv4(parseIp(route.via ?? route.nexthops?.[0]?.via ?? ""));
    return { destination: parseIp(isV4 ? "0.0.0.0" : "::"), prefixLength: 0, family: isV4 ? "ipv4" : "ipv6" };
  }
  const { network, length } = parsePrefix(route.to);
  return { destination: network, prefixLength: length, family: isIpv4(network) ? "ipv4" : "ipv6" };
}

/** The end of no cable. */
const UNPLUGGED = (name: string, mtu = 1500): LinkEnd => ({
  name,
  mtu,
  carrier: false,
  attach: () => undefined,
  send: (frame) => frame.release(),
});

/** All hosts of a scenario, in the order of the file. */
export function hostEntries(scenario: Scenario): [name: string, spec: HostSpec][] {
  return Object.entries(scenario.hosts);
}
