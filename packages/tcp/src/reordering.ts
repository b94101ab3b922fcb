import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { before } from "./seq.ts";

/** Behind the highest SACKed byte, or SND.UNA (`tcp_highest_sack_seq`). */
export function highestSackSeq(c: TcpConnection): number {
  return c.sackedOut === 0 ? c.sndUna : c.highestSack;
}

/**
 * Something below the highest SACKed byte was delivered that had not been retransmitted: the network reorders by that much. From now on more
 * duplicate ACKs are waited for (`tcp_check_sack_reordering`, RFC 4653 in spirit).
 */
export function checkSackReordering(tcp: TcpContext, c: TcpConnection, lowSeq: number, byTimestamp: boolean): void {
  const mss = c.mssCache;
  const highest = highestSackSeq(c);
  if (!before(lowSeq, highest)) return;
  const metric = (highest - lowSeq) >>> 0;
  if (mss > 0 && metric > c.reordering * mss) {
    c.reordering = Math.min(Math.floor((metric + mss - 1) / mss), tcp.settings.tcp_max_reordering);
  }
  c.reordSeen++;
  if (byTimestamp) tcp.ext.TCPTSReorder++;
  else tcp.ext.TCPSACKReorder++;
}
