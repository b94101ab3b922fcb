import { NO_TIME } from "@seville/congestion";
import { startAccEcnFromSyn } from "./ecn.ts";
import { ECN_OK, TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import type { Embryo } from "./embryo.ts";
import { assignCongestionControl, initConnection, initRcvMss } from "./establish.ts";
import { keepaliveTime, resetKeepTimer } from "./keepalive.ts";
import { clampMss } from "./open.ts";
import { syncMss } from "./mtu.ts";
import type { Segment } from "./parts.ts";
import { advertisedMss } from "./segment-options.ts";

/** The connection that an embryo grows into, still in SYN-RECEIVED (`tcp_create_openreq_child`). Not in the table yet. */
export function createChild(tcp: TcpContext, e: Embryo, s: Segment): TcpConnection {
  const c = new TcpConnection(e.localAddress, e.localPort, e.remoteAddress, e.remotePort, e.ifindex, e.route);
  c.options = e.listener.options;
  c.parent = e.listener;
  initConnection(tcp, c);
  c.state = "SYN_RECV";
  c.irs = e.rcvIsn;
  c.rcvWup = (e.rcvIsn + 1) | 0;
  c.copiedSeq = c.rcvWup;
  c.rcvNxt = c.rcvWup;
  c.segsIn = 1;
  c.iss = e.sntIsn;
  const next = (e.sntIsn + 1) | 0;
  c.sndSml = next;
  c.sndUna = next;
  c.sndNxt = next;
  c.sndUp = next;
  c.writeSeq = next;
  c.pushedSeq = next;
  c.sndWl1 = e.rcvIsn;
  c.lrcvtime = tcp.now;
  c.lsndtime = tcp.now;
  c.txhash = e.txhash;
  c.totalRetrans = e.numRetrans;
  c.tstampOk = e.tstampOk;
  c.sackOk = e.sackOk;
  c.wscaleOk = e.wscaleOk;
  c.sndWscale = e.wscaleOk ? e.sndWscale : 0;
  c.rcvWscale = e.wscaleOk ? e.rcvWscale : 0;
  c.windowClamp = e.wscaleOk ? e.windowClamp : Math.min(e.windowClamp, 65_535);
  c.rcvSsthresh = e.rcvWnd;
  c.rcvWnd = e.rcvWnd;
  c.sndWnd = s.window * 2 ** c.sndWscale;
  c.maxWindow = c.sndWnd;
  if (e.tstampOk) {
    c.tsRecent = e.tsRecent;
    c.tsRecentStamp = tcp.now;
    c.tcpHeaderLen = 32;
  }
  if (e.numTimeout > 0) {
    c.totalRto = e.numTimeout;
    c.undoMarker = true;
    c.undoMarkerSeq = e.sntIsn;
    c.retransStamp = e.sntSynack;
    c.totalRtoTime = e.sntSynack === NO_TIME ? 0 : tcp.now - e.sntSynack;
    c.totalRtoRecoveries = 1;
  }
  c.tsOffset = e.tsOffset;
  c.mssClamp = e.mss;
  c.ecnFlags = e.ecnOk ? ECN_OK : 0;
  if (e.accEcn >= 0) startAccEcnFromSyn(tcp, c, e.accEcn, s);
  c.savedSyn = e.savedSyn;
  assignCongestionControl(tcp, c);
  syncMss(tcp, c, c.route.mtu);
  c.advmss = clampMss(c, advertisedMss(c));
  initRcvMss(c);
  if (c.options.keepalive) resetKeepTimer(tcp, c, keepaliveTime(tcp, c));
  tcp.mib.PassiveOpens++;
  return c;
}
