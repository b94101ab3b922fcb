import { NO_TIME } from "@seville/congestion";
import { type Nanos, NS_PER_MS, NS_PER_SEC } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import type { TcpExtMib } from "./counters.ts";
import type { Segment } from "./parts.ts";
import { sendPlainAck } from "./transmit.ts";

/*
 * Answers to segments that do not fit, of which no more are sent than necessary (RFC 5961 §7, and loops of ACKs).
 */

/** Who keeps the time of its last such answer. */
export interface RateLimited {
  lastOowAckTime: Nanos;
}

/** An answer was sent less than tcp_invalid_ratelimit ago (`__tcp_oow_rate_limited`). */
export function rateLimited(tcp: TcpContext, who: RateLimited, counter: keyof TcpExtMib): boolean {
  if (who.lastOowAckTime !== NO_TIME && tcp.now - who.lastOowAckTime < tcp.settings.tcp_invalid_ratelimit * NS_PER_MS) {
    tcp.ext[counter]++;
    return true;
  }
  who.lastOowAckTime = tcp.now;
  return false;
}

/** As {@link rateLimited}, but data is always answered: it is no part of a loop of ACKs (`tcp_oow_rate_limited`). */
export function oowRateLimited(tcp: TcpContext, s: Segment, who: RateLimited, counter: keyof TcpExtMib): boolean {
  if (s.seq !== s.endSeq && (s.flags & wire.SYN) === 0) return false;
  return rateLimited(tcp, who, counter);
}

/** The endpoint's limit for all connections (`tcp_challenge_ack_allowed`): a random one each second, so that nobody learns from it. */
export function challengeAllowed(tcp: TcpContext): boolean {
  const limit = tcp.settings.tcp_challenge_ack_limit;
  if (limit === 0x7fff_ffff) return true;
  const second = Math.floor(tcp.now / NS_PER_SEC);
  if (second !== tcp.challengeSecond) {
    const half = (limit + 1) >> 1;
    tcp.challengeSecond = second;
    tcp.challengeCount = half + tcp.random.below(Math.max(limit, 1));
  }
  if (tcp.challengeCount === 0) return false;
  tcp.challengeCount--;
  return true;
}

/** RFC 5961's challenge ACK: who really is the peer will answer what is right (`tcp_send_challenge_ack`). */
export function sendChallengeAck(tcp: TcpContext, c: TcpConnection): void {
  if (tcp.settings.challengeAck === "linux" && rateLimited(tcp, c, "TCPACKSkippedChallenge")) return;
  if (!challengeAllowed(tcp)) return;
  tcp.ext.TCPChallengeACK++;
  sendPlainAck(tcp, c);
}
