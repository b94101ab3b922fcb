import {
  IPV6_ALL_NODES,
  IPV6_ALL_ROUTERS,
  IPV6_LOOPBACK,
  isLinkLocal,
  isLoopback,
  isMulticast,
  Ipv6Address,
  solicitedNode,
} from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { maskAddress } from "../route/prefix-key.ts";
import {
  IP6_RT_PRIO_ADDRCONF,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  type NewRoute,
  type RouteSelector,
} from "../route/route.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_NOPREFIXROUTE,
  IFA_F_PERMANENT,
  IFA_F_TENTATIVE,
  makeInterfaceAddress,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  type InterfaceAddress,
  type NewAddress,
} from "./interface-address.ts";
import type { NetInterface } from "./net-interface.ts";

const ALL_MULTICAST = Ipv6Address.of(0xff00_0000, 0, 0, 0);

/**
 * `ip -6 address add`: the address, its solicited-node group and its prefix route. Duplicate address detection hears of
 * it by the event and may mark it tentative; the local route comes when it is not (or no longer).
 * @throws SevilleError `EEXIST`, `EINVAL`, `EADDRNOTAVAIL`, `EACCES` where IPv6 is disabled
 */
export function addAddress6(iface: NetInterface, given: NewAddress<Ipv6Address>): InterfaceAddress<Ipv6Address> {
  const { prefixLength } = given;
  const address = given.address.withZone("");
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > 128) {
    throw errnoError("EINVAL", "Invalid prefix length", "prefixLength");
  }
  if (isMulticast(address) || (isLoopback(address) && !iface.isLoopback)) {
    throw errnoError("EADDRNOTAVAIL", "Cannot assign this address", "address");
  }
  if (iface.v6.conf.disable_ipv6 !== 0) throw errnoError("EACCES", "IPv6 is disabled on this device", "iface");
  if (iface.v6.addresses.some((own) => own.address === address))
    throw errnoError("EEXIST", "Address already assigned", "address");
  const made = makeInterfaceAddress({ ...given, address }, scopeOf6(address), "", iface.host.now);
  insertByScope(iface.v6.addresses, made);
  if (iface.isUp) activate(iface, made);
  iface.host.notifier.notify({ type: "address-added", iface, address: made }, iface.host.now);
  syncLocalRoute(iface, made);
  return made;
}

/** `ip -6 address del`. @throws SevilleError `EADDRNOTAVAIL` */
export function removeAddress6(iface: NetInterface, address: Ipv6Address): void {
  const bare = address.withZone("");
  const found = iface.v6.addresses.find((own) => own.address === bare);
  if (found === undefined) throw errnoError("EADDRNOTAVAIL", "address not found", "address");
  takeAway(iface, found);
}

/** Lets the routes, groups and addresses of a host's IPv6 follow its links (`addrconf_notify`). */
export function installAddresses6(host: Host): void {
  host.notifier.listen((event) => {
    if (event.type === "interface-up") bringUp(event.iface);
    else if (event.type === "interface-down") flush(event.iface);
    else if (event.type === "interface-removed")
      for (const own of [...event.iface.v6.addresses]) takeAway(event.iface, own);
    else if (event.type === "address-changed" && isIpv6Record(event.address))
      syncLocalRoute(event.iface, event.address);
    else if (event.type === "sysctl" && event.name.endsWith(".forwarding"))
      for (const iface of host.interfaces) joinRouters(iface);
    else if (event.type === "sysctl" && event.name.endsWith(".disable_ipv6"))
      for (const iface of host.interfaces) followDisable(iface);
  });
}

