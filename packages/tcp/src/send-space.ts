import { packetsInFlight } from "@seville/congestion";
import { SEND_SHUTDOWN, type TcpConnection } from "./connection.ts";
import { CHRONO_SNDBUF_LIMITED, chronoStop } from "./chrono.ts";
import type { TcpContext } from "./context.ts";
import { tellWritable } from "./events.ts";

/*
 * Room in the send buffer (sk_stream_memory_free, sk_stream_write_space, tcp_sndbuf_expand).
 */

/** A write may make another segment (`sk_stream_memory_free`). */
export function memoryFree(tcp: TcpContext, c: TcpConnection): boolean {
  return c.wmemQueued < c.sndbuf && notsentBelow(tcp, c, 0);
}

/** A waiting writer may be told: a third of the buffer is free, and not too much is unsent (`sk_stream_is_writeable`). */
export function isWriteable(tcp: TcpContext, c: TcpConnection): boolean {
  return c.sndbuf - c.wmemQueued >= c.wmemQueued >> 1 && notsentBelow(tcp, c, 1);
}

function notsentBelow(tcp: TcpContext, c: TcpConnection, shift: number): boolean {
  const lowat = c.options.notsentLowat === 0 ? tcp.settings.tcp_notsent_lowat : c.options.notsentLowat;
  return ((c.writeSeq - c.sndNxt) | 0) * 2 ** shift < lowat;
}

/** Space was made, by acknowledgment or by sending: grows the buffer and tells who waits (`tcp_check_space`). */
export function checkSpace(tcp: TcpContext, c: TcpConnection): void {
  if (!c.noSpace) return;
  if (c.options.sndbuf === 0 && packetsInFlight(c) < c.sndCwnd) {
    expandSendBuffer(tcp, c);
    c.sndCwndStamp = c.now;
  }
  if (!isWriteable(tcp, c)) return;
  c.noSpace = false;
  chronoStop(c, CHRONO_SNDBUF_LIMITED);
  if ((c.shutdown & SEND_SHUTDOWN) === 0) tellWritable(tcp, c);
}

/** A buffer for two windows (`tcp_sndbuf_expand`). */
export function expandSendBuffer(tcp: TcpContext, c: TcpConnection): void {
  const perMss = 2 ** ceilLog2(Math.max(c.mssClamp, c.mssCache) + 640) + 256;
  const segments = Math.max(tcp.settings.initialCwnd, c.sndCwnd, c.reordering + 1);
  const wanted = (c.congestion?.sndbufExpand?.() ?? 2) * segments * perMss;
  if (c.sndbuf < wanted) c.sndbuf = Math.min(wanted, tcp.settings.tcp_wmem[2]);
}

/** The exponent of the power of two that `n` is rounded up to. */
function ceilLog2(n: number): number {
  return 32 - Math.clz32(n - 1);
}
