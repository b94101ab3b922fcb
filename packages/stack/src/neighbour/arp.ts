import type { DropReason } from "@seville/core";
import {
  arp,
  ETH_P_ARP,
  ETH_P_IP,
  ipv4,
  isMulticast,
  multicastMac,
  PACKET_HOST,
  PACKET_OTHERHOST,
  type Packet,
} from "@seville/packet";
import type { Inet4Interface } from "../address/inet-select.ts";
import type { Host } from "../host/host.ts";
import { IFF_NOARP, IFF_POINTOPOINT } from "../interface/flags.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { createFlow4, resetFlow, type Flow } from "../route/flow.ts";
import type { RouteHop } from "../route/route.ts";
import { announceArp, sendArp, sendArpRequest } from "./arp-output.ts";
import { arpInput, type ArpHost, type ArpMessage } from "./arp-input.ts";
import { ignoresRequest, senderOfRequest } from "./arp-policy.ts";
import type { NeighbourDevice } from "./device.ts";
import { InterfaceNeighbours } from "./interface-neighbours.ts";
import type { Neighbour } from "./neighbour.ts";
import type { NeighbourOperations } from "./operations.ts";
import { ProxyNeighbours } from "./proxy.ts";
import { NeighbourTable } from "./table.ts";

/** Told of a packet whose next hop does not answer; takes it (ICMP host unreachable, then `NEIGH_FAILED`). */
export type UnreachableHandler = (packet: Packet, dev: NetInterface) => void;

/** The IPv4 neighbours of a host: `arp_tbl`. */
export interface ArpLayer {
  readonly table: NeighbourTable<number>;
  readonly proxies: ProxyNeighbours<number>;
  /** The neighbours of one interface; `undefined` for one that has none (no link-layer addresses). */
  of(iface: NetInterface): InterfaceNeighbours<number> | undefined;
}

/** Gives `host` ARP (RFC 826): interfaces get their neighbours as they come, and ARP packets are answered. */
export function installArp(host: Host, unreachable: UnreachableHandler): ArpLayer {
  const random = host.random.fork("arp");
  const interfaces = new Map<number, InterfaceNeighbours<number>>();
  const proxies = new ProxyNeighbours<number>(host.scheduler, random.fork("proxy"));
  const flow = createFlow4();
  const table: NeighbourTable<number> = new NeighbourTable<number>({
    scheduler: host.scheduler,
    random,
    defaults: host.ipv4.neighDefault,
    operations: operations(host, flow, unreachable),
  });
  const attach = (iface: NetInterface): void => {
    if (iface.device.hardHeaderLength === 0 || interfaces.has(iface.ifindex)) return;
    const device = table.attach(iface.ifindex, iface.name, iface.v4.neigh);
    const neighbours = new InterfaceNeighbours(table, device, iface, 4);
    interfaces.set(iface.ifindex, neighbours);
    iface.v4.neighbours = neighbours;
  };
  for (const iface of host.interfaces) attach(iface);
  host.notifier.listen((event) => {
    if (event.type === "interface-added") attach(event.iface);
    if (event.type === "sysctl") redrawAfter(event.name, "ipv4", interfaces, table);
    if (!("iface" in event)) return;
    const neighbours = interfaces.get(event.iface.ifindex);
    if (neighbours === undefined) return;
    switch (event.type) {
      case "interface-up":
        if (notifies(event.iface)) announceAll(event.iface);
        break;
      case "mac":
        table.flush(neighbours.device);
        if (notifies(event.iface)) announceAll(event.iface);
        break;
      case "carrier":
        if (!event.iface.carrier && evicts(event.iface)) table.flush(neighbours.device, true);
        break;
      case "interface-down":
        table.flush(neighbours.device);
        proxies.interfaceDown(event.iface.ifindex);
        break;
      case "interface-removed":
        table.detach(neighbours.device);
        proxies.interfaceDown(event.iface.ifindex);
        interfaces.delete(event.iface.ifindex);
        event.iface.v4.neighbours = undefined;
        break;
      default:
    }
  });
  host.etherTypes.set(ETH_P_ARP, (packet, dev) => {
    const reason = receiveArp(host, table, proxies, interfaces.get(dev.ifindex), flow, packet, dev);
    if (reason === undefined) packet.release();
    else host.drop(packet, reason, dev);
  });
  return { table, proxies, of: (iface) => interfaces.get(iface.ifindex) };
}

