import type { UdpTunnelShape } from "../gro/tunnel-shape.ts";

/**
 * Why a super-packet was not segmented. The packet is as it was and still the caller's.
 * - `not-gso`: `gsoSize` is 0; send it as it is
 * - `lro`: it was merged by LRO, which forgets what the segments were: it must not be forwarded (`skb_warn_if_lro`)
 * - `type`: `gsoType` names no protocol, several, or one that is not supported
 * - `too-deep`: it has more levels of headers than are described; segment it level by level in software first
 *   (`segmentThen`)
 * - `malformed`: headers, offsets or lengths contradict each other or lie outside of the packet
 * - `checksum-start`: it is PARTIAL, but not for the transport header that is to be segmented
 * - `too-small`: its payload is no more than one segment (TCP, UFO, SCTP)
 * - `too-many`: more segments than the protocol allows
 * - `headers-too-long`: more than 1024 bytes of headers
 * - `sequence`: a GRE header with a sequence number cannot be replicated
 * - `fragment-id`: IPv6 fragments need an identification and `options.fragmentId` does not give one
 * - `nomem`: the pool has not enough slots
 */
export type SegmentRefusal =
  | "not-gso"
  | "lro"
  | "type"
  | "too-deep"
  | "malformed"
  | "checksum-start"
  | "too-small"
  | "too-many"
  | "headers-too-long"
  | "sequence"
  | "fragment-id"
  | "nomem";

/** What became of a super-packet. `segments`: as many packets went to the sink, and it has been released. */
export type SegmentOutcome =
  { readonly ok: true; readonly segments: number } | { readonly ok: false; readonly reason: SegmentRefusal };

export function refused(reason: SegmentRefusal): SegmentOutcome {
  return { ok: false, reason };
}

/** Takes a segment over. */
export type SegmentSink<P> = (segment: P) => void;

/** What the device will do with the segments, and what is to be chosen. */
export interface SegmentOptions {
  /** The device finishes the checksum of a plain segment: it is left PARTIAL (`can_checksum_protocol`). Default: no. */
  readonly csum?: boolean;
  /** The same for the inner checksum of an encapsulated segment (`hw_enc_features`). Default: no. */
  readonly encCsum?: boolean;
  /** NETIF_F_SCTP_CRC: the device computes CRC32c. Default: no. */
  readonly sctpCrc?: boolean;
  /**
   * NETIF_F_GSO_PARTIAL for this type: make one super-packet of whole segments, whose headers before the innermost
   * transport header hold the values for one, and a remainder. Needs `csum` or `encCsum`. Default: no.
   */
  readonly gsoPartial?: boolean;
  /**
   * NETIF_F_TSO_MANGLEID: IPv4 identifications as the device likes, whatever `gsoType` says. One of an outer header
   * without DF is incremented even so.
   */
  readonly mangleId?: "increment" | "fixed";
  /** Gives the identification for fragments of an IPv6 datagram (UFO). It must not be guessable on a real network. */
  readonly fragmentId?: () => number;
  /**
   * Tunnels over UDP, to find out about super-packets whose offsets skip a level of headers: they are refused as `too-deep`.
   * What stands in a GRE header is known anyway. Default: the offsets are believed.
   */
  readonly tunnels?: readonly UdpTunnelShape[];
  /** Bytes in front of each segment. Default: as many as the super-packet has. */
  readonly headroom?: number;
}

/** UDP_MAX_SEGMENTS (include/linux/udp.h). */
export const UDP_MAX_SEGMENTS = 128;
/** GSO_MAX_SEGS (include/linux/netdevice.h). */
export const GSO_MAX_SEGS = 65_535;
