import type { TcpConnection } from "./connection.ts";
import { MAX_UNSCALED_WINDOW, MAX_WSCALE } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import type { TcpSettings } from "./settings.ts";

/*
 * The receive window: what is offered, and when it moves (RFC 9293 §3.8.6, tcp_select_window, __tcp_select_window).
 *
 * A buffer of `rcvbuf` bytes holds half of that as window, since the kernel counts what packets cost (scaling_ratio 1/2); profiles that offer
 * their whole buffer say so.
 */

/** Bytes of window that `space` bytes of buffer hold (`tcp_win_from_space`). */
export function windowFromSpace(settings: TcpSettings, space: number): number {
  return settings.initialWindow === "buffer" ? space : space >> 1;
}

/** The inverse (`tcp_space_from_win`). */
export function spaceFromWindow(settings: TcpSettings, window: number): number {
  return settings.initialWindow === "buffer" ? window : window * 2;
}

/** All of the buffer (`tcp_full_space`). */
export function fullSpace(tcp: TcpContext, c: TcpConnection): number {
  return windowFromSpace(tcp.settings, c.rcvbuf);
}

/** What of the buffer is free (`tcp_space`). May be negative. */
export function freeSpace(tcp: TcpContext, c: TcpConnection): number {
  const queue = c.receiveQueue;
  const used = queue === undefined ? 0 : queue.readable + queue.outOfOrder;
  return fullSpace(tcp, c) - used;
}

/** What is left of the last offer (`tcp_receive_window`). */
export function receiveWindow(c: TcpConnection): number {
  const window = (c.rcvWup + c.rcvWnd - c.rcvNxt) | 0;
  return window < 0 ? 0 : window;
}

/** End of the send window (`tcp_wnd_end`), int32. */
export function wndEnd(c: TcpConnection): number {
  return (c.sndUna + c.sndWnd) | 0;
}

/** What a handshake offers: window, clamp and scale (`tcp_select_initial_window`). */
export interface InitialWindow {
  rcvWnd: number;
  windowClamp: number;
  rcvWscale: number;
}

/**
 * @param space bytes of window that the buffer can hold
 * @param initrwnd the route's, in segments; 0: none
 */
export function selectInitialWindow(
  settings: TcpSettings,
  space: number,
  mss: number,
  windowClamp: number,
  wscaleOk: boolean,
  initrwnd: number,
): InitialWindow {
  let clamp = windowClamp === 0 ? MAX_UNSCALED_WINDOW * 2 ** MAX_WSCALE : windowClamp;
  let window = Math.min(clamp, Math.max(space, 0));
  if (settings.initialWindow === "linux" && window > mss) window -= window % mss;
  let rcvWnd = settings.tcp_workaround_signed_windows !== 0 ? Math.min(window, 32_767) : window;
  if (initrwnd > 0) rcvWnd = Math.min(rcvWnd, initrwnd * mss);
  let rcvWscale = 0;
  if (wscaleOk) {
    window = Math.min(Math.max(window, settings.tcp_rmem[2], settings.rmem_max), clamp);
    rcvWscale =
      settings.windowScale === "rmem" ? Math.min(Math.max(log2(window) - 15, 0), MAX_WSCALE) : settings.windowScale;
  }
  clamp = Math.min(MAX_UNSCALED_WINDOW * 2 ** rcvWscale, clamp);
  return { rcvWnd, windowClamp: clamp, rcvWscale };
}

function log2(n: number): number {
  return n <= 0 ? 0 : 31 - Math.clz32(Math.min(n, 0x7fff_ffff));
}

/** The window that could be offered now, in bytes (`__tcp_select_window`). Never causes silly windows (RFC 1122 §4.2.3.3). */
export function windowToOffer(tcp: TcpContext, c: TcpConnection): number {
  const { settings } = tcp;
  let mss = c.rcvMss;
  const allowed = fullSpace(tcp, c);
  let free = freeSpace(tcp, c);
  const full = Math.min(c.windowClamp, allowed);
  if (mss > full) {
    mss = full;
    if (mss <= 0) return 0;
  }
  const unit = 2 ** c.rcvWscale;
  if (settings.windowUpdates === "bsd") return bsdWindow(c, free, allowed, mss);
  if (settings.tcp_shrink_window !== 0 && c.rcvWscale !== 0) return shrinkingWindow(c, free, full, allowed, mss, unit);
  if (free < full / 2) {
    c.quick = 0;
    free -= mod(free, unit);
    if (free < allowed / 16 || free < mss) return 0;
  }
  if (free > c.rcvSsthresh) free = c.rcvSsthresh;
  if (c.rcvWscale !== 0) return Math.ceil(free / unit) * unit;
  const window = c.rcvWnd;
  if (window <= free - mss || window > free) return free - (free % mss);
  if (mss === full && free > window + full / 2) return free;
  return window;
}