/** `base_reachable_time_ms` was written: the reachable times follow. */
export function redrawAfter<Key extends number | object>(
  name: string,
  family: "ipv4" | "ipv6",
  interfaces: ReadonlyMap<number, { readonly device: NeighbourDevice<Key> }>,
  table: NeighbourTable<Key>,
): void {
  if (!name.startsWith(`net.${family}.neigh.`) || !name.endsWith(".base_reachable_time_ms")) return;
  for (const { device } of interfaces.values()) if (name.includes(`.${device.name}.`)) table.redraw(device);
}

function operations(host: Host, flow: Flow<number>, unreachable: UnreachableHandler): NeighbourOperations<number> {
  const interfaceOf = (device: NeighbourDevice<number>): NetInterface | undefined =>
    host.interfaces.get(device.ifindex);
  return {
    transmit(neighbour, packet) {
      const iface = interfaceOf(neighbour.device);
      if (iface === undefined) host.drop(packet, "NEIGH_DEAD");
      else iface.sendTo(packet, neighbour.lladdr, host.now);
    },
    solicit(neighbour, unicast, waiting) {
      const iface = interfaceOf(neighbour.device);
      if (iface !== undefined) solicit(host, iface, neighbour, unicast, waiting);
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
      if (iface.isLoopback) return { lladdr: iface.mac };
      const broadcasts = typeOf(host, flow, key, iface) === "broadcast" || (iface.flags & IFF_POINTOPOINT) !== 0;
      if (broadcasts) return { lladdr: iface.broadcastMac };
      return (iface.flags & IFF_NOARP) === 0 ? undefined : { lladdr: iface.mac };
    },
  };
}

/** `arp_solicit`. */
function solicit(
  host: Host,
  iface: NetInterface,
  neighbour: Neighbour<number>,
  unicast: boolean,
  waiting: Packet | undefined,
): void {
  const source =
    waiting?.protocol === ETH_P_IP && waiting.networkHeader >= 0
      ? ipv4.source(host.memory.view, waiting.networkHeader)
      : 0;
  const policy = Math.max(iface.v4.conf.arp_announce, host.ipv4.confAll.arp_announce);
  const isLocal = (address: number): boolean => hasAddress(host, address);
  const sender = senderOfRequest(policy, view4(iface), others(host), neighbour.key, source, isLocal);
  if (sender === 0) return;
  sendArpRequest(iface, sender, neighbour.key, ...(unicast ? [neighbour.lladdr] : []));
}

function receiveArp(
  host: Host,
  table: NeighbourTable<number>,
  proxies: ProxyNeighbours<number>,
  neighbours: InterfaceNeighbours<number> | undefined,
  flow: Flow<number>,
  packet: Packet,
  dev: NetInterface,
): DropReason | undefined {
  if (packet.pktType === PACKET_OTHERHOST) return "OTHERHOST";
  if (neighbours === undefined || (dev.flags & IFF_NOARP) !== 0) return "DEV_READY";
  const fields = arp.parse(host.memory.view, packet.data, packet.tail);
  if (fields === undefined) return "ARP_INVALID";
  const message: ArpMessage = {
    operation: fields.operation,
    senderHardware: fields.senderMac,
    senderProtocol: fields.senderIp,
    targetHardware: fields.targetMac,
    targetProtocol: fields.targetIp,
    unicast: packet.pktType === PACKET_HOST,
  };
  const arpHost = hostFor(host, table, proxies, neighbours.device, flow, dev);
  return arpInput(arpHost, neighbours.device, message) === "invalid" ? "ARP_INVALID" : undefined;
}

