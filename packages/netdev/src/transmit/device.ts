import type { ChecksumKernels } from "@seville/checksum";
import type { DropReason } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { DeviceFeatures } from "../features/device-features.ts";
import type { FeatureSet } from "../features/feature-set.ts";

/** `GSO_LEGACY_MAX_SIZE`: what a device takes at most if its driver says nothing. */
export const GSO_LEGACY_MAX_SIZE = 65_536;
/** `GSO_MAX_SEGS`. */
export const GSO_MAX_SEGS = 65_535;

/** What the transmit path must know of a device. */
export interface TransmitDevice {
  readonly features: DeviceFeatures;
  readonly kernels: ChecksumKernels;
  /** `gso_max_size`: a super-packet has fewer bytes than this. */
  readonly gsoMaxSize: number;
  /** `gso_ipv4_max_size`: the same for everything but IPv6. Default: `gsoMaxSize`. */
  readonly gsoIpv4MaxSize?: number;
  /** `gso_max_segs`: and stands for no more segments than this. */
  readonly gsoMaxSegs: number;
  /** `ndo_features_check`: the features that are left for this packet, of those given. */
  featuresCheck?(packet: Packet, features: FeatureSet): FeatureSet;
  /** Gives identifications to fragments that software makes of an IPv6 datagram (UFO). */
  fragmentId?(): number;
}

/** What becomes of a packet on its way to the driver. Both take it over. */
export interface TransmitSink {
  /** It is as the driver wants it. */
  send(packet: Packet): void;
  drop(packet: Packet, reason: DropReason): void;
}
