import { tcp as wire } from "@seville/packet";
import { ACK_NOW, ACK_PUSHED, ACK_PUSHED2, type TcpConnection } from "./connection.ts";
import { ATO_MIN } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { enterQuickackMode, increaseQuickack, scheduleAck, sendCompressedAck } from "./delayed-ack.ts";
import { dropSegment } from "./drop.ts";
import { ecnCheckCe } from "./ecn.ts";
import { tellReadable } from "./events.ts";
import { receiveFin } from "./fin.ts";
import type { Segment } from "./parts.ts";
import { rehash } from "./plb.ts";
import { createRcvbufAutotune } from "./rcvbuf-autotune.ts";
import { createReceiveQueue } from "./receive-queue.ts";
import { createSackBlocks } from "./sack-blocks.ts";
import { after, before } from "./seq.ts";
import { timestampRttUs } from "./clean-rtx.ts";
import { growWindow, receiveWindow } from "./window.ts";

/*
 * The text of a segment (RFC 9293 §3.10.7.4 seventh; tcp_data_queue, tcp_data_queue_ofo, tcp_event_data_recv).
 */

/** TCP_MAX_QUICKACKS. */
const MAX_QUICKACKS = 16;

/** Queues what the segment carries, in order or not, and its FIN. */
export function receiveData(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  if (s.seq === s.endSeq) return;
  c.sackBlocks?.forgetDuplicate?.();
  if (tcp.settings.trimBeyondWindow) trimToWindow(c, s);
  const fin = (s.flags & wire.FIN) !== 0;
  if (s.seq === c.rcvNxt) {
    if (receiveWindow(c) === 0 && !(s.payloadLength === 0 && fin)) {
      tcp.ext.TCPZeroWindowDrop++;
      outOfWindow(tcp, c);
      dropSegment(tcp, "TCP_ZEROWINDOW");
      return;
    }
    queueInOrder(tcp, c, s);
    return;
  }
  if (!after(s.endSeq, c.rcvNxt)) {
    spuriousRetransmission(tcp, c);
    tcp.ext.DelayedACKLost++;
    duplicateReceived(tcp, c, s, s.seq, s.endSeq);
    outOfWindow(tcp, c);
    dropSegment(tcp, "TCP_OLD_DATA");
    return;
  }
  if (!before(s.seq, (c.rcvNxt + receiveWindow(c)) | 0)) {
    outOfWindow(tcp, c);
    dropSegment(tcp, "TCP_OVERWINDOW");
    return;
  }
  if (before(s.seq, c.rcvNxt)) {
    duplicateReceived(tcp, c, s, s.seq, c.rcvNxt);
    if (receiveWindow(c) === 0) {
      tcp.ext.TCPZeroWindowDrop++;
      outOfWindow(tcp, c);
      dropSegment(tcp, "TCP_ZEROWINDOW");
      return;
    }
    queueInOrder(tcp, c, s);
    return;
  }
  queueOutOfOrder(tcp, c, s);
}

/** What lies behind the window is not taken, nor is a FIN there (RFC 9293 §3.4, BSD). */
function trimToWindow(c: TcpConnection, s: Segment): void {
  const over = (s.endSeq - ((c.rcvNxt + receiveWindow(c)) | 0)) | 0;
  if (over <= 0) return;
  if ((s.flags & wire.FIN) !== 0) {
    s.flags &= ~wire.FIN;
    s.endSeq = (s.endSeq - 1) | 0;
    if (over === 1) return;
  }
  const bytes = Math.min(s.payloadLength, (s.endSeq - ((c.rcvNxt + receiveWindow(c)) | 0)) | 0);
  if (bytes <= 0) return;
  s.payloadLength -= bytes;
  s.endSeq = (s.endSeq - bytes) | 0;
}

function outOfWindow(tcp: TcpContext, c: TcpConnection): void {
  enterQuickackMode(tcp, c, MAX_QUICKACKS);
  scheduleAck(c);
}

/** The next acknowledgment reports `[start, end)` as having come twice (RFC 2883, `tcp_dsack_set`). */
export function duplicateReceived(tcp: TcpContext, c: TcpConnection, s: Segment, start: number, end: number): void {
  if (!c.sackOk || tcp.settings.tcp_dsack === 0) return;
  if (before(s.seq, c.rcvNxt)) tcp.ext.TCPDSACKOldSent++;
  else tcp.ext.TCPDSACKOfoSent++;
  blocksOf(tcp, c).duplicate(start, end);
}

function blocksOf(tcp: TcpContext, c: TcpConnection): NonNullable<TcpConnection["sackBlocks"]> {
  return (c.sackBlocks ??= createSackBlocks(tcp.settings.optionLayout));
}

