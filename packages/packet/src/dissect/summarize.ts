import { formatIpv4 } from "../address/ipv4.ts";
import * as arp from "../header/arp.ts";
import * as ethernet from "../header/ethernet.ts";
import * as icmp from "../header/icmp.ts";
import * as icmpv6 from "../header/icmpv6.ts";
import * as igmp from "../header/igmp.ts";
import * as ipv4 from "../header/ipv4.ts";
import * as ipv6 from "../header/ipv6.ts";
import * as mld from "../header/mld.ts";
import * as nd from "../header/nd.ts";
import {
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IGMP,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  IPPROTO_NONE,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from "../header/numbers.ts";
import * as tcp from "../header/tcp.ts";
import * as udp from "../header/udp.ts";
import * as vlan from "../header/vlan.ts";
import { LINK_ETHERNET } from "./tables.ts";

/** Packets in packets and tags in tags that are followed. */
const MAX_NESTING = 8;

/**
 * A frame in one line, like tcpdump's: `IP 10.0.0.1.4000 > 10.0.0.2.53: UDP, length 7`. Malformed bytes give a line that
 * ends with what is wrong in brackets; it never throws for bytes.
 */
export function summarize(bytes: Uint8Array, linkType: number = LINK_ETHERNET): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (linkType !== LINK_ETHERNET) return summarizeIp(view, 0, bytes.length, 0);
  const fault = ethernet.check(view, 0, bytes.length);
  if (fault !== undefined) return `[${fault} ethernet]`;
  return summarizeEtherType(view, ethernet.etherType(view, 0), ethernet.HEADER_LENGTH, bytes.length, 0);
}

function summarizeEtherType(view: DataView, type: number, at: number, end: number, depth: number): string {
  if (depth === MAX_NESTING) return "[too-many headers]";
  if (type === ETH_P_IP) return summarizeIpv4(view, at, end, depth);
  if (type === ETH_P_IPV6) return summarizeIpv6(view, at, end, depth);
  if (vlan.isTag(type)) {
    if (vlan.check(view, at, end) !== undefined) return "[truncated vlan]";
    const inner = summarizeEtherType(view, vlan.etherType(view, at), at + vlan.HEADER_LENGTH, end, depth + 1);
    return `${vlan.print(view, at)}, ${inner}`;
  }
  if (type === ETH_P_ARP) {
    const fault = arp.check(view, at, end);
    return fault === undefined ? `${arp.print(view, at)}, length ${arp.HEADER_LENGTH}` : `[${fault} arp]`;
  }
  return `ethertype 0x${type.toString(16).padStart(4, "0")}, length ${end - at}`;
}

function summarizeIp(view: DataView, at: number, end: number, depth: number): string {
  if (depth === MAX_NESTING) return "[too-many headers]";
  if (end - at < 1) return "[truncated ip]";
  return view.getUint8(at) >>> 4 === 6 ? summarizeIpv6(view, at, end, depth) : summarizeIpv4(view, at, end, depth);
}

function summarizeIpv4(view: DataView, at: number, end: number, depth: number): string {
  const fault = ipv4.check(view, at, end);
  if (fault !== undefined) return `[${fault} ip]`;
  const source = formatIpv4(ipv4.source(view, at));
  const destination = formatIpv4(ipv4.destination(view, at));
  const protocol = ipv4.protocol(view, at);
  if (ipv4.fragmentOffset(view, at) > 0) return `IP ${source} > ${destination}: ip-proto-${protocol}`;
  return `IP ${summarizePayload(view, protocol, {
    source,
    destination,
    at: at + ipv4.headerLength(view, at),
    end: at + ipv4.totalLength(view, at),
    isFragment: ipv4.moreFragments(view, at),
    depth,
  })}`;
}

function summarizeIpv6(view: DataView, at: number, end: number, depth: number): string {
  const fault = ipv6.check(view, at, end);
  if (fault !== undefined) return `[${fault} ip6]`;
  const source = ipv6.source(view, at).toString();
  const destination = ipv6.destination(view, at).toString();
  const packetEnd = at + ipv6.HEADER_LENGTH + ipv6.payloadLength(view, at);
  const chain = ipv6.walkExtensions(view, at, packetEnd);
  if (chain.fault !== undefined) return `IP6 ${source} > ${destination}: [${chain.fault} extension header]`;
  if (chain.isLaterFragment) {
    const offset = ipv6.fragmentOffset(view, chain.fragmentAt);
    return `IP6 ${source} > ${destination}: frag (${offset}|${packetEnd - chain.at})`;
  }
  const isFragment = chain.fragmentAt >= 0 && ipv6.moreFragments(view, chain.fragmentAt);
  const place = { source, destination, at: chain.at, end: packetEnd, isFragment, depth };
  return `IP6 ${summarizePayload(view, chain.protocol, place)}`;
}

/** Where an IP packet's payload lies. */
interface Payload {
  readonly source: string;
  readonly destination: string;
  readonly at: number;
  readonly end: number;
  /** A first fragment: the rest of it is in others. */
  readonly isFragment: boolean;
  readonly depth: number;
}

