import { type DropReason, invalidArgument, type Nanos, reciprocalScale } from "@seville/core";
import {
  type CodelCounts,
  codelDequeue,
  type CodelOptions,
  type CodelParams,
  codelParams,
  type CodelVars,
  createCodelVars,
} from "./codel-law.ts";
import { ListUnderCodel } from "./codel-queue.ts";
import { createEntryList, type EntryList, EntryStore } from "./entries.ts";
import { positive, wholeNumber } from "./options.ts";
import {
  type Qdisc,
  QdiscBase,
  type QdiscStats,
  type QueueAccess,
  XMIT_CN,
  XMIT_SUCCESS,
  type XmitResult,
} from "./qdisc.ts";

/** RFC 8290 §5.2; defaults as in net/sched/sch_fq_codel.c. */
export interface FqCodelOptions extends CodelOptions {
  /** Packets in all flows together. Default 10240. */
  readonly limitPackets?: number;
  /** Number of queues over which flows are hashed, 1 to 65536. Default 1024. */
  readonly flows?: number;
  /** Bytes that a flow may send in its turn. Default: the `mtu`, 1514. */
  readonly quantum?: number;
  /** Bytes of memory in all flows together. Default 32 MiB. */
  readonly memoryLimit?: number;
  /** Packets dropped at most from the fattest flow when a limit is exceeded. Default 64. */
  readonly dropBatch?: number;
}

/** What `tc -s qdisc` prints for fq_codel. */
export interface FqCodelStats extends QdiscStats {
  readonly maxpacket: number;
  /** Packets dropped from the fattest flow because of a limit. */
  readonly drop_overlimit: number;
  /** Those of them dropped because of the memory limit. */
  readonly drop_overmemory: number;
  /** Times that a packet made a flow active which was not. */
  readonly new_flow_count: number;
  readonly ecn_mark: number;
  readonly ce_mark: number;
  readonly new_flows_len: number;
  readonly old_flows_len: number;
  readonly memory_usage: number;
}

/**
 * Flow queues under deficit round robin, each with its own CoDel; a flow that was idle goes first (RFC 8290).
 * `access.flowHash` is needed.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function fqCodel<T>(access: QueueAccess<T>, options: FqCodelOptions = {}): Qdisc<T, FqCodelStats> {
  if (access.flowHash === undefined) throw invalidArgument("access.flowHash", "a function for fqCodel", undefined);
  return new FqCodel(access, options);
}

/** A flow queue. It stands in one of the two lists or in none. */
interface Flow {
  readonly index: number;
  readonly list: EntryList;
  readonly vars: CodelVars;
  deficit: number;
  active: boolean;
  /** The next flow in the same list. */
  next: Flow | undefined;
}

/** Flows that wait for their turn, first in first out. */
interface FlowList {
  head: Flow | undefined;
  tail: Flow | undefined;
  length: number;
}

class FqCodel<T> extends QdiscBase<T, FqCodelStats> {
  readonly #params: CodelParams;
  readonly #limitPackets: number;
  readonly #quantum: number;
  readonly #memoryLimit: number;
  readonly #dropBatch: number;
  readonly #entries = new EntryStore<T>();
  /** Made when first used. */
  readonly #flows: (Flow | undefined)[];
  readonly #backlogs: Float64Array;
  readonly #newFlows: FlowList = { head: undefined, tail: undefined, length: 0 };
  readonly #oldFlows: FlowList = { head: undefined, tail: undefined, length: 0 };
  readonly #codelCounts: CodelCounts = { maxpacket: 0, ecn_mark: 0, ce_mark: 0 };
  readonly #queue: ListUnderCodel<T>;
  /** The flow on which CoDel works. */
  #current: Flow | undefined = undefined;
  #packets = 0;
  #bytes = 0;
  #memoryUsage = 0;
  #dropOverlimit = 0;
  #dropOvermemory = 0;
  #newFlowCount = 0;

