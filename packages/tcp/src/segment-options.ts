import { ECN_OK, type TcpConnection } from "./connection.ts";
import { MAX_OPTION_SPACE, TSTAMP_ALIGNED } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import type { Outgoing } from "./parts.ts";
import { tsClock } from "./seq.ts";
import type { Nanos } from "@seville/core";
import { fitFastOpen, fitSackBlocks } from "./wire/options-fit.ts";

/*
 * Which options a segment has (tcp_syn_options, tcp_established_options). They are put into the endpoint's one `Outgoing`; the codec orders them.
 */

/** As if nothing was asked for. */
export function clearOutgoing(out: Outgoing): void {
  out.urgentPointer = 0;
  out.mss = 0;
  out.windowScale = -1;
  out.sackPermitted = false;
  out.hasTimestamps = false;
  out.sackCount = 0;
  out.fastOpenCookie = undefined;
  out.fastOpenExperimental = false;
  out.accEcnOrder = -1;
  out.accEcnCount = 0;
}

/** Options of a SYN, or of the SYN/ACK that answers a crossing one. */
export function synOptions(tcp: TcpContext, c: TcpConnection, out: Outgoing, sentAt: Nanos): void {
  if (c.options.noOptions) return;
  const { settings } = tcp;
  const routeAdvmss = advertisedMss(c);
  if (routeAdvmss < c.advmss) c.advmss = routeAdvmss;
  out.mss = c.advmss;
  if (settings.rexmitDropOptions && c.state === "SYN_SENT" && c.totalRto >= 3) return;
  const negotiated = settings.crossedSynAckOptions === "negotiated" && c.state === "SYN_RECV";
  if (negotiated ? c.tstampOk : settings.tcp_timestamps !== 0) {
    out.hasTimestamps = true;
    out.tsval = (tsClock(sentAt) + c.tsOffset) | 0;
    out.tsecr = c.tsRecent;
  }
  if (negotiated ? c.wscaleOk : settings.tcp_window_scaling !== 0) out.windowScale = c.rcvWscale;
  out.sackPermitted = negotiated ? c.sackOk : settings.tcp_sack !== 0;
  const fastOpen = c.fastOpen;
  if (fastOpen?.cookieSent !== undefined && !fastOpen.server && !fastOpen.asked) {
    out.fastOpenCookie = fastOpen.cookieSent;
    out.fastOpenExperimental = fastOpen.experimental;
    if (fitFastOpen(out)) fastOpen.offered = true;
  }
}

/** MSS that the route allows us to advertise (`tcp_dst_advmss`): from the interface's MTU, not the path's. */
export function advertisedMss(c: TcpConnection): number {
  const { route } = c;
  return route.advmss ?? Math.max(0, (route.deviceMtu ?? route.mtu) - networkHeader(c) - 20);
}

/** Bytes of IP header before ours. */
export function networkHeader(c: { readonly localAddress: unknown }): number {
  return typeof c.localAddress === "number" ? 20 : 40;
}

/** Options of a segment on a connection: timestamps, SACK, AccECN. */
export function establishedOptions(tcp: TcpContext, c: TcpConnection, out: Outgoing, sentAt: Nanos): void {
  let used = 0;
  if (c.tstampOk) {
    out.hasTimestamps = true;
    out.tsval = (tsClock(sentAt) + c.tsOffset) | 0;
    out.tsecr = c.tsRecent;
    used = TSTAMP_ALIGNED;
  }
  const blocks = c.sackBlocks;
  if (blocks !== undefined) {
    const count = blocks.count + (blocks.hasDsack ? 1 : 0);
    if (count > 0 && MAX_OPTION_SPACE - used >= 12) {
      out.sackCount = blocks.write(out.sack, fitSackBlocks(used, count));
    }
  }
  if (c.accEcn !== undefined && (c.ecnFlags & ECN_OK) !== 0 && tcp.settings.tcp_ecn_option !== 0) {
    const room = MAX_OPTION_SPACE - used - (out.sackCount === 0 ? 0 : 4 + 8 * out.sackCount);
    c.accEcn.writeOption(out, room, c.now, Math.floor(c.srttUs / 8) * 1000);
  }
}

/** Bytes that the options of the next segment take: for the MSS (`tcp_current_mss`). */
export function establishedOptionBytes(c: TcpConnection): number {
  let used = c.tstampOk ? TSTAMP_ALIGNED : 0;
  const blocks = c.sackBlocks;
  if (blocks === undefined) return used;
  const count = blocks.count + (blocks.hasDsack ? 1 : 0);
  if (count > 0 && MAX_OPTION_SPACE - used >= 12) used += 4 + 8 * fitSackBlocks(used, count);
  return used;
}
