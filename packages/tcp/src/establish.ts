import { type CongestionAlgorithm, congestionAlgorithm, NO_TIME, updatePacingRate } from "@seville/congestion";
import { SevilleError } from "@seville/core";
import { RCV_SHUTDOWN, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { setState } from "./done.ts";
import { keepaliveTime, resetKeepTimer } from "./keepalive.ts";
import { mtuProbeInit } from "./mtu.ts";
import { expandSendBuffer } from "./send-space.ts";
import { initWindowClamp } from "./window.ts";

/*
 * What every connection begins with, and what happens when the handshake is done (tcp_init_sock, tcp_init_transfer).
 */

/** GSO_MAX_SIZE without room for headers. */
const GSO_LEGACY_MAX = 65_536 - 321;

/** A fresh connection's settings (`tcp_init_sock`). */
export function initConnection(tcp: TcpContext, c: TcpConnection): void {
  const { settings } = tcp;
  const { options } = c;
  c.now = tcp.now;
  c.sndbuf = options.sndbuf === 0 ? settings.tcp_wmem[1] : options.sndbuf;
  c.rcvbuf = options.rcvbuf === 0 ? settings.tcp_rmem[1] : options.rcvbuf;
  c.gsoMaxSize = tcp.gsoMaxSize === 0 ? GSO_LEGACY_MAX : Math.max(tcp.gsoMaxSize - 321, 1500);
  c.reordering = c.route.reordering ?? settings.tcp_reordering;
  c.rto = settings.initialRtoMs * 1_000_000;
  c.mdevUs = settings.initialRtoMs * 1000;
  if (options.maxPacingRate !== Infinity) c.pacingStatus = "needed";
  c.nonagle = (options.nodelay ? 1 : 0) | (options.cork ? 2 : 0);
  c.sndCwnd = settings.initialCwnd;
  c.lossObserver = tcp.lossObserver?.(c);
  if (c.route.ssthresh !== undefined) c.sndSsthresh = Math.min(c.route.ssthresh, c.sndCwndClamp);
}

/** The algorithm `name`, or `undefined`. */
export function findAlgorithm(tcp: TcpContext, name: string): CongestionAlgorithm | undefined {
  return tcp.algorithms.find((algorithm) => algorithm.name === name) ?? congestionAlgorithm(name);
}

/** Chooses the congestion control: the user's, the route's, the sysctl's (`tcp_assign_congestion_control`). */
export function assignCongestionControl(tcp: TcpContext, c: TcpConnection): void {
  const wanted = c.options.congestion || c.route.congctl || tcp.settings.tcp_congestion_control;
  setCongestionControl(tcp, c, wanted);
}

/** It may have been put aside while nothing was sent (doze.ts). */
export function wakeCongestionControl(tcp: TcpContext, c: TcpConnection): void {
  if (c.congestion === undefined && c.established) assignCongestionControl(tcp, c);
}

/**
 * TCP_CONGESTION.
 * @throws SevilleError `ENOENT`
 */
export function setCongestionControl(tcp: TcpContext, c: TcpConnection, name: string): void {
  const algorithm = findAlgorithm(tcp, name);
  if (algorithm === undefined) {
    throw new SevilleError("ENOENT", `there is no congestion control ${JSON.stringify(name)}`, "congestion");
  }
  c.congestion?.release?.();
  c.congestion = algorithm.create(c, tcp.random);
  if (c.established) initCongestionControl(c);
}

/** Both directions are ready: clamps, buffers, first window (`tcp_init_transfer`). */
export function initTransfer(tcp: TcpContext, c: TcpConnection): void {
  mtuProbeInit(tcp, c);
  // RFC 5681 §3.1: one segment if SYN or SYN/ACK was lost, for certain.
  const lost = c.totalRetrans > 1 && c.undoMarker;
  c.sndCwnd = lost ? 1 : Math.min(c.route.initcwnd ?? tcp.settings.initialCwnd, c.sndCwndClamp);
  c.sndCwndStamp = c.now;
  if (c.appLimited === 1) c.appLimited = 0;
  c.established = true;
  initCongestionControl(c);
  if (tcp.settings.bufferRounding === "mss") roundBuffers(c);
  if (c.options.sndbuf === 0) expandSendBuffer(tcp, c);
  initWindowClamp(tcp, c);
}

/** Whole segments fit into the buffers (BSD tcp_mss). */
export function roundBuffers(c: TcpConnection): void {
  const mss = Math.max(c.mssCache, 1);
  c.rcvbuf = Math.ceil(c.rcvbuf / mss) * mss;
  c.sndbuf = Math.ceil(c.sndbuf / mss) * mss;
}

function initCongestionControl(c: TcpConnection): void {
  c.priorSsthresh = 0;
  c.congestion?.init();
}

/** Our SYN was acknowledged by the peer's (`tcp_finish_connect`). */
export function finishConnect(tcp: TcpContext, c: TcpConnection): void {
  setState(tcp, c, "ESTABLISHED");
  c.lrcvtime = c.now;
  initTransfer(tcp, c);
  // No restart of the window with the first data.
  c.lsndtime = c.now;
  if (c.options.keepalive) resetKeepTimer(tcp, c, keepaliveTime(tcp, c));
}

/** The pacing rate after the handshake's RTT. */
export function initPacing(tcp: TcpContext, c: TcpConnection): void {
  if (c.congestion?.congControl !== undefined) return;
  updatePacingRate(c, { ssRatio: tcp.settings.tcp_pacing_ss_ratio, caRatio: tcp.settings.tcp_pacing_ca_ratio });
}

/** First guess at the peer's segments (`tcp_initialize_rcv_mss`). */
export function initRcvMss(c: TcpConnection): void {
  const hint = Math.min(c.advmss, c.mssCache, Math.floor(c.rcvWnd / 2), 536);
  c.rcvMss = Math.max(hint, 88);
}

/** Nothing can be read now or ever. */
export function endOfData(c: TcpConnection): boolean {
  return (c.shutdown & RCV_SHUTDOWN) !== 0 && (c.receiveQueue?.readable ?? 0) === 0;
}

/** As if it had never been sent (`tcp_clear_retrans`). */
export function clearRetrans(c: TcpConnection): void {
  c.retransOut = 0;
  c.lostOut = 0;
  c.undoMarker = false;
  c.undoRetrans = -1;
  c.sackedOut = 0;
  c.rtoStamp = NO_TIME;
  c.totalRto = 0;
  c.totalRtoRecoveries = 0;
  c.totalRtoTime = 0;
}
