import { pseudoHeader6At } from "@seville/checksum";
import type { Nanos } from "@seville/core";
import { icmpv6, ipv6, IPPROTO_ICMPV6, IPV6_ANY, isMulticast, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { Icmp6Mib } from "../host/mib-groups.ts";
import { countMessage } from "../host/mib.ts";
import type { IcmpError, TransportProtocol } from "../host/protocols.ts";
import { isLocalAddress6 } from "../interface/addresses6.ts";
import { isChecksumKnown, isSumRight } from "../interface/checksum.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { CB_DEFRAGMENTED } from "../packet-cb.ts";
import { createFlow6, resetFlow } from "../route/flow.ts";
import { isTooBig } from "../socket/errors.ts";
import { learnPathMtu } from "../socket/learn-mtu.ts";
import { receiveIcmpError6 } from "./icmpv6-error-input.ts";
import { mayReply6, setScope, transmitIcmp6 } from "./icmpv6-send.ts";
import { routeOutput6 } from "./route-output.ts";

const flow = createFlow6();

/** ICMPv6 (RFC 4443; `icmpv6_rcv`). Neighbour discovery and MLD register their types in `host.ipv6.icmpHandlers`. */
export function createIcmp6(host: Host): TransportProtocol {
  return {
    name: "icmpv6",
    receive: (packet, _family, dev, now) => receiveIcmp6(host, packet, dev, now),
    icmpError: (error) => receiveOwnError(host, error),
  };
}

/** An error about an ICMPv6 message of ours, of a socket or not (`icmpv6_err`). */
function receiveOwnError(host: Host, error: IcmpError): void {
  if (isTooBig(error)) learnPathMtu(host, error);
  if (icmpv6.type(host.memory.view, error.transportAt) === icmpv6.ECHO_REQUEST) host.ipv6.pingError?.(error);
}

function receiveIcmp6(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  const { icmp6, icmp6Msg } = host.mib;
  icmp6.InMsgs++;
  if (packet.length < icmpv6.HEADER_LENGTH) {
    icmp6.InErrors++;
    host.drop(packet, "HDR_TRUNC", dev);
    return;
  }
  if (!checksumValid(host, packet)) {
    icmp6.InCsumErrors++;
    icmp6.InErrors++;
    host.drop(packet, "ICMP_CSUM", dev);
    return;
  }
  const type = icmpv6.type(host.memory.view, packet.data);
  countMessage(icmp6Msg, "In", type);
  const counter = IN_COUNTERS[type];
  if (counter !== undefined) icmp6[counter]++;
  if (isNd(type) && (packet.cb & CB_DEFRAGMENTED) !== 0 && suppressesFragments(host, dev)) {
    host.drop(packet, "IPV6_NDISC_FRAG", dev);
    return;
  }
  const handler = host.ipv6.icmpHandlers.get(type);
  if (handler !== undefined) {
    handler(packet, dev, now);
    return;
  }
  if (type === icmpv6.ECHO_REPLY && host.ipv6.pingReceive?.(packet, dev) === true) return;
  if (type === icmpv6.ECHO_REQUEST) {
    echo(host, packet, dev);
    packet.release();
  } else if (icmpv6.isError(type)) {
    const reason = receiveIcmpError6(host, packet, dev, now);
    if (reason === undefined) packet.release();
    else host.drop(packet, reason, dev);
  } else {
    // RFC 4443 §2.4 (b): unknown informational messages are dropped silently.
    packet.release();
  }
}

function isNd(type: number): boolean {
  return type >= icmpv6.ROUTER_SOLICITATION && type <= icmpv6.REDIRECT;
}

/** RFC 6980 §5: neighbour discovery in fragments is not believed, for nobody on the way could have checked it. */
function suppressesFragments(host: Host, dev: NetInterface): boolean {
  return dev.v6.conf.suppress_frag_ndisc !== 0 || host.ipv6.confAll.suppress_frag_ndisc !== 0;
}

function checksumValid(host: Host, packet: Packet): boolean {
  if (isChecksumKnown(packet)) return true;
  const ip = packet.networkHeader;
  const pseudo = pseudoHeader6At(host.memory.u8, ip + 8, ip + 24, IPPROTO_ICMPV6, packet.length);
  return isSumRight(packet, pseudo);
}

/** Echoes the message with its data (RFC 4443 §4.2; `icmpv6_echo_reply`). */
function echo(host: Host, packet: Packet, dev: NetInterface): void {
  const { view, u8 } = host.memory;
  const { icmpSysctl, sysctl } = host.ipv6;
  const ip = packet.networkHeader;
  const to = ipv6.destination(view, ip);
  const anycast = dev.v6.anycast.includes(to);
  if (icmpSysctl.echo_ignore_all !== 0) return;
  if (isMulticast(to) && icmpSysctl.echo_ignore_multicast !== 0) return;
  if (anycast && icmpSysctl.echo_ignore_anycast !== 0) return;
  const from = ipv6.source(view, ip);
  if (from === IPV6_ANY || isMulticast(from)) return;
  resetFlow(flow);
  flow.destination = from;
  const answerFrom = (anycast && sysctl.anycast_src_echo_reply !== 0) || isLocalAddress6(host, to);
  flow.source = answerFrom ? to : IPV6_ANY;
  flow.protocol = IPPROTO_ICMPV6;
  flow.mark = sysctl.fwmark_reflect !== 0 ? packet.mark : 0;
  setScope(flow, dev);
  const hop = routeOutput6(host, flow);
  if (typeof hop === "string" || !mayReply6(host, hop, from, icmpv6.ECHO_REPLY)) return;
  const answer = host.pool.alloc(packet.length);
  if (answer === undefined) {
    host.mib.icmp6.OutErrors++;
    return;
  }
  const at = answer.put(packet.length);
  u8.copyWithin(at, packet.data, packet.tail);
  icmpv6.setType(view, at, icmpv6.ECHO_REPLY);
  transmitIcmp6(host, answer, hop, flow.source, from, ipv6.trafficClass(view, ip), 0);
}

const IN_COUNTERS: Readonly<Record<number, keyof Icmp6Mib>> = {
  [icmpv6.DESTINATION_UNREACHABLE]: "InDestUnreachs",
  [icmpv6.PACKET_TOO_BIG]: "InPktTooBigs",
  [icmpv6.TIME_EXCEEDED]: "InTimeExcds",
  [icmpv6.PARAMETER_PROBLEM]: "InParmProblems",
  [icmpv6.ECHO_REQUEST]: "InEchos",
  [icmpv6.ECHO_REPLY]: "InEchoReplies",
  [icmpv6.MLD_QUERY]: "InGroupMembQueries",
  [icmpv6.MLD_REPORT]: "InGroupMembResponses",
  [icmpv6.MLD_DONE]: "InGroupMembReductions",
  [icmpv6.ROUTER_SOLICITATION]: "InRouterSolicits",
  [icmpv6.ROUTER_ADVERTISEMENT]: "InRouterAdvertisements",
  [icmpv6.NEIGHBOR_SOLICITATION]: "InNeighborSolicits",
  [icmpv6.NEIGHBOR_ADVERTISEMENT]: "InNeighborAdvertisements",
  [icmpv6.REDIRECT]: "InRedirects",
  [icmpv6.MLDV2_REPORT]: "InMLDv2Reports",
};
