import {
  CHECKSUM_PARTIAL,
  icmpv6,
  ipv6,
  IPPROTO_DSTOPTS,
  IPPROTO_FRAGMENT,
  IPPROTO_HOPOPTS,
  IPPROTO_ROUTING,
  type Packet,
} from "@seville/packet";
import type { Host } from "../host/host.ts";
import { finishChecksum } from "../interface/finish-checksum.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { CB_FORWARDED } from "../packet-cb.ts";
import type { RouteHop } from "../route/route.ts";
import { sendIcmp6 } from "./icmpv6-send.ts";
import { toNeighbour6 } from "./output.ts";

/**
 * Sends a packet of this host that is longer than `mtu` in fragments (RFC 8200 §4.5; `ip6_fragment`). Others' packets
 * are not fragmented: their source is told. Takes the packet.
 */
export function fragmentAndSend6(
  host: Host,
  packet: Packet,
  hop: RouteHop,
  out: NetInterface,
  mtu: number,
  multicastLoop: boolean,
): void {
  const { ip6 } = host.mib;
  if ((packet.cb & CB_FORWARDED) !== 0) {
    ip6.FragFails++;
    sendIcmp6(host, packet, icmpv6.PACKET_TOO_BIG, 0, mtu, out);
    host.drop(packet, "PKT_TOO_BIG", out);
    return;
  }
  if (!packet.linearize()) {
    ip6.FragFails++;
    host.drop(packet, "NOMEM", out);
    return;
  }
  if (packet.ipSummed === CHECKSUM_PARTIAL) finishChecksum(host.memory, packet);
  const pieces = cut(host, packet, mtu);
  if (pieces === undefined) {
    ip6.FragFails++;
    host.drop(packet, "NOMEM", out);
    return;
  }
  packet.release();
  ip6.FragCreates += pieces.length;
  ip6.FragOKs++;
  for (const piece of pieces) toNeighbour6(host, piece, hop, out, multicastLoop);
}

function cut(host: Host, packet: Packet, mtu: number): Packet[] | undefined {
  const { view, u8 } = host.memory;
  const from = packet.data;
  const { length: front, nextHeaderAt } = unfragmentablePart(view, from, packet.tail);
  const nextHeader = view.getUint8(from + nextHeaderAt);
  const room = (mtu - front - ipv6.FRAGMENT_HEADER_LENGTH) & ~7;
  const payload = packet.length - front;
  const identification = host.ipv6.nextIdentification();
  const pieces: Packet[] = [];
  for (let offset = 0; offset < payload; offset += room) {
    const length = Math.min(room, payload - offset);
    const piece = host.pool.alloc(front + 8 + length);
    if (piece === undefined) {
      for (const made of pieces) made.release();
      return undefined;
    }
    const at = piece.put(front + 8 + length);
    u8.copyWithin(at, from, from + front);
    u8.copyWithin(at + front + 8, from + front + offset, from + front + offset + length);
    view.setUint8(at + nextHeaderAt, IPPROTO_FRAGMENT);
    const moreFragments = offset + length < payload;
    ipv6.writeFragment(view, at + front, { nextHeader, fragmentOffset: offset, moreFragments, identification });
    ipv6.setPayloadLength(view, at, front + 8 + length - ipv6.HEADER_LENGTH);
    piece.networkHeader = at;
    piece.transportHeader = at + front + 8;
    piece.cb = packet.cb;
    piece.mark = packet.mark;
    piece.priority = packet.priority;
    piece.ifindex = packet.ifindex;
    pieces.push(piece);
  }
  return pieces;
}

/** Headers that every fragment repeats: up to the routing header, or the hop-by-hop options (`ip6_find_1stfragopt`). */
function unfragmentablePart(
  view: DataView,
  at: number,
  end: number,
): { readonly length: number; readonly nextHeaderAt: number } {
  let length = ipv6.HEADER_LENGTH;
  let nextHeaderAt = 6;
  let next = ipv6.nextHeader(view, at);
  let routingSeen = false;
  let best = { length, nextHeaderAt };
  while (next === IPPROTO_HOPOPTS || next === IPPROTO_ROUTING || next === IPPROTO_DSTOPTS) {
    if (at + length + 8 > end || (next === IPPROTO_DSTOPTS && routingSeen)) break;
    if (next === IPPROTO_ROUTING) routingSeen = true;
    const headerAt = length;
    length += ipv6.extensionLength(view, at + length, next);
    next = view.getUint8(at + headerAt);
    nextHeaderAt = headerAt;
    // Destination options count only if a routing header follows.
    const kind = view.getUint8(at + best.nextHeaderAt);
    if (kind !== IPPROTO_DSTOPTS || routingSeen) best = { length, nextHeaderAt };
  }
  return best;
}
