import { invalidArgument } from "@seville/core";
import type { SocketOptions } from "./connection-options.ts";
import type { TcpConnection } from "./connection.ts";
import { ACK_SCHED } from "./connection.ts";
import { NAGLE_CORK, NAGLE_OFF, NAGLE_PUSH, PINGPONG_THRESH } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { sendAck } from "./transmit.ts";
import { setCongestionControl } from "./establish.ts";
import { setKeepalive } from "./keepalive.ts";
import { checkSpace } from "./send-space.ts";
import { windowFromSpace } from "./window.ts";
import { pushPending } from "./write-xmit.ts";

/*
 * Options that are changed on a connection (do_tcp_setsockopt, sk_setsockopt): what has an effect at once.
 */

/** Changes options; what is not named stays as it is. */
export function setOptions(tcp: TcpContext, c: TcpConnection, changes: Partial<SocketOptions>): void {
  check(changes);
  const was = c.options;
  c.now = tcp.now;
  if (changes.congestion !== undefined && c.state !== "CLOSE") setCongestionControl(tcp, c, changes.congestion);
  c.options = { ...was, ...changes };
  if (changes.nodelay !== undefined) setNodelay(tcp, c, changes.nodelay);
  if (changes.cork !== undefined) setCork(tcp, c, changes.cork);
  if (changes.keepalive !== undefined && changes.keepalive !== was.keepalive) setKeepalive(tcp, c, changes.keepalive);
  if (changes.keepIdle !== undefined && c.options.keepalive && c.state !== "CLOSE") setKeepalive(tcp, c, true);
  if (changes.rcvbuf !== undefined && changes.rcvbuf !== 0) {
    c.rcvbuf = changes.rcvbuf;
    c.windowClamp = Math.min(c.windowClamp, windowFromSpace(tcp.settings, c.rcvbuf)) || c.windowClamp;
  }
  if (changes.sndbuf !== undefined && changes.sndbuf !== 0) {
    c.sndbuf = changes.sndbuf;
    checkSpace(tcp, c);
  }
  if (changes.windowClamp !== undefined && changes.windowClamp !== 0) {
    c.windowClamp = changes.windowClamp;
    c.rcvSsthresh = Math.min(c.rcvWnd, changes.windowClamp);
  }
  if (changes.maxPacingRate !== undefined) {
    c.pacingRate = Math.min(c.pacingRate, changes.maxPacingRate);
    if (changes.maxPacingRate !== Infinity && c.pacingStatus === "none") c.pacingStatus = "needed";
  }
  if (changes.notsentLowat !== undefined) checkSpace(tcp, c);
}

function check(changes: Partial<SocketOptions>): void {
  const { userMss, keepCnt, synRetries } = changes;
  if (userMss !== undefined && userMss !== 0 && (userMss < 88 || userMss > 32_767)) {
    throw invalidArgument("userMss", "0 or 88 to 32767", userMss);
  }
  if (keepCnt !== undefined && (keepCnt < 0 || keepCnt > 127)) throw invalidArgument("keepCnt", "0 to 127", keepCnt);
  if (synRetries !== undefined && (synRetries < 0 || synRetries > 127)) {
    throw invalidArgument("synRetries", "0 to 127", synRetries);
  }
}

/** TCP_NODELAY: what waits goes at once. */
function setNodelay(tcp: TcpContext, c: TcpConnection, on: boolean): void {
  if (!on) {
    c.nonagle &= ~NAGLE_OFF;
    return;
  }
  c.nonagle |= NAGLE_OFF;
  pushPending(tcp, c, c.nonagle | NAGLE_PUSH);
}

/** TCP_CORK: taken away, what waits goes. */
function setCork(tcp: TcpContext, c: TcpConnection, on: boolean): void {
  if (on) {
    c.nonagle |= NAGLE_CORK;
    return;
  }
  c.nonagle &= ~NAGLE_CORK;
  pushPending(tcp, c, c.nonagle & NAGLE_OFF ? c.nonagle | NAGLE_PUSH : c.nonagle);
}

/** TCP_QUICKACK: 0 delays, 1 acknowledges what is owed at once, and goes on so. */
export function setQuickack(tcp: TcpContext, c: TcpConnection, value: number): void {
  c.now = tcp.now;
  if ((value & 1) === 0) {
    c.pingpong = PINGPONG_THRESH;
    return;
  }
  c.pingpong = 0;
  if ((c.state === "ESTABLISHED" || c.state === "CLOSE_WAIT") && (c.ackPending & ACK_SCHED) !== 0) {
    sendAck(tcp, c);
    if ((value & ~1) === 0) c.pingpong = 0;
  }
}