function queueOf(c: TcpConnection): NonNullable<TcpConnection["receiveQueue"]> {
  return (c.receiveQueue ??= createReceiveQueue(c.rcvNxt));
}

/** The segment continues the stream, or overlaps its end. */
function queueInOrder(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  endAtFin(c, s);
  const fin = (s.flags & wire.FIN) !== 0;
  const start = c.rcvNxt;
  let hadGaps = (c.receiveQueue?.outOfOrder ?? 0) > 0;
  if (s.payloadLength > 0) {
    const queue = queueOf(c);
    if (queue.allocated > memoryLimit(c)) {
      pruneQueue(tcp, c);
      hadGaps = queue.outOfOrder > 0;
      if (queue.allocated > memoryLimit(c) && queue.readable > 0) {
        c.noMemory = true;
        c.ackPending |= ACK_NOW;
        scheduleAck(c);
        tcp.ext.TCPRcvQDrop++;
        tellReadable(tcp, c);
        dropSegment(tcp, "PROTO_MEM");
        return;
      }
    }
    queue.insert(tcp.memory.u8, s.payload, s.payloadLength, s.seq);
    c.rcvNxt = queue.rcvNxt;
    dataReceived(tcp, c, s);
  }
  if (fin) takeFin(tcp, c, (s.endSeq - 1) | 0);
  c.bytesReceived += (c.rcvNxt - start) | 0;
  const { receiveQueue: queue } = c;
  // RFC 5681 §4.2: at once when a gap is filled.
  if (hadGaps && (queue === undefined || queue.outOfOrder === 0)) c.ackPending |= ACK_NOW;
  takePendingFin(tcp, c);
  c.sackBlocks?.acknowledge(c.rcvNxt);
  if (s.payloadLength > 0) tellReadable(tcp, c);
}

/** The stream ends with the first FIN that is known of: what lies behind it, and other FINs, are nothing. */
function endAtFin(c: TcpConnection, s: Segment): void {
  const fin = (s.flags & wire.FIN) !== 0;
  if (!c.finPending) {
    // What a peer has sent behind its own FIN is not part of the stream either.
    const highest = c.receiveQueue?.highest;
    if (fin && highest !== undefined && after(highest, (s.endSeq - 1) | 0)) dropOutOfOrder(c);
    return;
  }
  if (fin && s.endSeq === ((c.finSeq + 1) | 0)) return;
  if (fin) {
    s.flags &= ~wire.FIN;
    s.endSeq = (s.endSeq - 1) | 0;
  }
  const over = (s.endSeq - c.finSeq) | 0;
  if (over <= 0) return;
  s.payloadLength = Math.max(0, s.payloadLength - over);
  s.endSeq = (s.seq + s.payloadLength) | 0;
}

/** The FIN at `seq` is next, unless data is still missing before it. */
function takeFin(tcp: TcpContext, c: TcpConnection, seq: number): void {
  if (c.finReceived || before(c.rcvNxt, seq)) return;
  c.rcvNxt = (seq + 1) | 0;
  c.receiveQueue?.skip(1);
  receiveFin(tcp, c);
}

/** A FIN that came out of order is next now. */
function takePendingFin(tcp: TcpContext, c: TcpConnection): void {
  if (!c.finPending || before(c.rcvNxt, c.finSeq)) return;
  c.finPending = false;
  const was = c.rcvNxt;
  takeFin(tcp, c, c.finSeq);
  if (c.rcvNxt !== was) c.bytesReceived++;
}

/** Something is missing before it (`tcp_data_queue_ofo`). */
function queueOutOfOrder(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  if (c.finReceived) return;
  ecnCheckCe(tcp, c, s);
  const queue = queueOf(c);
  if (queue.allocated > memoryLimit(c)) {
    pruneQueue(tcp, c);
    if (queue.allocated > memoryLimit(c)) {
      tcp.ext.TCPOFODrop++;
      tellReadable(tcp, c);
      dropSegment(tcp, "PROTO_MEM");
      return;
    }
  }
  measureRcvMss(c, s);
  scheduleAck(c);
  c.rcvOoopack += Math.max(1, s.gsoSegs);
  tcp.ext.TCPOFOQueue++;
  endAtFin(c, s);
  if (s.seq === s.endSeq) return;
  if ((s.flags & wire.FIN) !== 0) {
    c.finPending = true;
    c.finSeq = (s.endSeq - 1) | 0;
  }
  if (s.payloadLength > 0) {
    queue.insert(tcp.memory.u8, s.payload, s.payloadLength, s.seq);
    if (queue.hasDuplicate) duplicateReceived(tcp, c, s, queue.dsackStart, queue.dsackEnd);
  }
  if (!c.sackOk) return;
  const blocks = blocksOf(tcp, c);
  if (blocks.count >= 4 && c.compressedAck > 0) sendCompressedAck(tcp, c);
  blocks.add(s.seq, s.endSeq);
  growWindow(tcp, c, s.payloadLength);
}

