import type { Nanos } from "@seville/core";
import { NO_TIME } from "./congestion-state.ts";

/**
 * What is noted with each segment when it is (re)sent (`TCP_SKB_CB(skb)->tx`, and `skb_mstamp_ns`): the sender's view at
 * that moment. RACK, the rate sampler and BBR read it when the segment is acknowledged or lost.
 */
export interface TxRecord {
  /** When it was last sent: its departure time. */
  sentAt: Nanos;
  /** `state.firstTxMstamp` then. */
  firstTxMstamp: Nanos;
  /** `state.deliveredMstamp` then; {@link NO_TIME} once this record has given its sample. */
  deliveredMstamp: Nanos;
  /** `state.delivered`, `deliveredCe` and `lost` then. */
  delivered: number;
  deliveredCe: number;
  lost: number;
  /** Packets in flight then, these included. */
  inFlight: number;
  /** The sender had nothing more to send at some moment of the flight before it. */
  isAppLimited: boolean;
}

/** A record of a segment that was not sent. */
export function createTxRecord(): TxRecord {
  return {
    sentAt: NO_TIME,
    firstTxMstamp: NO_TIME,
    deliveredMstamp: NO_TIME,
    delivered: 0,
    deliveredCe: 0,
    lost: 0,
    inFlight: 0,
    isAppLimited: false,
  };
}

/** Copies `from` into `to`: when a segment is split, both parts were sent in the same flight. */
export function copyTxRecord(to: TxRecord, from: TxRecord): void {
  to.sentAt = from.sentAt;
  to.firstTxMstamp = from.firstTxMstamp;
  to.deliveredMstamp = from.deliveredMstamp;
  to.delivered = from.delivered;
  to.deliveredCe = from.deliveredCe;
  to.lost = from.lost;
  to.inFlight = from.inFlight;
  to.isAppLimited = from.isAppLimited;
}

/**
 * The delivery rate seen by one ACK (`struct rate_sample`): `delivered` packets in `intervalUs`. Invalid if either is
 * negative. One object serves a connection; {@link resetRateSample} before each ACK.
 */
export interface RateSample {
  /** When the interval began; {@link NO_TIME}: this ACK delivered nothing that was measured. */
  priorMstamp: Nanos;
  /** `delivered`, `deliveredCe` and `lost` then. */
  priorDelivered: number;
  priorDeliveredCe: number;
  priorLost: number;
  /** Packets delivered over the interval; -1: no sample. */
  delivered: number;
  /** Of these, CE marked. */
  deliveredCe: number;
  /** Packets marked lost over the interval. */
  lost: number;
  /** Length of the interval in µs, the larger of the two below; -1: no sample. */
  intervalUs: number;
  sndIntervalUs: number;
  rcvIntervalUs: number;
  /** RTT of the packet last (s)acked in µs, or -1. */
  rttUs: number;
  /** Packets newly marked lost by this ACK. */
  losses: number;
  /** Packets newly acked or sacked by this ACK. */
  ackedSacked: number;
  /** Packets in flight before this ACK. */
  priorInFlight: number;
  /** Packets in flight when the packet of this sample was sent. */
  txInFlight: number;
  /** When the packet of this sample was sent, and the sequence number after its last byte. */
  lastSentAt: Nanos;
  lastEndSeq: number;
  isAppLimited: boolean;
  /** The packet of this sample was a retransmission. */
  isRetrans: boolean;
  /** The receiver probably held this ACK back. */
  isAckDelayed: boolean;
  /** This ACK carries ECE. */
  isEce: boolean;
  /** This ACK covers a retransmitted tail loss probe. */
  isAckingTlpRetransSeq: boolean;
}

/** A sample that says nothing. */
export function createRateSample(): RateSample {
  const sample = {} as RateSample;
  resetRateSample(sample);
  return sample;
}

/** Makes `sample` ready for the next ACK; `priorInFlight` is what is in flight now. */
export function resetRateSample(sample: RateSample, priorInFlight = 0): void {
  sample.priorMstamp = NO_TIME;
  sample.priorDelivered = 0;
  sample.priorDeliveredCe = 0;
  sample.priorLost = 0;
  sample.delivered = 0;
  sample.deliveredCe = 0;
  sample.lost = 0;
  sample.intervalUs = 0;
  sample.sndIntervalUs = 0;
  sample.rcvIntervalUs = 0;
  sample.rttUs = -1;
  sample.losses = 0;
  sample.ackedSacked = 0;
  sample.priorInFlight = priorInFlight;
  sample.txInFlight = 0;
  sample.lastSentAt = NO_TIME;
  sample.lastEndSeq = 0;
  sample.isAppLimited = false;
  sample.isRetrans = false;
  sample.isAckDelayed = false;
  sample.isEce = false;
  sample.isAckingTlpRetransSeq = false;
}
