import type { TcpConnection } from "./connection.ts";
import { TIMER_LOSS_PROBE } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { checkSpace } from "./send-space.ts";
import type { TxSegment } from "./tx-segment.ts";
import { rearmRto } from "./xmit-timer.ts";

/** `segment` was sent for the first time: it is in flight now (`tcp_event_new_data_sent`). It is in no queue yet. */
export function newDataSent(tcp: TcpContext, c: TcpConnection, segment: TxSegment): void {
  const prior = c.packetsOut;
  c.sndNxt = segment.endSeq;
  c.rtxQueue?.push(segment);
  c.packetsOut += segment.pcount;
  if (prior === 0 || c.pending === TIMER_LOSS_PROBE) rearmRto(tcp, c);
  tcp.ext.TCPOrigDataSent += segment.pcount;
  checkSpace(tcp, c);
}
