/**
 * Segmentation and receive offload over packets in a pool: super-packets are split as `skb_gso_segment` does and merged
 * as NAPI's GRO does, and are described to a hypervisor or TAP device by `virtio_net_hdr`.
 *
 * @packageDocumentation
 */
export { segment, segmentInto, type SplitOutcome } from "./segment/segment.ts";
export { handleOffloads, isLro, segmentThen } from "./segment/tunnel.ts";
export {
  GSO_MAX_SEGS,
  UDP_MAX_SEGMENTS,
  type SegmentOptions,
  type SegmentOutcome,
  type SegmentRefusal,
  type SegmentSink,
} from "./segment/outcome.ts";
export { initTso, observeSegmentation } from "./kernel/bind.ts";
export * as virtioNetHdr from "./virtio/index.ts";
export * from "./virtio/tun-features.ts";
export { createGro } from "./gro/gro.ts";
export { createLro, type Lro, type LroOptions } from "./gro/lro.ts";
export {
  GRO_HASH_BUCKETS,
  GRO_MAX_SIZE,
  MAX_GRO_SKBS,
  type Gro,
  type GroOptions,
  type GroResult,
  type GroStats,
} from "./gro/options.ts";
export type { InnerKind, UdpTunnelShape } from "./gro/tunnel-shape.ts";
export { createResequencer } from "./resequence/resequencer.ts";
export type { Resequencer, ResequencerOptions, ResequencerStats } from "./resequence/options.ts";
