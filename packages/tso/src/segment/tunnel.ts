import { SKB_GSO_TCP_FIXEDID, SKB_GSO_TCP_FIXEDID_INNER, type Packet } from "@seville/packet";
import { TUNNELS } from "./layout.ts";
import { segment } from "./segment.ts";
import type { SegmentOptions, SegmentOutcome, SegmentRefusal, SegmentSink } from "./outcome.ts";

/** The packet was merged by LRO: what its segments were is lost, and forwarding must drop it (`skb_warn_if_lro`; S15). */
export function isLro(packet: Packet): boolean {
  return packet.gsoSize !== 0 && packet.gsoType === 0;
}

/**
 * Prepares a packet for a tunnel header that is about to be pushed in front of its data: its headers become the inner
 * ones, and a super-packet's type gets `gsoTypeMask`, the SKB_GSO_ bit of the tunnel (`iptunnel_handle_offloads`). The
 * caller then pushes the headers and sets `networkHeader` and `transportHeader` to the outer ones.
 *
 * Only two levels of headers are described (T14): a super-packet that has a tunnel already is refused with `too-deep`
 * and must be segmented first, see {@link segmentThen}.
 */
export function handleOffloads(packet: Packet, gsoTypeMask: number): SegmentRefusal | undefined {
  const isSuper = packet.gsoSize !== 0;
  if (isSuper && isLro(packet)) return "lro";
  if (isSuper && packet.encapsulation && (packet.gsoType & TUNNELS) !== 0) return "too-deep";
  if (!packet.encapsulation) {
    packet.innerMacHeader = packet.data;
    packet.innerNetworkHeader = packet.networkHeader;
    packet.innerTransportHeader = packet.transportHeader;
    packet.encapsulation = true;
  }
  if (!isSuper) return undefined;
  const fixed = (packet.gsoType & SKB_GSO_TCP_FIXEDID) !== 0 ? SKB_GSO_TCP_FIXEDID_INNER : 0;
  packet.gsoType = ((packet.gsoType & ~SKB_GSO_TCP_FIXEDID) | fixed | gsoTypeMask) >>> 0;
  return undefined;
}

/**
 * Hands `packet` on to `encapsulate`, segmented if it is a super-packet that could not carry one tunnel more: what a tunnel
 * over a tunnel does, level by level. Each piece is then complete as it is.
 */
export function segmentThen(
  packet: Packet,
  encapsulate: SegmentSink<Packet>,
  options: SegmentOptions = {},
): SegmentOutcome {
  const isDeep = packet.gsoSize !== 0 && packet.encapsulation && (packet.gsoType & TUNNELS) !== 0;
  if (isDeep || isLro(packet)) return segment(packet, encapsulate, { ...options, csum: false, encCsum: false });
  encapsulate(packet);
  return { ok: true, segments: 1 };
}
