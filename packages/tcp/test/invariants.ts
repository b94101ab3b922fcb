import type { TcpConnection } from "../src/index.ts";
import { LOST, SACKED_ACKED, SACKED_RETRANS, type TxSegment } from "../src/tx-segment.ts";

/**
 * Throws if what a connection counts is not what its queues hold: the sums that the kernel checks with
 * `tcp_verify_left_out`, and more.
 */
export function checkInvariants(c: TcpConnection): void {
  const rtx = segmentsOf(c.rtxQueue);
  const write = segmentsOf(c.writeQueue);
  const sum = (bit: number): number => rtx.reduce((total, s) => total + ((s.sacked & bit) === 0 ? 0 : s.pcount), 0);
  const out = rtx.reduce((total, s) => total + s.pcount, 0);
  expectSame("packetsOut", c.packetsOut, out);
  expectSame("lostOut", c.lostOut, sum(LOST));
  expectSame("retransOut", c.retransOut, sum(SACKED_RETRANS));
  if (c.sackOk) expectSame("sackedOut", c.sackedOut, sum(SACKED_ACKED));
  if (c.sackedOut < 0 || c.sackedOut > c.packetsOut) throw new Error(`sackedOut ${c.sackedOut} of ${c.packetsOut}`);
  if (c.sackedOut + c.lostOut > c.packetsOut)
    throw new Error(`${c.sackedOut} SACKed and ${c.lostOut} lost of ${c.packetsOut}`);
  if (c.packetsOut - c.sackedOut - c.lostOut + c.retransOut < 0) throw new Error("fewer than none in flight");
  if (!(c.sndCwnd >= 1)) throw new Error(`cwnd ${c.sndCwnd}`);
  for (const s of rtx) {
    if ((s.sacked & (SACKED_ACKED | LOST)) === (SACKED_ACKED | LOST)) throw new Error("SACKed and lost");
    if (s.pcount < 1) throw new Error(`a sent segment of ${s.pcount} packets`);
  }
  inOrder(rtx, c.sndNxt);
  inOrder(write, c.writeSeq);
  if (write[0] !== undefined) expectSame("write queue begins", write[0].seq, c.sndNxt);
  if (((c.sndNxt - c.sndUna) | 0) < 0) throw new Error("SND.NXT before SND.UNA");
  if (((c.rcvNxt - c.copiedSeq) | 0) < 0) throw new Error("RCV.NXT before what was read");
  let linked = 0;
  for (let s = c.tsHead; s !== undefined; s = s.tsNext) {
    if (!rtx.includes(s)) throw new Error("a stranger in the list by time");
    linked++;
  }
  if (linked > rtx.length) throw new Error("the list by time is too long");
  const queue = c.receiveQueue;
  if (queue !== undefined && c.state !== "CLOSE" && !c.finReceived) expectSame("RCV.NXT", queue.rcvNxt, c.rcvNxt);
}

function segmentsOf(queue: TcpConnection["rtxQueue"]): TxSegment[] {
  const all: TxSegment[] = [];
  for (let i = 0; queue !== undefined && i < queue.length; i++) all.push(queue.at(i) as TxSegment);
  return all;
}

/** One after the other without a gap, up to `end`. */
function inOrder(segments: readonly TxSegment[], end: number): void {
  segments.forEach((s, i) => {
    const next = segments[i + 1]?.seq ?? end;
    if (s.endSeq !== next) throw new Error(`a gap between ${s.endSeq} and ${next}`);
    if (((s.endSeq - s.seq) | 0) <= 0) throw new Error("an empty segment");
  });
}

function expectSame(what: string, is: number, should: number): void {
  if (is !== should) throw new Error(`${what} is ${is} and should be ${should}`);
}
