import type { PacketMemory } from "@seville/core";
import { NO_HEADER, type Packet } from "@seville/packet";
import { readInner } from "../policy/inner.ts";
import { alignmentOf } from "./alignment.ts";

/**
 * What to do about a misaligned inner network header.
 * - `leave`: nothing; who reads words of it, traps;
 * - `shift-headers`: move the packet's bytes in front to a multiple of 4 (memmove);
 * - `fix-gre`: copy the inner network and transport headers alone to an aligned place, for who wants no more than to read them there, as
 *   the kernel's flow dissector does behind GRE-TEB (Duyck, commit 78565208d73c). The packet stays: who reads it further up, traps.
 */
export type RealignPolicy = "leave" | "shift-headers" | "fix-gre";

/** What one policy has cost. */
export interface RealignCost {
  packets: number;
  /** Packets whose network header was misaligned. */
  misaligned: number;
  /** Bytes that were copied to align them. */
  bytesCopied: number;
  /** Packets that stayed as they were for want of memory. */
  failed: number;
}

export type RealignCosts = Readonly<Record<RealignPolicy, RealignCost>>;

/** Counters at zero. */
export function newRealignCosts(): RealignCosts {
  return { leave: newCost(), "shift-headers": newCost(), "fix-gre": newCost() };
}

function newCost(): RealignCost {
  return { packets: 0, misaligned: 0, bytesCopied: 0, failed: 0 };
}

/** Longest headers that {@link realign} copies: IPv6 with extensions and TCP with options. */
const MAX_HEADERS = 256;
const scratches = new WeakMap<PacketMemory, number>();

function scratchOf(memory: PacketMemory): number {
  let at = scratches.get(memory);
  if (at === undefined) {
    at = memory.reserve(MAX_HEADERS);
    scratches.set(memory, at);
  }
  return at;
}

/**
 * Treats a packet that has been decapsulated by `policy` and counts what that costs. Returns where the network header is to
 * be read: `packet.networkHeader`, except with `fix-gre`, which answers a place that the next call will overwrite.
 */
export function realign(packet: Packet, policy: RealignPolicy, costs: RealignCosts): number {
  const cost = costs[policy];
  cost.packets++;
  if (alignmentOf(packet.networkHeader) === 0) return packet.networkHeader;
  cost.misaligned++;
  if (policy === "leave") return packet.networkHeader;
  return policy === "shift-headers" ? shift(packet, cost) : copyHeaders(packet, cost);
}

/** Moves all linear bytes: headers alone cannot move away from the payload behind them. */
function shift(packet: Packet, cost: RealignCost): number {
  const by = alignmentOf(packet.networkHeader);
  if (!packet.cow(by)) {
    cost.failed++;
    return packet.networkHeader;
  }
  packet.pool.memory.u8.copyWithin(packet.data - by, packet.data, packet.tail);
  cost.bytesCopied += packet.length;
  packet.data -= by;
  packet.tail -= by;
  packet.networkHeader -= by;
  if (packet.macHeader !== NO_HEADER) packet.macHeader -= by;
  if (packet.transportHeader !== NO_HEADER) packet.transportHeader -= by;
  packet.csumStart -= by;
  return packet.networkHeader;
}

/** Bytes of transport header that are copied where there is one: TCP with options. */
const TRANSPORT_BYTES = 60;

function copyHeaders(packet: Packet, cost: RealignCost): number {
  const { memory } = packet.pool;
  const frame = packet.networkHeader - packet.data;
  const inner = readInner(packet, frame > 0, packet.protocol);
  const wanted = (inner.transport === NO_HEADER ? inner.network : inner.transport) + TRANSPORT_BYTES;
  const end = Math.min(wanted, packet.tail, packet.networkHeader + MAX_HEADERS);
  const at = scratchOf(memory);
  memory.u8.copyWithin(at, packet.networkHeader, end);
  cost.bytesCopied += end - packet.networkHeader;
  return at;
}
