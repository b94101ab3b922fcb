import type { DropReason } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { TunnelEndpoint } from "@seville/tunnel-encap";
import type { LinkStats } from "../interface/link-stats.ts";

/**
 * Counts a received packet that a tunnel drops under what the kernel's `ip -s -s link` calls it; each kind counts in its own way. What
 * is wrong before the packet is known to be of this tunnel (versions, GRE's own checksum, header lengths) is counted by no device.
 */
export function countRxFailure(stats: LinkStats, { tunnel, info }: TunnelEndpoint, reason: DropReason): void {
  if (reason === "NOMEM") stats.rx_dropped++;
  else if (info.isUnwrapped) {
    if (reason !== "HDR_TRUNC" || !isBare(tunnel)) countInner(stats, reason);
  } else if (tunnel.kind === "geneve") countGeneve(stats, reason);
  else if (reason === "GRE_CSUM_MISSING" || reason === "GRE_CSUM_UNEXPECTED") {
    stats.rx_errors++;
    stats.rx_crc_errors++;
  } else if (reason === "GRE_SEQ_MISSING" || reason === "GRE_SEQ_OLD") {
    stats.rx_errors++;
    stats.rx_fifo_errors++;
  } else if (reason === "IP_INVALID_SOURCE" || reason === "IP_INVALID_DEST") stats.rx_errors++;
}

/** The tunnel's headers were right, what is in them is not (`__ip_tunnel_rcv`, `vxlan_rcv`, `geneve_rx`). */
function countInner(stats: LinkStats, reason: DropReason): void {
  stats.rx_errors++;
  if (reason === "IP_TUNNEL_ECN") stats.rx_frame_errors++;
  else if (reason === "HDR_TRUNC") stats.rx_length_errors++;
}

/** Without a header of its own: an inner header that is cut was never this tunnel's (`tunnel4_rcv`, `tunnel6_rcv`). */
function isBare({ kind }: TunnelEndpoint["tunnel"]): boolean {
  return kind === "ipip" || kind === "sit" || kind === "6to4" || kind === "ip6tnl";
}

/** `geneve_udp_encap_recv`, `geneve_rx`. */
function countGeneve(stats: LinkStats, reason: DropReason): void {
  if (reason === "HDR_TRUNC") stats.rx_dropped++;
  else if (reason === "GENEVE_CRITICAL_OPTION") {
    stats.rx_errors++;
    stats.rx_frame_errors++;
  }
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
