import { bindChecksum, finish, pseudoHeader6At } from "@seville/checksum";
import {
  icmpv6,
  ipv6,
  IPPROTO_ICMPV6,
  IPV6_ANY,
  isLinkLocal,
  isMulticast,
  PACKET_HOST,
  PACKET_OUTGOING,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { countMessage } from "../host/mib.ts";
import { isLocalAddress6 } from "../interface/addresses6.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { createFlow6, resetFlow, type Flow } from "../route/flow.ts";
import type { RouteHop } from "../route/route.ts";
import { sendIpv6 } from "./output.ts";
import { outputDevice6, routeOutput6 } from "./route-output.ts";

const flow = createFlow6();
const chain = ipv6.newChain();

/**
 * Tells the source of `packet`, `networkHeader` at its IPv6 header, what became of it (RFC 4443 §2.4; `icmp6_send`).
 * Sends nothing where §2.4 (e) forbids it, or the rate limits do (f). Borrows the packet.
 *
 * @param info the second word: the MTU, or a pointer
 * @param dev where the packet came in or was to leave
 */
export function sendIcmp6(
  host: Host,
  packet: Packet,
  type: number,
  code: number,
  info: number,
  dev: NetInterface,
): void {
  const { view } = host.memory;
  const at = packet.networkHeader;
  if (!mayAnswer(host, packet, at, type, code, info)) return;
  const destination = ipv6.source(view, at);
  if (!allowGlobally(host, type)) {
    return;
  }
  resetFlow(flow);
  flow.destination = destination;
  const to = ipv6.destination(view, at);
  flow.source = isLocalAddress6(host, to) ? to : IPV6_ANY;
  setScope(flow, dev);
  flow.protocol = IPPROTO_ICMPV6;
  flow.mark = host.ipv6.sysctl.fwmark_reflect !== 0 ? packet.mark : 0;
  const hop = routeOutput6(host, flow);
  if (typeof hop === "string") {
    host.mib.icmp6.OutErrors++;
    return;
  }
  if (!mayReply6(host, hop, destination, type)) return;
  const room = ipv6.MIN_MTU - ipv6.HEADER_LENGTH - icmpv6.HEADER_LENGTH;
  const length = Math.min(packet.tail - at, room);
  const error = host.pool.alloc(8 + length);
  if (error === undefined) {
    host.mib.icmp6.OutErrors++;
    return;
  }
  const message = error.put(8 + length);
  host.memory.u8.copyWithin(message + 8, at, at + length);
  view.setUint8(message, type);
  view.setUint8(message + 1, code);
  view.setUint32(message + 4, info);
  transmitIcmp6(host, error, hop, flow.source, destination, 0, 0);
}

/** Fills in the checksum of an ICMPv6 message, counts it and sends it. Takes the packet, `data` at the message. */
export function transmitIcmp6(
  host: Host,
  message: Packet,
  hop: RouteHop,
  source: Ipv6Address,
  destination: Ipv6Address,
  trafficClass: number,
  hopLimit: number,
): void {
  const { view, u8 } = host.memory;
  const at = message.data;
  const { length } = message;
  // The addresses are needed as bytes: they are written where the header will stand.
  ipv6.setSource(view, at - 40, source);
  ipv6.setDestination(view, at - 40, destination);
  view.setUint16(at + 2, 0);
  const pseudo = pseudoHeader6At(u8, at - 32, at - 16, IPPROTO_ICMPV6, length);
  view.setUint16(at + 2, finish(bindChecksum(host.memory).sum(at, length, pseudo)));
  const type = view.getUint8(at);
  host.mib.icmp6.OutMsgs++;
  countMessage(host.mib.icmp6Msg, "Out", type);
  countOut(host, type);
  sendIpv6(host, message, hop, source, destination, {
    nextHeader: IPPROTO_ICMPV6,
    trafficClass,
    flowLabel: 0,
    hopLimit,
  });
}

/** A link-local address means something only on the link where the packet came in. */
export function setScope(wanted: Flow<Ipv6Address>, dev: NetInterface): void {
  wanted.l3mdev = dev.l3mdevIndex;
  if (isLinkLocal(wanted.destination) || isMulticast(wanted.destination)) wanted.oif = dev.ifindex;
  else wanted.oif = dev.l3mdevIndex;
}

function mayAnswer(host: Host, packet: Packet, at: number, type: number, code: number, info: number): boolean {
  const { view } = host.memory;
  if (packet.tail - at < ipv6.HEADER_LENGTH) return false;
  const toMany =
    (packet.pktType !== PACKET_HOST && packet.pktType !== PACKET_OUTGOING) || isMulticast(ipv6.destination(view, at));
  if (toMany && !answersGroups(view, at, type, code, info)) return false;
  const source = ipv6.source(view, at);
  if (source === IPV6_ANY || isMulticast(source) || isAnycastHere(host, source)) return false;
  return !isIcmpError(view, packet, at);
}

/** RFC 4443 §2.4 (e.3): packet too big, and an option that asks for it. */
function answersGroups(view: DataView, at: number, type: number, code: number, info: number): boolean {
  if (type === icmpv6.PACKET_TOO_BIG) return true;
  if (type !== icmpv6.PARAMETER_PROBLEM || code !== icmpv6.UNRECOGNIZED_OPTION) return false;
  return view.getUint8(at + info) >>> 6 === 2;
}

function isAnycastHere(host: Host, address: Ipv6Address): boolean {
  for (const iface of host.interfaces) if (iface.v6.anycast.includes(address)) return true;
  return false;
}

/** The packet is an ICMPv6 error or redirect itself, or a later fragment of what may be one (`is_ineligible`). */
function isIcmpError(view: DataView, packet: Packet, at: number): boolean {
  ipv6.walkExtensions(view, at, packet.tail, chain);
  if (chain.protocol !== IPPROTO_ICMPV6) return false;
  if (chain.isLaterFragment || chain.at >= packet.tail) return true;
  const type = view.getUint8(chain.at);
  return icmpv6.isError(type) || type === icmpv6.REDIRECT;
}

function isLimited(host: Host, type: number): boolean {
  const { ratemask } = host.ipv6.icmpSysctl;
  for (let i = 0; i + 1 < ratemask.length; i += 2) {
    if (type >= (ratemask[i] as number) && type <= (ratemask[i + 1] as number)) return true;
  }
  return false;
}

function allowGlobally(host: Host, type: number): boolean {
  const { icmp_msgs_per_sec, icmp_msgs_burst } = host.ipv4.sysctl;
  return !isLimited(host, type) || host.ipv4.globalLimit.allow(icmp_msgs_per_sec, icmp_msgs_burst, host.now);
}

/** The limit towards one destination; wider prefixes get more (`icmpv6_xrlim_allow`). */
export function mayReply6(host: Host, hop: RouteHop, destination: Ipv6Address, type: number): boolean {
  if (outputDevice6(host, hop).isLoopback || !isLimited(host, type)) return true;
  const { prefixLength } = hop.route;
  const interval =
    prefixLength < 128 ? host.ipv6.icmpSysctl.ratelimit >> ((128 - prefixLength) >> 5) : host.ipv6.icmpSysctl.ratelimit;
  if (host.ipv6.peerLimit.allow(destination, interval, host.now)) return true;
  host.mib.icmp6.OutRateLimitHost++;
  return false;
}

function countOut(host: Host, type: number): void {
  const { icmp6 } = host.mib;
  if (type === icmpv6.DESTINATION_UNREACHABLE) icmp6.OutDestUnreachs++;
  else if (type === icmpv6.PACKET_TOO_BIG) icmp6.OutPktTooBigs++;
  else if (type === icmpv6.TIME_EXCEEDED) icmp6.OutTimeExcds++;
  else if (type === icmpv6.PARAMETER_PROBLEM) icmp6.OutParmProblems++;
  else if (type === icmpv6.ECHO_REQUEST) icmp6.OutEchos++;
  else if (type === icmpv6.ECHO_REPLY) icmp6.OutEchoReplies++;
}
