import type { DropReason, Nanos } from "@seville/core";

/**
 * Counters of one direction of a link. Bytes are the frames' own, without preamble and check sequence.
 *
 * At any time: `framesIn + duplicated = framesDelivered + framesDropped + queuedFrames + inFlight`.
 */
export interface DirectionStats {
  /** Handed over by the sending device. */
  framesIn: number;
  bytesIn: number;
  /** Put on the line. */
  framesSent: number;
  bytesSent: number;
  framesDelivered: number;
  bytesDelivered: number;
  /** Sum over all reasons. */
  framesDropped: number;
  bytesDropped: number;
  dropped: Partial<Record<DropReason, number>>;
  /** Copies that the line made: not in `framesIn`. */
  duplicated: number;
  /** Frames in which a bit was flipped. */
  corrupted: number;
  /** Of those, found by the receiver's check sequence (`rx_crc_errors`); also in `dropped.LINK_FCS`. */
  rxCrcErrors: number;
  /** Delivered after a frame that set out later (RFC 4737 §3). */
  reordered: number;
  /** For how long the transmitter was busy, the gaps between frames included. */
  busy: Nanos;
  /** Most that waited at a time. */
  maxQueuedFrames: number;
  maxQueuedBytes: number;
}

export function createDirectionStats(): DirectionStats {
  return {
    framesIn: 0,
    bytesIn: 0,
    framesSent: 0,
    bytesSent: 0,
    framesDelivered: 0,
    bytesDelivered: 0,
    framesDropped: 0,
    bytesDropped: 0,
    dropped: {},
    duplicated: 0,
    corrupted: 0,
    rxCrcErrors: 0,
    reordered: 0,
    busy: 0,
    maxQueuedFrames: 0,
    maxQueuedBytes: 0,
  };
}

/** What waits and what is under way at this moment. */
export interface DirectionOccupancy {
  readonly queuedFrames: number;
  readonly queuedBytes: number;
  /** On the transmitter or between the ends. */
  readonly inFlight: number;
}
