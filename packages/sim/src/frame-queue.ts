import { invalidArgument, type Nanos, type Random } from "@seville/core";
import type { Packet } from "@seville/packet";
import {
  codel,
  fifo,
  fqCodel,
  red,
  tokenBucket,
  type CodelQdiscOptions,
  type FifoOptions,
  type FqCodelOptions,
  type Qdisc,
  type QueueAccess,
  type RedOptions,
  type TokenBucketOptions,
} from "@seville/queueing";

/** Where frames wait for the line: a discipline of `@seville/queueing`, under its name in `tc`. */
export type QueueOptions =
  | ({ readonly kind: "fifo" } & FifoOptions)
  | ({ readonly kind: "codel" } & CodelQdiscOptions)
  | ({ readonly kind: "fq_codel" } & FqCodelOptions)
  | ({ readonly kind: "red" } & Omit<RedOptions, "random">)
  | ({ readonly kind: "tbf"; readonly child?: QueueOptions } & Omit<TokenBucketOptions<Packet>, "child">)
  | CustomQueueOptions;

/** Any other discipline. */
export interface CustomQueueOptions {
  readonly kind: "custom";
  /** `random` is a stream of its own for this direction of the link. */
  create(access: QueueAccess<Packet>, random: Random): Qdisc<Packet>;
}

/** As a Linux device's `txqueuelen`. */
const DEFAULT_LIMIT_PACKETS = 1000;

/** @throws SevilleError `ERR_INVALID_ARGUMENT` */
export function createFrameQueue(options: QueueOptions, access: QueueAccess<Packet>, random: Random): Qdisc<Packet> {
  switch (options.kind) {
    case "fifo": {
      const unlimited = options.limitPackets === undefined && options.limitBytes === undefined;
      return fifo(access, unlimited ? { ...options, limitPackets: DEFAULT_LIMIT_PACKETS } : options);
    }
    case "codel":
      return codel(access, options);
    case "fq_codel":
      return fqCodel(access, options);
    case "red":
      return red(access, { ...options, random });
    case "tbf": {
      const { child, ...rest } = options;
      if (child === undefined) return tokenBucket(access, rest);
      return tokenBucket(access, { ...rest, child: createFrameQueue(child, access, random.fork("child")) });
    }
    case "custom":
      return options.create(access, random);
    default:
      throw invalidArgument(
        "queue.kind",
        "fifo, codel, fq_codel, red, tbf or custom",
        (options as { kind: unknown }).kind,
      );
  }
}

/** Whether the queue may set Congestion Experienced, for which a frame needs bytes of its own. */
export function queueMarks(options: QueueOptions): boolean {
  switch (options.kind) {
    case "fifo":
      return false;
    case "codel":
      return options.ecn === true || options.ceThreshold !== undefined;
    case "fq_codel":
      return options.ecn !== false || options.ceThreshold !== undefined;
    case "red":
      return options.ecn === true;
    case "tbf":
      return options.child !== undefined && queueMarks(options.child);
    case "custom":
      return true;
  }
}

/** Has all that waits in `from` wait in `to` instead, at once, in the order in which it would have come out. */
export function moveFrames(from: Qdisc<Packet>, to: Qdisc<Packet>, now: Nanos): void {
  let at = now;
  while (from.packets > 0) {
    // A shaper gives its frames out in its own time, which for it passes now.
    at = Math.max(at, from.nextReady(at));
    const frame = from.dequeue(at);
    if (frame !== undefined) to.enqueue(frame, now);
  }
}
