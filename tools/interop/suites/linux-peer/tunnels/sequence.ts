import type { LiveTunnel } from "./tunnel.ts";

/** Sequence numbers for packets that are sent in the name of `sender`, each newer than what went before. */
export function afterLast({ device }: LiveTunnel, sender: "guest" | "ours"): () => number {
  const { state } = device.endpoint;
  if (sender === "ours") return () => state.oSeqno++;
  let next = state.iSeqno ?? 0;
  return () => next++;
}

/** What a mutation may add to a sequence number. */
const MOST_AHEAD = 100;

/** After packets with made-up sequence numbers: what both ends send next is in order again. */
export function resume({ device }: LiveTunnel): void {
  const { state } = device.endpoint;
  // The kernel goes on where it was; ours goes on behind what the kernel has seen.
  state.iSeqno = undefined;
  state.oSeqno += MOST_AHEAD;
}
