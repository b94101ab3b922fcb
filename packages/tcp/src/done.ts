import { NEVER } from "@seville/core";
import { RCV_SHUTDOWN, SEND_SHUTDOWN, type TcpConnection, type TcpState } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { tellClosed, tellError } from "./events.ts";
import { clearXmitTimer } from "./xmit-timer.ts";
import { purgeWriteQueue } from "./write-queue.ts";

/*
 * The end of a connection (tcp_done, tcp_reset): out of the tables, buffers given back. What was received can still be read.
 */

/** Changes the state, and counts who is established (`tcp_set_state`). */
export function setState(tcp: TcpContext, c: TcpConnection, state: TcpState): void {
  const was = c.state;
  const counted = was === "ESTABLISHED" || was === "CLOSE_WAIT";
  const counts = state === "ESTABLISHED" || state === "CLOSE_WAIT";
  if (counts && !counted) tcp.mib.CurrEstab++;
  else if (counted && !counts) tcp.mib.CurrEstab--;
  if (counted && state === "CLOSE") tcp.mib.EstabResets++;
  c.state = state;
}

/** It is over (`tcp_done`). */
export function done(tcp: TcpContext, c: TcpConnection): void {
  if (c.state === "CLOSE") return;
  if (c.state === "SYN_SENT" || c.state === "SYN_RECV") tcp.mib.AttemptFails++;
  setState(tcp, c, "CLOSE");
  forget(tcp, c);
}

/** Takes a connection in state CLOSE out of everything. */
export function forget(tcp: TcpContext, c: TcpConnection): void {
  clearTimers(c);
  c.shutdown = RCV_SHUTDOWN | SEND_SHUTDOWN;
  purgeWriteQueue(tcp, c);
  tcp.table.remove(c);
  tcp.deadlines.remove(c);
  c.congestion?.release?.();
  c.congestion = undefined;
  if (c.fastOpen?.server === true) {
    const listener = c.parent ?? c.acceptedFrom;
    if (listener !== undefined && listener.fastOpenQueue > 0) listener.fastOpenQueue--;
    c.fastOpen.server = false;
  }
  if (c.orphan) {
    tcp.orphanCount--;
    c.receiveQueue?.clear();
    c.receiveQueue = undefined;
  }
  tellClosed(tcp, c);
}

function clearTimers(c: TcpConnection): void {
  clearXmitTimer(c);
  c.delackTimeout = NEVER;
  c.keepTimeout = NEVER;
  c.pacingTimeout = NEVER;
  c.compressedAckTimeout = NEVER;
  c.compressedAck = 0;
  c.ackPending = 0;
}

/** It has failed (`tcp_done_with_error`). */
export function doneWithError(tcp: TcpContext, c: TcpConnection, errno: string): void {
  if (c.state === "CLOSE") return;
  tellError(tcp, c, errno);
  done(tcp, c);
}

/** A valid RST has come (`tcp_reset`). */
export function resetReceived(tcp: TcpContext, c: TcpConnection): void {
  const bsd = tcp.settings.resetRules === "bsd";
  c.lossObserver?.onReset({ now: tcp.now, busy: c.packetsOut > 0 && c.state !== "SYN_SENT", foreignTtl: false });
  switch (c.state) {
    case "CLOSE":
      return;
    case "SYN_SENT":
      doneWithError(tcp, c, "ECONNREFUSED");
      return;
    case "SYN_RECV":
      doneWithError(tcp, c, bsd ? "ECONNREFUSED" : "ECONNRESET");
      return;
    case "CLOSE_WAIT":
      doneWithError(tcp, c, bsd ? "ECONNRESET" : "EPIPE");
      return;
    default:
      doneWithError(tcp, c, "ECONNRESET");
  }
}
