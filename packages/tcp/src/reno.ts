import { tcpCountDelivered } from "./delivered.ts";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";

/*
 * A peer without SACK: each duplicate ACK says that one more segment has left the network (RFC 5681 §3.2, RFC 6582).
 */

/** At least one segment must be missing. Answers whether more were counted as delivered than that leaves (`tcp_limit_reno_sacked`). */
export function limitRenoSacked(c: TcpConnection): boolean {
  const holes = Math.min(Math.max(c.lostOut, 1), c.packetsOut);
  if (c.sackedOut + holes <= c.packetsOut) return false;
  c.sackedOut = c.packetsOut - holes;
  return true;
}

/** More duplicates than segments in flight: it was reordering (`tcp_check_reno_reordering`). */
function checkReordering(tcp: TcpContext, c: TcpConnection, addend: number): void {
  if (!limitRenoSacked(c)) return;
  c.reordering = Math.min(c.packetsOut + addend, tcp.settings.tcp_max_reordering);
  c.reordSeen++;
  tcp.ext.TCPRenoReorder++;
}

/** Duplicate ACKs came (`tcp_add_reno_sack`). */
export function addRenoSack(tcp: TcpContext, c: TcpConnection, duplicates: number, ece: boolean): void {
  if (duplicates === 0) return;
  const prior = c.sackedOut;
  c.sackedOut += duplicates;
  checkReordering(tcp, c, 0);
  if (c.sackedOut > prior) tcpCountDelivered(c, c.sackedOut - prior, ece);
}

/** `acked` segments were acknowledged, of which all but one had been counted as delivered (`tcp_remove_reno_sacks`). */
export function removeRenoSacks(tcp: TcpContext, c: TcpConnection, acked: number, ece: boolean): void {
  if (acked > 0) {
    tcpCountDelivered(c, Math.max(acked - c.sackedOut, 1), ece);
    c.sackedOut = acked - 1 >= c.sackedOut ? 0 : c.sackedOut - (acked - 1);
  }
  checkReordering(tcp, c, acked);
}
