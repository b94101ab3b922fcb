import { NO_TIME } from "@seville/congestion";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import type { TxSegment } from "./tx-segment.ts";
import type { LossObserver } from "./types.ts";

/*
 * What an observer of losses is told (`TcpEndpointOptions.lossObserver`). Callers look whether there is one: without it this costs a comparison.
 */

/** An acknowledgment was worked on: `packets` were delivered, and SND.UNA was at `priorSndUna`. */
export function observeAck(
  tcp: TcpContext,
  c: TcpConnection,
  observer: LossObserver,
  packets: number,
  priorSndUna: number,
): void {
  const { rttUs } = tcp.sample;
  // Without SACK it is known to the byte what came.
  const bytes = tcp.sack.sackDelivered > 0 ? packets * c.mssCache : Math.max(0, (c.sndUna - priorSndUna) | 0);
  observer.onAck({
    now: c.now,
    rttUs,
    sentAt: rttUs < 0 ? NO_TIME : c.now - rttUs * 1000,
    packets,
    bytes,
    largest: packets === 0 ? 0 : Math.min(bytes, c.mssCache),
    srttUs: Math.floor(c.srttUs / 8),
  });
}

/** Each packet of `segment` was marked lost; `again`: its retransmission was. */
export function observeLoss(c: TcpConnection, observer: LossObserver, segment: TxSegment, again: boolean): void {
  const size = segment.pcount > 1 ? segment.gsoSize : segment.length;
  for (let i = 0; i < segment.pcount; i++) {
    observer.onLoss({
      now: c.now,
      sentAt: segment.sentAt,
      seq: (segment.seq + i * size) >>> 0,
      bytes: Math.min(size, segment.length - i * size),
      again,
      inFlight: segment.inFlight,
    });
  }
}

/** The retransmission timer fired for `head`. */
export function observeTimeout(c: TcpConnection, observer: LossObserver, head: TxSegment): void {
  observer.onTimeout({
    now: c.now,
    bytes: head.pcount > 1 ? head.gsoSize : head.length,
    consecutive: c.retransmits + 1,
    // Later ones know only when the retransmission was sent.
    idleBefore: c.retransmits > 0 || c.rcvTstamp === NO_TIME ? 0 : Math.max(0, head.sentAt - c.rcvTstamp),
    established: c.state !== "SYN_SENT" && c.state !== "SYN_RECV",
  });
}
