import type { DropReason, Nanos } from "@seville/core";
import {
  type CodelCounts,
  codelDequeue,
  type CodelOptions,
  type CodelParams,
  codelParams,
  createCodelVars,
  resetCodelVars,
} from "./codel-law.ts";
import { ListUnderCodel } from "./codel-queue.ts";
import { createEntryList, EntryStore } from "./entries.ts";
import { wholeNumber } from "./options.ts";
import {
  type Qdisc,
  QdiscBase,
  type QdiscStats,
  type QueueAccess,
  XMIT_DROP,
  XMIT_SUCCESS,
  type XmitResult,
} from "./qdisc.ts";

export interface CodelQdiscOptions extends CodelOptions {
  /** Packets that it holds at most. Default 1000. */
  readonly limitPackets?: number;
}

/** What `tc -s qdisc` prints for codel. Times in nanoseconds. */
export interface CodelStats extends QdiscStats {
  readonly count: number;
  readonly lastcount: number;
  readonly ldelay: Nanos;
  readonly dropping: boolean;
  readonly maxpacket: number;
  readonly ecn_mark: number;
  readonly ce_mark: number;
  /** Packets dropped because of `limitPackets`. */
  readonly drop_overlimit: number;
}

/** One queue under CoDel (RFC 8289; net/sched/sch_codel.c). */
export function codel<T>(access: QueueAccess<T>, options: CodelQdiscOptions = {}): Qdisc<T, CodelStats> {
  return new Codel(access, options);
}

class Codel<T> extends QdiscBase<T, CodelStats> {
  readonly #params: CodelParams;
  readonly #limitPackets: number;
  readonly #entries = new EntryStore<T>();
  readonly #list = createEntryList();
  readonly #vars = createCodelVars();
  readonly #queue: ListUnderCodel<T>;
  readonly #codelCounts: CodelCounts = { maxpacket: 0, ecn_mark: 0, ce_mark: 0 };
  #dropOverlimit = 0;

  constructor(access: QueueAccess<T>, options: CodelQdiscOptions) {
    super(access);
    this.#params = codelParams(options, false);
    this.#limitPackets = wholeNumber(options.limitPackets ?? 1000, "limitPackets", 1, 0xffff_ffff);
    this.#queue = new ListUnderCodel(this.#entries, this.#list, {
      backlog: () => this.#list.bytes,
      drop: (item) => this.drop(item, "CODEL_DROP"),
      mark: (item) => this.mark(item),
    });
  }

  enqueue(item: T, now: Nanos): XmitResult {
    if (this.packets >= this.#limitPackets) {
      this.#dropOverlimit++;
      this.drop(item, "QDISC_OVERLIMIT");
      return XMIT_DROP;
    }
    this.#entries.push(this.#list, item, this.access.length(item), now);
    return XMIT_SUCCESS;
  }

  get stats(): CodelStats {
    const { count, lastcount, ldelay, dropping } = this.#vars;
    const law = { count, lastcount, ldelay, dropping, ...this.#codelCounts };
    return { ...this.baseStats(), ...law, drop_overlimit: this.#dropOverlimit };
  }

  protected get queuedPackets(): number {
    return this.#list.packets;
  }

  protected get queuedBytes(): number {
    return this.#list.bytes;
  }

  protected take(now: Nanos): T | undefined {
    const item = codelDequeue(this.#vars, this.#params, this.#codelCounts, this.#queue, now);
    this.takenLength = this.#entries.shiftedLength;
    return item;
  }

  protected reset(reason: DropReason): void {
    this.#entries.drain(this.#list, (item) => this.drop(item, reason));
    resetCodelVars(this.#vars);
  }
}
