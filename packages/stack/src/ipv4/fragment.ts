import { icmp, ipv4, type Packet } from "@seville/packet";
import { bindChecksum, finish, mangleZero } from "@seville/checksum";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { RouteHop } from "../route/route.ts";
import { sendIcmp4 } from "./icmp-send.ts";
import { toNeighbour4 } from "./output.ts";

/**
 * Sends a datagram that is longer than `mtu` in fragments (RFC 791 §3.2; `ip_do_fragment`), or says that it may not be
 * fragmented. Takes the packet.
 */
export function fragmentAndSend4(host: Host, packet: Packet, hop: RouteHop, out: NetInterface, mtu: number): void {
  const { mib, memory } = host;
  const { view } = memory;
  const at = packet.data;
  if (ipv4.dontFragment(view, at)) {
    mib.ip.FragFails++;
    sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.FRAGMENTATION_NEEDED, mtu, out);
    host.drop(packet, "PKT_TOO_BIG", out);
    return;
  }
  const headerBytes = ipv4.headerLength(view, at);
  const room = (mtu - headerBytes) & ~7;
  if (room < 8) {
    mib.ip.FragFails++;
    host.drop(packet, "PKT_TOO_BIG", out);
    return;
  }
  if (!packet.linearize()) {
    mib.ip.FragFails++;
    host.drop(packet, "NOMEM", out);
    return;
  }
  completeChecksum(host, packet);
  const pieces = cut(host, packet, headerBytes, room);
  if (pieces === undefined) {
    mib.ip.FragFails++;
    host.drop(packet, "NOMEM", out);
    return;
  }
  packet.release();
  mib.ip.FragCreates += pieces.length;
  mib.ip.FragOKs++;
  for (const piece of pieces) toNeighbour4(host, piece, hop, out, host.now);
}

/** The transport checksum covers all fragments together: a device that sees one cannot finish it. */
function completeChecksum(host: Host, packet: Packet): void {
  if (packet.ipSummed !== CHECKSUM_PARTIAL) return;
  const sum = bindChecksum(host.memory).sum(packet.csumStart, packet.tail - packet.csumStart);
  host.memory.view.setUint16(packet.csumStart + packet.csumOffset, mangleZero(finish(sum)));
  packet.ipSummed = CHECKSUM_NONE;
}

function cut(host: Host, packet: Packet, headerBytes: number, room: number): Packet[] | undefined {
  const { view, u8 } = host.memory;
  const from = packet.data;
  const payload = packet.length - headerBytes;
  const word = ipv4.fragmentWord(view, from);
  const firstOffset = (word & ipv4.FRAGMENT_OFFSET_MASK) * 8;
  const hadMore = (word & ipv4.FRAGMENT_MF) !== 0;
  const pieces: Packet[] = [];
  for (let offset = 0; offset < payload; offset += room) {
    const length = Math.min(room, payload - offset);
    const piece = host.pool.alloc(headerBytes + length);
    if (piece === undefined) {
      for (const made of pieces) made.release();
      return undefined;
    }
    const at = piece.put(headerBytes + length);
    u8.copyWithin(at, from, from + headerBytes);
    u8.copyWithin(at + headerBytes, from + headerBytes + offset, from + headerBytes + offset + length);
    if (offset > 0 && headerBytes > 20) blankUncopied(view, at, headerBytes);
    const more = hadMore || offset + length < payload;
    ipv4.setTotalLength(view, at, headerBytes + length);
    ipv4.setFragmentWord(view, at, ((firstOffset + offset) >>> 3) | (more ? ipv4.FRAGMENT_MF : 0));
    ipv4.updateChecksum(view, at);
    piece.networkHeader = at;
    piece.transportHeader = at + headerBytes;
    piece.cb = packet.cb;
    piece.mark = packet.mark;
    piece.priority = packet.priority;
    piece.tstamp = packet.tstamp;
    piece.ifindex = packet.ifindex;
    pieces.push(piece);
  }
  return pieces;
}

/** Options without the copied bit stand in the first fragment only; elsewhere no-operations (`ip_options_fragment`). */
function blankUncopied(view: DataView, at: number, headerBytes: number): void {
  const end = at + headerBytes;
  for (let option = at + 20; option < end;) {
    const type = view.getUint8(option);
    if (type === ipv4.OPTION_END) return;
    if (type === ipv4.OPTION_NOP) {
      option++;
      continue;
    }
    const length = option + 1 < end ? view.getUint8(option + 1) : 0;
    if (length < 2 || option + length > end) return;
    if ((type & ipv4.OPTION_COPIED) === 0) for (let i = 0; i < length; i++) view.setUint8(option + i, ipv4.OPTION_NOP);
    option += length;
  }
}