function shrinkingWindow(
  c: TcpConnection,
  freeSpaceNow: number,
  full: number,
  allowed: number,
  mss: number,
  unit: number,
): number {
  let free = freeSpaceNow - mod(freeSpaceNow, unit);
  if (free < full / 2) {
    c.quick = 0;
    if (free < allowed / 16 || free < mss || free < unit) return 0;
  }
  if (free > c.rcvSsthresh) free = Math.ceil(c.rcvSsthresh / unit) * unit;
  return free;
}

/** All that is free, but no sliver of it (RFC 9293 §3.8.6.2.2, BSD tcp_output). */
function bsdWindow(c: TcpConnection, free: number, allowed: number, mss: number): number {
  const current = receiveWindow(c);
  let window = Math.max(free, 0);
  if (window < allowed / 4 && window < mss) window = 0;
  // More than the field can say is taken all the same (BSD `rcv_wnd`).
  return Math.max(window, current);
}

function mod(a: number, b: number): number {
  return ((a % b) + b) % b;
}

/** The window field of the next segment; notes what is offered (`tcp_select_window`). */
export function selectWindow(tcp: TcpContext, c: TcpConnection): number {
  const oldWindow = c.rcvWnd;
  if (c.noMemory) {
    c.noMemory = false;
    c.rcvWnd = 0;
    c.rcvWup = c.rcvNxt;
    return 0;
  }
  const current = receiveWindow(c);
  let window = windowToOffer(tcp, c);
  if (window < current && (tcp.settings.tcp_shrink_window === 0 || c.rcvWscale === 0)) {
    // What was offered stays offered (RFC 9293 §3.8.6).
    if (window === 0) tcp.ext.TCPWantZeroWindowAdv++;
    const unit = 2 ** c.rcvWscale;
    window = Math.ceil(current / unit) * unit;
  }
  c.rcvWnd = window;
  c.rcvWup = c.rcvNxt;
  const greatest =
    c.rcvWscale === 0 && tcp.settings.tcp_workaround_signed_windows !== 0
      ? 32_767
      : MAX_UNSCALED_WINDOW * 2 ** c.rcvWscale;
  const field = Math.floor(Math.min(window, greatest) / 2 ** c.rcvWscale);
  if (field === 0) {
    if (oldWindow !== 0) tcp.ext.TCPToZeroWindowAdv++;
  } else if (oldWindow === 0) tcp.ext.TCPFromZeroWindowAdv++;
  return field;
}

/** A good segment came: the receiver's slow start goes on (`tcp_grow_window`). */
export function growWindow(tcp: TcpContext, c: TcpConnection, length: number): void {
  const room = Math.min(c.windowClamp, freeSpace(tcp, c)) - c.rcvSsthresh;
  if (room <= 0) return;
  c.rcvSsthresh += Math.min(room, Math.max(2 * c.advmss, 2 * length));
  c.quick |= 1;
}

/** The connection is established: sets the clamps of the window (`tcp_init_buffer_space`). */
export function initWindowClamp(tcp: TcpContext, c: TcpConnection): void {
  const appWin = tcp.settings.tcp_app_win;
  const greatest = fullSpace(tcp, c);
  if (c.windowClamp >= greatest) {
    c.windowClamp = greatest;
    if (appWin !== 0 && greatest > 4 * c.advmss) {
      c.windowClamp = Math.max(greatest - (appWin > 30 ? 0 : greatest >> appWin), 4 * c.advmss);
    }
  }
  if (tcp.settings.initialWindow === "linux" && appWin !== 0 && c.windowClamp > 2 * c.advmss) {
    if (c.windowClamp + c.advmss > greatest) c.windowClamp = Math.max(2 * c.advmss, greatest - c.advmss);
  }
  c.rcvSsthresh = Math.min(c.rcvSsthresh, c.windowClamp);
}
