import { bindChecksum, finish } from "@seville/checksum";
import {
  icmp,
  ipv4,
  isLimitedBroadcast,
  isMulticast,
  PACKET_HOST,
  PACKET_OUTGOING,
  type Packet,
} from "@seville/packet";
import { countMessage } from "../host/mib.ts";
import type { Host } from "../host/host.ts";
import { IPPROTO_ICMP } from "../host/protocols.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { createFlow4, resetFlow } from "../route/flow.ts";
import type { RouteHop } from "../route/route.ts";
import { outputDevice4, sendIpv4 } from "./output.ts";
import { pathMtu4 } from "./path-mtu.ts";
import { routeOutput4 } from "./route-output.ts";

/** Bytes of the whole error, IP header included (RFC 1812 §4.3.2.3: as much as fits in 576). */
const MAX_ERROR = 576;
/** Precedence "internetwork control" of errors (RFC 1812 §4.3.2.5). */
const TOS_PREC_INTERNETCONTROL = 0xc0;
const TOS_MASK = 0x1e;

const flow = createFlow4();

/**
 * Tells the source of `packet`, `networkHeader` at its IPv4 header, what became of it (`icmp_send`, net/ipv4/icmp.c).
 * Sends nothing where RFC 1122 §3.2.2 and RFC 1812 §4.3.2.7 forbid it, or the rate limits do. Borrows the packet.
 *
 * @param info the second word's content: next-hop MTU, gateway, or pointer in its high byte
 * @param dev where the packet came in or was to leave
 */
export function sendIcmp4(
  host: Host,
  packet: Packet,
  type: number,
  code: number,
  info: number,
  dev: NetInterface,
): void {
  const { view } = host.memory;
  const at = packet.networkHeader;
  if (!mayAnswer(host, packet, at)) return;
  const destination = ipv4.source(view, at);
  if (isMulticast(destination) || isLimitedBroadcast(destination) || destination >>> 24 === 0) return;
  if (!allowGlobally(host, type, code)) {
    host.mib.icmp.OutRateLimitGlobal++;
    return;
  }
  resetFlow(flow);
  flow.destination = destination;
  flow.source = sourceOf(host, packet, at, dev);
  flow.l3mdev = dev.l3mdevIndex;
  flow.oif = dev.l3mdevIndex;
  flow.protocol = IPPROTO_ICMP;
  flow.tos = (ipv4.tos(view, at) & TOS_MASK) | TOS_PREC_INTERNETCONTROL;
  flow.mark = host.ipv4.sysctl.fwmark_reflect !== 0 ? packet.mark : 0;
  const hop = routeOutput4(host, flow);
  if (typeof hop === "string") {
    host.mib.icmp.OutErrors++;
    return;
  }
  const out = outputDevice4(host, hop);
  if (!allowTo(host, out, destination, type, code)) {
    host.mib.icmp.OutRateLimitHost++;
    return;
  }
  const room = Math.min(pathMtu4(host, hop, out, destination), MAX_ERROR) - 28;
  const length = Math.min(packet.tail - at, room);
  const error = host.pool.alloc(8 + length);
  if (error === undefined) {
    host.mib.icmp.OutErrors++;
    return;
  }
  const message = error.put(8 + length);
  host.memory.u8.copyWithin(message + 8, at, at + length);
  view.setUint8(message, type);
  view.setUint8(message + 1, code);
  view.setUint16(message + 2, 0);
  view.setUint32(message + 4, info);
  transmitIcmp4(host, error, hop, flow.source, destination, flow.tos, flow.mark);
}

/** Fills in the checksum of an ICMP message, counts it and sends it. Takes the packet, `data` at the message. */
export function transmitIcmp4(
  host: Host,
  message: Packet,
  hop: RouteHop,
  source: number,
  destination: number,
  tos: number,
  mark: number,
  options?: Uint8Array,
  ttl = 0,
): void {
  const { view } = host.memory;
  const at = message.data;
  view.setUint16(at + 2, 0);
  view.setUint16(at + 2, finish(bindChecksum(host.memory).sum(at, message.length)));
  message.mark = mark;
  countOut(host, view.getUint8(at));
  sendIpv4(host, message, hop, source, destination, { protocol: IPPROTO_ICMP, tos, ttl, dontFragment: false, options });
}

