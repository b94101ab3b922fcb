import { NO_TIME } from "@seville/congestion";
import type { Nanos } from "@seville/core";
import { PAWS_MSL, PAWS_WINDOW, PAWS_WRAP } from "./constants.ts";
import type { TcpConnection } from "./connection.ts";
import { mayUpdateWindow } from "./acknowledge.ts";
import { tcp as wire } from "@seville/packet";
import type { Segment } from "./parts.ts";
import { after } from "./seq.ts";

/*
 * Timestamps: TS.Recent and the protection against wrapped sequence numbers (RFC 7323 §4.3, §5).
 */

/** `tcp_store_ts_recent`. */
export function storeTsRecent(c: TcpConnection): void {
  c.tsRecent = c.rcvTsval;
  c.tsRecentStamp = c.now;
}

/** The segment at `seq` covers what we last acknowledged: its timestamp is to be echoed (`tcp_replace_ts_recent`). */
export function replaceTsRecent(c: TcpConnection, seq: number): void {
  if (c.sawTstamp && !after(seq, c.rcvWup) && pawsOk(c.tsRecent, c.tsRecentStamp, c.rcvTsval, 0, c.now)) {
    storeTsRecent(c);
  }
}

/** `tsval` is not older than TS.Recent by more than `window`, or that cannot be told (`tcp_paws_check`). */
export function pawsOk(tsRecent: number, stamp: Nanos, tsval: number, window: number, now: Nanos): boolean {
  if (((tsRecent - tsval) | 0) <= window) return true;
  if (stamp === NO_TIME || now >= stamp + PAWS_WRAP) return true;
  // Some peers send 0 in the handshake.
  return tsRecent === 0;
}

/** A segment outside a connection (TIME-WAIT, embryo) is too old; resets only within an MSL (`tcp_paws_reject`). */
export function pawsReject(tsRecent: number, stamp: Nanos, tsval: number, rst: boolean, now: Nanos): boolean {
  if (pawsOk(tsRecent, stamp, tsval, 0, now)) return false;
  return !(rst && now >= stamp + PAWS_MSL);
}

/** The segment is an old duplicate by its timestamp, and no harmless acknowledgment (`tcp_paws_discard`). */
export function pawsDiscard(c: TcpConnection, s: Segment): boolean {
  return !pawsOk(c.tsRecent, c.tsRecentStamp, c.rcvTsval, PAWS_WINDOW, c.now) && !disorderedAck(c, s);
}

/** A pure acknowledgment that was overtaken, and changes nothing (`tcp_disordered_ack`). */
function disorderedAck(c: TcpConnection, s: Segment): boolean {
  return (
    (s.flags & wire.ACK) !== 0 &&
    s.seq === s.endSeq &&
    s.seq === c.rcvNxt &&
    s.ack === c.sndUna &&
    !mayUpdateWindow(c, s.ack, s.seq, s.window * 2 ** c.sndWscale) &&
    // Clocks of up to 1200 Hz.
    ((c.tsRecent - c.rcvTsval) | 0) <= Math.floor((c.rto / 1_000_000) * 1.2)
  );
}
