import type { DropReason, Nanos } from "@seville/core";
import {
  ETH_P_IP,
  ETH_P_IPV6,
  ethernet,
  formatIp,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  type Packet,
} from "@seville/packet";
import type { LinkDirection } from "@seville/sim";
import type { WireCount, WireProtocol } from "../results.ts";
import { NEVER_SENT } from "./captures.ts";
import type { WorldLink } from "./world.ts";

/** One direction of a conversation of real programs. */
export interface WireFlow {
  readonly protocol: WireProtocol;
  readonly isIpv6: boolean;
  /** Echo requests and replies are flows of their own, by their identifier, which stands for the port of who asked. */
  readonly isReply: boolean;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly firstAt: Nanos;
  readonly links: Map<string, LinkCount>;
}

/** What of a flow passed a direction of a link. */
export interface LinkCount {
  readonly link: string;
  readonly from: string;
  readonly to: string;
  frames: number;
  bytes: number;
  delivered: number;
  deliveredBytes: number;
  readonly drops: Map<DropReason, number>;
}

/** Beyond so many flows, new ones are no longer told apart: a port scan must not fill the memory. */
const MOST_FLOWS = 1 << 14;

/** Looks on at all links and counts the frames of echo requests, UDP and TCP, by flow. */
export class WireFlows {
  readonly #flows = new Map<string, WireFlow>();
  /** Frames of flows beyond the bound. */
  uncounted = 0;

  watch(name: string, { link, ends }: WorldLink): void {
    link.tap({
      frame: (direction, point, frame, now, reason) => {
        const flow = this.#flowOf(frame, now);
        if (flow === undefined) return;
        const count = countOn(flow, name, ends, direction);
        if (point === "sent") {
          count.frames++;
          count.bytes += frame.length;
        } else if (point === "delivered") {
          count.delivered++;
          count.deliveredBytes += frame.length;
        } else if (reason !== undefined && reason !== "END_OF_RUN") {
          count.drops.set(reason, (count.drops.get(reason) ?? 0) + 1);
          // It came to the link all the same.
          if (NEVER_SENT.has(reason)) count.frames++;
        }
      },
    });
  }

  get all(): Iterable<WireFlow> {
    return this.#flows.values();
  }

  #flowOf(frame: Packet, now: Nanos): WireFlow | undefined {
    if (!readKey(frame)) return undefined;
    const { protocol, isReply, isIpv6 } = key;
    const text = `${protocol} ${isReply ? "reply " : ""}${key.source}.${key.sourcePort} ${key.destination}.${key.destinationPort}`;
    const known = this.#flows.get(text);
    if (known !== undefined) return known;
    if (this.#flows.size >= MOST_FLOWS) {
      this.uncounted++;
      return undefined;
    }
    const { source, sourcePort, destination, destinationPort } = key;
    const ends = { source, sourcePort, destination, destinationPort };
    const flow = { protocol, isReply, isIpv6, ...ends, firstAt: now, links: new Map<string, LinkCount>() };
    this.#flows.set(text, flow);
    return flow;
  }
}

/** Together, as they entered and left the simulation at the ends of which `isAttachment` says yes. */
export function countFlows(flows: Iterable<WireFlow>, isAttachment: (end: string) => boolean): WireCount {
  const sum = { entered: 0, left: 0, leftBytes: 0 };
  const drops: Partial<Record<DropReason, number>> = {};
  for (const { links } of flows) {
    for (const count of links.values()) {
      if (isAttachment(count.from)) sum.entered += count.frames;
      if (isAttachment(count.to)) {
        sum.left += count.delivered;
        sum.leftBytes += count.deliveredBytes;
      }
      for (const [reason, packets] of count.drops) drops[reason] = (drops[reason] ?? 0) + packets;
    }
  }
  return { ...sum, drops };
}

function countOn(flow: WireFlow, link: string, ends: readonly [string, string], direction: LinkDirection): LinkCount {
  const name = `${link} ${direction}`;
  const known = flow.links.get(name);
  if (known !== undefined) return known;
  const [from, to] = direction === "aToB" ? ends : [ends[1], ends[0]];
  const count = { link, from, to, frames: 0, bytes: 0, delivered: 0, deliveredBytes: 0, drops: new Map() };
  flow.links.set(name, count);
  return count;
}

/** Scratch, used again for each frame: nothing keeps it. */
const chain = ipv6.newChain();
const key = {
  protocol: "udp" as WireProtocol,
  isReply: false,
  isIpv6: false,
  source: "",
  sourcePort: 0,
  destination: "",
  destinationPort: 0,
};

/** Whether the frame is of a kind that is counted; then `key` says whose it is. */
function readKey(frame: Packet): boolean {
  const { view } = frame.pool.memory;
  const at = frame.data + ethernet.HEADER_LENGTH;
  const end = frame.data + frame.length;
  const type = frame.length < ethernet.HEADER_LENGTH ? 0 : ethernet.etherType(view, frame.data);
  if (type === ETH_P_IP) return readIpv4(view, at, end);
  return type === ETH_P_IPV6 && readIpv6(view, at, end);
}

function readIpv4(view: DataView, at: number, end: number): boolean {
  if (ipv4.check(view, at, end) !== undefined || ipv4.fragmentOffset(view, at) !== 0) return false;
  key.isIpv6 = false;
  key.source = formatIp(ipv4.source(view, at));
  key.destination = formatIp(ipv4.destination(view, at));
  return readUpper(view, at + ipv4.headerLength(view, at), end, ipv4.protocol(view, at));
}

function readIpv6(view: DataView, at: number, end: number): boolean {
  if (ipv6.check(view, at, end) !== undefined) return false;
  ipv6.walkExtensions(view, at, end, chain);
  if (chain.fault !== undefined || chain.isLaterFragment) return false;
  key.isIpv6 = true;
  key.source = formatIp(ipv6.source(view, at));
  key.destination = formatIp(ipv6.destination(view, at));
  return readUpper(view, chain.at, end, chain.protocol);
}

/** Types of echo requests and replies (RFC 792, RFC 4443 §4). */
const ICMP_ECHO = 8;
const ICMPV6_ECHO_REQUEST = 128;
const ICMPV6_ECHO_REPLY = 129;

function readUpper(view: DataView, at: number, end: number, protocol: number): boolean {
  if (at + 8 > end) return false;
  key.isReply = false;
  if (protocol === IPPROTO_UDP || protocol === IPPROTO_TCP) {
    key.protocol = protocol === IPPROTO_UDP ? "udp" : "tcp";
    key.sourcePort = view.getUint16(at);
    key.destinationPort = view.getUint16(at + 2);
    return true;
  }
  if (protocol !== IPPROTO_ICMP && protocol !== IPPROTO_ICMPV6) return false;
  const type = view.getUint8(at);
  key.isReply = type === (key.isIpv6 ? ICMPV6_ECHO_REPLY : 0);
  if (!key.isReply && type !== (key.isIpv6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO)) return false;
  const identifier = view.getUint16(at + 4);
  key.protocol = "icmp-echo";
  key.sourcePort = key.isReply ? 0 : identifier;
  key.destinationPort = key.isReply ? identifier : 0;
  return true;
}
