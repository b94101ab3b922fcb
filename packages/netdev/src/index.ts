/**
 * Network devices: features, the transmit and receive paths in the kernel's order, queues, statistics, and NICs that put on
 * the wire what their class of hardware would.
 *
 * @packageDocumentation
 */
export { bitOf, FEATURE_NAMES, FEATURE_TABLE, GSO_SHIFT, type FeatureName } from "./features/bits.ts";
export { FeatureSet } from "./features/feature-set.ts";
export * from "./features/flags.ts";
export {
  canChecksum,
  FIX_RULES,
  fixFeatures,
  hasCsum,
  intersectFeatures,
  type FeatureFix,
  type FixLevel,
  type FixRule,
} from "./features/fix-features.ts";
export * from "./features/ethtool.ts";
export * from "./features/device-features.ts";
export * from "./transmit/device.ts";
export * from "./transmit/skb-features.ts";
export * from "./transmit/features-check.ts";
export { pushVlanInside, stripVlan } from "./transmit/vlan.ts";
export { countSegments, gsoHeaderBytes, wireBytes } from "./transmit/packet-length.ts";
export { csumHwOffloadHelp, needsGso, segmentOptions, validateXmit } from "./transmit/validate.ts";
export * from "./hardware/descriptor.ts";
export * from "./hardware/silicon.ts";
export { parseFrame, type ParsedFrame, type TransportHeader } from "./hardware/receive-parse.ts";
export { recognise, type FoundTransport, type ParserLimits } from "./hardware/transmit-parse.ts";
export { receiveFrame, type RxHash, type RxSwitches } from "./hardware/receive-unit.ts";
export { transmitFrames, type TxResult } from "./hardware/transmit-unit.ts";
export type { TxCompletion } from "./hardware/rings.ts";
export { NicHardware, type HardwareOptions, type InterruptHandler } from "./hardware/nic-hardware.ts";
export type { NicProfile } from "./profile/profile.ts";
export * from "./profile/profiles.ts";
export * from "./profile/embedded-switch.ts";
export * from "./queue/byte-queue-limit.ts";
export * from "./queue/moderation.ts";
export * from "./queue/receive-side-scaling.ts";
export * from "./queue/transmit-steering.ts";
export { TransmitQueue } from "./queue/transmit-queue.ts";
export * from "./receive/napi.ts";
export { reportChecksum } from "./receive/checksum.ts";
export * from "./stats/groups.ts";
export * from "./stats/hardware-counters.ts";
export * from "./stats/queue-stats.ts";
export { NetDev, type DeviceDeclaration, type DriverOps, type NetDevOptions } from "./net-device.ts";
export { checksumRequest, probeSkeleton, segmentationRequest, SkeletonDriver } from "./skeleton-driver.ts";
export type { NicObserver } from "./observer.ts";
export { createNic, Nic, type NicInterface, type NicOptions } from "./nic.ts";