/** Whether the packet is one that an error may answer. */
function mayAnswer(host: Host, packet: Packet, at: number): boolean {
  const { view } = host.memory;
  if (packet.tail - at < 20) return false;
  // Neither a frame nor an address for many (RFC 1122 §3.2.2).
  if (packet.pktType !== PACKET_HOST && packet.pktType !== PACKET_OUTGOING) return false;
  const destination = ipv4.destination(view, at);
  if (isMulticast(destination) || isLimitedBroadcast(destination) || host.ipv4.isBroadcast(destination)) return false;
  if (ipv4.fragmentOffset(view, at) !== 0) return false;
  if (ipv4.protocol(view, at) !== IPPROTO_ICMP) return true;
  const message = at + ipv4.headerLength(view, at);
  // Of ICMP itself only queries are answered: not an error, nor what nobody knows (`icmp_pointers`).
  return message < packet.tail && isQuery(view.getUint8(message));
}

function isQuery(type: number): boolean {
  return type <= icmp.ADDRESS_MASK_REPLY && !icmp.isError(type);
}

/** The address that the packet was for, if ours; else the route decides, or `icmp_errors_use_inbound_ifaddr`. */
function sourceOf(host: Host, packet: Packet, at: number, dev: NetInterface): number {
  const destination = ipv4.destination(host.memory.view, at);
  if (host.ipv4.localAddresses.has(destination)) return destination;
  // The packet is our own: so is its source.
  if (packet.pktType === PACKET_OUTGOING) return 0;
  if (host.ipv4.sysctl.icmp_errors_use_inbound_ifaddr === 0) return 0;
  return dev.v4.addresses[0]?.address ?? 0;
}

function isLimited(host: Host, type: number, code: number): boolean {
  // Path MTU discovery must work (net/ipv4/icmp.c).
  if (type === icmp.DESTINATION_UNREACHABLE && code === icmp.FRAGMENTATION_NEEDED) return false;
  return type <= 18 && ((host.ipv4.sysctl.icmp_ratemask >>> type) & 1) !== 0;
}

function allowGlobally(host: Host, type: number, code: number): boolean {
  const { icmp_msgs_per_sec, icmp_msgs_burst } = host.ipv4.sysctl;
  return !isLimited(host, type, code) || host.ipv4.globalLimit.allow(icmp_msgs_per_sec, icmp_msgs_burst, host.now);
}

function allowTo(host: Host, out: NetInterface, destination: number, type: number, code: number): boolean {
  if (out.isLoopback || !isLimited(host, type, code)) return true;
  return host.ipv4.peerLimit.allow(destination, host.ipv4.sysctl.icmp_ratelimit, host.now);
}

/** The rate limits for messages that are not errors, such as echo replies. */
export function mayReply4(host: Host, out: NetInterface, destination: number, type: number): boolean {
  if (!allowGlobally(host, type, 0)) {
    host.mib.icmp.OutRateLimitGlobal++;
    return false;
  }
  if (allowTo(host, out, destination, type, 0)) return true;
  host.mib.icmp.OutRateLimitHost++;
  return false;
}

function countOut(host: Host, type: number): void {
  const { icmp: mib, icmpMsg } = host.mib;
  mib.OutMsgs++;
  countMessage(icmpMsg, "Out", type);
  switch (type) {
    case icmp.DESTINATION_UNREACHABLE:
      mib.OutDestUnreachs++;
      break;
    case icmp.TIME_EXCEEDED:
      mib.OutTimeExcds++;
      break;
    case icmp.PARAMETER_PROBLEM:
      mib.OutParmProbs++;
      break;
    case icmp.SOURCE_QUENCH:
      mib.OutSrcQuenchs++;
      break;
    case icmp.REDIRECT:
      mib.OutRedirects++;
      break;
    case icmp.ECHO_REQUEST:
      mib.OutEchos++;
      break;
    case icmp.ECHO_REPLY:
      mib.OutEchoReps++;
      break;
    case icmp.TIMESTAMP:
      mib.OutTimestamps++;
      break;
    case icmp.TIMESTAMP_REPLY:
      mib.OutTimestampReps++;
      break;
  }
}
