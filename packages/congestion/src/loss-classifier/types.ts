import type { Nanos } from "@seville/core";
import type { EpisodeFeatures } from "./evidence.ts";

/**
 * Why packets were lost:
 *
 * - `queue-overflow`: a buffer was full; slowing down helps
 * - `policer`: a rate limit without a buffer dropped what was above it; pacing at its rate helps
 * - `random`: the line lost them; slowing down does not help
 * - `filtered`: something lets certain packets never pass (by size, port, age of the state) or tore the connection down
 * - `mixed`: more than one of these
 */
export type LossCause = "queue-overflow" | "policer" | "random" | "filtered" | "mixed";

/** Losses within one smoothed RTT, and what they were taken for. */
export interface LossEpisode {
  readonly cause: LossCause;
  /** From 0 to 1: the share of the evidence that speaks for {@link cause}. */
  readonly confidence: number;
  /** Marking of the first and of the last loss. */
  readonly start: Nanos;
  readonly end: Nanos;
  /** Packets lost. */
  readonly losses: number;
  /** What is filtered. */
  readonly filter?: "size" | "all" | "after-idle" | "reset";
  /** Bytes per second that the policer lets pass, if it is one. */
  readonly policedRate?: number;
  readonly evidence: LossEvidence;
  /** What was measured; absent where a filter was seen directly. */
  readonly features?: EpisodeFeatures;
}

/** For each cause how much speaks for it, from 0 to 1. */
export interface LossEvidence {
  readonly queueOverflow: number;
  readonly policer: number;
  readonly random: number;
  readonly filtered: number;
  /** More than one of the first three. */
  readonly mixed: number;
}

/** An ACK, as the sender sees it. */
export interface AckObservation {
  now: Nanos;
  /** RTT of the packet last delivered in µs and when that was sent; -1: none. */
  rttUs: number;
  sentAt: Nanos;
  /** Packets and bytes that it newly delivered. */
  packets: number;
  bytes: number;
  /** The largest packet among them, bytes. */
  largest: number;
  /** Smoothed RTT, µs. */
  srttUs: number;
}

/** A packet was marked lost. */
export interface LossObservation {
  now: Nanos;
  /** When it was sent. */
  sentAt: Nanos;
  /** First byte, uint32; absent where the transport has no such numbers. */
  seq?: number;
  bytes: number;
  /** It had been lost before. */
  again: boolean;
  /** Packets in flight when it was sent. */
  inFlight: number;
}

/** The retransmission timer fired. */
export interface TimeoutObservation {
  now: Nanos;
  /** Size of the packet that waited for it. */
  bytes: number;
  /** Timeouts in a row without any delivery between, this one included. */
  consecutive: number;
  /** How long nothing had been sent before the flight that is lost. */
  idleBefore: Nanos;
  /** Anything was ever delivered on this connection. */
  established: boolean;
}

/** An RST came. */
export interface ResetObservation {
  now: Nanos;
  /** Data was in flight or expected. */
  busy: boolean;
  /** Its TTL or hop limit differs from that of the peer's other packets. */
  foreignTtl: boolean;
}
