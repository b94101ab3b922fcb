import type { Nanos } from "@seville/core";
import type { Distribution } from "../../results.ts";

/** A bulk transfer: all its connections together, and each of them. */
export interface TcpResult {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** Bytes of payload that the receiver read. */
  readonly bytes: number;
  /** Payload received over the time from the first to the last byte. */
  readonly throughput: number;
  readonly connections: readonly TcpConnectionResult[];
}

export interface TcpConnectionResult {
  /** `10.0.1.2:49152 > 10.0.2.2:5201`. */
  readonly tuple: string;
  /** Name of its congestion control. */
  readonly congestion: string;
  readonly bytes: number;
  readonly throughput: number;
  /** Smoothed round-trip times, sampled over its life. */
  readonly rtt: Distribution;
  readonly minRtt: Nanos;
  /** Segments sent with data, and of those again. */
  readonly segments: number;
  readonly retransmitted: number;
  /** Retransmission timeouts. */
  readonly timeouts: number;
  /** Until everything was acknowledged and closed. Absent: it was not. */
  readonly completion?: Nanos;
  /** Errno of a connection that failed. */
  readonly error?: string;
}

/** A connection over time, at the sender. All lists are as long as `at`. */
export interface TcpSeries {
  readonly name: string;
  readonly at: readonly Nanos[];
  /** Segments. */
  readonly cwnd: readonly number[];
  /** Segments; 0: not limited yet. */
  readonly ssthresh: readonly number[];
  readonly inFlight: readonly number[];
  /** Smoothed round-trip time, ns. */
  readonly rtt: readonly Nanos[];
  /** Bits per second that were acknowledged since the sample before. */
  readonly throughput: readonly number[];
}
