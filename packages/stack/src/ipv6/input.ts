import {
  ipv6,
  IPPROTO_HOPOPTS,
  isIpv4Mapped,
  isLinkLocal,
  isLoopback,
  isMulticast,
  PACKET_HOST,
  PACKET_OTHERHOST,
  SCOPE_INTERFACE_LOCAL,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import type { DropReason, Nanos } from "@seville/core";
import type { Host } from "../host/host.ts";
import { trimPadding } from "../interface/checksum.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { NF_INET_PRE_ROUTING } from "../netfilter/hooks.ts";
import { createFlow6, resetFlow } from "../route/flow.ts";
import { deliver6 } from "./deliver.ts";
import { forward6 } from "./forward.ts";
import { receiveOptions6 } from "./options-input.ts";
import { unroutable6 } from "./unroutable.ts";

const flow = createFlow6();

/** Takes a packet from `dev`, `data` at its IPv6 header (`ipv6_rcv`, net/ipv6/ip6_input.c). */
export function receive6(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  if (packet.pktType === PACKET_OTHERHOST) {
    dev.stats.rx_otherhost_dropped++;
    host.drop(packet, "OTHERHOST", dev);
    return;
  }
  const { ip6 } = host.mib;
  ip6.InReceives++;
  ip6.InOctets += packet.totalLength;
  const fault = validate(host, packet, dev);
  if (fault !== undefined) {
    host.drop(packet, fault, dev);
    return;
  }
  const { view } = host.memory;
  if (ipv6.nextHeader(view, packet.data) === IPPROTO_HOPOPTS) {
    // RFC 8200 §4.3: every station may look at them; Linux does.
    const end = receiveOptions6(host, packet, dev, IPPROTO_HOPOPTS, packet.data + ipv6.HEADER_LENGTH);
    if (end < 0) return;
  }
  if (host.hooks.active(6, NF_INET_PRE_ROUTING)) {
    host.hooks.run(6, NF_INET_PRE_ROUTING, packet, dev, undefined, (passed) =>
      afterPrerouting6(host, passed, dev, now),
    );
    return;
  }
  afterPrerouting6(host, packet, dev, now);
}

/** RFC 8200 §3, RFC 4291 §2.5.2, §2.5.3, §2.7; `ip6_rcv_core`. */
function validate(host: Host, packet: Packet, dev: NetInterface): DropReason | undefined {
  const { ip6 } = host.mib;
  const { view } = host.memory;
  const at = packet.data;
  packet.networkHeader = at;
  if (dev.v6.conf.disable_ipv6 !== 0) {
    ip6.InDiscards++;
    return "IPV6DISABLED";
  }
  if (packet.length < ipv6.HEADER_LENGTH) {
    ip6.InHdrErrors++;
    return "HDR_TRUNC";
  }
  if (ipv6.version(view, at) !== 6) {
    ip6.InHdrErrors++;
    return "IP_INHDR";
  }
  countEcn(host, ipv6.ecn(view, at));
  const source = ipv6.source(view, at);
  const destination = ipv6.destination(view, at);
  if (!mayBeOnWire(dev, source, destination)) {
    ip6.InHdrErrors++;
    return isMulticast(source) || isLoopback(source) || isIpv4Mapped(source) ? "IP_INVALID_SOURCE" : "IP_INVALID_DEST";
  }
  const filter = dev.v6.conf.drop_unicast_in_l2_multicast !== 0 || host.ipv6.confAll.drop_unicast_in_l2_multicast !== 0;
  if (filter && packet.pktType !== PACKET_HOST && !isMulticast(destination)) return "UNICAST_IN_L2_MULTICAST";
  // A super-packet may be longer than the field can say, and has no padding.
  const isSuper = packet.gsoSize > 0;
  const total = isSuper ? packet.length : ipv6.HEADER_LENGTH + ipv6.payloadLength(view, at);
  if (total > packet.length) {
    ip6.InTruncatedPkts++;
    return "PKT_TOO_SMALL";
  }
  if (!isSuper) trimPadding(packet, total);
  packet.transportHeader = at + ipv6.HEADER_LENGTH;
  return undefined;
}

function mayBeOnWire(dev: NetInterface, source: Ipv6Address, destination: Ipv6Address): boolean {
  if (isMulticast(source) || isIpv4Mapped(source)) return false;
  if (dev.isLoopback) return true;
  if (isLoopback(source) || isLoopback(destination)) return false;
  // Multicast of interface scope, or of the reserved scope 0, never leaves a node.
  return !isMulticast(destination) || ((destination.w0 >>> 16) & 0xf) > SCOPE_INTERFACE_LOCAL;
}

function countEcn(host: Host, ecn: number): void {
  const { ip6 } = host.mib;
  if (ecn === 0) ip6.InNoECTPkts++;
  else if (ecn === 1) ip6.InECT1Pkts++;
  else if (ecn === 2) ip6.InECT0Pkts++;
  else ip6.InCEPkts++;
}

/** `ip6_rcv_finish`: a VRF takes its slave's packets, and the way is found. */
export function afterPrerouting6(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  const master = dev.master?.device.l3mdev;
  if (master !== undefined) {
    if (!master.receive(packet, dev, 6)) return;
    dev = dev.master as NetInterface;
  }
  const destination = ipv6.destination(host.memory.view, packet.data);
  if (isMulticast(destination)) receiveGroup(host, packet, dev, destination, now);
  else if (dev.isLoopback) deliver6(host, packet, dev, now);
  else routeInput6(host, packet, dev, destination, now);
}

/** `ip6_mc_input`. */
function receiveGroup(host: Host, packet: Packet, dev: NetInterface, group: Ipv6Address, now: Nanos): void {
  const { ip6 } = host.mib;
  ip6.InMcastPkts++;
  ip6.InMcastOctets += packet.length;
  if (dev.isLoopback || dev.v6.groups.accepts(group, ipv6.source(host.memory.view, packet.data))) {
    deliver6(host, packet, dev, now);
    return;
  }
  ip6.InAddrErrors++;
  host.drop(packet, "IP_INVALID_DEST", dev);
}

function routeInput6(host: Host, packet: Packet, dev: NetInterface, destination: Ipv6Address, now: Nanos): void {
  const { view } = host.memory;
  const at = packet.data;
  resetFlow(flow);
  flow.destination = destination;
  flow.source = ipv6.source(view, at);
  flow.iif = dev.ifindex;
  flow.l3mdev = dev.l3mdevIndex;
  flow.oif = isLinkLocal(destination) ? dev.ifindex : 0;
  flow.mark = packet.mark;
  flow.flowLabel = ipv6.flowLabel(view, at);
  flow.protocol = ipv6.nextHeader(view, at);
  flow.packet = packet;
  const hop = host.ipv6.fib.lookup(flow);
  flow.packet = undefined;
  const type = hop?.route.type;
  if (type === "local" || type === "anycast") deliver6(host, packet, dev, now);
  else if (hop === undefined || type !== "unicast") unroutable6(host, packet, dev, type);
  else forward6(host, packet, dev, hop);
}
