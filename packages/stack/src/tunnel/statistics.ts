import type { DropReason } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { LinkStats } from "../interface/link-stats.ts";

/** Counts a received packet that a tunnel drops under what `ip -s -s link` calls it. */
export function countRxFailure(stats: LinkStats, reason: DropReason): void {
  if (reason === "NOMEM") {
    stats.rx_dropped++;
    return;
  }
  stats.rx_errors++;
  if (reason === "HDR_TRUNC" || reason === "PKT_TOO_SMALL") stats.rx_length_errors++;
  else if (reason === "GRE_CSUM" || reason === "UDP_CSUM") stats.rx_crc_errors++;
  else if (reason === "NOT_SPECIFIED") stats.rx_fifo_errors++;
  else if (reason === "IP_TUNNEL_ECN" || reason === "DEV_HDR" || reason === "VXLAN_INVALID_HDR")
    stats.rx_frame_errors++;
}

/** Counts a packet that a tunnel could not send. The stack has counted it as sent when it handed it to the device. */
export function countTxFailure(stats: LinkStats, reason: DropReason, packet: Packet): void {
  stats.tx_packets--;
  stats.tx_bytes -= packet.totalLength;
  if (reason === "NOMEM") {
    stats.tx_dropped++;
    return;
  }
  stats.tx_errors++;
  if (reason === "RECURSION_LIMIT") stats.collisions++;
  else if (reason === "IP_OUTNOROUTES") stats.tx_carrier_errors++;
}
