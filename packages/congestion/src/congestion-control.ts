import type { Random } from "@seville/core";
import type { CongestionState } from "./congestion-state.ts";
import type { RateSample, TxRecord } from "./rate-sample.ts";

/** The sender's congestion state, in the order of the kernel's `enum tcp_ca_state` (include/uapi/linux/tcp.h). */
export type CaState = "open" | "disorder" | "cwr" | "recovery" | "loss";

/**
 * What may happen to a window (`enum tcp_ca_event`, include/net/tcp.h).
 *
 * - `txStart`: data goes out while nothing is in flight
 * - `cwndRestart`: the window is cut after an idle period
 * - `completeCwr`: a window reduction is over
 * - `loss`: the retransmission timer fired
 * - `ecnNoCe`, `ecnIsCe`: a data packet arrived, not marked or marked Congestion Experienced
 */
export type CwndEvent = "txStart" | "cwndRestart" | "completeCwr" | "loss" | "ecnNoCe" | "ecnIsCe";

/** What an ACK brought (`struct ack_sample`). */
export interface AckSample {
  /** Packets that the cumulative ACK covers newly. */
  pktsAcked: number;
  /** RTT of the packet last (s)acked, in µs; -1: none. */
  rttUs: number;
  /** Bytes that were in flight when that packet was sent. */
  inFlight: number;
}

/** How an ACK went through the receiver's code (`enum tcp_ca_ack_event_flags`). */
export interface AckEventFlags {
  /** It was not the predicted next pure ACK. */
  slowPath: boolean;
  /** It moved the window. */
  winUpdate: boolean;
  /** It carries ECE. */
  ece: boolean;
}

/**
 * One connection's congestion control: the kernel's `struct tcp_congestion_ops` with the private area in it. It reads
 * and writes the {@link CongestionState} that it was made for. All calls find `state.now` set.
 *
 * An algorithm has either `congAvoid` (the engine then does PRR in recovery, raises the window through `congAvoid`
 * elsewhere and sets the pacing rate: {@link congControl} in `cong-control.ts` does all three) or `congControl` (it does
 * everything).
 */
export interface CongestionControl {
  /** The kernel's name: what TCP_CONGESTION and `ss -i` say. It changes when an algorithm falls back (`dctcp-reno`). */
  readonly name: string;
  /** The connection must send ECT and negotiate ECN on its SYN (TCP_CONG_NEEDS_ECN). False after a fallback. */
  readonly needsEcn: boolean;
  /** The connection is established (or the algorithm was chosen later): measure from here. */
  init(): void;
  /** The connection goes, or another algorithm takes its place. */
  release?(): void;
  /** The slow-start threshold after congestion, in packets. Called once per reduction, before cwnd is cut. */
  ssthresh(): number;
  /** Raises the window for `acked` newly delivered packets; `ack` is the sequence number acknowledged. */
  congAvoid?(ack: number, acked: number): void;
  /** Sets cwnd and pacing rate from a rate sample, after all other processing of an ACK. */
  congControl?(sample: RateSample): void;
  /** `state.caState` is about to become `next`. */
  setState?(next: CaState): void;
  cwndEvent?(event: CwndEvent): void;
  /** The window to return to when a reduction proves spurious, in packets. */
  undoCwnd(): number;
  pktsAcked?(sample: AckSample): void;
  inAckEvent?(flags: AckEventFlags): void;
  /**
   * `packets` of the transmission `tx` were just marked lost (`state.lost` counts them already). The kernel's upstream
   * ops lack this; google/bbr v3 calls it `skb_marked_lost`.
   */
  markedLost?(tx: TxRecord, packets: number): void;
  /** The least number of segments in a super-packet; absent: the sysctl's 2. */
  minTsoSegs?(): number;
  /** How many windows the send buffer holds; absent: 2. */
  sndbufExpand?(): number;
  /** What `ss -i` shows: INET_DIAG_VEGASINFO, DCTCPINFO, BBRINFO, with the kernel's field names. */
  getInfo?(): Readonly<Record<string, number>>;
}

/** An algorithm with its parameters: shared by all connections that use it. */
export interface CongestionAlgorithm {
  /** The kernel's name. */
  readonly name: string;
  readonly needsEcn: boolean;
  /** What it does on one connection. `random` is drawn from by algorithms that spread their probes (BBR). */
  create(state: CongestionState, random: Random): CongestionControl;
}

/** Whether `state` comes at or after `other` in the kernel's order open < disorder < cwr < recovery < loss. */
export function caStateAtLeast(state: CaState, other: CaState): boolean {
  return RANK[state] >= RANK[other];
}

const RANK: Readonly<Record<CaState, number>> = { open: 0, disorder: 1, cwr: 2, recovery: 3, loss: 4 };
