import { millis, type Nanos } from "@seville/core";
import { notNegative, positive } from "./options.ts";

/** The parameters of CoDel (RFC 8289 §4). */
export interface CodelOptions {
  /** The standing delay that is acceptable. Default 5 ms (§4.4). */
  readonly target?: Nanos;
  /** A worst-case round trip time. Default 100 ms (§4.3). */
  readonly interval?: Nanos;
  /** Mark ECN-capable packets instead of dropping them. Default off for `codel`, on for `fqCodel`, as in Linux. */
  readonly ecn?: boolean;
  /** Marks every ECN-capable packet that waited longer than this, for DCTCP and L4S-like senders. Default: never. */
  readonly ceThreshold?: Nanos;
  /** Bytes below which there is no standing queue to speak of: a full frame. Default 1514, Ethernet's. */
  readonly mtu?: number;
}

export type CodelParams = Required<CodelOptions>;

/** CoDel's state, one for each queue (RFC 8289 §5.2, struct codel_vars). */
export interface CodelVars {
  /** Packets dropped (or marked) since the dropping state was entered. */
  count: number;
  /** `count` when it was entered last. */
  lastcount: number;
  dropping: boolean;
  /** When the delay will have been above target for an interval; 0: it is below. */
  firstAboveTime: Nanos;
  dropNext: Nanos;
  /** How long the last packet waited. */
  ldelay: Nanos;
}

export interface CodelCounts {
  ecn_mark: number;
  ce_mark: number;
  maxpacket: number;
}

/** The queue on which CoDel works. */
export interface CodelQueue<T> {
  /** Takes the oldest item out, and leaves when it came and its length in the next two. */
  shift(): T | undefined;
  readonly shiftedTime: Nanos;
  readonly shiftedLength: number;
  /** Bytes that are left. */
  readonly backlog: number;
  drop(item: T): void;
  mark(item: T): boolean;
}

export function codelParams(options: CodelOptions, ecn: boolean): CodelParams {
  return {
    target: positive(options.target ?? millis(5), "target", "nanoseconds"),
    interval: positive(options.interval ?? millis(100), "interval", "nanoseconds"),
    ecn: options.ecn ?? ecn,
    ceThreshold: notNegative(options.ceThreshold ?? Infinity, "ceThreshold", "nanoseconds"),
    mtu: positive(options.mtu ?? 1514, "mtu", "bytes"),
  };
}

export function createCodelVars(): CodelVars {
  return { count: 0, lastcount: 0, dropping: false, firstAboveTime: 0, dropNext: 0, ldelay: 0 };
}

export function resetCodelVars(vars: CodelVars): void {
  vars.count = vars.lastcount = vars.firstAboveTime = vars.dropNext = vars.ldelay = 0;
  vars.dropping = false;
}

/**
 * The dequeue routine of RFC 8289 §5.5: the next item, after those that CoDel drops on the way to it.
 *
 * Marking stands in for dropping as in include/net/codel_impl.h: a marked packet is delivered, and the next signal is
 * due by the control law. The square root is exact where the kernel refines 1/sqrt(count) by one Newton step per drop.
 */
export function codelDequeue<T>(
  vars: CodelVars,
  params: CodelParams,
  counts: CodelCounts,
  queue: CodelQueue<T>,
  now: Nanos,
): T | undefined {
  let item = queue.shift();
  const okToDrop = isOkToDrop(vars, params, counts, queue, item, now);
  if (!vars.dropping) {
    if (okToDrop) item = enterDropping(vars, params, counts, queue, item as T, now);
  } else if (!okToDrop) {
    vars.dropping = false;
  } else {
    // A large backlog may need several drops at once: the law's next time may have passed already.
    while (vars.dropping && now >= vars.dropNext) {
      vars.count++;
      const dropNext = controlLaw(vars.dropNext, params.interval, vars.count);
      if (markInstead(params, counts, queue, item as T)) {
        vars.dropNext = dropNext;
        break;
      }
      queue.drop(item as T);
      item = queue.shift();
      if (isOkToDrop(vars, params, counts, queue, item, now)) vars.dropNext = dropNext;
      else vars.dropping = false;
    }
  }
  if (item !== undefined && vars.ldelay > params.ceThreshold && queue.mark(item)) counts.ce_mark++;
  return item;
}

/** Whether the delay has been above target for an interval (`dodequeue`, RFC 8289 §5.5). */
function isOkToDrop<T>(
  vars: CodelVars,
  params: CodelParams,
  counts: CodelCounts,
  queue: CodelQueue<T>,
  item: T | undefined,
  now: Nanos,
): boolean {
  if (item === undefined) {
    vars.firstAboveTime = 0;
    return false;
  }
  vars.ldelay = now - queue.shiftedTime;
  if (queue.shiftedLength > counts.maxpacket) counts.maxpacket = queue.shiftedLength;
  if (vars.ldelay < params.target || queue.backlog <= params.mtu) {
    vars.firstAboveTime = 0;
    return false;
  }
  if (vars.firstAboveTime === 0) {
    vars.firstAboveTime = now + params.interval;
    return false;
  }
  return now >= vars.firstAboveTime;
}

function enterDropping<T>(
  vars: CodelVars,
  params: CodelParams,
  counts: CodelCounts,
  queue: CodelQueue<T>,
  first: T,
  now: Nanos,
): T | undefined {
  let item: T | undefined = first;
  if (!markInstead(params, counts, queue, first)) {
    queue.drop(first);
    item = queue.shift();
    isOkToDrop(vars, params, counts, queue, item, now);
  }
  vars.dropping = true;
  // Soon after the last time: the drop rate that controlled the queue then is a good one to begin with (§5.5).
  const delta = vars.count - vars.lastcount;
  vars.count = delta > 1 && now - vars.dropNext < 16 * params.interval ? delta : 1;
  vars.dropNext = controlLaw(now, params.interval, vars.count);
  vars.lastcount = vars.count;
  return item;
}

function markInstead<T>(params: CodelParams, counts: CodelCounts, queue: CodelQueue<T>, item: T): boolean {
  if (!params.ecn || !queue.mark(item)) return false;
  counts.ecn_mark++;
  return true;
}

/** The time of the next drop: interval / sqrt(count) after `t`, in whole nanoseconds (RFC 8289 §5.3). */
function controlLaw(t: Nanos, interval: Nanos, count: number): Nanos {
  return t + Math.floor(interval / Math.sqrt(count));
}
