/**
 * Congestion control and what it stands on: windows in packets over one plain {@link CongestionState}, a delivery-rate
 * sampler, the RTT estimator, RACK's arithmetic, PRR, pacing. TCP and SCTP drive the same objects.
 *
 * @packageDocumentation
 */
export * from "./congestion-control.ts";
export * from "./congestion-state.ts";
export * from "./rate-sample.ts";
export * from "./rate-sampler.ts";
export * from "./rtt-estimator.ts";
export * from "./rack.ts";
export * from "./prr.ts";
export * from "./window.ts";
export * from "./pacing.ts";
export * from "./cong-control.ts";
export * from "./ce-echo.ts";
export { newReno, type NewRenoOptions, renoCongAvoid, renoSsthresh } from "./new-reno.ts";
export { cubic, type CubicOptions } from "./cubic/cubic.ts";
export type { HyStartOptions } from "./cubic/hystart.ts";
export { HyStartPlusPlus } from "./hystart-plus-plus.ts";
export { bbr } from "./bbr/bbr.ts";
export type { BbrOptions } from "./bbr/model.ts";
export { dctcp, type DctcpOptions } from "./dctcp.ts";
export { bbr3 } from "./bbr3/bbr3.ts";
export { congestionAlgorithm, CONGESTION_ALGORITHMS } from "./registry.ts";
export { LossClassifier } from "./loss-classifier/loss-classifier.ts";
export { type EpisodeFeatures, type LossTree, weighEvidence } from "./loss-classifier/evidence.ts";
export * from "./loss-classifier/types.ts";
export * from "./sctp/path-congestion.ts";
export { sctpNewReno, type SctpNewRenoOptions } from "./sctp/sctp-new-reno.ts";
export { packetWindow, type PacketWindowOptions } from "./sctp/packet-window.ts";