/** More memory than that is not kept, whatever is in order or not (`sk_rcvbuf`). */
function memoryLimit(c: TcpConnection): number {
  return Math.max(c.rcvbuf, 65_536) + 65_536;
}

/** Too much memory is held: what is out of order goes (`tcp_prune_queue`); the peer has promised to keep it. */
function pruneQueue(tcp: TcpContext, c: TcpConnection): void {
  tcp.ext.PruneCalled++;
  if ((c.receiveQueue?.outOfOrder ?? 0) > 0) {
    tcp.ext.OfoPruned++;
    dropOutOfOrder(c);
  }
}

/** Forgets what is out of order, and says so no more. */
export function dropOutOfOrder(c: TcpConnection): void {
  c.receiveQueue?.prune();
  c.finPending = false;
  c.sackBlocks?.reset();
}

/** Data came in order: sizes, intervals and windows are estimated from it (`tcp_event_data_recv`). */
function dataReceived(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  scheduleAck(c);
  measureRcvMss(c, s);
  autotuneOf(c).sampleWindow(c.now, c.rcvNxt, c.rcvWnd);
  if (c.ato === 0) {
    increaseQuickack(tcp, c, MAX_QUICKACKS);
    c.ato = ATO_MIN;
  } else {
    const gap = c.now - c.lrcvtime;
    if (gap <= ATO_MIN / 2) c.ato = Math.floor(c.ato / 2) + ATO_MIN / 2;
    else if (gap < c.ato) c.ato = Math.min(Math.floor(c.ato / 2) + gap, c.rto, tcp.settings.delackMaxMs * 1_000_000);
    else if (gap > c.rto) increaseQuickack(tcp, c, MAX_QUICKACKS);
  }
  c.lrcvtime = c.now;
  ecnCheckCe(tcp, c, s);
  if (s.payloadLength >= 128) growWindow(tcp, c, s.payloadLength);
}

/** Made with the first data: most connections of a server never receive much. */
function autotuneOf(c: TcpConnection): NonNullable<TcpConnection["autotune"]> {
  return (c.autotune ??= createRcvbufAutotune(c.now, Math.min(c.rcvSsthresh, c.rcvWnd, 10 * c.advmss), c.copiedSeq));
}

/** An RTT as the receiver sees it: by the echo of a full segment (`tcp_rcv_rtt_measure_ts`). */
export function measureReceiverRtt(c: TcpConnection, s: Segment): void {
  if (!c.sawTstamp || c.rcvTsecr === 0 || c.rcvTsecr === c.rcvRttLastTsecr) return;
  c.rcvRttLastTsecr = c.rcvTsecr;
  if (s.payloadLength === 0 || s.payloadLength < c.rcvMss) return;
  const rtt = timestampRttUs(c, 0);
  if (rtt > 0) autotuneOf(c).sampleTimestamp(rtt * 1000);
}

/** How large the peer's segments are (`tcp_measure_rcv_mss`). */
function measureRcvMss(c: TcpConnection, s: Segment): void {
  const last = c.lastSegSize;
  c.lastSegSize = 0;
  const length = s.gsoSize === 0 ? s.payloadLength : s.gsoSize;
  if (length >= c.rcvMss) {
    c.rcvMss = Math.min(length, c.advmss);
    if ((s.flags & wire.PSH) !== 0) c.ackPending |= ACK_PUSHED;
    return;
  }
  const whole = length + s.headerLength;
  const remnant = s.flags & (wire.FIN | wire.URG | wire.SYN | wire.PSH);
  if (whole >= 536 + 20 || (whole >= 88 + 20 && remnant === 0)) {
    const size = whole - c.tcpHeaderLen;
    c.lastSegSize = size;
    if (size === last) {
      c.rcvMss = size;
      return;
    }
  }
  if ((c.ackPending & ACK_PUSHED) !== 0) c.ackPending |= ACK_PUSHED2;
  c.ackPending |= ACK_PUSHED;
}

/** Old data with a new flow label: the peer's timeouts may mean that our acknowledgments are lost (`tcp_rcv_spurious_retrans`). */
function spuriousRetransmission(tcp: TcpContext, c: TcpConnection): void {
  if (typeof c.localAddress === "number" || c.caState === "loss") return;
  if (c.lrcvFlowlabel !== tcp.flowLabel) {
    rehash(tcp, c);
    tcp.ext.TcpDuplicateDataRehash++;
  }
  c.lrcvFlowlabel = tcp.flowLabel;
}
