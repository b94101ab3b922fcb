import { deliveryRate, minRttUs } from "@seville/congestion";
import type { Nanos } from "@seville/core";
import type { TcpConnection, TcpState } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { delackMax } from "./delayed-ack.ts";

/** `struct tcp_info` (include/uapi/linux/tcp.h): the kernel's names without `tcpi_`, in its units: µs, ms where it says so, bytes, segments. */
export type TcpInfo = Readonly<Record<TcpInfoField, number>>;

export type TcpInfoField =
  | "state"
  | "ca_state"
  | "retransmits"
  | "probes"
  | "backoff"
  | "options"
  | "snd_wscale"
  | "rcv_wscale"
  | "delivery_rate_app_limited"
  | "fastopen_client_fail"
  | "rto"
  | "ato"
  | "snd_mss"
  | "rcv_mss"
  | "unacked"
  | "sacked"
  | "lost"
  | "retrans"
  | "fackets"
  | "last_data_sent"
  | "last_ack_sent"
  | "last_data_recv"
  | "last_ack_recv"
  | "pmtu"
  | "rcv_ssthresh"
  | "rtt"
  | "rttvar"
  | "snd_ssthresh"
  | "snd_cwnd"
  | "advmss"
  | "reordering"
  | "rcv_rtt"
  | "rcv_space"
  | "total_retrans"
  | "pacing_rate"
  | "max_pacing_rate"
  | "bytes_acked"
  | "bytes_received"
  | "segs_out"
  | "segs_in"
  | "notsent_bytes"
  | "min_rtt"
  | "data_segs_in"
  | "data_segs_out"
  | "delivery_rate"
  | "busy_time"
  | "rwnd_limited"
  | "sndbuf_limited"
  | "delivered"
  | "delivered_ce"
  | "bytes_sent"
  | "bytes_retrans"
  | "dsack_dups"
  | "reord_seen"
  | "rcv_ooopack"
  | "snd_wnd"
  | "rcv_wnd"
  | "rehash"
  | "total_rto"
  | "total_rto_recoveries"
  | "total_rto_time"
  | "received_ce"
  | "delivered_e1_bytes"
  | "delivered_e0_bytes"
  | "delivered_ce_bytes"
  | "received_e1_bytes"
  | "received_e0_bytes"
  | "received_ce_bytes";

/** Bits of `options`. */
export const TCPI_OPT_TIMESTAMPS = 1;
export const TCPI_OPT_SACK = 2;
export const TCPI_OPT_WSCALE = 4;
export const TCPI_OPT_ECN = 8;
export const TCPI_OPT_ECN_SEEN = 16;
export const TCPI_OPT_SYN_DATA = 32;

/** Numbers of the states (include/net/tcp_states.h). */
export const TCP_STATE_NUMBERS: Readonly<Record<TcpState, number>> = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
};

const CA_STATE_NUMBERS = { open: 0, disorder: 1, cwr: 2, recovery: 3, loss: 4 } as const;

function ms(ns: Nanos): number {
  return Math.floor(ns / 1_000_000);
}

function us(ns: Nanos): number {
  return Math.floor(ns / 1000);
}

