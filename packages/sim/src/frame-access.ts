import type { DropListener, Random } from "@seville/core";
import { ECN_ECT_0, ECN_ECT_1, type Packet } from "@seville/packet";
import type { QueueAccess } from "@seville/queueing";
import { frameEcn, markCongestion } from "./frame-ecn.ts";
import { frameFlowHash } from "./frame-flow.ts";

/** What a queue may ask about frames. */
export function createFrameAccess(random: Random, onDrop: DropListener<Packet>): QueueAccess<Packet> {
  const flowSeed = random.fork("flows").uint32();
  return {
    length: (frame) => frame.length,
    onDrop,
    flowHash: (frame) => frameFlowHash(frame, flowSeed),
    // Bytes that somebody else still reads are not written to: see withBytesOfItsOwn.
    markCe: (frame) => !frame.isShared && markCongestion(frame),
    memory: (frame) => frame.end - frame.head,
  };
}

/**
 * A frame that a queue may mark: itself, or a copy if it is ECN-capable and shares its bytes, say with its sender's
 * retransmission queue. Without memory for a copy it stays as it is, and will be dropped where it would have been marked.
 */
export function withBytesOfItsOwn(frame: Packet): Packet {
  if (!frame.isShared) return frame;
  const ecn = frameEcn(frame);
  if (ecn !== ECN_ECT_0 && ecn !== ECN_ECT_1) return frame;
  const copy = frame.copy();
  if (copy === undefined) return frame;
  frame.passOwner(copy);
  frame.release();
  return copy;
}
