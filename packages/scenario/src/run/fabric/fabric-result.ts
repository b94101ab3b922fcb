import type { Nanos } from "@seville/core";
import type { Distribution } from "../../results.ts";

/** What happened in a fabric. */
export interface FabricResult {
  readonly name: string;
  readonly kind: "fat-tree" | "paths";
  readonly family: "ipv4" | "ipv6";
  /** How switches chose among the ways up. */
  readonly select: string;
  /** How long hosts hold segments that overtook others, if they do. */
  readonly resequence?: Nanos;
  readonly hosts: number;
  readonly switches: number;
  readonly links: number;
  /** Rate of the links between hosts and switches, if they have one. */
  readonly hostRate?: number;
  /** Links whose settings differ, for people: `a0.0-c0 rate 10mbit`. */
  readonly degraded: readonly string[];
  readonly flows: readonly FabricFlowResult[];
  /** Frames that waited at ports between switches, over all ports and times (sampled). */
  readonly queue: Distribution;
  readonly reordering: ReorderingResult;
  /** Frames of any kind that its links dropped. */
  readonly dropped: number;
  /** Jain's index of the flows' throughputs: 1 if all are equal. */
  readonly fairness: number;
}

export interface FabricFlowResult {
  readonly from: string;
  readonly to: string;
  readonly protocol: "tcp" | "udp";
  /** Payload that the receiver was given, in bits per second of the time in which the flow ran. */
  readonly throughput: number;
  readonly bytes: number;
  /** Frames with payload: put on the wire by the sender, arrived at the receiver. */
  readonly sent: number;
  readonly arrived: number;
  /** Arrived after a frame that was sent later (RFC 4737 §3.3). */
  readonly reordered: number;
  /** TCP: segments sent again. */
  readonly retransmits?: number;
  /** TCP: time from opening to the last byte, if it was to send so many and did. */
  readonly completion?: number;
}

/** Reordering of frames with payload between two hosts, over all flows. Retransmissions count as frames of their own. */
export interface ReorderingResult {
  readonly packets: number;
  /** Type-P-Reordered-Ratio (RFC 4737 §4.2). */
  readonly ratio: number;
  /** Of the reordered ones (RFC 4737 §4.3.1): how far back the first packet is that was sent later. In packets. */
  readonly extent: Distribution;
  /** Share of packets that n or more packets directly before were sent later than, n from 1 (RFC 4737 §5.3): from 3 on, duplicate acknowledgements look like a loss. */
  readonly nReordering: readonly number[];
  /**
   * Reorder density (RFC 5236 §4): for each displacement of arrival from order, early negative and late positive, the share of
   * packets. Lost and duplicate ones do not count.
   */
  readonly density: readonly (readonly [displacement: number, share: number])[];
}
