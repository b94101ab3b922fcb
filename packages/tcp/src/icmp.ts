import { backedOff, NO_TIME, retransmissionTimeout } from "@seville/congestion";
import { between } from "./seq.ts";
import { TcpConnection, TIMER_RETRANS } from "./connection.ts";
import type { TableEntry } from "./connection-table.ts";
import type { TcpContext } from "./context.ts";
import { doneWithError } from "./done.ts";
import { Embryo } from "./embryo.ts";
import { tellError } from "./events.ts";
import { syncMss } from "./mtu.ts";
import { simpleRetransmit } from "./recover.ts";
import { retransmitTimer } from "./retransmit-timer.ts";
import { dropEmbryo } from "./syn-received.ts";
import type { TcpIcmpError } from "./types.ts";
import { rtxHead } from "./write-queue.ts";
import { initialRto, resetXmitTimer, rtoMax, rttOptions } from "./xmit-timer.ts";

/*
 * ICMP errors about our segments (RFC 9293 §3.9.2.2, RFC 5927, RFC 1191, RFC 8201, RFC 6069; tcp_v4_err, tcp_v6_err).
 */

/** What an ICMP error means: which errno, and whether it kills a connection that is being opened. */
interface Meaning {
  readonly kind: "mtu" | "quench" | "error";
  readonly errno: string;
  /** Fatal where IP_RECVERR is set, and for SYNs. */
  readonly fatal: boolean;
  /** The network or host cannot be reached: the backoff is taken back (RFC 6069). */
  readonly unreachable: boolean;
}

/** Codes of Destination Unreachable (`icmp_err_convert`). */
const UNREACHABLE4: readonly (readonly [string, boolean])[] = [
  ["ENETUNREACH", false],
  ["EHOSTUNREACH", false],
  ["ENOPROTOOPT", true],
  ["ECONNREFUSED", true],
  ["EMSGSIZE", false],
  ["EOPNOTSUPP", false],
  ["ENETUNREACH", true],
  ["EHOSTDOWN", true],
  ["ENONET", true],
  ["ENETUNREACH", true],
  ["EHOSTUNREACH", true],
  ["ENETUNREACH", false],
  ["EHOSTUNREACH", false],
  ["EHOSTUNREACH", true],
  ["EHOSTUNREACH", true],
  ["EHOSTUNREACH", true],
];

/** Codes of ICMPv6 Destination Unreachable (`icmpv6_err_convert`). */
const UNREACHABLE6: readonly (readonly [string, boolean])[] = [
  ["ENETUNREACH", false],
  ["EACCES", true],
  ["EHOSTUNREACH", false],
  ["EHOSTUNREACH", false],
  ["ECONNREFUSED", true],
  ["EACCES", true],
  ["EACCES", true],
];

/** Codes of Destination Unreachable by which the other end, or somebody on the way, will not have it. */
const REFUSED4: ReadonlySet<number> = new Set([2, 3, 9, 10, 13]);

function meaningOf(error: TcpIcmpError): Meaning | undefined {
  const { family, type, code } = error;
  if (family === 4) {
    if (type === 3 && code === 4) return { kind: "mtu", errno: "EMSGSIZE", fatal: false, unreachable: false };
    if (type === 4) return { kind: "quench", errno: "", fatal: false, unreachable: false };
    if (type === 3) return convert(UNREACHABLE4, code, code <= 1);
    if (type === 12) return { kind: "error", errno: "EPROTO", fatal: false, unreachable: false };
    if (type === 11) return { kind: "error", errno: "EHOSTUNREACH", fatal: false, unreachable: false };
    return undefined;
  }
  if (type === 2) return { kind: "mtu", errno: "EMSGSIZE", fatal: false, unreachable: false };
  if (type === 1) return convert(UNREACHABLE6, code, code === 0 || code === 3);
  if (type === 3) return { kind: "error", errno: "EHOSTUNREACH", fatal: false, unreachable: false };
  if (type === 4) return { kind: "error", errno: "EPROTO", fatal: false, unreachable: false };
  return undefined;
}

function convert(table: typeof UNREACHABLE4, code: number, unreachable: boolean): Meaning | undefined {
  const row = table[code];
  return row === undefined ? undefined : { kind: "error", errno: row[0], fatal: row[1], unreachable };
}

