import { isLoopback } from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { inPrefix, maskAddress, maskOf } from "../route/prefix-key.ts";
import { RT_TABLE_LOCAL, RT_TABLE_MAIN, type RouteType } from "../route/route.ts";
import {
  IFA_F_NOPREFIXROUTE,
  IFA_F_SECONDARY,
  makeInterfaceAddress,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  type InterfaceAddress,
  type NewAddress,
} from "./interface-address.ts";
import type { NetInterface } from "./net-interface.ts";

/**
 * `ip address add`: the address and the routes that come with it (`inet_insert_ifa`, `fib_add_ifaddr`).
 * @throws SevilleError `EEXIST`, `EINVAL`
 */
export function addAddress4(iface: NetInterface, given: NewAddress<number>): InterfaceAddress<number> {
  const { address, prefixLength } = given;
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > 32) {
    throw errnoError("EINVAL", "Invalid prefix length", "prefixLength");
  }
  const { addresses } = iface.v4;
  const peer = given.peer ?? address;
  const inSameSubnet = addresses.filter((other) => sameSubnet(other, peer, prefixLength));
  if (inSameSubnet.some((other) => other.address === address))
    throw errnoError("EEXIST", "Address already assigned", "address");
  const scope = isLoopback(address) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
  const made = makeInterfaceAddress(given, scope, iface.name, iface.host.now);
  made.flags &= ~IFA_F_SECONDARY;
  if (inSameSubnet.length > 0) made.flags |= IFA_F_SECONDARY;
  insertInOrder(addresses, made);
  const { localAddresses } = iface.host.ipv4;
  localAddresses.set(address, (localAddresses.get(address) ?? 0) + 1);
  addRoutes(iface, made);
  iface.host.notifier.notify({ type: "address-added", iface, address: made }, iface.host.now);
  return made;
}

/**
 * `ip address del`. With a primary address go its secondaries, unless `promote_secondaries` makes the first of them
 * primary (`__inet_del_ifa`).
 * @throws SevilleError `EADDRNOTAVAIL`
 */
export function removeAddress4(iface: NetInterface, address: number, prefixLength?: number): void {
  const { addresses, conf } = iface.v4;
  const found = addresses.find(
    (own) => own.address === address && (prefixLength === undefined || own.prefixLength === prefixLength),
  );
  if (found === undefined) throw errnoError("EADDRNOTAVAIL", "Address not found", "address");
  const secondaries = addresses.filter((other) => other !== found && sameSubnet(other, found.peer, found.prefixLength));
  const wasPrimary = (found.flags & IFA_F_SECONDARY) === 0;
  takeAway(iface, found);
  if (!wasPrimary || secondaries.length === 0) return;
  if ((conf.promote_secondaries | iface.host.ipv4.confAll.promote_secondaries) === 0) {
    for (const secondary of secondaries) takeAway(iface, secondary);
    return;
  }
  const promoted = secondaries[0] as InterfaceAddress<number>;
  promoted.flags &= ~IFA_F_SECONDARY;
  addRoutes(iface, promoted);
  for (const secondary of secondaries.slice(1)) addRoutes(iface, secondary);
  iface.host.notifier.notify({ type: "address-changed", iface, address: promoted }, iface.host.now);
}

/** Lets the routes of a host's IPv4 addresses follow its links. */
export function installAddresses4(host: Host): void {
  host.notifier.listen((event) => {
    if (event.type === "interface-up" || event.type === "master") {
      if (event.iface.isLoopback && event.iface.v4.addresses.length === 0 && event.type === "interface-up") {
        addAddress4(event.iface, { address: 0x7f00_0001, prefixLength: 8 });
        return;
      }
      for (const address of event.iface.v4.addresses) addRoutes(event.iface, address);
    } else if (event.type === "interface-removed") {
      for (const address of [...event.iface.v4.addresses]) takeAway(event.iface, address);
    }
  });
}

function takeAway(iface: NetInterface, address: InterfaceAddress<number>): void {
  const { host } = iface;
  const { addresses } = iface.v4;
  addresses.splice(addresses.indexOf(address), 1);
  const { localAddresses } = host.ipv4;
  const left = (localAddresses.get(address.address) ?? 1) - 1;
  if (left === 0) localAddresses.delete(address.address);
  else localAddresses.set(address.address, left);
  const kept = new Set(addresses.flatMap((other) => wantedRoutes(iface, other).map(keyOf)));
  for (const route of wantedRoutes(iface, address)) if (!kept.has(keyOf(route))) removeRoute(iface, route);
  dropRoutesWithSource(host, address.address);
  host.notifier.notify({ type: "address-removed", iface, address }, host.now);
}

