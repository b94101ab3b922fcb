import { SevilleError } from "@seville/core";
import { RCV_SHUTDOWN, type TcpConnection } from "./connection.ts";
import { MSG_OOB, MSG_PEEK, MSG_TRUNC } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { cleanupReceiveBuffer } from "./delayed-ack.ts";
import { after } from "./seq.ts";
import { URGENT_NOT_YET, URGENT_READ } from "./urgent.ts";
import { spaceFromWindow, windowFromSpace } from "./window.ts";

/*
 * The user reads (RFC 9293 §3.10.3; tcp_recvmsg).
 */

/** Nothing to read now, more may come. Distinct from 0, the end of the data. */
export const WOULD_BLOCK = -1;

/**
 * Copies what has come in order into `into` and answers how many bytes; 0: the peer has finished, or the user does not want more;
 * {@link WOULD_BLOCK}: nothing yet. Does not read past the urgent mark in one go, nor the urgent byte (unless SO_OOBINLINE).
 * @throws SevilleError the connection's error, once; `ENOTCONN`; `EINVAL` for MSG_OOB where there is none
 */
export function receive(tcp: TcpContext, c: TcpConnection, into: Uint8Array, flags: number): number {
  c.now = tcp.now;
  if ((flags & MSG_OOB) !== 0) return receiveUrgentByte(c, into, flags);
  const queue = c.receiveQueue;
  const peek = (flags & MSG_PEEK) !== 0;
  skipUrgentByte(c, peek);
  let limit = into.length;
  const { urgent } = c;
  if (urgent !== undefined) {
    const mark = (urgent.seq - c.copiedSeq) | 0;
    if (mark > 0) limit = Math.min(limit, mark);
  }
  let copied = 0;
  if (queue !== undefined && limit > 0) {
    if (peek) copied = queue.peek(limit === into.length ? into : into.subarray(0, limit));
    else if ((flags & MSG_TRUNC) !== 0) copied = queue.discard(Math.min(limit, queue.readable));
    else copied = queue.read(into, limit);
  }
  if (copied === 0) return into.length === 0 ? 0 : nothingToRead(c);
  if (!peek) {
    c.copiedSeq = (c.copiedSeq + copied) | 0;
    afterCopy(tcp, c, copied);
  }
  return copied;
}

function nothingToRead(c: TcpConnection): number {
  if (c.finReceived) return 0;
  if (c.error !== undefined) {
    const errno = c.error;
    c.error = undefined;
    throw new SevilleError(errno, `the connection has failed: ${errno}`);
  }
  if ((c.shutdown & RCV_SHUTDOWN) !== 0) return 0;
  if (c.state === "CLOSE") throw new SevilleError("ENOTCONN", "the connection is not open");
  return WOULD_BLOCK;
}

/** The window may grow, the sender may have to know, and an empty queue gives its memory back. */
function afterCopy(tcp: TcpContext, c: TcpConnection, copied: number): void {
  if (c.urgent !== undefined && after(c.copiedSeq, c.urgent.seq)) c.urgent = undefined;
  adjustSpace(tcp, c);
  const queue = c.receiveQueue;
  if (queue !== undefined && queue.readable === 0 && queue.outOfOrder === 0) {
    queue.clear();
    c.receiveQueue = undefined;
    if (c.finReceived) c.copiedSeq = c.rcvNxt;
  }
  if (c.state !== "CLOSE") cleanupReceiveBuffer(tcp, c, copied);
}

/** Dynamic right-sizing of the buffer (`tcp_rcv_space_adjust`). */
function adjustSpace(tcp: TcpContext, c: TcpConnection): void {
  const { autotune } = c;
  const { settings } = tcp;
  if (autotune === undefined) return;
  const queue = c.receiveQueue;
  const wanted = autotune.copied(c.now, c.copiedSeq, queue?.outOfOrder ?? 0, c.advmss, queue?.readable ?? 0);
  if (wanted === 0 || settings.tcp_moderate_rcvbuf === 0 || c.options.rcvbuf !== 0) return;
  const buffer = Math.min(spaceFromWindow(settings, wanted), settings.tcp_rmem[2]);
  if (buffer <= c.rcvbuf) return;
  c.rcvbuf = buffer;
  c.windowClamp = windowFromSpace(settings, buffer);
}

/** Out of line, the urgent byte is no part of the stream: who reads up to it skips it. */
function skipUrgentByte(c: TcpConnection, peek: boolean): void {
  const { urgent } = c;
  if (urgent === undefined || urgent.seq !== c.copiedSeq || c.options.oobInline || peek) return;
  if ((c.receiveQueue?.readable ?? 0) === 0) return;
  c.receiveQueue?.discard(1);
  c.copiedSeq = (c.copiedSeq + 1) | 0;
  if (urgent.byte === URGENT_READ || urgent.byte === URGENT_NOT_YET) c.urgent = undefined;
}

/** MSG_OOB (`tcp_recv_urg`). */
function receiveUrgentByte(c: TcpConnection, into: Uint8Array, flags: number): number {
  const { urgent } = c;
  if (c.options.oobInline || urgent === undefined || urgent.byte === URGENT_READ) {
    throw new SevilleError("EINVAL", "there is no urgent data", "flags");
  }
  if (c.state === "CLOSE" && !c.finReceived) throw new SevilleError("ENOTCONN", "the connection is not open");
  if (urgent.byte === URGENT_NOT_YET) {
    return c.state === "CLOSE" || (c.shutdown & RCV_SHUTDOWN) !== 0 ? 0 : WOULD_BLOCK;
  }
  const { byte } = urgent;
  if ((flags & MSG_PEEK) === 0) urgent.byte = URGENT_READ;
  if (into.length === 0) return 0;
  into[0] = byte;
  return 1;
}

/** Bytes that can be read now (SIOCINQ). */
export function readableBytes(c: TcpConnection): number {
  const queue = c.receiveQueue;
  if (queue === undefined) return 0;
  const { urgent } = c;
  if (urgent === undefined || c.options.oobInline) return queue.readable;
  const mark = (urgent.seq - c.copiedSeq) | 0;
  return mark > 0 ? Math.min(mark, queue.readable) : queue.readable;
}

/** The next byte to be read is the urgent mark (SIOCATMARK). */
export function atMark(c: TcpConnection): boolean {
  return c.urgent !== undefined && c.urgent.seq === c.copiedSeq;
}
