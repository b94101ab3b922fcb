import type { DropReason } from "@seville/core";
import {
  icmpv6,
  ipv6,
  IPV6_ALL_NODES,
  isMulticast,
  isUnspecified,
  multicastMac,
  PACKET_OTHERHOST,
  solicitedNode,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { IFF_NOARP } from "../interface/flags.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_OPTIMISTIC,
  IFA_F_TENTATIVE,
  type InterfaceAddress,
} from "../interface/interface-address.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { redrawAfter, type UnreachableHandler } from "../neighbour/arp.ts";
import { InterfaceNeighbours } from "../neighbour/interface-neighbours.ts";
import {
  NEIGH_UPDATE_ISROUTER,
  NEIGH_UPDATE_OVERRIDE,
  NEIGH_UPDATE_OVERRIDE_ISROUTER,
  NEIGH_UPDATE_WEAK_OVERRIDE,
  NUD_STALE,
} from "../neighbour/nud-state.ts";
import type { Neighbour } from "../neighbour/neighbour.ts";
import type { NeighbourDevice } from "../neighbour/device.ts";
import type { NeighbourOperations } from "../neighbour/operations.ts";
import { ProxyNeighbours } from "../neighbour/proxy.ts";
import { NeighbourTable } from "../neighbour/table.ts";
import { receiveAdvertisement } from "./ndisc-advertisement.ts";
import { NdInterface } from "./ndisc-interface.ts";
import { sendNd } from "./ndisc-output.ts";
import { receiveRedirect, RedirectLimiter, sendRedirect } from "./ndisc-redirect.ts";
import { receiveSolicitation } from "./ndisc-solicitation.ts";
import { validateNd, type NdReceived } from "./ndisc-validate.ts";
import { RouterAdvertiser, type RouterAdvertisementOptions } from "./router-advertisement.ts";
import { receiveRouterAdvertisement } from "./router-advertisement-receive.ts";

/** The IPv6 neighbours and autoconfiguration of a host. */
export interface NdLayer {
  readonly table: NeighbourTable<Ipv6Address>;
  readonly proxies: ProxyNeighbours<Ipv6Address>;
  of(iface: NetInterface): NdInterface | undefined;
  /**
   * `iface` advertises itself as a router from now on (when it is up and has a link-local address), or does so with other
   * values; `undefined`: no longer.
   */
  advertise(iface: NetInterface, options: RouterAdvertisementOptions | undefined): void;
  /** See {@link sendRedirect}: `packet` was forwarded out of the interface by which it came, to `nextHop`. */
  redirect(iface: NetInterface, packet: Packet, nextHop: Ipv6Address): boolean;
}

const ND_TYPES = [
  icmpv6.ROUTER_SOLICITATION,
  icmpv6.ROUTER_ADVERTISEMENT,
  icmpv6.NEIGHBOR_SOLICITATION,
  icmpv6.NEIGHBOR_ADVERTISEMENT,
  icmpv6.REDIRECT,
];

