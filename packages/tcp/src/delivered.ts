import { type RateSample, rateSkbDelivered } from "@seville/congestion";
import type { TcpConnection } from "./connection.ts";
import { RETRANS, type TxSegment } from "./tx-segment.ts";

/** So many more segments have arrived; `ece`: the ACK that says so carries ECN-Echo (`tcp_count_delivered`). */
export function tcpCountDelivered(c: TcpConnection, packets: number, ece: boolean): void {
  c.delivered += packets;
  if (ece) c.deliveredCe += packets;
}

/**
 * The first segments of a super-segment were delivered: they give a rate sample, and the rest keeps its record for the time when it arrives
 * (`tcp_rate_skb_delivered`, which ends the record of SACKed ones only).
 */
export function rateDeliveredInPart(c: TcpConnection, segment: TxSegment, sample: RateSample): void {
  const { deliveredMstamp } = segment;
  rateSkbDelivered(c, segment, segment.endSeq, (segment.sacked & RETRANS) !== 0, sample);
  segment.deliveredMstamp = deliveredMstamp;
}
