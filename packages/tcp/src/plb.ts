import { NS_PER_SEC } from "@seville/core";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { before } from "./seq.ts";

/*
 * Another path for a connection in trouble: a new hash makes routers with ECMP, and IPv6 flow labels, choose anew. On timeouts
 * ("protective reroute", SIGCOMM 2023), and on congestion that stays (PLB, SIGCOMM 2022; net/ipv4/tcp_plb.c).
 */

/** A number that is not 0 and not the one before (`sk_rethink_txhash`). */
export function rehash(tcp: TcpContext, c: TcpConnection): void {
  const was = c.txhash;
  do c.txhash = newTxhash(tcp);
  while (c.txhash === was);
}

/** `net_tx_rndhash`. */
export function newTxhash(tcp: TcpContext): number {
  const hash = tcp.random.uint32();
  return hash === 0 ? 1 : hash;
}

/** A timeout: no re-draw by PLB for a while, at random between one and two times tcp_plb_suspend_rto_sec. */
export function plbOnRto(tcp: TcpContext, c: TcpConnection): void {
  if (tcp.settings.tcp_plb_enabled === 0 || c.plb === undefined) return;
  const pause = tcp.settings.tcp_plb_suspend_rto_sec * NS_PER_SEC;
  c.plb.pauseUntil = c.now + pause + tcp.random.below(Math.max(pause, 1));
  c.plb.consecutiveRounds = 0;
}

/** Once per round: how much of what was delivered was CE-marked? Enough such rounds in a row, and the path is changed. */
export function plbOnAck(tcp: TcpContext, c: TcpConnection): void {
  const { settings } = tcp;
  if (settings.tcp_plb_enabled === 0 || !c.ecnOk) return;
  const plb = (c.plb ??= {
    consecutiveRounds: 0,
    pauseUntil: 0,
    roundEnd: c.sndNxt,
    roundDelivered: c.delivered,
    roundDeliveredCe: c.deliveredCe,
  });
  if (before(c.sndUna, plb.roundEnd)) return;
  const delivered = c.delivered - plb.roundDelivered;
  const marked = c.deliveredCe - plb.roundDeliveredCe;
  plb.roundEnd = c.sndNxt;
  plb.roundDelivered = c.delivered;
  plb.roundDeliveredCe = c.deliveredCe;
  // The threshold is in 256ths.
  if (delivered > 0 && marked * 256 >= settings.tcp_plb_cong_thresh * delivered) plb.consecutiveRounds++;
  else plb.consecutiveRounds = 0;
  const idle = c.packetsOut === 0 && plb.consecutiveRounds >= settings.tcp_plb_idle_rehash_rounds;
  const busy = plb.consecutiveRounds >= settings.tcp_plb_rehash_rounds;
  if ((!idle && !busy) || c.now < plb.pauseUntil) return;
  rehash(tcp, c);
  plb.consecutiveRounds = 0;
  c.plbRehash++;
  tcp.ext.TCPPLBRehash++;
}
