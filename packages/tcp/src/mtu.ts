import { currentSsthresh, packetsInFlight } from "@seville/congestion";
import { NS_PER_SEC } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { newDataSent } from "./new-data.ts";
import { createPlpmtud } from "./plpmtud.ts";
import { establishedOptionBytes, networkHeader } from "./segment-options.ts";
import { boundToHalfWindow } from "./segmentation.ts";
import { after } from "./seq.ts";
import { transmitSegment } from "./transmit.ts";
import { wndEnd } from "./window.ts";
import { freeSegment, sendHead, setSegments, trimHead } from "./write-queue.ts";

/*
 * From MTU to MSS, and the search for a larger MTU by probes (RFC 4821, tcp_mtu_probe).
 */

/** Before TCP options (`__tcp_mtu_to_mss`). */
export function mtuToMssWithoutOptions(tcp: TcpContext, c: TcpConnection, mtu: number): number {
  const mss = Math.min(mtu - networkHeader(c) - 20, c.mssClamp);
  return Math.max(mss, tcp.settings.tcp_min_snd_mss);
}

/** Payload of a segment in an IP packet of `mtu` bytes, SACK blocks not counted (`tcp_mtu_to_mss`). */
export function mtuToMss(tcp: TcpContext, c: TcpConnection, mtu: number): number {
  return mtuToMssWithoutOptions(tcp, c, mtu) - (c.tcpHeaderLen - 20);
}

/** The inverse (`tcp_mss_to_mtu`). */
export function mssToMtu(c: TcpConnection, mss: number): number {
  return mss + c.tcpHeaderLen + networkHeader(c);
}

/** The path MTU is `pmtu` now: sets and answers the MSS (`tcp_sync_mss`). */
export function syncMss(tcp: TcpContext, c: TcpConnection, pmtu: number): number {
  const search = c.mtuProbe?.search;
  if (search !== undefined && search.high > pmtu) search.high = pmtu;
  let mss = boundToHalfWindow(c, mtuToMss(tcp, c, pmtu));
  c.pmtuCookie = pmtu;
  if (search !== undefined) mss = Math.min(mss, mtuToMss(tcp, c, search.low));
  c.mssCache = mss;
  return mss;
}

/** MSS of the next segment, odd options and a changed route considered (`tcp_current_mss`). */
export function currentMss(tcp: TcpContext, c: TcpConnection): number {
  const mss = c.route.mtu === c.pmtuCookie ? c.mssCache : syncMss(tcp, c, c.route.mtu);
  return mss - (establishedOptionBytes(c) + 20 - c.tcpHeaderLen);
}

/** A connection begins: is it to search from the start? (`tcp_mtup_init`) */
export function mtuProbeInit(tcp: TcpContext, c: TcpConnection): void {
  if (tcp.settings.tcp_mtu_probing > 1) enableMtuProbing(tcp, c);
}

export function enableMtuProbing(tcp: TcpContext, c: TcpConnection): void {
  const search = createPlpmtud(mssToMtu(c, tcp.settings.tcp_base_mss), c.mssClamp + 20 + networkHeader(c));
  search.reprobeAt = c.now + tcp.settings.tcp_probe_interval * NS_PER_SEC;
  c.mtuProbe = { search, probeStart: 0, probeEnd: 0 };
}

/** Timeouts in a row: a router may swallow large packets without a word (`tcp_mtu_probing`, RFC 4821 §7.7). */
export function mtuBlackHole(tcp: TcpContext, c: TcpConnection): void {
  const { settings } = tcp;
  if (settings.tcp_mtu_probing === 0) return;
  const search = c.mtuProbe?.search;
  if (search === undefined) enableMtuProbing(tcp, c);
  else {
    let mss = Math.min(settings.tcp_base_mss, mtuToMss(tcp, c, search.low) >> 1);
    mss = Math.max(mss, settings.tcp_mtu_probe_floor, settings.tcp_min_snd_mss);
    search.low = mssToMtu(c, mss);
  }
  syncMss(tcp, c, c.pmtuCookie);
}

/**
 * Sends a probe if it is time for one: bytes of several segments as one large one (`tcp_mtu_probe`).
 * 1: sent; 0: wait, until window and cwnd allow it; -1: not now.
 */
