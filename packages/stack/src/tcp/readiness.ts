import type { TcpConnection, TcpListener } from "@seville/tcp";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, EPOLLRDNORM, EPOLLWRNORM } from "./constants.ts";

/** `sk_shutdown`. */
const RCV_SHUTDOWN = 1;
const SEND_SHUTDOWN = 2;

/** A socket on which nothing was done: nothing to read, and writing fails at once. */
export const POLL_FRESH: number = EPOLLHUP | EPOLLOUT | EPOLLWRNORM;

/** `inet_csk_listen_poll`. */
export function pollListener(listener: TcpListener): number {
  return listener.acceptQueue.length > 0 ? EPOLLIN | EPOLLRDNORM : 0;
}

/** A connection's readiness, `tcp_poll` (net/ipv4/tcp.c). `hasSpace`: the send buffer would take a byte. */
export function pollConnection(c: TcpConnection, hasSpace: boolean): number {
  let mask = 0;
  const { state, shutdown } = c;
  if (shutdown === (RCV_SHUTDOWN | SEND_SHUTDOWN) || state === "CLOSE") mask |= EPOLLHUP;
  if ((shutdown & RCV_SHUTDOWN) !== 0) mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
  const isPassiveFastOpen = state === "SYN_RECV" && c.fastOpen?.server === true;
  if (state !== "SYN_SENT" && (state !== "SYN_RECV" || isPassiveFastOpen)) {
    if (isReadable(c)) mask |= EPOLLIN | EPOLLRDNORM;
    if ((shutdown & SEND_SHUTDOWN) !== 0 || hasSpace) mask |= EPOLLOUT | EPOLLWRNORM;
    if (c.urgent !== undefined && c.urgent.byte >= 0) mask |= EPOLLPRI;
  } else if (state === "SYN_SENT" && c.fastOpen?.deferred === true) {
    // With TCP_FASTOPEN_CONNECT the first write is what connects.
    mask |= EPOLLOUT | EPOLLWRNORM;
  }
  if (c.error !== undefined) mask |= EPOLLERR;
  return mask;
}

/** `tcp_stream_is_readable`: as much as SO_RCVLOWAT wants is there, an urgent byte that is read apart not counted. */
function isReadable(c: TcpConnection): boolean {
  const readable = c.receiveQueue?.readable ?? 0;
  const isAtMark = c.urgent !== undefined && c.urgent.byte >= 0 && c.urgent.seq === c.copiedSeq && !c.options.oobInline;
  return readable >= Math.max(c.rcvLowat, 1) + (isAtMark ? 1 : 0);
}
