import { NO_TIME } from "@seville/congestion";
import { type Nanos, NEVER, NS_PER_MS } from "@seville/core";
import { type IpAddress, tcp as wire } from "@seville/packet";
import { oowRateLimited } from "./challenge.ts";
import type { TableEntry } from "./connection-table.ts";
import type { TcpConnection, TcpState } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { done } from "./done.ts";
import { dropSegment } from "./drop.ts";
import { outputBare } from "./output.ts";
import type { Segment } from "./parts.ts";
import { clearOutgoing } from "./segment-options.ts";
import { after, before, tsClock } from "./seq.ts";
import { pawsReject } from "./timestamps.ts";
import { receiveWindow } from "./window.ts";

/**
 * What is left of a connection in TIME-WAIT, or of an orphan in FIN-WAIT-2: enough to answer what comes late (RFC 9293 §3.6.1,
 * `tcp_timewait_sock`).
 */
export class TimeWait implements TableEntry {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly ifindex: number;
  hash = 0;
  chain: TableEntry | undefined = undefined;
  heapIndex = -1;
  heapAt: Nanos = NEVER;
  expires: Nanos = 0;
  substate: "TIME_WAIT" | "FIN_WAIT2";
  rcvNxt: number;
  readonly sndNxt: number;
  readonly rcvWnd: number;
  readonly rcvWscale: number;
  tsRecent: number;
  tsRecentStamp: Nanos;
  readonly tsOffset: number;
  readonly txhash: number;
  readonly tos: number;
  lastOowAckTime: Nanos = NO_TIME;

  constructor(c: TcpConnection, substate: "TIME_WAIT" | "FIN_WAIT2") {
    this.localAddress = c.localAddress;
    this.localPort = c.localPort;
    this.remoteAddress = c.remoteAddress;
    this.remotePort = c.remotePort;
    this.ifindex = c.ifindex;
    this.substate = substate;
    this.rcvNxt = c.rcvNxt;
    this.sndNxt = c.sndNxt;
    this.rcvWnd = receiveWindow(c);
    this.rcvWscale = c.rcvWscale;
    this.tsRecent = c.tsRecent;
    this.tsRecentStamp = c.tsRecentStamp;
    this.tsOffset = c.tsOffset;
    this.txhash = c.txhash;
    this.tos = c.options.tos;
  }

  /** As `ss` shows it. */
  get state(): TcpState {
    return this.substate;
  }
}

/** The connection ends; a small record waits in its place (`tcp_time_wait`). */
export function enterTimeWait(
  tcp: TcpContext,
  c: TcpConnection,
  substate: "TIME_WAIT" | "FIN_WAIT2",
  timeout: Nanos,
): void {
  const room = tcp.timeWaitCount < tcp.settings.tcp_max_tw_buckets;
  const record = room ? new TimeWait(c, substate) : undefined;
  // Long enough for a retransmission of the peer's FIN, however slow it is.
  const wait = substate === "TIME_WAIT" ? timeWaitLength(tcp) : Math.max(timeout, Math.floor(c.rto * 3.5));
  done(tcp, c);
  if (record === undefined) {
    tcp.ext.TCPTimeWaitOverflow++;
    return;
  }
  tcp.timeWaitCount++;
  tcp.table.insert(record);
  reschedule(tcp, record, wait);
}

function timeWaitLength(tcp: TcpContext): Nanos {
  return tcp.settings.timewaitMs * NS_PER_MS;
}

function reschedule(tcp: TcpContext, tw: TimeWait, wait: Nanos): void {
  tw.expires = tcp.now + wait;
  tcp.deadlines.remove(tw);
  tcp.deadlines.atLatest(tw, tw.expires);
}

/** Its time is over, or it was assassinated. */
export function endTimeWait(tcp: TcpContext, tw: TimeWait): void {
  tcp.table.remove(tw);
  tcp.deadlines.remove(tw);
  tcp.timeWaitCount--;
}

/** What to do with a segment: nothing more; answer with RST; or it is a SYN for a new connection, with this ISN. */
export type TimeWaitVerdict = "done" | "reset" | { readonly isn: number };

/** `tcp_timewait_state_process`. */
export function timeWaitSegment(tcp: TcpContext, tw: TimeWait, s: Segment): TimeWaitVerdict {
  const { options, flags } = s;
  const rst = (flags & wire.RST) !== 0;
  const sawTstamp = options.hasTimestamps && tw.tsRecentStamp !== NO_TIME;
  const paws = sawTstamp && pawsReject(tw.tsRecent, tw.tsRecentStamp, options.tsval, rst, tcp.now);
  if (tw.substate === "FIN_WAIT2") return finWait2(tcp, tw, s, paws, sawTstamp);
  if (tcp.settings.timeWaitRules === "bsd") return bsdTimeWait(tcp, tw, s);
  if (!paws && s.seq === tw.rcvNxt && (s.seq === s.endSeq || rst)) {
    if (rst) {
      // RFC 1337: a reset in TIME-WAIT is to be ignored; Linux lets it pass unless told otherwise.
      if (tcp.settings.tcp_rfc1337 === 0) {
        endTimeWait(tcp, tw);
        tcp.ext.TWKilled++;
        return "done";
      }
    } else reschedule(tcp, tw, timeWaitLength(tcp));
    if (sawTstamp) takeTimestamp(tcp, tw, s);
    return "done";
  }
  const newer = sawTstamp && ((tw.tsRecent - options.tsval) | 0) < 0;
  if ((flags & (wire.SYN | wire.RST | wire.ACK)) === wire.SYN && !paws && (after(s.seq, tw.rcvNxt) || newer)) {
    // RFC 9293 §3.6.1: a new connection may begin, above all sequence numbers of the old one.
    const isn = (tw.sndNxt + 65_537) | 0;
    return { isn: isn === 0 ? 1 : isn };
  }
  if (paws) tcp.ext.PAWSEstab++;
  if (rst) return "done";
  if (paws || (flags & wire.ACK) !== 0) reschedule(tcp, tw, timeWaitLength(tcp));
  if (!oowRateLimited(tcp, s, tw, "TCPACKSkippedTimeWait")) timeWaitAck(tcp, tw);
  return "done";
}

