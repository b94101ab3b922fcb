import { type Nanos, NS_PER_SEC } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import { RCV_SHUTDOWN, SEND_SHUTDOWN, type TcpConnection, type TcpState } from "./connection.ts";
import { NAGLE_OFF } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { forget, setState } from "./done.ts";
import { tellReadable } from "./events.ts";
import { resetKeepTimer } from "./keepalive.ts";
import { enterTimeWait } from "./time-wait.ts";
import { sendActiveReset } from "./transmit.ts";
import { newTail, purgeWriteQueue, writeTail } from "./write-queue.ts";
import { pushPending } from "./write-xmit.ts";

/*
 * Closing (RFC 9293 §3.6, §3.10.4): half of it, all of it, or at once.
 */

/** The state after a FIN was queued, and whether one is to be sent (`new_state`). */
function closeState(tcp: TcpContext, c: TcpConnection): boolean {
  switch (c.state) {
    case "ESTABLISHED":
    case "SYN_RECV":
      setState(tcp, c, "FIN_WAIT1");
      return true;
    case "CLOSE_WAIT":
      setState(tcp, c, "LAST_ACK");
      return true;
    case "SYN_SENT":
      setState(tcp, c, "CLOSE");
      return false;
    default:
      return false;
  }
}

/** No more will be written: FIN after what was (`tcp_shutdown`). */
export function shutdownSend(tcp: TcpContext, c: TcpConnection): void {
  if ((c.shutdown & SEND_SHUTDOWN) !== 0) return;
  c.shutdown |= SEND_SHUTDOWN;
  if (c.state === "ESTABLISHED" || c.state === "SYN_SENT" || c.state === "CLOSE_WAIT") {
    if (c.state === "SYN_SENT") {
      setState(tcp, c, "CLOSE");
      forget(tcp, c);
      return;
    }
    if (closeState(tcp, c)) sendFin(tcp, c);
  } else if (c.state === "SYN_RECV" && c.fastOpen?.server === true) {
    if (closeState(tcp, c)) sendFin(tcp, c);
  }
}

/** No more will be read. What comes is taken and thrown away with the connection (`inet_shutdown`). */
export function shutdownReceive(tcp: TcpContext, c: TcpConnection): void {
  c.shutdown |= RCV_SHUTDOWN;
  tellReadable(tcp, c);
}

/** FIN on the last segment that was not sent yet, or on one of its own (`tcp_send_fin`). */
export function sendFin(tcp: TcpContext, c: TcpConnection): void {
  const tail = writeTail(c);
  if (tail !== undefined) {
    tail.flags |= wire.FIN;
    tail.endSeq = (tail.endSeq + 1) | 0;
  } else {
    const segment = newTail(tcp, c, wire.ACK | wire.FIN);
    segment.endSeq = (segment.seq + 1) | 0;
    segment.pcount = 1;
  }
  c.writeSeq = (c.writeSeq + 1) | 0;
  pushPending(tcp, c, NAGLE_OFF);
}

/** How long an orphan waits for the peer's FIN (`tcp_fin_time`). */
export function finTime(tcp: TcpContext, c: TcpConnection): Nanos {
  const { settings } = tcp;
  let wait = c.options.linger2;
  if (wait === 0) wait = settings.tcp_fin_timeout * NS_PER_SEC;
  if (settings.finwait2TimeoutMs !== 0 && c.options.linger2 === 0) wait = settings.finwait2TimeoutMs * 1_000_000;
  return Math.max(wait, Math.floor(c.rto * 3.5));
}

/** The user is done with it (`__tcp_close`). It lives on, without owner, until the goodbye is over. */
export function close(tcp: TcpContext, c: TcpConnection): void {
  if (c.orphan) return;
  const unread = (c.receiveQueue?.readable ?? 0) > 0;
  c.receiveQueue?.clear();
  c.shutdown = RCV_SHUTDOWN | SEND_SHUTDOWN;
  const wasClosed = c.state === "CLOSE";
  if (!wasClosed) {
    if (unread && c.state !== "SYN_SENT") {
      // RFC 2525 §2.17: the peer must learn that its data was not read.
      tcp.ext.TCPAbortOnClose++;
      sendActiveReset(tcp, c);
      setState(tcp, c, "CLOSE");
    } else if (c.options.linger === 0) {
      tcp.ext.TCPAbortOnData++;
      disconnect(tcp, c);
    } else if (closeState(tcp, c)) sendFin(tcp, c);
  }
  c.orphan = true;
  c.noSpace = false;
  c.receiveQueue = undefined;
  if (wasClosed) return;
  tcp.orphanCount++;
  if (c.state === "FIN_WAIT2") finWait2Orphan(tcp, c);
  if (c.state !== "CLOSE" && tcp.orphanCount > tcp.settings.tcp_max_orphans) {
    tcp.ext.TCPAbortOnMemory++;
    sendActiveReset(tcp, c);
    setState(tcp, c, "CLOSE");
  }
  if (c.state === "CLOSE") forget(tcp, c);
}

/** Our FIN was acknowledged, the peer's has not come. */
export function finWait2Orphan(tcp: TcpContext, c: TcpConnection): void {
  if (c.options.linger2 < 0) {
    sendActiveReset(tcp, c);
    setState(tcp, c, "CLOSE");
    tcp.ext.TCPAbortOnLinger++;
    return;
  }
  const wait = finTime(tcp, c);
  const timeWait = tcp.settings.timewaitMs * 1_000_000;
  if (wait > timeWait) resetKeepTimer(tcp, c, wait - timeWait);
  else enterTimeWait(tcp, c, "FIN_WAIT2", wait);
}

/** States in which the peer must be told of an abort (`tcp_need_reset`). */
function needsReset(state: TcpState): boolean {
  return (
    state === "ESTABLISHED" ||
    state === "CLOSE_WAIT" ||
    state === "FIN_WAIT1" ||
    state === "FIN_WAIT2" ||
    state === "SYN_RECV"
  );
}

/** ABORT (RFC 9293 §3.10.5): RST, and all is forgotten; the state is CLOSE afterwards (`tcp_disconnect`). */
export function disconnect(tcp: TcpContext, c: TcpConnection): void {
  const was = c.state;
  if (was === "CLOSE") return;
  const unsent = c.sndNxt !== c.writeSeq && (was === "CLOSING" || was === "LAST_ACK");
  if (needsReset(was) || unsent) {
    sendActiveReset(tcp, c);
    c.error = "ECONNRESET";
  } else if (was === "SYN_SENT") c.error = "ECONNRESET";
  setState(tcp, c, "CLOSE");
  purgeWriteQueue(tcp, c);
  c.receiveQueue?.clear();
}