interface AddressRoute {
  readonly type: RouteType;
  readonly destination: number;
  readonly prefixLength: number;
  readonly scope: number;
  readonly prefsrc: number;
  readonly priority: number;
}

/** The routes of `fib_add_ifaddr` (net/ipv4/fib_frontend.c). */
function wantedRoutes(iface: NetInterface, own: InterfaceAddress<number>): AddressRoute[] {
  const { address, peer, prefixLength, broadcast } = own;
  const prefsrc = address;
  const local = {
    type: "local",
    destination: address,
    prefixLength: 32,
    scope: RT_SCOPE_HOST,
    prefsrc,
    priority: 0,
  } as const;
  const routes: AddressRoute[] = [local];
  if (!iface.isUp) return routes;
  const toAll = (destination: number): AddressRoute => ({
    type: "broadcast",
    destination,
    prefixLength: 32,
    scope: RT_SCOPE_LINK,
    prefsrc,
    priority: 0,
  });
  if (broadcast !== 0 && broadcast !== 0xffff_ffff) routes.push(toAll(broadcast));
  const network = maskAddress(peer, prefixLength);
  const secondary = (own.flags & IFA_F_SECONDARY) !== 0;
  if (network >>> 24 === 0 || secondary || (network === address && prefixLength === 32)) return routes;
  if ((own.flags & IFA_F_NOPREFIXROUTE) === 0) {
    const type = iface.isLoopback ? "local" : "unicast";
    const scope = iface.isLoopback ? RT_SCOPE_HOST : RT_SCOPE_LINK;
    routes.push({ type, destination: network, prefixLength, scope, prefsrc, priority: own.routePriority });
  }
  const last = (network | ~maskOf(prefixLength)) >>> 0;
  if (prefixLength < 31 && last !== broadcast) routes.push(toAll(last));
  return routes;
}

function addRoutes(iface: NetInterface, own: InterfaceAddress<number>): void {
  const { fib } = iface.host.ipv4;
  for (const route of wantedRoutes(iface, own)) {
    const table = tableOf(iface, route.type);
    if (hasRoute(iface, route, table)) continue;
    fib.add({ ...route, table, dev: iface, protocol: "kernel" }, "append");
  }
}

function removeRoute(iface: NetInterface, route: AddressRoute): void {
  const table = tableOf(iface, route.type);
  if (!hasRoute(iface, route, table)) return;
  const { type, destination, prefixLength, priority } = route;
  iface.host.ipv4.fib.remove({ type, destination, prefixLength, priority, table, dev: iface });
}

function hasRoute(iface: NetInterface, route: AddressRoute, table: number): boolean {
  for (const other of iface.host.ipv4.fib.table(table).routes()) {
    if (other.destination !== route.destination || other.prefixLength !== route.prefixLength) continue;
    if (other.type === route.type && other.priority === route.priority && other.hops[0]?.dev === iface) return true;
  }
  return false;
}

/** Routes that prefer a source address which the host has no longer go (`fib_sync_down_addr`). */
function dropRoutesWithSource(host: Host, address: number): void {
  if (host.ipv4.localAddresses.has(address)) return;
  for (const route of [...host.ipv4.fib.routes()]) {
    if (route.prefsrc !== address) continue;
    const { destination, prefixLength, table, priority, tos, type } = route;
    host.ipv4.fib.remove({ destination, prefixLength, table, priority, tos, type });
  }
}

function tableOf(iface: NetInterface, type: RouteType): number {
  const l3mdev = iface.device.l3mdev ?? iface.master?.device.l3mdev;
  if (l3mdev !== undefined) return l3mdev.tableId;
  return type === "unicast" ? RT_TABLE_MAIN : RT_TABLE_LOCAL;
}

function keyOf(route: AddressRoute): string {
  return `${route.type} ${route.destination}/${route.prefixLength} ${route.priority}`;
}

function sameSubnet(own: InterfaceAddress<number>, peer: number, prefixLength: number): boolean {
  return own.prefixLength === prefixLength && inPrefix(own.peer, peer, prefixLength);
}

/** Primaries come before secondaries, and wider scopes before narrower ones (`__inet_insert_ifa`). */
function insertInOrder(addresses: InterfaceAddress<number>[], made: InterfaceAddress<number>): void {
  if ((made.flags & IFA_F_SECONDARY) !== 0) {
    addresses.push(made);
    return;
  }
  let at = 0;
  for (const [i, other] of addresses.entries()) {
    if ((other.flags & IFA_F_SECONDARY) === 0 && made.scope <= other.scope) at = i + 1;
  }
  addresses.splice(at, 0, made);
}
