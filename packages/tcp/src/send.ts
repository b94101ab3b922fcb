import { checkAppLimited } from "@seville/congestion";
import { SevilleError } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import { slowStartAfterIdle } from "./acknowledge.ts";
import { CHRONO_BUSY, chronoStart } from "./chrono.ts";
import { SEND_SHUTDOWN, type TcpConnection } from "./connection.ts";
import { MSG_EOR, MSG_MORE, MSG_OOB, NAGLE_CORK, NAGLE_PUSH } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { wakeCongestionControl } from "./establish.ts";
import { currentMss } from "./mtu.ts";
import { sizeGoal } from "./segmentation.ts";
import { memoryFree } from "./send-space.ts";
import { after } from "./seq.ts";
import type { TxSegment } from "./tx-segment.ts";
import { newTail, rtxQueueEmpty, sendHead, writeQueueEmpty, writeTail } from "./write-queue.ts";
import { pushOne, pushPending } from "./write-xmit.ts";

/*
 * The user writes (RFC 9293 §3.10.2; tcp_sendmsg).
 */

/** Writes go into the buffer in these states; in SYN-SENT they wait there for the handshake. */
function canWrite(c: TcpConnection): boolean {
  return c.state === "ESTABLISHED" || c.state === "CLOSE_WAIT" || c.fastOpen?.server === true;
}

/**
 * Takes as many bytes as the buffer holds and answers how many: 0 means that it is full, and `writable` will tell.
 * @throws SevilleError `EPIPE` after shutdown, `ENOTCONN`, or the connection's error, once
 */
export function send(tcp: TcpContext, c: TcpConnection, bytes: Uint8Array, flags: number): number {
  c.now = tcp.now;
  c.dozing = false;
  if (c.error !== undefined) throw takeError(c);
  if ((c.shutdown & SEND_SHUTDOWN) !== 0) throw new SevilleError("EPIPE", "the connection is shut for writing");
  // Who goes on with a write that was cut short waited for the buffer, not for something to say (a blocking tcp_sendmsg checks once).
  if (!c.writePending) checkAppLimited(c, (c.writeSeq - c.sndNxt) | 0);
  const open = canWrite(c);
  if (!open && c.state !== "SYN_SENT" && c.state !== "SYN_RECV") {
    throw new SevilleError("ENOTCONN", "the connection is not open");
  }
  if (!open) {
    // Nothing is sent before the handshake, and nothing is promised.
    c.noSpace = true;
    c.writePending = true;
    return 0;
  }
  c.writePending = false;
  return write(tcp, c, bytes, flags);
}

function takeError(c: TcpConnection): SevilleError {
  const errno = c.error ?? "EIO";
  c.error = undefined;
  return new SevilleError(errno, `the connection has failed: ${errno}`);
}

function write(tcp: TcpContext, c: TcpConnection, bytes: Uint8Array, flags: number): number {
  const mss = Math.max(currentMss(tcp, c), 1);
  const goal = sizeGoal(c, mss, (flags & MSG_OOB) === 0);
  let copied = 0;
  while (copied < bytes.length) {
    let tail = writeTail(c);
    let room = tail === undefined ? 0 : goal - tail.length;
    if (tail === undefined || room <= 0 || !canAppend(tail)) {
      if (!memoryFree(tcp, c)) {
        c.noSpace = true;
        c.writePending = true;
        if (copied > 0) push(tcp, c, flags & ~MSG_MORE, NAGLE_PUSH);
        return copied;
      }
      tail = entail(tcp, c);
      room = goal;
    }
    const count = Math.min(room, bytes.length - copied);
    const piece = count === bytes.length ? bytes : bytes.subarray(copied, copied + count);
    c.sendBuffer?.append(piece, tcp.gsoMaxSize === 0 ? mss : goal);
    c.wmemQueued += count;
    if (copied === 0) tail.flags &= ~wire.PSH;
    tail.length += count;
    tail.endSeq = (tail.endSeq + count) | 0;
    tail.pcount = 0;
    c.writeSeq = (c.writeSeq + count) | 0;
    copied += count;
    if (copied === bytes.length) {
      if ((flags & MSG_EOR) !== 0) tail.eor = true;
      break;
    }
    if (tail.length < goal || (flags & MSG_OOB) !== 0) continue;
    if (forcedPush(c)) {
      markPush(c, tail);
      pushPending(tcp, c, NAGLE_PUSH);
    } else if (tail === sendHead(c)) pushOne(tcp, c, mss);
  }
  if (copied > 0) push(tcp, c, flags, c.nonagle);
  return copied;
}

function canAppend(segment: TxSegment): boolean {
  return !segment.eor && (segment.flags & (wire.SYN | wire.FIN)) === 0;
}

/** A new segment at the end (`tcp_skb_entail`). */
function entail(tcp: TcpContext, c: TcpConnection): TxSegment {
  wakeCongestionControl(tcp, c);
  slowStartAfterIdle(tcp, c);
  const first = rtxQueueEmpty(c) && writeQueueEmpty(c);
  const segment = newTail(tcp, c, wire.ACK);
  if (first) chronoStart(c, CHRONO_BUSY);
  return segment;
}

/** So much is unpushed that the peer should see PSH (`forced_push`). */
function forcedPush(c: TcpConnection): boolean {
  return after(c.writeSeq, (c.pushedSeq + Math.floor(c.maxWindow / 2)) | 0);
}

function markPush(c: TcpConnection, segment: TxSegment): void {
  segment.flags |= wire.PSH;
  c.pushedSeq = c.writeSeq;
}

/** The write is complete: marks it, and sends what may go (`tcp_push`). */
function push(tcp: TcpContext, c: TcpConnection, flags: number, nonagle: number): void {
  const tail = writeTail(c);
  if (tail === undefined) return;
  if ((flags & MSG_MORE) === 0 || forcedPush(c)) markPush(c, tail);
  if ((flags & MSG_OOB) !== 0) c.sndUp = c.writeSeq;
  pushPending(tcp, c, (flags & MSG_MORE) === 0 ? nonagle : NAGLE_CORK);
}

/** Data that goes with the SYN of a Fast Open: into the buffer before there is a connection (`tcp_sendmsg_fastopen`). Answers how much. */
export function writeBeforeSyn(tcp: TcpContext, c: TcpConnection, bytes: Uint8Array, limit: number): number {
  const count = Math.min(bytes.length, limit);
  if (count === 0) return 0;
  const segment = newTail(tcp, c, wire.ACK | wire.PSH);
  c.sendBuffer?.append(count === bytes.length ? bytes : bytes.subarray(0, count), count);
  segment.length = count;
  segment.endSeq = (segment.seq + count) | 0;
  c.wmemQueued += count;
  c.writeSeq = (c.writeSeq + count) | 0;
  return count;
}