/** What the kernel would say of this connection now (`tcp_get_info`). */
export function tcpInfo(tcp: TcpContext, c: TcpConnection): TcpInfo {
  const now = tcp.now;
  const least = minRttUs(c);
  const accEcn = c.accEcn;
  const running = c.chronoType === 0 ? 0 : now - c.chronoStart;
  const rwnd = c.chronoRwnd + (c.chronoType === 2 ? running : 0);
  const sndbuf = c.chronoSndbuf + (c.chronoType === 3 ? running : 0);
  const busy = c.chronoBusy + (c.chronoType === 1 ? running : 0) + rwnd + sndbuf;
  return {
    state: TCP_STATE_NUMBERS[c.state],
    ca_state: CA_STATE_NUMBERS[c.caState],
    retransmits: c.retransmits,
    probes: c.probesOut,
    backoff: c.backoff,
    options: optionBits(c),
    snd_wscale: c.wscaleOk ? c.sndWscale : 0,
    rcv_wscale: c.wscaleOk ? c.rcvWscale : 0,
    delivery_rate_app_limited: c.rateAppLimited ? 1 : 0,
    fastopen_client_fail: c.fastOpen?.clientFail ?? 0,
    rto: us(c.rto),
    ato: us(Math.min(c.ato, delackMax(tcp, c))),
    snd_mss: c.mssCache,
    rcv_mss: c.rcvMss,
    unacked: c.packetsOut,
    sacked: c.sackedOut,
    lost: c.lostOut,
    retrans: c.retransOut,
    fackets: 0,
    last_data_sent: ms(now - c.lsndtime),
    last_ack_sent: 0,
    last_data_recv: ms(now - c.lrcvtime),
    last_ack_recv: ms(now - c.rcvTstamp),
    pmtu: c.pmtuCookie,
    rcv_ssthresh: c.rcvSsthresh,
    rtt: Math.floor(c.srttUs / 8),
    rttvar: Math.floor(c.mdevUs / 4),
    snd_ssthresh: c.sndSsthresh,
    snd_cwnd: c.sndCwnd,
    advmss: c.advmss,
    reordering: c.reordering,
    rcv_rtt: us(c.autotune?.rcvRtt ?? 0),
    rcv_space: c.autotune?.space ?? Math.min(c.rcvSsthresh, c.rcvWnd, 10 * c.advmss),
    total_retrans: c.totalRetrans,
    pacing_rate: c.pacingRate,
    max_pacing_rate: c.maxPacingRate,
    bytes_acked: c.bytesAcked,
    bytes_received: c.bytesReceived,
    segs_out: c.segsOut,
    segs_in: c.segsIn,
    notsent_bytes: Math.max(0, (c.writeSeq - c.sndNxt) | 0),
    min_rtt: least === Infinity ? 0xffff_ffff : least,
    data_segs_in: c.dataSegsIn,
    data_segs_out: c.dataSegsOut,
    delivery_rate: deliveryRate(c),
    busy_time: us(busy),
    rwnd_limited: us(rwnd),
    sndbuf_limited: us(sndbuf),
    delivered: c.delivered,
    delivered_ce: c.deliveredCe,
    bytes_sent: c.bytesSent,
    bytes_retrans: c.bytesRetrans,
    dsack_dups: c.dsackDups,
    reord_seen: c.reordSeen,
    rcv_ooopack: c.rcvOoopack,
    snd_wnd: c.sndWnd,
    rcv_wnd: c.rcvWnd,
    rehash: c.totalRto + c.plbRehash,
    total_rto: c.totalRto,
    total_rto_recoveries: c.totalRtoRecoveries,
    total_rto_time: ms(c.totalRtoTime + (c.rtoStamp < 0 ? 0 : now - c.rtoStamp)),
    received_ce: accEcn?.receivedCe ?? 0,
    delivered_e1_bytes: accEcn?.deliveredBytes[2] ?? 0,
    delivered_e0_bytes: accEcn?.deliveredBytes[0] ?? 0,
    delivered_ce_bytes: accEcn?.deliveredBytes[1] ?? 0,
    received_e1_bytes: accEcn?.receivedBytes[2] ?? 0,
    received_e0_bytes: accEcn?.receivedBytes[0] ?? 0,
    received_ce_bytes: accEcn?.receivedBytes[1] ?? 0,
  };
}

function optionBits(c: TcpConnection): number {
  let bits = 0;
  if (c.tstampOk) bits |= TCPI_OPT_TIMESTAMPS;
  if (c.sackOk) bits |= TCPI_OPT_SACK;
  if (c.wscaleOk) bits |= TCPI_OPT_WSCALE;
  if (c.ecnOk) bits |= TCPI_OPT_ECN;
  if ((c.ecnFlags & 8) !== 0) bits |= TCPI_OPT_ECN_SEEN;
  if (c.fastOpen?.synDataAcked === true) bits |= TCPI_OPT_SYN_DATA;
  return bits;
}