/** Gives `host` neighbour discovery (RFC 4861), autoconfiguration (RFC 4862) and router advertisements. */
export function installNeighbourDiscovery(host: Host, unreachable: UnreachableHandler): NdLayer {
  const random = host.random.fork("nd");
  const interfaces = new Map<number, NdInterface>();
  const limiter = new RedirectLimiter();
  const proxies = new ProxyNeighbours<Ipv6Address>(host.scheduler, random.fork("proxy"));
  const of = (iface: NetInterface): NdInterface | undefined => interfaces.get(iface.ifindex);
  const table = new NeighbourTable<Ipv6Address>({
    scheduler: host.scheduler,
    random,
    defaults: host.ipv6.neighDefault,
    operations: operations(host, interfaces, unreachable),
  });
  const attach = (iface: NetInterface): void => {
    if (interfaces.has(iface.ifindex)) return;
    const device = table.attach(iface.ifindex, iface.name, iface.v6.neigh);
    const neighbours = new InterfaceNeighbours(table, device, iface, 6);
    interfaces.set(iface.ifindex, new NdInterface(iface, neighbours, proxies));
    if (iface.device.hardHeaderLength > 0) iface.v6.neighbours = neighbours;
    setMtu(iface);
  };
  for (const iface of host.interfaces) attach(iface);
  host.notifier.listen((event) => {
    if (event.type === "interface-added") attach(event.iface);
    if (event.type === "sysctl") {
      redrawAfter(event.name, "ipv6", new Map([...interfaces].map(([i, on]) => [i, on.neighbours])), table);
      for (const on of interfaces.values()) followSysctl(on, event.name);
    }
    if (!("iface" in event)) return;
    const on = of(event.iface);
    if (on === undefined) return;
    switch (event.type) {
      case "interface-up":
        on.ready();
        break;
      case "carrier":
        if (event.iface.carrier) on.ready();
        else if (evicts(event.iface)) table.flush(on.neighbours.device, true);
        break;
      case "interface-going-down":
        on.goingDown();
        break;
      case "interface-down":
        on.down();
        break;
      case "interface-removed":
        table.detach(on.neighbours.device);
        interfaces.delete(event.iface.ifindex);
        event.iface.v6.neighbours = undefined;
        break;
      case "mac":
        table.flush(on.neighbours.device);
        if ((event.iface.v6.conf.ndisc_notify | host.ipv6.confAll.ndisc_notify) !== 0) announceAll(on);
        break;
      case "mtu":
        setMtu(event.iface);
        break;
      case "address-added":
        if (isIpv6(event.address)) on.addressAdded(event.address);
        break;
      case "address-changed":
        if (isIpv6(event.address)) on.lifetimes.watch(event.address);
        break;
      case "address-removed":
        if (isIpv6(event.address)) on.addressRemoved(event.address);
        break;
      default:
    }
  });
  for (const type of ND_TYPES) {
    host.ipv6.icmpHandlers.set(type, (packet, dev) => {
      const reason = receive(of(dev), packet);
      if (reason === undefined) packet.release();
      else host.drop(packet, reason, dev);
    });
  }
  return {
    table,
    proxies,
    of,
    advertise: (iface, options) => {
      const on = of(iface);
      if (on !== undefined) setAdvertiser(on, options);
    },
    redirect: (iface, packet, nextHop) => {
      const on = of(iface);
      return on !== undefined && sendRedirect(on, limiter, packet, nextHop);
    },
  };
}

/** One message, whose checksum is right. Answers why it is dropped, or `undefined`. */
function receive(on: NdInterface | undefined, packet: Packet): DropReason | undefined {
  if (on === undefined) return "IPV6DISABLED";
  if (packet.pktType === PACKET_OTHERHOST) return "OTHERHOST";
  const { view } = packet.pool.memory;
  const message = validateNd(view, packet.networkHeader, packet.transportHeader, packet.tail);
  if (typeof message === "string") {
    on.host.mib.icmp6.InErrors++;
    return message;
  }
  switch (message.type) {
    case icmpv6.NEIGHBOR_SOLICITATION:
      receiveSolicitation(on, message, packet.pktType);
      return undefined;
    case icmpv6.NEIGHBOR_ADVERTISEMENT:
      return receiveAdvertisement(on, view, message) ? undefined : "NOT_SPECIFIED";
    case icmpv6.ROUTER_SOLICITATION:
      return receiveRouterSolicitation(on, message);
    case icmpv6.ROUTER_ADVERTISEMENT:
      receiveRouterAdvertisement(on, view, message);
      return undefined;
    default:
      return receiveRedirect(on, view, message) ? undefined : "NOT_SPECIFIED";
  }
}

/** A host looks for routers (RFC 4861 §6.2.6). */
function receiveRouterSolicitation(on: NdInterface, message: NdReceived): DropReason | undefined {
  if (on.iface.v6.conf.forwarding === 0) return "IP_FORWARDING_DISABLED";
  if (!isUnspecified(message.source) && message.lladdr !== undefined) {
    const { table, device } = on.neighbours;
    const neighbour = table.create(device, message.source);
    if (neighbour !== undefined) {
      // Who asks for routers is none.
      const flags = NEIGH_UPDATE_WEAK_OVERRIDE | NEIGH_UPDATE_OVERRIDE | NEIGH_UPDATE_OVERRIDE_ISROUTER;
      table.update(neighbour, message.lladdr, NUD_STALE, flags & ~NEIGH_UPDATE_ISROUTER);
    }
  }
  on.advertiser?.solicited();
  return undefined;
}

function setAdvertiser(on: NdInterface, options: RouterAdvertisementOptions | undefined): void {
  if (options === undefined) {
    on.advertiser?.stop();
    on.advertiser = undefined;
    return;
  }
  if (on.advertiser !== undefined) {
    on.advertiser.configure(options);
    return;
  }
  const { host, iface } = on;
  let source: Ipv6Address | undefined;
  on.advertiser = new RouterAdvertiser(host.scheduler, host.random.fork(`ra/${iface.name}`), options, (message) => {
    // The last words are said when the address is being taken away already.
    source = on.linkLocal() ?? source;
    if (source === undefined) return;
    const link = { kind: "source-link-layer", mac: iface.mac } as const;
    sendNd(iface, { ...message, options: [link, ...(message.options ?? [])] }, source, IPV6_ALL_NODES);
  });
  if (iface.isRunning && on.linkLocal() !== undefined) on.advertiser.start();
}

