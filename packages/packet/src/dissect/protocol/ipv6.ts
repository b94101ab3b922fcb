import { pseudoHeader6At } from "@seville/checksum";
import * as ipv6 from "../../header/ipv6.ts";
import { IPPROTO_AH, IPPROTO_NONE } from "../../header/numbers.ts";
import type { Dissection } from "../dissection.ts";
import { ECN_NAMES, IP_PROTOCOL_NAMES } from "../names.ts";
import { dissectAuthentication, dissectExtension, finalDestinationAt } from "./ipv6-extension.ts";

/** IPv6 with its extension headers (RFC 8200). */
export function dissectIpv6(d: Dissection, at: number, end: number): void {
  const fault = ipv6.check(d.view, at, end);
  if (fault === "bad-version" || end - at < ipv6.HEADER_LENGTH) {
    d.group("Internet Protocol Version 6", "ipv6", at, end - at, () => {
      d.malformed(at, fault ?? "truncated");
      d.data(at, end);
    });
    return;
  }
  const packetEnd = Math.min(end, at + ipv6.HEADER_LENGTH + ipv6.payloadLength(d.view, at));
  const chain = ipv6.walkExtensions(d.view, at, packetEnd);
  const headerLength = chain.isLaterFragment ? ipv6.HEADER_LENGTH : chain.at - at;
  const node = d.group("Internet Protocol Version 6", "ipv6", at, headerLength, () => {
    dissectFields(d, at);
    if (fault !== undefined && !d.isPartial) d.malformed(at + 4, fault);
  });
  dissectChain(d, node, at, chain.at, packetEnd);
  if (chain.fault !== undefined) d.within(node, () => d.malformed(chain.at, chain.fault ?? "truncated"));

  const isFragment = chain.fragmentAt >= 0 && !isAtomic(d, chain.fragmentAt);
  const isWhole = fault === undefined && !isFragment;
  const destination = chain.routingAt < 0 ? at + 24 : finalDestinationAt(d.view, chain.routingAt, at + 24);
  d.pseudoHeader = isWhole
    ? (protocol, bytes) => pseudoHeader6At(d.bytes, at + 8, destination, protocol, bytes)
    : undefined;
  d.packetEnd = packetEnd;
  const { isPartial } = d;
  d.isPartial ||= isFragment;
  if (chain.fault !== undefined || chain.isLaterFragment || chain.protocol === IPPROTO_NONE)
    d.data(chain.at, packetEnd);
  else d.dispatch("ipProtocol", chain.protocol, chain.at, packetEnd);
  d.isPartial = isPartial;
  d.packetEnd = packetEnd;
}

function dissectFields(d: Dissection, at: number): void {
  d.bits("Version", "ipv6.version", at, 1, 0xf0);
  d.bits("Traffic Class", "ipv6.tclass", at, 4, 0x0ff0_0000, { hex: true });
  d.below(() => {
    d.bits("Differentiated Services Codepoint", "ipv6.tclass.dscp", at, 4, 0x0fc0_0000);
    d.bits("Explicit Congestion Notification", "ipv6.tclass.ecn", at, 4, 0x0030_0000, { names: ECN_NAMES });
  });
  d.bits("Flow Label", "ipv6.flow", at + 1, 3, 0x0f_ffff, { hex: true });
  d.uint("Payload Length", "ipv6.plen", at + 4, 2);
  d.uint("Next Header", "ipv6.nxt", at + 6, 1, { names: IP_PROTOCOL_NAMES });
  d.uint("Hop Limit", "ipv6.hlim", at + 7, 1);
  d.ipv6("Source Address", "ipv6.src", at + 8);
  d.ipv6("Destination Address", "ipv6.dst", at + 24);
}

/** The extension headers as far as the walk came, below `node`; AH, a protocol in Wireshark, beside it. */
function dissectChain(
  d: Dissection,
  node: Parameters<Dissection["within"]>[0],
  at: number,
  last: number,
  end: number,
): void {
  let protocol = ipv6.nextHeader(d.view, at);
  let next = at + ipv6.HEADER_LENGTH;
  while (next < last) {
    const header = next;
    const kind = protocol;
    const length = ipv6.extensionLength(d.view, header, kind);
    if (kind === IPPROTO_AH) dissectAuthentication(d, header, length);
    else d.within(node, () => dissectExtension(d, kind, header, length, end));
    protocol = d.view.getUint8(header);
    next += length;
  }
}

/** A fragment header on a packet that is whole (RFC 6946). */
function isAtomic(d: Dissection, at: number): boolean {
  return ipv6.fragmentOffset(d.view, at) === 0 && !ipv6.moreFragments(d.view, at);
}
