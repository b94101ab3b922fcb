/**
 * Congestion control and what it stands on: windows in packets over one plain {@link CongestionState}, a delivery-rate
 * sampler, the RTT estimator, RACK's arithmetic, PRR, pacing. TCP and SCTP drive the same objects.
 *
 * @packageDocumentation
 */
export * from "./congestion-control.ts";
export * from "./congestion-state.ts";
export * from "./rate-sample.ts";