function summarizePayload(view: DataView, protocol: number, payload: Payload): string {
  const { source, destination, at, end, depth } = payload;
  const between = `${source} > ${destination}:`;
  const length = `length ${end - at}`;
  switch (protocol) {
    case IPPROTO_UDP:
      return summarizeUdp(view, payload);
    case IPPROTO_TCP: {
      const fault = tcp.check(view, at, end);
      if (fault !== undefined) return `${between} [${fault} tcp]`;
      const ports = `${source}.${tcp.sourcePort(view, at)} > ${destination}.${tcp.destinationPort(view, at)}`;
      return `${ports}: ${summarizeTcp(view, at, end)}`;
    }
    case IPPROTO_ICMP: {
      const fault = icmp.check(view, at, end);
      return `${between} ${fault === undefined ? `${icmp.print(view, at)}, ${length}` : `[${fault} icmp]`}`;
    }
    case IPPROTO_IGMP: {
      const fault = igmp.check(view, at, end);
      return `${between} ${fault === undefined ? igmp.print(view, at) : `[${fault} igmp]`}`;
    }
    case IPPROTO_ICMPV6:
      return `${between} ${summarizeIcmpv6(view, at, end)}`;
    case IPPROTO_IPIP:
    case IPPROTO_IPV6:
      return `${between} ${summarizeIp(view, at, end, depth + 1)}`;
    case IPPROTO_NONE:
      return `${between} no next header`;
    default:
      return `${between} ip-proto-${protocol}, ${length}`;
  }
}

function summarizeUdp(view: DataView, { source, destination, at, end, isFragment }: Payload): string {
  const fault = udp.check(view, at, end);
  const isCut = isFragment && fault === "truncated" && end - at >= udp.HEADER_LENGTH;
  if (fault !== undefined && !isCut) return `${source} > ${destination}: [${fault} udp]`;
  const ports = `${source}.${udp.sourcePort(view, at)} > ${destination}.${udp.destinationPort(view, at)}`;
  return `${ports}: UDP, length ${udp.length(view, at) - udp.HEADER_LENGTH}`;
}

function summarizeTcp(view: DataView, at: number, end: number): string {
  const flags = tcp.flags(view, at);
  const payload = end - at - tcp.headerLength(view, at);
  const first = tcp.sequence(view, at);
  const hasSequence = payload > 0 || (flags & (tcp.SYN | tcp.FIN | tcp.RST)) !== 0;
  const sequence = hasSequence ? `, seq ${first}${payload > 0 ? `:${(first + payload) >>> 0}` : ""}` : "";
  const ack = (flags & tcp.ACK) === 0 ? "" : `, ack ${tcp.acknowledgment(view, at)}`;
  const urgent = (flags & tcp.URG) === 0 ? "" : `, urg ${tcp.urgentPointer(view, at)}`;
  const { options, fault } = tcp.parseOptions(view, at);
  const list = options.map(printTcpOption).join(",") + (fault === undefined ? "" : `[${fault}]`);
  const shown = list === "" ? "" : `, options [${list}]`;
  return `Flags [${tcp.printFlags(flags)}]${sequence}${ack}, win ${tcp.window(view, at)}${urgent}${shown}, length ${payload}`;
}

/** In tcpdump's words. */
function printTcpOption(option: tcp.TcpOption): string {
  switch (option.kind) {
    case "end":
      return "eol";
    case "nop":
      return "nop";
    case "mss":
      return `mss ${option.value}`;
    case "window-scale":
      return `wscale ${option.shift}`;
    case "sack-permitted":
      return "sackOK";
    case "sack":
      return `sack ${option.blocks.length} ${option.blocks.map((b) => `{${b.left}:${b.right}}`).join("")}`;
    case "timestamps":
      return `TS val ${option.value} ecr ${option.echoReply}`;
    case "fast-open":
      return option.cookie.length === 0 ? "tfo  cookiereq" : `tfo  cookie ${hex(option.cookie)}`;
    case "md5":
      return "md5";
    case "ao":
      return "tcp-ao";
    case "unknown":
      return `unknown-${option.type} 0x${hex(option.data)}`;
  }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function summarizeIcmpv6(view: DataView, at: number, end: number): string {
  const fault = icmpv6.check(view, at, end) ?? innerFault(view, at, end);
  if (fault !== undefined) return `[${fault} icmp6]`;
  const type = icmpv6.type(view, at);
  const length = `length ${end - at}`;
  if (nd.fixedLength(type) > 0) return `${nd.print(view, at)}, ${length}`;
  return `${isMld(type) ? mld.print(view, at) : icmpv6.print(view, at)}, ${length}`;
}

function innerFault(view: DataView, at: number, end: number): string | undefined {
  const type = icmpv6.type(view, at);
  if (nd.fixedLength(type) > 0) return nd.check(view, at, end);
  return isMld(type) ? mld.check(view, at, end) : undefined;
}

function isMld(type: number): boolean {
  return (type >= icmpv6.MLD_QUERY && type <= icmpv6.MLD_DONE) || type === icmpv6.MLDV2_REPORT;
}