/** The answers that {@link arpInput} needs, for messages received on `dev`. */
function hostFor(
  host: Host,
  table: NeighbourTable<number>,
  proxies: ProxyNeighbours<number>,
  device: NeighbourDevice<number>,
  flow: Flow<number>,
  dev: NetInterface,
): ArpHost {
  const own = dev.v4.conf;
  const all = host.ipv4.confAll;
  const arpHost: ArpHost = {
    table,
    conf: {
      arp_accept: Math.max(own.arp_accept, all.arp_accept),
      drop_gratuitous_arp: own.drop_gratuitous_arp | all.drop_gratuitous_arp,
      arp_filter: own.arp_filter | all.arp_filter,
      forwarding: own.forwarding,
      proxy_arp: own.proxy_arp | all.proxy_arp,
      proxy_arp_pvlan: own.proxy_arp_pvlan,
      route_localnet: own.route_localnet | all.route_localnet,
    },
    addressType(address) {
      const type = typeOf(host, flow, address, dev);
      return type === "local" || type === "unicast" ? type : "other";
    },
    onLink: (address) => dev.v4.addresses.some((a) => ((a.peer ^ address) & maskOf(a.prefixLength)) === 0),
    routeInput(destination, source) {
      const hop = lookup(host, flow, destination, source, dev, dev.ifindex);
      if (hop === undefined) return undefined;
      const { type } = hop.route;
      return { type: type === "local" || type === "unicast" ? type : "other", ifindex: hop.dev?.ifindex ?? 0 };
    },
    ignores: (sender, target) =>
      ignoresRequest(Math.max(own.arp_ignore, all.arp_ignore), view4(dev), others(host), sender, target),
    filters: (sender, target) => lookup(host, flow, sender, target, dev)?.dev !== dev,
    isProxied: (target) => proxies.has(target, dev.ifindex),
    reply(to, target) {
      sendArp(
        dev,
        { operation: arp.REPLY, senderMac: dev.mac, senderIp: target, targetMac: to.hardware, targetIp: to.protocol },
        to.hardware,
      );
    },
    replyLater(message) {
      proxies.later(dev.ifindex, device.conf, () => {
        arpInput(arpHost, device, message, true);
      });
    },
  };
  return arpHost;
}

/** Asks routing on behalf of `dev`: a VRF's port has the routes of its VRF. */
function lookup(
  host: Host,
  flow: Flow<number>,
  destination: number,
  source: number,
  dev: NetInterface,
  iif = 0,
): RouteHop | undefined {
  resetFlow(flow);
  flow.l3mdev = dev.l3mdevIndex;
  flow.destination = destination;
  flow.source = source;
  if (iif !== 0) flow.iif = iif;
  return host.ipv4.fib.lookup(flow);
}

/** `inet_addr_type_dev_table`: what the routes say that `address` is. */
function typeOf(host: Host, flow: Flow<number>, address: number, dev: NetInterface): string {
  if (address === 0 || address === 0xffff_ffff) return "broadcast";
  if (isMulticast(address)) return "multicast";
  const type = lookup(host, flow, address, 0, dev)?.route.type;
  return type === "local" || type === "broadcast" ? type : "unicast";
}

function hasAddress(host: Host, address: number): boolean {
  for (const iface of host.interfaces) if (iface.v4.addresses.some((own) => own.address === address)) return true;
  return false;
}

function view4(iface: NetInterface): Inet4Interface {
  return { addresses: iface.v4.addresses, routeLocalnet: iface.v4.conf.route_localnet !== 0 };
}

function* others(host: Host): IterableIterator<Inet4Interface> {
  for (const iface of host.interfaces) yield view4(iface);
}

function notifies(iface: NetInterface): boolean {
  return (iface.v4.conf.arp_notify | iface.host.ipv4.confAll.arp_notify) !== 0;
}

function evicts(iface: NetInterface): boolean {
  return iface.v4.conf.arp_evict_nocarrier !== 0 && iface.host.ipv4.confAll.arp_evict_nocarrier !== 0;
}

function announceAll(iface: NetInterface): void {
  for (const { address } of iface.v4.addresses) announceArp(iface, address);
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
}