/** An address that a host has, on any interface or on `dev`, and that it may use. */
export function isLocalAddress6(host: Host, address: Ipv6Address, dev?: NetInterface): boolean {
  for (const iface of dev === undefined ? host.interfaces : [dev]) {
    for (const own of iface.v6.addresses) {
      if (own.address === address && (own.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0) return true;
    }
  }
  return false;
}

function bringUp(iface: NetInterface): void {
  if (iface.v6.conf.disable_ipv6 !== 0 || iface.mtu < 1280) return;
  const { fib } = iface.host.ipv6;
  iface.v6.groups.join(iface, IPV6_ALL_NODES);
  joinRouters(iface);
  if (iface.canMulticast) {
    fib.add(
      {
        destination: ALL_MULTICAST,
        prefixLength: 8,
        type: "multicast",
        table: RT_TABLE_LOCAL,
        dev: iface,
        protocol: "kernel",
        priority: IP6_RT_PRIO_ADDRCONF,
      },
      "append",
    );
  }
  if (iface.isLoopback && iface.v6.addresses.length === 0)
    addAddress6(iface, { address: IPV6_LOOPBACK, prefixLength: 128 });
  for (const own of iface.v6.addresses) {
    activate(iface, own);
    syncLocalRoute(iface, own);
  }
}

/** The interface goes down: addresses go, but for static global ones with `keep_addr_on_down` (`addrconf_ifdown`). */
function flush(iface: NetInterface): void {
  const keep = iface.v6.conf.keep_addr_on_down > 0 || iface.host.ipv6.confAll.keep_addr_on_down > 0;
  for (const own of [...iface.v6.addresses]) {
    if (keep && (own.flags & IFA_F_PERMANENT) !== 0 && !isLinkLocal(own.address))
      iface.v6.groups.leave(own, solicitedNode(own.address));
    else takeAway(iface, own);
  }
  iface.v6.groups.leave(iface, IPV6_ALL_NODES);
  iface.v6.groups.leave(iface, IPV6_ALL_ROUTERS);
}

function followDisable(iface: NetInterface): void {
  if (!iface.isUp) return;
  if (iface.v6.conf.disable_ipv6 !== 0) flush(iface);
  else if (iface.v6.groups.state(IPV6_ALL_NODES) === undefined) bringUp(iface);
}

/** A router listens to all routers, and to the subnet-router anycast addresses (RFC 4291 §2.6.1, §2.8). */
function joinRouters(iface: NetInterface): void {
  if (!iface.isUp) return;
  const forwarding = iface.v6.conf.forwarding !== 0;
  if (forwarding) iface.v6.groups.join(iface, IPV6_ALL_ROUTERS);
  else iface.v6.groups.leave(iface, IPV6_ALL_ROUTERS);
  for (const own of iface.v6.addresses) syncAnycast(iface, own, forwarding);
}

function activate(iface: NetInterface, own: InterfaceAddress<Ipv6Address>): void {
  iface.v6.groups.join(own, solicitedNode(own.address));
  if ((own.flags & IFA_F_NOPREFIXROUTE) !== 0 || own.prefixLength === 128 || iface.isLoopback) return;
  const route = prefixRoute(iface, own);
  if (!hasRoute(iface, route)) iface.host.ipv6.fib.add({ ...route, protocol: "kernel" }, "append");
}

function takeAway(iface: NetInterface, own: InterfaceAddress<Ipv6Address>): void {
  const { host } = iface;
  const { addresses } = iface.v6;
  addresses.splice(addresses.indexOf(own), 1);
  iface.v6.groups.leave(own, solicitedNode(own.address));
  const local = localRoute(iface, own);
  if (hasRoute(iface, local)) host.ipv6.fib.remove(local);
  syncAnycast(iface, own, false);
  const route = prefixRoute(iface, own);
  const shared = addresses.some(
    (other) =>
      other.prefixLength === own.prefixLength && maskAddress(other.address, other.prefixLength) === route.destination,
  );
  if ((own.flags & IFA_F_NOPREFIXROUTE) === 0 && !shared && hasRoute(iface, route)) host.ipv6.fib.remove(route);
  host.notifier.notify({ type: "address-removed", iface, address: own }, host.now);
}

/** The host answers for an address once it is known to be nobody else's (RFC 4862 §5.4). */
function syncLocalRoute(iface: NetInterface, own: InterfaceAddress<Ipv6Address>): void {
  if (!iface.isUp || !iface.v6.addresses.includes(own)) return;
  const route = localRoute(iface, own);
  const usable = (own.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0;
  const there = hasRoute(iface, route);
  if (usable && !there) iface.host.ipv6.fib.add({ ...route, protocol: "kernel" }, "append");
  if (!usable && there) iface.host.ipv6.fib.remove(route);
  if (usable) syncAnycast(iface, own, iface.v6.conf.forwarding !== 0);
}

function syncAnycast(iface: NetInterface, own: InterfaceAddress<Ipv6Address>, wanted: boolean): void {
  if (own.prefixLength >= 127 || iface.isLoopback) return;
  const destination = maskAddress(own.address, own.prefixLength);
  const { anycast } = iface.v6;
  const at = anycast.indexOf(destination);
  const route = {
    destination,
    prefixLength: 128,
    type: "anycast",
    table: tableOf(iface, RT_TABLE_LOCAL),
    dev: iface,
    priority: 0,
  } as const;
  if (wanted && at < 0) {
    anycast.push(destination);
    iface.v6.groups.join(destination, solicitedNode(destination));
    iface.host.ipv6.fib.add({ ...route, protocol: "kernel" }, "append");
  } else if (!wanted && at >= 0) {
    anycast.splice(at, 1);
    iface.v6.groups.leave(destination, solicitedNode(destination));
    if (hasRoute(iface, route)) iface.host.ipv6.fib.remove(route);
  }
}

type AddressRoute = NewRoute & RouteSelector;

function prefixRoute(iface: NetInterface, own: InterfaceAddress<Ipv6Address>): AddressRoute {
  const destination = maskAddress(own.address, own.prefixLength);
  const priority = own.routePriority === 0 ? IP6_RT_PRIO_ADDRCONF : own.routePriority;
  return {
    destination,
    prefixLength: own.prefixLength,
    type: "unicast",
    table: tableOf(iface, RT_TABLE_MAIN),
    dev: iface,
    priority,
  };
}

function localRoute(iface: NetInterface, own: InterfaceAddress<Ipv6Address>): AddressRoute {
  return {
    destination: own.address,
    prefixLength: 128,
    type: "local",
    table: tableOf(iface, RT_TABLE_LOCAL),
    dev: iface,
    priority: 0,
  };
}

function hasRoute(iface: NetInterface, route: RouteSelector): boolean {
  for (const other of iface.host.ipv6.fib.table(route.table ?? RT_TABLE_MAIN).routes()) {
    if (other.destination !== route.destination || other.prefixLength !== route.prefixLength) continue;
    if (other.type === route.type && other.hops.some((hop) => hop.dev === iface)) return true;
  }
  return false;
}

function tableOf(iface: NetInterface, otherwise: number): number {
  return (iface.device.l3mdev ?? iface.master?.device.l3mdev)?.tableId ?? otherwise;
}

function scopeOf6(address: Ipv6Address): number {
  if (isLoopback(address)) return RT_SCOPE_HOST;
  return isLinkLocal(address) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

/** Wider scopes first (`ipv6_link_dev_addr`). */
function insertByScope(addresses: InterfaceAddress<Ipv6Address>[], made: InterfaceAddress<Ipv6Address>): void {
  const at = addresses.findIndex((other) => other.scope >= made.scope);
  addresses.splice(at < 0 ? addresses.length : at, 0, made);
}

function isIpv6Record(address: InterfaceAddress): address is InterfaceAddress<Ipv6Address> {
  return typeof address.address !== "number";
}
