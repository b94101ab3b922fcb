import type { Packet } from "@seville/packet";

/** What a driver asks of the checksum unit. Offsets count from the frame's first byte. */
export interface ChecksumRequest {
  readonly kind: "internet" | "crc32c";
  /** First byte to sum. Hardware that parses ignores it. */
  readonly start: number;
  /** Where the result is stored, from `start`. */
  readonly offset: number;
}

/** The header in front of the inner packet, as far as segmentation concerns it. */
export interface TunnelRequest {
  /** Offset of the outer IP header. */
  readonly network: number;
  /** Offset of the outer UDP or GRE header; of the inner IP header for IP in IP. */
  readonly transport: number;
  readonly kind: "udp" | "gre" | "ip";
  /** It has a checksum that is to be computed for every segment. */
  readonly checksum: boolean;
}

/** What a driver asks of the segmentation unit. Offsets count from the frame's first byte. */
export interface SegmentationRequest {
  /** Bytes of payload per frame. */
  readonly mss: number;
  readonly protocol: "tcp" | "udp";
  /** Offset of the IP header in front of the transport header that is replicated. */
  readonly network: number;
  readonly transport: number;
  readonly tunnel: TunnelRequest | undefined;
  /** The headers before `network` hold the values for one frame already: copy them (GSO_PARTIAL; S7). */
  readonly copyOuter: boolean;
  /** Identifications stay as they are: of the outer (or only) and of the inner header. */
  readonly fixedId: boolean;
  readonly fixedInnerId: boolean;
}

/** One entry of a transmit ring: where a frame is, and what is to be done on its way out. */
export interface TxDescriptor {
  readonly packet: Packet;
  /** Tag to insert; -1: none. */
  readonly vlanTci: number;
  readonly checksum: ChecksumRequest | undefined;
  readonly segmentation: SegmentationRequest | undefined;
}

/** What the hardware found out about one header's checksum. `unknown`: it did not look. */
export type RxChecksum = "unknown" | "absent" | "good" | "bad";

/** One entry of a receive ring, as the hardware leaves it to the driver. */
export interface RxCompletion {
  /** The frame, without a check sequence. */
  readonly packet: Packet;
  /** Tag that was taken out; -1: none. */
  readonly vlanTci: number;
  /** RSS hash. 0: none was computed. */
  readonly hash: number;
  /** The hash is over ports too. */
  readonly hashIsL4: boolean;
  /** It carries a CRC32c (SCTP), about which a sum says nothing. */
  readonly hasCrc: boolean;
  /** Sum over everything behind the Ethernet header; `undefined`: this hardware does not sum. */
  readonly sum: number | undefined;
  /** The transport checksums outside of any tunnel, or of the tunnel headers that it looked behind, all together. */
  readonly outer: RxChecksum;
  /** The one inside a tunnel, if the hardware looked into one. */
  readonly inner: RxChecksum;
  /** It looked into a tunnel. */
  readonly isTunnel: boolean;
  /** How many `outer` speaks of: GRE headers without a checksum are not among them. */
  readonly outerCount: number;
}
