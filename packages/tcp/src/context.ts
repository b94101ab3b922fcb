import { bindSums, type SumKernels } from "@seville/checksum";
import { createRateSample, type CongestionAlgorithm, type RateSample } from "@seville/congestion";
import { type DropReason, type Nanos, type PacketMemory, type Random, type SecretRandom } from "@seville/core";
import { DEFAULT_HEADROOM, type Packet, type PacketPool } from "@seville/packet";
import { ConnectionTable } from "./connection-table.ts";
import type { TcpConnection } from "./connection.ts";
import { tcpExtMib, tcpMib, type TcpExtMib, type TcpMib } from "./counters.ts";
import { Deadlines } from "./deadlines.ts";
import type { Drowsy } from "./doze.ts";
import type { Embryo } from "./embryo.ts";
import { createFastOpenCache, createFastOpenKeys } from "./fast-open-cookie.ts";
import { createIsnGenerator } from "./isn.ts";
import type { TcpListener } from "./listener.ts";
import type { FastOpenCache, FastOpenKeys, IsnGenerator, Outgoing, Segment, SynCookies } from "./parts.ts";
import { SackState } from "./sack-state.ts";
import { linuxSettings, type TcpSettings } from "./settings.ts";
import { createSynCookies } from "./syn-cookie.ts";
import type { TimeWait } from "./time-wait.ts";
import { TxSegment } from "./tx-segment.ts";
import type { TcpEndpointOptions, TcpEvent, TcpOutput } from "./types.ts";
import { newOutgoing } from "./wire/emit.ts";
import { newSegment } from "./wire/segment.ts";

/** What stands in the heap of deadlines. */
export type TimedEntry = TcpConnection | Embryo | TimeWait;

/**
 * What all procedures of an endpoint share: what it was made of, its tables, its queues, and the objects that are used again for
 * every segment. Procedures are functions `(tcp, connection, …)`.
 */
export class TcpContext {
  readonly pool: PacketPool;
  readonly memory: PacketMemory;
  readonly sums: SumKernels;
  readonly random: Random;
  readonly secretRandom: SecretRandom;
  readonly settings: TcpSettings;
  readonly route: TcpEndpointOptions["route"];
  readonly algorithms: readonly CongestionAlgorithm[];
  readonly lossObserver: TcpEndpointOptions["lossObserver"];
  readonly gsoMaxSize: number;
  readonly checksumOffload: boolean;
  readonly smallQueues: boolean;
  readonly trustChecksums: boolean;
  readonly headroom: number;
  readonly dropped: ((packet: Packet, reason: DropReason) => void) | undefined;

  readonly isn: IsnGenerator;
  readonly synCookies: SynCookies;
  readonly fastOpenKeys: FastOpenKeys;
  readonly fastOpenCache: FastOpenCache;
  /** When client Fast Open was last switched off because the network eats it, and how often (`tfo_active_disable_stamp`). */
  fastOpenDisabledAt: Nanos = 0;
  fastOpenDisabledTimes = 0;
  /** RFC 5961 §7: challenge ACKs left in the second that is `challengeSecond`. */
  challengeSecond = -1;
  challengeCount = 0;

  readonly mib: TcpMib = tcpMib();
  readonly ext: TcpExtMib = tcpExtMib();
  readonly table: ConnectionTable;
  readonly listeners: Map<number, TcpListener[]> = new Map<number, TcpListener[]>();
  readonly deadlines: Deadlines<TimedEntry> = new Deadlines();
  readonly drowsy: Drowsy[] = [];
  drowsyHead = 0;
  timeWaitCount = 0;
  orphanCount = 0;

  readonly outputs: TcpOutput[] = [];
  outputHead = 0;
  readonly events: TcpEvent[] = [];
  eventHead = 0;

  /** The time of the call that is being worked on. */
  now: Nanos = 0;
  /** The segment that is being worked on, and the packet that it lies in. */
  readonly segment: Segment = newSegment();
  packet: Packet | undefined = undefined;
  flowLabel = 0;
  readonly outgoing: Outgoing = newOutgoing();
  readonly sample: RateSample = createRateSample();
  readonly sack: SackState = new SackState();
  readonly #spare: TxSegment[] = [];

  constructor(options: TcpEndpointOptions, algorithms: readonly CongestionAlgorithm[]) {
    this.pool = options.pool;
    this.memory = options.pool.memory;
    this.sums = bindSums(options.pool.memory);
    this.random = options.random;
    this.secretRandom = options.secretRandom;
    this.settings = options.settings ?? linuxSettings();
    this.route = options.route;
    this.algorithms = algorithms;
    this.lossObserver = options.lossObserver;
    this.gsoMaxSize = options.gsoMaxSize ?? 0;
    this.checksumOffload = options.checksumOffload ?? false;
    this.smallQueues = options.smallQueues ?? false;
    this.trustChecksums = options.trustChecksums ?? false;
    this.headroom = options.headroom ?? DEFAULT_HEADROOM;
    this.dropped = options.dropped;
    this.isn = createIsnGenerator(options.secretRandom);
    this.synCookies = createSynCookies(options.secretRandom);
    this.fastOpenKeys = createFastOpenKeys(options.secretRandom);
    this.fastOpenCache = createFastOpenCache(1024);
    const seed = new Uint8Array(4);
    options.secretRandom(seed);
    this.table = new ConnectionTable(new DataView(seed.buffer).getUint32(0));
  }

  /** A segment as new. */
  takeSegment(): TxSegment {
    return this.#spare.pop() ?? new TxSegment();
  }

  /** Gives a segment back; it must be in no list any more. */
  giveSegment(segment: TxSegment): void {
    segment.reset();
    if (this.#spare.length < 4096) this.#spare.push(segment);
  }

  emit(event: TcpEvent): void {
    this.events.push(event);
  }
}
