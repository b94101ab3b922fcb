/** Statistics of an interface, with the names of `struct rtnl_link_stats64` (include/uapi/linux/if_link.h). */
export interface LinkStats {
  rx_packets: number;
  tx_packets: number;
  rx_bytes: number;
  tx_bytes: number;
  rx_errors: number;
  tx_errors: number;
  rx_dropped: number;
  tx_dropped: number;
  multicast: number;
  collisions: number;
  rx_length_errors: number;
  rx_over_errors: number;
  rx_crc_errors: number;
  rx_frame_errors: number;
  rx_fifo_errors: number;
  rx_missed_errors: number;
  tx_aborted_errors: number;
  tx_carrier_errors: number;
  tx_fifo_errors: number;
  tx_heartbeat_errors: number;
  tx_window_errors: number;
  rx_compressed: number;
  tx_compressed: number;
  rx_nohandler: number;
  rx_otherhost_dropped: number;
}

export function createLinkStats(): LinkStats {
  return {
    rx_packets: 0,
    tx_packets: 0,
    rx_bytes: 0,
    tx_bytes: 0,
    rx_errors: 0,
    tx_errors: 0,
    rx_dropped: 0,
    tx_dropped: 0,
    multicast: 0,
    collisions: 0,
    rx_length_errors: 0,
    rx_over_errors: 0,
    rx_crc_errors: 0,
    rx_frame_errors: 0,
    rx_fifo_errors: 0,
    rx_missed_errors: 0,
    tx_aborted_errors: 0,
    tx_carrier_errors: 0,
    tx_fifo_errors: 0,
    tx_heartbeat_errors: 0,
    tx_window_errors: 0,
    rx_compressed: 0,
    tx_compressed: 0,
    rx_nohandler: 0,
    rx_otherhost_dropped: 0,
  };
}