/** Works on an ICMP error about a segment of `entry`. */
export function icmpError(tcp: TcpContext, entry: TableEntry, error: TcpIcmpError): void {
  const meaning = meaningOf(error);
  if (meaning === undefined) return;
  const isBsd = tcp.settings.icmpRules === "bsd";
  if (entry instanceof Embryo) {
    // FreeBSD's syncache gives up only what it has repeated in vain (`syncache_unreach`).
    if (!isBsd) embryoError(tcp, entry, error, meaning);
    return;
  }
  if (!(entry instanceof TcpConnection)) return;
  const c = entry;
  c.now = tcp.now;
  const seq = error.sequence | 0;
  const start = c.fastOpen?.embryo?.sntIsn ?? c.sndUna;
  // RFC 5927 §4: only what is in flight can have caused it.
  if (!between(seq, start, c.sndNxt) || (isBsd && seq === c.sndNxt)) {
    tcp.ext.OutOfWindowIcmps++;
    return;
  }
  if (meaning.kind === "quench") return;
  if (meaning.kind === "mtu") mtuReduced(tcp, c, error.info);
  else if (isBsd) bsdConnectionError(tcp, c, error, meaning.errno);
  else connectionError(tcp, c, meaning, seq);
}

/** What FreeBSD gives up a SYN for: protocol, port, and what is prohibited, or the hop limit (`icmp_errmap`, `tcp_drop_syn_sent`). */
function bsdConnectionError(tcp: TcpContext, c: TcpConnection, error: TcpIcmpError, errno: string): void {
  if (c.state === "CLOSE") return;
  const { family, type, code } = error;
  const isRefused = family === 4 ? type === 3 && REFUSED4.has(code) : type === 1 && (code === 1 || code === 4);
  const isExpired = type === (family === 4 ? 11 : 3) && code === 0;
  const meant = isRefused ? "ECONNREFUSED" : type === (family === 4 ? 3 : 1) ? "EHOSTUNREACH" : errno;
  if (c.state === "SYN_SENT" && (isRefused || isExpired)) doneWithError(tcp, c, meant);
  else if (c.state !== "ESTABLISHED" || meant !== "EHOSTUNREACH") c.softError = meant;
}

function embryoError(tcp: TcpContext, e: Embryo, error: TcpIcmpError, meaning: Meaning): void {
  if ((error.sequence | 0) !== e.sntIsn) {
    tcp.ext.OutOfWindowIcmps++;
    return;
  }
  if (meaning.kind === "error" && (meaning.unreachable || error.type !== 3)) {
    dropEmbryo(tcp, e);
    tcp.ext.ListenDrops++;
  }
}

/** The path takes packets of `mtu` bytes at most (RFC 1191 §3, `tcp_v4_mtu_reduced`). */
function mtuReduced(tcp: TcpContext, c: TcpConnection, mtu: number): void {
  if (c.options.pmtudisc === "dont" || c.route.mtuLocked === true) return;
  const least = c.family === 4 ? 552 : 1280;
  const route = tcp.route(c.localAddress, c.remoteAddress, c.ifindex);
  // What the routing table has learnt counts; an engine alone learns by itself.
  const told = mtu === 0 ? least : Math.max(mtu, c.family === 4 ? 68 : 1280);
  const limit = Math.min(route?.mtu ?? told, Math.max(told, c.family === 4 ? least : 1280));
  if (mtu < limit) c.softError = "EMSGSIZE";
  if (c.pmtuCookie <= limit) return;
  c.route = { ...(route ?? c.route), mtu: limit, deviceMtu: c.route.deviceMtu ?? c.route.mtu };
  syncMss(tcp, c, limit);
  simpleRetransmit(tcp, c);
}

function connectionError(tcp: TcpContext, c: TcpConnection, meaning: Meaning, seq: number): void {
  if (meaning.unreachable && c.fastOpen?.embryo === undefined) revertBackoff(tcp, c, seq);
  if (c.state === "CLOSE") return;
  if (c.state === "SYN_SENT" || c.state === "SYN_RECV") {
    // A Fast Open child lives on: its SYN/ACK may get through yet.
    if (c.fastOpen?.server === true) return;
    doneWithError(tcp, c, meaning.errno);
    return;
  }
  // RFC 5927 §6: on an established connection nothing is aborted for it.
  if (c.options.recvErr && !c.orphan) tellError(tcp, c, meaning.errno);
  else c.softError = meaning.errno;
}

/** RFC 6069: the timeout was no congestion, the link was down (`tcp_ld_RTO_revert`). */
function revertBackoff(tcp: TcpContext, c: TcpConnection, seq: number): void {
  if (seq !== c.sndUna || c.retransmits === 0 || c.backoff === 0) return;
  const head = rtxHead(c);
  if (head === undefined || head.sentAt === NO_TIME) return;
  c.backoff--;
  const base = c.srttUs === 0 ? initialRto(tcp) : retransmissionTimeout(c, rttOptions(tcp, c));
  c.rto = backedOff(base, c.backoff, rtoMax(tcp, c));
  const left = head.sentAt + c.rto - c.now;
  if (left > 0) resetXmitTimer(tcp, c, TIMER_RETRANS, left);
  else retransmitTimer(tcp, c);
}