export function mtuProbe(tcp: TcpContext, c: TcpConnection): -1 | 0 | 1 {
  const probe = c.mtuProbe;
  if (probe === undefined || probe.search.probeSize !== 0 || c.caState !== "open" || c.sndCwnd < 11) return -1;
  const blocks = c.sackBlocks;
  if (blocks !== undefined && (blocks.count > 0 || blocks.hasDsack)) return -1;
  const { search } = probe;
  const mss = currentMss(tcp, c);
  const size = mtuToMss(tcp, c, (search.high + search.low) >> 1);
  const needed = size + (c.reordering + 1) * c.mssCache;
  if (size > mtuToMss(tcp, c, search.high) || search.high - search.low < tcp.settings.tcp_probe_threshold) {
    checkReprobe(tcp, c);
    return -1;
  }
  if (((c.writeSeq - c.sndNxt) | 0) < needed || c.sndWnd < needed) return -1;
  if (after((c.sndNxt + needed) | 0, wndEnd(c))) return 0;
  if (packetsInFlight(c) + 2 > c.sndCwnd) return packetsInFlight(c) === 0 ? -1 : 0;
  return sendProbe(tcp, c, size, mss) ? 1 : -1;
}

function checkReprobe(tcp: TcpContext, c: TcpConnection): void {
  const search = c.mtuProbe?.search;
  if (search === undefined || c.now < search.reprobeAt) return;
  search.probeSize = 0;
  search.high = c.mssClamp + 20 + networkHeader(c);
  search.low = mssToMtu(c, currentMss(tcp, c));
  search.reprobeAt = c.now + tcp.settings.tcp_probe_interval * NS_PER_SEC;
}

function sendProbe(tcp: TcpContext, c: TcpConnection, size: number, mss: number): boolean {
  const queue = c.writeQueue;
  const probe = c.mtuProbe;
  const first = sendHead(c);
  if (queue === undefined || probe === undefined || first === undefined) return false;
  let flags = wire.ACK;
  for (let i = 0, length = size; length > 0; i++) {
    const segment = queue.at(i);
    // A boundary that the user has set stays one.
    if (segment === undefined || (segment.eor && length > segment.length)) return false;
    flags |= length >= segment.length ? segment.flags : segment.flags & ~(wire.FIN | wire.PSH);
    length -= segment.length;
  }
  const large = tcp.takeSegment();
  large.seq = first.seq;
  large.endSeq = (first.seq + size) | 0;
  large.offset = first.offset;
  large.length = size;
  large.flags = flags;
  setSegments(large, size);
  if (!transmitSegment(tcp, c, large)) {
    tcp.giveSegment(large);
    return false;
  }
  c.wmemQueued += 1024 + size;
  for (let length = size; length > 0;) {
    const segment = queue.first();
    if (segment === undefined) break;
    if (segment.length <= length) {
      length -= segment.length;
      large.eor = segment.eor;
      queue.shift();
      freeSegment(tcp, c, segment);
    } else {
      trimHead(c, segment, length);
      setSegments(segment, mss);
      length = 0;
    }
  }
  // It counts as two.
  c.sndCwnd = Math.max(1, c.sndCwnd - 1);
  newDataSent(tcp, c, large);
  probe.search.probeSize = mssToMtu(c, size);
  probe.probeStart = large.seq;
  probe.probeEnd = large.endSeq;
  return true;
}

/** The probe was lost, and nothing else: no congestion (`tcp_mtup_probe_failed`). */
export function mtuProbeFailed(tcp: TcpContext, c: TcpConnection): void {
  c.mtuProbe?.search.failed();
  tcp.ext.TCPMTUPFail++;
}

/** The probe was acknowledged: the MTU is at least that (`tcp_mtup_probe_success`). */
export function mtuProbeSucceeded(tcp: TcpContext, c: TcpConnection): void {
  const search = c.mtuProbe?.search;
  if (search === undefined) return;
  // Fewer, larger segments make the same window in bytes.
  c.priorSsthresh = currentSsthresh(c);
  c.sndCwnd = Math.max(1, Math.floor((c.sndCwnd * mssToMtu(c, c.mssCache)) / search.probeSize));
  c.sndCwndCnt = 0;
  c.sndCwndStamp = c.now;
  c.sndSsthresh = currentSsthresh(c);
  search.succeeded();
  syncMss(tcp, c, c.pmtuCookie);
  tcp.ext.TCPMTUPSuccess++;
}
