import { NEVER, type DropListener, type DropReason, type Nanos, type Random } from "@seville/core";
import type { Packet } from "@seville/packet";
import { wholeNumber } from "./checks.ts";

/** A drop-tail queue. */
export interface FifoOptions {
  readonly kind: "fifo";
  /** Default 1000. */
  readonly packets?: number;
  /** Default: no limit. */
  readonly bytes?: number;
}

export type QueueOptions = FifoOptions;

/** Where frames wait for the line. */
export interface FrameQueue {
  readonly frames: number;
  readonly bytes: number;
  enqueue(frame: Packet, now: Nanos): void;
  dequeue(now: Nanos): Packet | undefined;
  /** When `dequeue` will have one, if it just had none. */
  nextTimeout(): Nanos;
  clear(reason: DropReason): void;
}

export function createFrameQueue(
  options: QueueOptions = { kind: "fifo" },
  _random: Random,
  onDrop: DropListener<Packet>,
): FrameQueue {
  const limit = wholeNumber("queue.packets", options.packets ?? 1000, 1);
  const byteLimit = options.bytes === undefined ? Infinity : wholeNumber("queue.bytes", options.bytes, 1);
  const waiting: Packet[] = [];
  let bytes = 0;
  return {
    get frames() {
      return waiting.length;
    },
    get bytes() {
      return bytes;
    },
    enqueue(frame) {
      if (waiting.length >= limit || bytes + frame.length > byteLimit) {
        onDrop(frame, "QDISC_DROP");
        return;
      }
      waiting.push(frame);
      bytes += frame.length;
    },
    dequeue() {
      const frame = waiting.shift();
      if (frame !== undefined) bytes -= frame.length;
      return frame;
    },
    nextTimeout: () => NEVER,
    clear(reason) {
      for (const frame of waiting.splice(0)) onDrop(frame, reason);
      bytes = 0;
    },
  };
}
