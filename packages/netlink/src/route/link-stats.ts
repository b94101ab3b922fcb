import { struct, type Struct } from "../wire/struct.ts";

/** `struct rtnl_link_stats64`. Packets, bytes, and what went wrong. */
export interface LinkStats64 {
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

/** `struct rtnl_hw_stats64`: what a switch chip has counted. */
export type HardwareStats64 = Pick<
  LinkStats64,
  | "rx_packets"
  | "tx_packets"
  | "rx_bytes"
  | "tx_bytes"
  | "rx_errors"
  | "tx_errors"
  | "rx_dropped"
  | "tx_dropped"
  | "multicast"
>;

/** In the struct's order. */
export const LINK_STATS_FIELDS: readonly (keyof LinkStats64)[] = [
  "rx_packets",
  "tx_packets",
  "rx_bytes",
  "tx_bytes",
  "rx_errors",
  "tx_errors",
  "rx_dropped",
  "tx_dropped",
  "multicast",
  "collisions",
  "rx_length_errors",
  "rx_over_errors",
  "rx_crc_errors",
  "rx_frame_errors",
  "rx_fifo_errors",
  "rx_missed_errors",
  "tx_aborted_errors",
  "tx_carrier_errors",
  "tx_fifo_errors",
  "tx_heartbeat_errors",
  "tx_window_errors",
  "rx_compressed",
  "tx_compressed",
  "rx_nohandler",
  "rx_otherhost_dropped",
];

export const linkStats64: Struct<LinkStats64> = struct(LINK_STATS_FIELDS.map((name) => [name, "u64"] as const));
export const hardwareStats64: Struct<HardwareStats64> = struct(
  LINK_STATS_FIELDS.slice(0, 9).map((name) => [name, "u64"] as const),
);
