import {
  ipv4,
  isLimitedBroadcast,
  isLoopback,
  isMulticast,
  PACKET_BROADCAST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  type Packet,
} from "@seville/packet";
import type { DropReason, Nanos } from "@seville/core";
import type { Host } from "../host/host.ts";
import { trimPadding } from "../interface/checksum.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { NF_INET_PRE_ROUTING } from "../netfilter/hooks.ts";
import { createFlow4, resetFlow } from "../route/flow.ts";
import type { RouteHop } from "../route/route.ts";
import { deliver4 } from "./deliver.ts";
import { forward4 } from "./forward.ts";
import { receiveOptions4 } from "./options-input.ts";
import { routesLocalnet } from "./route-output.ts";
import { unroutable4 } from "./unroutable.ts";
import { validateSource4 } from "./validate-source.ts";

const flow = createFlow4();

/** Takes a datagram from `dev`, `data` at its IPv4 header (`ip_rcv`, net/ipv4/ip_input.c). */
export function receive4(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  if (packet.pktType === PACKET_OTHERHOST) {
    dev.stats.rx_otherhost_dropped++;
    host.drop(packet, "OTHERHOST", dev);
    return;
  }
  const { ip, ipExt } = host.mib;
  ip.InReceives++;
  ipExt.InOctets += packet.totalLength;
  const fault = validate(host, packet);
  if (fault !== undefined) {
    host.drop(packet, fault, dev);
    return;
  }
  if (host.hooks.active(4, NF_INET_PRE_ROUTING)) {
    host.hooks.run(4, NF_INET_PRE_ROUTING, packet, dev, undefined, (passed) =>
      afterPrerouting4(host, passed, dev, now),
    );
    return;
  }
  afterPrerouting4(host, packet, dev, now);
}

/** Header, version, checksum and lengths (RFC 1122 §3.2.1.1, §3.2.1.2; RFC 1812 §5.2.2). */
function validate(host: Host, packet: Packet): DropReason | undefined {
  const { ip, ipExt } = host.mib;
  const { view } = host.memory;
  const at = packet.data;
  packet.networkHeader = at;
  if (packet.length < 20) {
    ip.InHdrErrors++;
    return "HDR_TRUNC";
  }
  const headerBytes = ipv4.headerLength(view, at);
  if (ipv4.version(view, at) !== 4 || headerBytes < 20 || headerBytes > packet.length) {
    ip.InHdrErrors++;
    return "IP_INHDR";
  }
  countEcn(host, ipv4.ecn(view, at));
  if (!ipv4.isChecksumValid(view, at)) {
    ipExt.InCsumErrors++;
    ip.InHdrErrors++;
    return "IP_CSUM";
  }
  // A super-packet may be longer than the field can say, and has no padding.
  const isSuper = packet.gsoSize > 0;
  const total = isSuper ? packet.length : ipv4.totalLength(view, at);
  if (packet.length < total) {
    ipExt.InTruncatedPkts++;
    return "PKT_TOO_SMALL";
  }
  if (total < headerBytes) {
    ip.InHdrErrors++;
    return "IP_INHDR";
  }
  // The rest is a link's padding.
  if (!isSuper) trimPadding(packet, total);
  packet.transportHeader = at + headerBytes;
  return undefined;
}

function countEcn(host: Host, ecn: number): void {
  const { ipExt } = host.mib;
  if (ecn === 0) ipExt.InNoECTPkts++;
  else if (ecn === 1) ipExt.InECT1Pkts++;
  else if (ecn === 2) ipExt.InECT0Pkts++;
  else ipExt.InCEPkts++;
}

/** `ip_rcv_finish`: a VRF takes its slave's packets, options are read, and the way is found. */
export function afterPrerouting4(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  const master = dev.master?.device.l3mdev;
  if (master !== undefined) {
    if (!master.receive(packet, dev, 4)) return;
    dev = dev.master as NetInterface;
  }
  let current: Packet | undefined = packet;
  if (packet.transportHeader - packet.networkHeader > 20) {
    current = receiveOptions4(host, packet, dev, now);
    if (current === undefined) return;
  }
  countGroup(host, current);
  // What came over loopback was routed and checked on its way out.
  if (dev.isLoopback) deliver4(host, current, dev, now);
  else routeInput4(host, current, dev, now);
}

function countGroup(host: Host, packet: Packet): void {
  const { ipExt } = host.mib;
  if (packet.pktType === PACKET_MULTICAST || isMulticast(ipv4.destination(host.memory.view, packet.data))) {
    ipExt.InMcastPkts++;
    ipExt.InMcastOctets += packet.length;
  } else if (packet.pktType === PACKET_BROADCAST) {
    ipExt.InBcastPkts++;
    ipExt.InBcastOctets += packet.length;
  }
}

