import type { DropReason } from "@seville/core";

/** Counters of a tunnel device, as `ip -s -s link` shows them (struct rtnl_link_stats64). */
export interface TunnelStats {
  rxPackets: number;
  rxBytes: number;
  txPackets: number;
  txBytes: number;
  rxErrors: number;
  txErrors: number;
  rxDropped: number;
  txDropped: number;
  rxLengthErrors: number;
  rxCrcErrors: number;
  /** ECN fields that contradict each other, and headers that cannot be. */
  rxFrameErrors: number;
  /** GRE packets out of order. */
  rxFifoErrors: number;
  /** Packets that a tunnel routed through itself would have wrapped again. */
  collisions: number;
}

export function newStats(): TunnelStats {
  return {
    rxPackets: 0,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
    rxErrors: 0,
    txErrors: 0,
    rxDropped: 0,
    txDropped: 0,
    rxLengthErrors: 0,
    rxCrcErrors: 0,
    rxFrameErrors: 0,
    rxFifoErrors: 0,
    collisions: 0,
  };
}

const CHECKSUM_REASONS: ReadonlySet<DropReason> = new Set([
  "GRE_CSUM",
  "GRE_CSUM_MISSING",
  "GRE_CSUM_UNEXPECTED",
  "UDP_CSUM",
]);

const FRAME_REASONS: ReadonlySet<DropReason> = new Set([
  "IP_TUNNEL_ECN",
  "DEV_HDR",
  "VXLAN_INVALID_HDR",
  "GENEVE_CRITICAL_OPTION",
]);

/** Counts a received packet that goes no further. */
export function countRxDrop(stats: TunnelStats, reason: DropReason): void {
  if (reason === "NOMEM") {
    stats.rxDropped++;
    return;
  }
  stats.rxErrors++;
  if (reason === "HDR_TRUNC" || reason === "PKT_TOO_SMALL") stats.rxLengthErrors++;
  else if (CHECKSUM_REASONS.has(reason)) stats.rxCrcErrors++;
  else if (reason === "GRE_SEQ_MISSING" || reason === "GRE_SEQ_OLD") stats.rxFifoErrors++;
  else if (FRAME_REASONS.has(reason)) stats.rxFrameErrors++;
}

/** Counts a packet that could not be sent. */
export function countTxDrop(stats: TunnelStats, reason: DropReason): void {
  if (reason === "NOMEM" || reason === "PKT_TOO_BIG") stats.txDropped++;
  else if (reason === "RECURSION_LIMIT") stats.collisions++;
  stats.txErrors++;
}
