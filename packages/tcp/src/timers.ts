import { type Nanos, NEVER } from "@seville/core";
import { packetsInFlight } from "@seville/congestion";
import {
  TIMER_LOSS_PROBE,
  TIMER_NONE,
  TIMER_PROBE0,
  TIMER_REO_TIMEOUT,
  TIMER_RETRANS,
  type TcpConnection,
} from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { delackTimer, sendCompressedAck } from "./delayed-ack.ts";
import { keepTimer } from "./keepalive.ts";
import { reorderingTimeout, sendLossProbe } from "./loss-probe.ts";
import { probeTimer } from "./probe-timer.ts";
import { retransmitTimer } from "./retransmit-timer.ts";
import { xmitRetransmitQueue } from "./retransmit.ts";
import { currentMss } from "./mtu.ts";
import { PUSH_ALL, writeXmit } from "./write-xmit.ts";

/** The earliest of the connection's deadlines. */
export function nextDeadline(c: TcpConnection): Nanos {
  return Math.min(c.timeout, c.delackTimeout, c.keepTimeout, c.pacingTimeout, c.compressedAckTimeout);
}

/** Serves every deadline that has passed, in the order of their times. */
export function connectionTimers(tcp: TcpContext, c: TcpConnection): void {
  // Each call moves one deadline into the future or takes it away: five kinds, and some set another.
  for (let i = 0; i < 16; i++) {
    const at = nextDeadline(c);
    if (at > c.now || c.state === "CLOSE") return;
    if (at === c.compressedAckTimeout) {
      c.compressedAckTimeout = NEVER;
      sendCompressedAck(tcp, c);
    } else if (at === c.delackTimeout) delackTimer(tcp, c);
    else if (at === c.pacingTimeout) pacingTimer(tcp, c);
    else if (at === c.timeout) writeTimer(tcp, c);
    else keepTimer(tcp, c);
  }
}

/** The transmit timer, for whatever it was set (`tcp_write_timer_handler`). */
function writeTimer(tcp: TcpContext, c: TcpConnection): void {
  const { pending } = c;
  c.timeout = NEVER;
  switch (pending) {
    case TIMER_REO_TIMEOUT:
      reorderingTimeout(tcp, c);
      return;
    case TIMER_LOSS_PROBE:
      sendLossProbe(tcp, c);
      return;
    case TIMER_RETRANS:
      c.pending = TIMER_NONE;
      retransmitTimer(tcp, c);
      return;
    case TIMER_PROBE0:
      c.pending = TIMER_NONE;
      probeTimer(tcp, c);
  }
}

/** It is time for the segment that the pacer held back (`tcp_pace_kick`, `tcp_tsq_write`). */
function pacingTimer(tcp: TcpContext, c: TcpConnection): void {
  c.pacingTimeout = NEVER;
  if (c.lostOut > c.retransOut && c.sndCwnd > packetsInFlight(c)) xmitRetransmitQueue(tcp, c);
  writeXmit(tcp, c, currentMss(tcp, c), c.nonagle, PUSH_ALL);
}
