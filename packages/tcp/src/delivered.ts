import type { TcpConnection } from "./connection.ts";

/** So many more segments have arrived; `ece`: the ACK that says so carries ECN-Echo (`tcp_count_delivered`). */
export function tcpCountDelivered(c: TcpConnection, packets: number, ece: boolean): void {
  c.delivered += packets;
  if (ece) c.deliveredCe += packets;
}