/** `ip_route_input_slow`: is it for us, for others, or for nobody? */
function routeInput4(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  const { view } = host.memory;
  const at = packet.data;
  const source = ipv4.source(view, at);
  const destination = ipv4.destination(view, at);
  if (isMulticast(destination)) {
    receiveGroup(host, packet, dev, source, destination, now);
    return;
  }
  const martian = findMartian(host, dev, source, destination);
  if (martian !== undefined) {
    host.drop(packet, martian, dev);
    return;
  }
  // Bootstrapping hosts have no address yet (RFC 1122 §3.2.1.3 (a)).
  if (isLimitedBroadcast(destination) || (source === 0 && destination === 0)) {
    deliverBroadcast(host, packet, dev, source, now);
    return;
  }
  resetFlow(flow);
  flow.source = source;
  flow.destination = destination;
  flow.iif = dev.ifindex;
  flow.l3mdev = dev.l3mdevIndex;
  flow.mark = packet.mark;
  flow.tos = ipv4.tos(view, at);
  flow.protocol = ipv4.protocol(view, at);
  flow.packet = packet;
  const hop = host.ipv4.fib.lookup(flow);
  flow.packet = undefined;
  if (hop === undefined) {
    unroutable4(host, packet, dev, "ENETUNREACH");
    return;
  }
  byType(host, packet, dev, hop, source, now);
}

function byType(host: Host, packet: Packet, dev: NetInterface, hop: RouteHop, source: number, now: Nanos): void {
  const { type } = hop.route;
  if (type === "local") {
    const bad = validateSource4(host, packet, dev, source);
    if (bad === undefined) deliver4(host, packet, dev, now);
    else host.drop(packet, bad, dev);
  } else if (type === "broadcast") {
    deliverBroadcast(host, packet, dev, source, now);
  } else if (!isForwarding4(dev)) {
    unroutable4(host, packet, dev, "EHOSTUNREACH");
  } else if (type === "unreachable") {
    unroutable4(host, packet, dev, "EHOSTUNREACH");
  } else if (type === "prohibit") {
    unroutable4(host, packet, dev, "EACCES");
  } else if (type === "blackhole") {
    host.drop(packet, "IP_INNOROUTES", dev);
  } else {
    const bad = validateSource4(host, packet, dev, source);
    if (bad === undefined) forward4(host, packet, dev, hop, now);
    else host.drop(packet, bad, dev);
  }
}

/** Addresses that no packet on a wire has (RFC 1122 §3.2.1.3, RFC 1812 §5.3.7). */
function findMartian(host: Host, dev: NetInterface, source: number, destination: number): DropReason | undefined {
  if (isMulticast(source) || isLimitedBroadcast(source)) return "IP_INVALID_SOURCE";
  if (isLimitedBroadcast(destination) || (source === 0 && destination === 0)) return undefined;
  if (source >>> 24 === 0) return "IP_INVALID_SOURCE";
  if (destination >>> 24 === 0) return "IP_INVALID_DEST";
  if ((isLoopback(destination) || isLoopback(source)) && !routesLocalnet(host, dev)) return "IP_LOCALNET";
  return undefined;
}

/** `ip_route_input_mc`: groups that somebody here has joined. */
function receiveGroup(host: Host, packet: Packet, dev: NetInterface, source: number, group: number, now: Nanos): void {
  const invalid =
    isMulticast(source) || isLimitedBroadcast(source) || (isLoopback(source) && !routesLocalnet(host, dev));
  if (invalid) host.drop(packet, "IP_INVALID_SOURCE", dev);
  else if (group !== ALL_HOSTS && !dev.v4.groups.accepts(group, source)) host.drop(packet, "IP_INVALID_DEST", dev);
  else if (source >>> 24 === 0 && group >>> 8 !== 0xe0_0000) host.drop(packet, "IP_INVALID_SOURCE", dev);
  else {
    const bad = source === 0 ? undefined : validateSource4(host, packet, dev, source);
    if (bad === undefined) deliver4(host, packet, dev, now);
    else host.drop(packet, bad, dev);
  }
}

/** 224.0.0.1: every host is in it and never says so (RFC 1112 §4). */
const ALL_HOSTS = 0xe000_0001;

function deliverBroadcast(host: Host, packet: Packet, dev: NetInterface, source: number, now: Nanos): void {
  const bad = source === 0 ? undefined : validateSource4(host, packet, dev, source);
  if (bad !== undefined) {
    host.drop(packet, bad, dev);
    return;
  }
  packet.pktType = PACKET_BROADCAST;
  deliver4(host, packet, dev, now);
}

/** Whether datagrams that come in on `dev` may go on: its own setting counts (`IN_DEV_FORWARD`); `all` writes them all. */
export function isForwarding4(dev: NetInterface): boolean {
  return dev.v4.conf.forwarding !== 0;
}