/** What writing a setting of this interface does at once. */
function followSysctl(on: NdInterface, name: string): void {
  const { iface } = on;
  const mine = name.startsWith(`net.ipv6.conf.${iface.name}.`) || name.startsWith("net.ipv6.conf.all.");
  if (!mine) return;
  if (name.endsWith(".forwarding") && !on.acceptsRouters) {
    // A router does not follow routers (`addrconf_fixup_forwarding`, rt6_purge_dflt_routers).
    on.routers.clear();
    on.solicitor.stop();
  }
  if (name.endsWith(".disable_ipv6")) {
    if (iface.v6.conf.disable_ipv6 === 0) on.ready();
    else on.down();
  }
}

function operations(
  host: Host,
  interfaces: ReadonlyMap<number, NdInterface>,
  unreachable: UnreachableHandler,
): NeighbourOperations<Ipv6Address> {
  const interfaceOf = (device: NeighbourDevice<Ipv6Address>): NetInterface | undefined =>
    host.interfaces.get(device.ifindex);
  return {
    transmit(neighbour, packet) {
      const iface = interfaceOf(neighbour.device);
      if (iface === undefined) host.drop(packet, "NEIGH_DEAD");
      else iface.sendTo(packet, neighbour.lladdr, host.now);
    },
    solicit(neighbour, unicast, waiting) {
      const on = interfaces.get(neighbour.device.ifindex);
      if (on !== undefined) solicit(on, neighbour, unicast, waiting);
    },
    unreachable(neighbour, packet) {
      const iface = interfaceOf(neighbour.device);
      if (iface === undefined) host.drop(packet, "NEIGH_FAILED");
      else unreachable(packet, iface);
    },
    drop(packet, reason) {
      host.drop(packet, reason);
    },
    known(key, device) {
      const iface = interfaceOf(device);
      if (iface === undefined) return undefined;
      if (isMulticast(key)) return { lladdr: multicastMac(key) };
      return iface.isLoopback || (iface.flags & IFF_NOARP) !== 0 ? { lladdr: iface.mac } : undefined;
    },
    changed(neighbour, removed) {
      if (!neighbour.isRouter || removed) return;
      interfaces.get(neighbour.device.ifindex)?.routers.reachabilityChanged(neighbour.key);
    },
  };
}

/** `ndisc_solicit`: from the source of the packet that waits if it is ours, else from the link-local address. */
function solicit(
  on: NdInterface,
  neighbour: Neighbour<Ipv6Address>,
  unicast: boolean,
  waiting: Packet | undefined,
): void {
  const { iface } = on;
  const target = neighbour.key;
  const source = sourceOf(on, waiting) ?? on.linkLocal();
  if (source === undefined) return;
  const options = [{ kind: "source-link-layer", mac: iface.mac } as const];
  const message = { type: "neighbor-solicitation", target, options } as const;
  sendNd(iface, message, source, unicast ? target : solicitedNode(target));
}

function sourceOf(on: NdInterface, waiting: Packet | undefined): Ipv6Address | undefined {
  if (waiting === undefined || waiting.networkHeader < 0) return undefined;
  const { view } = waiting.pool.memory;
  if (ipv6.version(view, waiting.networkHeader) !== 6) return undefined;
  const own = on.own(ipv6.source(view, waiting.networkHeader));
  if (own === undefined || (own.flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED)) !== 0) return undefined;
  return own.address;
}

function announceAll(on: NdInterface): void {
  for (const { address, flags } of on.iface.v6.addresses) if ((flags & IFA_F_TENTATIVE) === 0) on.announce(address);
}

/** The MTU of IPv6 begins as the device's, until a router tells a smaller one (`addrconf_add_dev`, NETDEV_CHANGEMTU). */
function setMtu(iface: NetInterface): void {
  iface.v6.conf.mtu = iface.mtu;
  iface.v6.mtu = iface.mtu;
}

function evicts(iface: NetInterface): boolean {
  return iface.v6.conf.ndisc_evict_nocarrier !== 0 && iface.host.ipv6.confAll.ndisc_evict_nocarrier !== 0;
}

function isIpv6(address: InterfaceAddress): address is InterfaceAddress<Ipv6Address> {
  return typeof address.address !== "number";
}
