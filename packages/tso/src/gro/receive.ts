import { tcp, type Packet } from "@seville/packet";
import { sameBytes, type Held } from "./held.ts";
import type { Parsed } from "./parsed.ts";

/** `UDP_GRO_CNT_MAX`; chained segments have the same limit. */
export const MAX_DATAGRAMS = 64;

/** What is to be done with a packet whose flow is known. */
export interface Verdict {
  /** It has been merged into what is held. */
  readonly merged: boolean;
  /** What is held goes on now. */
  readonly flushHeld: boolean;
  /** It must not be held itself. */
  readonly flush: boolean;
}

/** Merges `packet` into `held`; `false`: too much together, or no memory. */
export type Merge = (held: Held, packet: Packet, parsed: Parsed) => boolean;

/** `tcp_gro_receive` (net/ipv4/tcp_offload.c; S12). `held`: what is held of the same flow, if anything is. */
export function receiveTcp(held: Held | undefined, packet: Packet, parsed: Parsed, merge: Merge): Verdict {
  const { view } = packet.pool.memory;
  const at = packet.data + parsed.transport;
  const flags = tcp.flags(view, at);
  const isSuper = packet.gsoSize !== 0;
  let size = 1;
  let merged = false;
  if (held !== undefined) {
    const mayMerge = !parsed.flush && continuesTcp(held, packet, parsed);
    size = held.size;
    const first = held.packet.data + held.parsed.transport;
    merged = mayMerge && merge(held, packet, parsed);
    if (!merged) size = 1;
    else if (!held.isList) {
      tcp.setFlags(view, first, tcp.flags(view, first) | (flags & (tcp.FIN | tcp.PSH)));
    }
  }
  const isShort = isSuper ? parsed.payload !== packet.gsoSegs * packet.gsoSize : parsed.payload < size;
  const ends = (flags & (tcp.URG | tcp.PSH | tcp.RST | tcp.SYN | tcp.FIN)) !== 0;
  const flush = isShort || ends;
  return { merged, flushHeld: held !== undefined && (!merged || flush), flush: flush || parsed.flush };
}

/** Whether a TCP segment of the flow follows directly and differs in nothing that cannot be restored. */
function continuesTcp(held: Held, packet: Packet, parsed: Parsed): boolean {
  const { view, u8 } = packet.pool.memory;
  const at = packet.data + parsed.transport;
  const first = held.packet.data + held.parsed.transport;
  if ((tcp.flags(view, at) & tcp.CWR) !== 0) return false;
  // Data offset, flags and window are one word.
  const ignored = ((tcp.CWR | (held.isList ? 0 : tcp.FIN | tcp.PSH)) << 16) >>> 0;
  if (((view.getUint32(at + 12) ^ view.getUint32(first + 12)) & ~ignored) !== 0) return false;
  if (tcp.acknowledgment(view, at) !== tcp.acknowledgment(view, first)) return false;
  if (!sameBytes(u8, at + 20, first + 20, parsed.headerLength - parsed.transport - 20)) return false;
  if (!continuesNetwork(held, packet, parsed)) return false;
  if (packet.gsoSize !== 0) {
    if (packet.gsoSize !== held.size) return false;
  } else if (parsed.payload === 0 || parsed.payload > held.size) return false;
  if ((tcp.sequence(view, first) + held.payload) >>> 0 !== tcp.sequence(view, at)) return false;
  return !held.isList || mayChain(held, packet);
}

/** `udp_gro_receive_segment` (S14). */
export function receiveUdp(held: Held | undefined, packet: Packet, parsed: Parsed, merge: Merge): Verdict {
  if (held === undefined) return { merged: false, flushHeld: false, flush: parsed.flush };
  const isLonger = parsed.payload > held.size;
  const mayMerge = !parsed.flush && !isLonger && continuesNetwork(held, packet, parsed);
  if (held.isList && mayMerge && !mayChain(held, packet)) return { merged: false, flushHeld: false, flush: true };
  const merged = mayMerge && merge(held, packet, parsed);
  const ends = !merged || parsed.payload !== held.size || held.count >= MAX_DATAGRAMS;
  return { merged, flushHeld: ends, flush: parsed.flush };
}

/** A chain keeps each segment's own checksum state: it must be the same. */
function mayChain(held: Held, packet: Packet): boolean {
  const first = held.packet;
  if (held.count >= MAX_DATAGRAMS) return false;
  return first.ipSummed === packet.ipSummed && first.csumLevel === packet.csumLevel;
}

/** `gro_receive_network_flush`: nothing in the IP headers differs but length, checksum and a counted identification. */
function continuesNetwork(held: Held, packet: Packet, parsed: Parsed): boolean {
  let continues = true;
  for (let level = 0; level < parsed.networks.length; level++) {
    const at = packet.data + (parsed.networks[level] as number);
    const first = held.packet.data + (held.parsed.networks[level] as number);
    const same =
      parsed.versions[level] === 4 ? continuesIpv4(held, level, first, at, packet) : continuesIpv6(first, at, packet);
    if (!same) continues = false;
  }
  return continues;
}

function continuesIpv4(held: Held, level: number, first: number, at: number, packet: Packet): boolean {
  const { view } = packet.pool.memory;
  if (view.getUint8(at + 8) !== view.getUint8(first + 8) || view.getUint8(at + 1) !== view.getUint8(first + 1))
    return false;
  if (((view.getUint16(at + 6) ^ view.getUint16(first + 6)) & 0x4000) !== 0) return false;
  const offset = (view.getUint16(at + 4) - view.getUint16(first + 4)) & 0xffff;
  // The second packet decides whether the identification counts.
  if (held.count === 1 && offset === 0) held.fixedId[level as 0 | 1] = true;
  return offset === (held.fixedId[level as 0 | 1] ? 0 : held.count & 0xffff);
}

/** Traffic class and hop limit; the rest of the header belongs to the flow. */
function continuesIpv6(first: number, at: number, packet: Packet): boolean {
  const { view } = packet.pool.memory;
  if (((view.getUint32(at) ^ view.getUint32(first)) & 0x0ff0_0000) !== 0) return false;
  return view.getUint8(at + 7) === view.getUint8(first + 7);
}