/** `tcp_twcheck` of the BSDs: RSTs are dropped (RFC 1337), and so is what acknowledges nothing; all but a plain acknowledgment is answered. */
function bsdTimeWait(tcp: TcpContext, tw: TimeWait, s: Segment): TimeWaitVerdict {
  const { flags } = s;
  if ((flags & wire.RST) !== 0) return "done";
  if ((flags & (wire.SYN | wire.ACK)) === wire.SYN && after(s.seq, tw.rcvNxt)) return { isn: 0 };
  if ((flags & wire.ACK) === 0) return "done";
  // A FIN that comes again.
  if ((flags & wire.FIN) !== 0 && s.endSeq === tw.rcvNxt) reschedule(tcp, tw, timeWaitLength(tcp));
  const plain = s.seq === s.endSeq && s.seq === tw.rcvNxt && s.ack === tw.sndNxt;
  if (!plain) timeWaitAck(tcp, tw);
  return "done";
}

/** An orphan that waits for the peer's FIN. */
function finWait2(tcp: TcpContext, tw: TimeWait, s: Segment, paws: boolean, sawTstamp: boolean): TimeWaitVerdict {
  const { flags } = s;
  if (paws || !inWindow(s.seq, s.endSeq, tw.rcvNxt, (tw.rcvNxt + tw.rcvWnd) | 0)) {
    if (!oowRateLimited(tcp, s, tw, "TCPACKSkippedFinWait2")) timeWaitAck(tcp, tw);
    return "done";
  }
  if ((flags & wire.RST) !== 0) {
    endTimeWait(tcp, tw);
    return "done";
  }
  if ((flags & wire.SYN) !== 0 && !before(s.seq, tw.rcvNxt)) {
    endTimeWait(tcp, tw);
    return "reset";
  }
  if ((flags & wire.ACK) === 0 || !after(s.endSeq, tw.rcvNxt) || s.endSeq === s.seq) return "done";
  // Data after the user has closed: nobody will read it.
  if ((flags & wire.FIN) === 0 || s.endSeq !== ((tw.rcvNxt + 1) | 0)) {
    endTimeWait(tcp, tw);
    return "reset";
  }
  tw.substate = "TIME_WAIT";
  tw.rcvNxt = s.endSeq;
  if (sawTstamp) takeTimestamp(tcp, tw, s);
  reschedule(tcp, tw, timeWaitLength(tcp));
  timeWaitAck(tcp, tw);
  return "done";
}

function takeTimestamp(tcp: TcpContext, tw: TimeWait, s: Segment): void {
  tw.tsRecent = s.options.tsval;
  tw.tsRecentStamp = tcp.now;
}

/** RFC 9293 §3.10.7.4 first, as `tcp_in_window`. */
export function inWindow(seq: number, endSeq: number, start: number, end: number): boolean {
  if (seq === start) return true;
  if (after(endSeq, start) && before(seq, end)) return true;
  return seq === end && seq === endSeq;
}

/** The acknowledgment of the old connection once more (`tcp_v4_timewait_ack`). */
export function timeWaitAck(tcp: TcpContext, tw: TimeWait): void {
  const out = tcp.outgoing;
  clearOutgoing(out);
  out.sourcePort = tw.localPort;
  out.destinationPort = tw.remotePort;
  out.seq = tw.sndNxt;
  out.ack = tw.rcvNxt;
  out.flags = wire.ACK;
  out.window = Math.min(Math.floor(tw.rcvWnd / 2 ** tw.rcvWscale), 65_535);
  if (tw.tsRecentStamp !== NO_TIME) {
    out.hasTimestamps = true;
    out.tsval = (tsClock(tcp.now) + tw.tsOffset) | 0;
    out.tsecr = tw.tsRecent;
  }
  const path = {
    localAddress: tw.localAddress,
    remoteAddress: tw.remoteAddress,
    connection: undefined,
    ifindex: tw.ifindex,
    tos: tw.tos & ~3,
    ecn: 0,
    hopLimit: 0,
    txhash: tw.txhash,
    dontFragment: true,
  };
  if (outputBare(tcp, path, tcp.settings.optionLayout, tcp.now)) tcp.mib.OutSegs++;
  else dropSegment(tcp, "NOMEM");
}
