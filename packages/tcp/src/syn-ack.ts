import { NO_TIME } from "@seville/congestion";
import { type Nanos, NS_PER_MS } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import { accEcnHandshake, writeInitialOption } from "./acc-ecn.ts";
import type { TcpContext } from "./context.ts";
import type { Embryo } from "./embryo.ts";
import { outputBare, type OutputPath } from "./output.ts";
import { newTxhash } from "./plb.ts";
import { clearOutgoing } from "./segment-options.ts";
import { tsClock } from "./seq.ts";
import { fitFastOpen } from "./wire/options-fit.ts";
import { rtoMaxOf } from "./xmit-timer.ts";

/*
 * SYN/ACKs of passive opens, the first and those repeated (tcp_make_synack, tcp_rtx_synack).
 */

/** Sends the SYN/ACK. `ack` is beyond the SYN if Fast Open took its data. `tsval`: for cookies, which carry options in it. */
export function sendSynAck(
  tcp: TcpContext,
  e: Embryo,
  ack: number = e.rcvNxt,
  tsval: number = (tsClock(tcp.now) + e.tsOffset) | 0,
): boolean {
  const out = tcp.outgoing;
  clearOutgoing(out);
  out.sourcePort = e.localPort;
  out.destinationPort = e.remotePort;
  out.seq = e.sntIsn;
  out.ack = ack;
  out.flags = wire.SYN | wire.ACK;
  if (e.accEcn >= 0) out.flags |= accEcnHandshake.synAckFlags(e.accEcn);
  else if (e.ecnOk) out.flags |= wire.ECE;
  out.window = Math.min(e.rcvWnd, 65_535);
  if (!e.listener.options.noOptions) {
    out.mss = advertised(e);
    if (e.wscaleOk) out.windowScale = e.rcvWscale;
    if (e.tstampOk) {
      out.hasTimestamps = true;
      out.tsval = tsval;
      out.tsecr = e.tsRecent;
    }
    out.sackPermitted = e.sackOk;
    if (e.fastOpenCookie !== undefined) {
      out.fastOpenCookie = e.fastOpenCookie;
      out.fastOpenExperimental = e.fastOpenExperimental;
      fitFastOpen(out);
    }
    if (e.accEcn >= 0 && e.numTimeout === 0 && tcp.settings.tcp_ecn_option !== 0)
      writeInitialOption(out, accEcnRoom(tcp));
  }
  if (!outputBare(tcp, pathOf(e), tcp.settings.optionLayout, tcp.now)) return false;
  tcp.mib.OutSegs++;
  if (e.sntSynack === NO_TIME) e.sntSynack = tcp.now;
  return true;
}

/** What the other options of the SYN/ACK leave. */
function accEcnRoom(tcp: TcpContext): number {
  const out = tcp.outgoing;
  const cookie =
    out.fastOpenCookie === undefined ? 0 : (out.fastOpenCookie.length + (out.fastOpenExperimental ? 4 : 2) + 3) & ~3;
  return (
    40 -
    (out.mss === 0 ? 0 : 4) -
    (out.hasTimestamps ? 12 : 0) -
    (out.windowScale < 0 ? 0 : 4) -
    (out.sackPermitted && !out.hasTimestamps ? 4 : 0) -
    cookie
  );
}

/** MSS for the peer's segments. */
export function advertised(e: Embryo): number {
  const header = typeof e.localAddress === "number" ? 20 : 40;
  const mss = e.route.advmss ?? Math.max(0, (e.route.deviceMtu ?? e.route.mtu) - header - 20);
  const user = e.listener.options.userMss;
  return user !== 0 && user < mss ? user : mss;
}

export function pathOf(e: Embryo): OutputPath {
  return {
    localAddress: e.localAddress,
    remoteAddress: e.remoteAddress,
    connection: undefined,
    ifindex: e.ifindex,
    tos: e.tos,
    ecn: 0,
    hopLimit: e.listener.options.hopLimit,
    txhash: e.txhash,
    dontFragment: e.listener.options.pmtudisc !== "dont",
  };
}

/** The SYN/ACK once more; on another path, perhaps. */
export function repeatSynAck(tcp: TcpContext, e: Embryo): boolean {
  e.txhash = newTxhash(tcp);
  // Boxes on the way may have eaten the SYN/ACK for its cookie.
  if (tcp.settings.fastOpenRules === "bsd") e.fastOpenCookie = undefined;
  if (!sendSynAck(tcp, e)) return false;
  e.numRetrans++;
  tcp.mib.RetransSegs++;
  tcp.ext.TCPSynRetrans++;
  return true;
}

/** When the next timeout is due: twice as late each time (`reqsk_timeout`). */
export function synAckTimeout(tcp: TcpContext, e: Embryo): Nanos {
  const slop = e.numTimeout === 0 ? 0 : tcp.settings.rexmitSlopMs * NS_PER_MS;
  return Math.min(e.timeout * 2 ** Math.min(e.numTimeout, 30) + slop, rtoMaxOf(tcp));
}