  constructor(access: QueueAccess<T>, options: FqCodelOptions) {
    super(access);
    this.#params = codelParams(options, true);
    this.#limitPackets = wholeNumber(options.limitPackets ?? 10_240, "limitPackets", 1, 0xffff_ffff);
    this.#quantum = positive(options.quantum ?? this.#params.mtu, "quantum", "bytes");
    this.#memoryLimit = positive(options.memoryLimit ?? 32 * 1024 * 1024, "memoryLimit", "bytes");
    this.#dropBatch = wholeNumber(options.dropBatch ?? 64, "dropBatch", 1, 0xffff_ffff);
    const flows = wholeNumber(options.flows ?? 1024, "flows", 1, 65_536);
    this.#flows = new Array<Flow | undefined>(flows).fill(undefined);
    this.#backlogs = new Float64Array(flows);
    this.#queue = new ListUnderCodel(this.#entries, createEntryList(), {
      // Of all flows, as sch_fq_codel does: the last frame of one flow is no reason to spare it while others queue.
      backlog: () => this.#bytes,
      shifted: (item, length) => this.#account(this.#current as Flow, -1, -length, -this.#memoryOf(item, length)),
      drop: (item) => this.drop(item, "FQ_CODEL_DROP"),
      mark: (item) => this.mark(item),
    });
  }

  /** RFC 8290 §4.1. */
  enqueue(item: T, now: Nanos): XmitResult {
    const flow = this.#flow(reciprocalScale((this.access.flowHash?.(item) ?? 0) >>> 0, this.#flows.length));
    const length = this.access.length(item);
    this.#entries.push(flow.list, item, length, now);
    this.#account(flow, 1, length, this.#memoryOf(item, length));
    if (!flow.active) {
      flow.active = true;
      flow.deficit = this.#quantum;
      append(this.#newFlows, flow);
      this.#newFlowCount++;
    }
    const overMemory = this.#memoryUsage > this.#memoryLimit;
    if (this.packets <= this.#limitPackets && !overMemory) return XMIT_SUCCESS;
    const fattest = this.#dropFromFattest(overMemory);
    return fattest === flow ? XMIT_CN : XMIT_SUCCESS;
  }

  get stats(): FqCodelStats {
    return {
      ...this.baseStats(),
      ...this.#codelCounts,
      drop_overlimit: this.#dropOverlimit,
      drop_overmemory: this.#dropOvermemory,
      new_flow_count: this.#newFlowCount,
      new_flows_len: this.#newFlows.length,
      old_flows_len: this.#oldFlows.length,
      memory_usage: this.#memoryUsage,
    };
  }

  protected get queuedPackets(): number {
    return this.#packets;
  }

  protected get queuedBytes(): number {
    return this.#bytes;
  }

  /** RFC 8290 §4.2. */
  protected take(now: Nanos): T | undefined {
    for (;;) {
      const fromNew = this.#newFlows.head !== undefined;
      const list = fromNew ? this.#newFlows : this.#oldFlows;
      const flow = list.head;
      if (flow === undefined) return undefined;
      if (flow.deficit <= 0) {
        flow.deficit += this.#quantum;
        removeHead(list);
        append(this.#oldFlows, flow);
        continue;
      }
      this.#current = flow;
      this.#queue.list = flow.list;
      const item = codelDequeue(flow.vars, this.#params, this.#codelCounts, this.#queue, now);
      if (item !== undefined) {
        this.takenLength = this.#entries.shiftedLength;
        flow.deficit -= this.takenLength;
        return item;
      }
      removeHead(list);
      // An emptied new flow passes through the old ones once, or it could starve them by coming back at once.
      if (fromNew && this.#oldFlows.head !== undefined) append(this.#oldFlows, flow);
      else flow.active = false;
    }
  }

  protected reset(reason: DropReason): void {
    for (const flow of this.#flows) {
      if (flow === undefined) continue;
      this.#entries.drain(flow.list, (item) => this.drop(item, reason));
    }
    this.#flows.fill(undefined);
    this.#backlogs.fill(0);
    this.#packets = this.#bytes = this.#memoryUsage = 0;
    for (const list of [this.#newFlows, this.#oldFlows]) {
      list.head = list.tail = undefined;
      list.length = 0;
    }
  }

  /** Drops from the head of the flow with most bytes: half of them, up to `dropBatch` packets (RFC 8290 §4.1). */
  #dropFromFattest(overMemory: boolean): Flow {
    let index = 0;
    let most = -1;
    for (let i = 0; i < this.#backlogs.length; i++) {
      const backlog = this.#backlogs[i] as number;
      if (backlog > most) {
        most = backlog;
        index = i;
      }
    }
    const flow = this.#flow(index);
    const goal = most / 2;
    let packets = 0;
    for (let bytes = 0; packets === 0 || (packets < this.#dropBatch && bytes < goal); packets++) {
      const item = this.#entries.shift(flow.list);
      if (item === undefined) break;
      const length = this.#entries.shiftedLength;
      bytes += length;
      this.#account(flow, -1, -length, -this.#memoryOf(item, length));
      this.drop(item, "QDISC_OVERLIMIT");
    }
    this.#dropOverlimit += packets;
    if (overMemory) this.#dropOvermemory += packets;
    // CoDel is told, so that it signals this flow harder from now on (sch_fq_codel.c).
    flow.vars.count += packets;
    return flow;
  }

  #flow(index: number): Flow {
    const known = this.#flows[index];
    if (known !== undefined) return known;
    const list = createEntryList();
    const flow = { index, list, vars: createCodelVars(), deficit: 0, active: false, next: undefined };
    this.#flows[index] = flow;
    return flow;
  }

  #account(flow: Flow, packets: number, bytes: number, memory: number): void {
    this.#packets += packets;
    this.#bytes += bytes;
    this.#memoryUsage += memory;
    this.#backlogs[flow.index] = flow.list.bytes;
  }

  #memoryOf(item: T, length: number): number {
    return this.access.memory?.(item) ?? length;
  }
}

function append(list: FlowList, flow: Flow): void {
  flow.next = undefined;
  if (list.tail === undefined) list.head = flow;
  else list.tail.next = flow;
  list.tail = flow;
  list.length++;
}

function removeHead(list: FlowList): void {
  list.head = list.head?.next;
  if (list.head === undefined) list.tail = undefined;
  list.length--;
}
