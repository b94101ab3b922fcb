import { NS_PER_MS, type DropReason, type Nanos } from "@seville/core";
import { icmp, ipv4, isMulticast, PACKET_BROADCAST, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { countMessage } from "../host/mib.ts";
import { IPPROTO_ICMP, type IcmpError, type TransportProtocol } from "../host/protocols.ts";
import { isChecksumKnown, isSumRight } from "../interface/checksum.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { createFlow4, resetFlow } from "../route/flow.ts";
import { isTooBig } from "../socket/errors.ts";
import { learnPathMtu } from "../socket/learn-mtu.ts";
import { echoedOptions4 } from "./echo-options.ts";
import { receiveIcmpError4 } from "./icmp-error-input.ts";
import { mayReply4, transmitIcmp4 } from "./icmp-send.ts";
import { outputDevice4 } from "./output.ts";
import { receiveRedirect4 } from "./redirect-input.ts";
import { routeOutput4 } from "./route-output.ts";

const MS_PER_DAY = 86_400_000;
const flow = createFlow4();

/** ICMP for IPv4 (RFC 792, RFC 1122 §3.2.2; `icmp_rcv`). */
export function createIcmp4(host: Host): TransportProtocol {
  return {
    name: "icmp",
    receive: (packet, _family, dev, now) => receiveIcmp4(host, packet, dev, now),
    icmpError: (error) => receiveOwnError(host, error),
  };
}

/** An error about an ICMP message of ours (`icmp_err`): about an echo reply, which no socket sent, the path's MTU is remembered. */
function receiveOwnError(host: Host, error: IcmpError): void {
  if (icmp.type(host.memory.view, error.transportAt) !== icmp.ECHO_REPLY) host.ipv4.pingError?.(error);
  else if (isTooBig(error)) learnPathMtu(host, error);
}

function receiveIcmp4(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  const { icmp: mib, icmpMsg } = host.mib;
  const { view } = host.memory;
  mib.InMsgs++;
  const at = packet.data;
  if (!checksumValid(packet)) {
    mib.InCsumErrors++;
    mib.InErrors++;
    host.drop(packet, "ICMP_CSUM", dev);
    return;
  }
  if (packet.length < icmp.HEADER_LENGTH) {
    mib.InErrors++;
    host.drop(packet, "HDR_TRUNC", dev);
    return;
  }
  const type = icmp.type(view, at);
  countMessage(icmpMsg, "In", type);
  if (isToMany(host, packet) && !mayComeToMany(host, type)) {
    mib.InErrors++;
    host.drop(packet, "INVALID_PROTO", dev);
    return;
  }
  const dropped = handle(host, packet, dev, type, now);
  if (dropped === undefined) return;
  if (dropped !== "CONSUMED") host.drop(packet, dropped, dev);
  else packet.release();
}

/** Handles the message without releasing it. Answers how it ended; `undefined`: the packet is gone already. */
function handle(
  host: Host,
  packet: Packet,
  dev: NetInterface,
  type: number,
  now: Nanos,
): DropReason | "CONSUMED" | undefined {
  const { icmp: mib } = host.mib;
  switch (type) {
    case icmp.ECHO_REPLY:
      mib.InEchoReps++;
      if (host.ipv4.pingReceive?.(packet, dev) === true) return undefined;
      return "CONSUMED";
    case icmp.DESTINATION_UNREACHABLE:
      mib.InDestUnreachs++;
      return receiveIcmpError4(host, packet, dev, now);
    case icmp.SOURCE_QUENCH:
      // Deprecated, and ignored by every transport (RFC 6633).
      mib.InSrcQuenchs++;
      return receiveIcmpError4(host, packet, dev, now);
    case icmp.REDIRECT:
      mib.InRedirects++;
      return receiveRedirect4(host, packet, dev);
    case icmp.ECHO_REQUEST:
      mib.InEchos++;
      reply(host, packet, dev, icmp.ECHO_REPLY, now);
      return "CONSUMED";
    case icmp.TIME_EXCEEDED:
      mib.InTimeExcds++;
      return receiveIcmpError4(host, packet, dev, now);
    case icmp.PARAMETER_PROBLEM:
      mib.InParmProbs++;
      return receiveIcmpError4(host, packet, dev, now);
    case icmp.TIMESTAMP:
      mib.InTimestamps++;
      if (packet.length < icmp.TIMESTAMP_LENGTH) {
        mib.InErrors++;
        return "HDR_TRUNC";
      }
      reply(host, packet, dev, icmp.TIMESTAMP_REPLY, now);
      return "CONSUMED";
    case icmp.TIMESTAMP_REPLY:
      mib.InTimestampReps++;
      return "CONSUMED";
    case icmp.ADDRESS_MASK_REQUEST:
      mib.InAddrMasks++;
      return "CONSUMED";
    case icmp.ADDRESS_MASK_REPLY:
      mib.InAddrMaskReps++;
      return "CONSUMED";
    default:
      if (type <= icmp.ADDRESS_MASK_REPLY) return "CONSUMED";
      mib.InErrors++;
      return "UNHANDLED_PROTO";
  }
}

function checksumValid(packet: Packet): boolean {
  return isChecksumKnown(packet) || isSumRight(packet, 0);
}

function isToMany(host: Host, packet: Packet): boolean {
  if (packet.pktType === PACKET_BROADCAST) return true;
  const destination = ipv4.destination(host.memory.view, packet.networkHeader);
  return isMulticast(destination) || host.ipv4.isBroadcast(destination);
}

/** RFC 1122 §3.2.2.6, §3.2.2.8: of what is sent to many, queries may be answered, and nothing else counts. */
function mayComeToMany(host: Host, type: number): boolean {
  if (type === icmp.ECHO_REQUEST || type === icmp.TIMESTAMP) return host.ipv4.sysctl.icmp_echo_ignore_broadcasts === 0;
  return type === icmp.ADDRESS_MASK_REQUEST || type === icmp.ADDRESS_MASK_REPLY;
}

/** Sends the message back with its data, as `type` (RFC 792; `icmp_reply`). */
function reply(host: Host, packet: Packet, dev: NetInterface, type: number, now: Nanos): void {
  const { view, u8 } = host.memory;
  const { sysctl } = host.ipv4;
  if (type === icmp.ECHO_REPLY && sysctl.icmp_echo_ignore_all !== 0) return;
  const ip = packet.networkHeader;
  const from = ipv4.source(view, ip);
  const to = ipv4.destination(view, ip);
  resetFlow(flow);
  flow.destination = from;
  flow.source = host.ipv4.localAddresses.has(to) || to >>> 24 === 127 ? to : 0;
  flow.protocol = IPPROTO_ICMP;
  flow.l3mdev = dev.l3mdevIndex;
  flow.oif = dev.l3mdevIndex;
  flow.tos = ipv4.tos(view, ip);
  flow.mark = sysctl.fwmark_reflect !== 0 ? packet.mark : 0;
  const hop = routeOutput4(host, flow);
  if (typeof hop === "string") return;
  if (!mayReply4(host, outputDevice4(host, hop), from, type)) return;
  const answer = host.pool.alloc(packet.length);
  if (answer === undefined) {
    host.mib.icmp.OutErrors++;
    return;
  }
  const at = answer.put(packet.length);
  u8.copyWithin(at, packet.data, packet.tail);
  view.setUint8(at, type);
  if (type === icmp.TIMESTAMP_REPLY) {
    const ms = Math.floor(now / NS_PER_MS) % MS_PER_DAY;
    view.setUint8(at + 1, 0);
    view.setUint32(at + 12, ms);
    view.setUint32(at + 16, ms);
  }
  transmitIcmp4(host, answer, hop, flow.source, from, flow.tos, flow.mark, echoedOptions4(host, packet));
}
