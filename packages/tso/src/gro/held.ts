import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Parsed } from "./parsed.ts";

/** A packet that waits for more of its flow, with what has been merged into it. */
export interface Held {
  readonly packet: Packet;
  readonly parsed: Parsed;
  /** Segments in it. */
  count: number;
  /** Payload of each but the last. */
  readonly size: number;
  /** Bytes of payload in all. */
  payload: number;
  /** When it was taken in. */
  readonly age: Nanos;
  /** The identification of the IPv4 header on this level does not count. */
  readonly fixedId: [boolean, boolean];
  /** Its segments are chained as they are (NETIF_F_GRO_FRAGLIST). */
  readonly isList: boolean;
}

/** Whether `packet` is of the flow of `held` (`gro_list_prepare` and the comparisons of each protocol). */
export function isSameFlow(held: Held, packet: Packet, parsed: Parsed): boolean {
  const first = held.packet;
  if (first.hash !== packet.hash || first.ifindex !== packet.ifindex || first.vlanTci !== packet.vlanTci) return false;
  const { ranges, words } = parsed;
  const other = held.parsed;
  if (ranges.length !== other.ranges.length || words.length !== other.words.length) return false;
  for (let i = 0; i < words.length; i++) if (words[i] !== other.words[i]) return false;
  const { u8 } = packet.pool.memory;
  for (let i = 0; i < ranges.length; i += 2) {
    const offset = ranges[i] as number;
    const length = ranges[i + 1] as number;
    if (offset !== other.ranges[i] || length !== other.ranges[i + 1]) return false;
    if (!sameBytes(u8, first.data + offset, packet.data + offset, length)) return false;
  }
  return true;
}

export function sameBytes(u8: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (u8[a + i] !== u8[b + i]) return false;
  return true;
}
