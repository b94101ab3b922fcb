import type { DropReason } from "@seville/core";
import type { TcpContext } from "./context.ts";

/** The segment goes no further. */
export function dropSegment(tcp: TcpContext, reason: DropReason): void {
  if (tcp.dropped !== undefined && tcp.packet !== undefined) tcp.dropped(tcp.packet, reason);
}
