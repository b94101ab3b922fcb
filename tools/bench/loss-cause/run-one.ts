import { createRandom, NS_PER_MS, NS_PER_SEC, type Nanos } from "../../../packages/core/src/index.ts";
import {
  type AckObservation,
  LossClassifier,
  type LossEpisode,
  type LossObservation,
  type LossTree,
  type ResetObservation,
  type TimeoutObservation,
} from "../../../packages/congestion/src/index.ts";
import { CHECKSUM_UNNECESSARY, type Packet, tcp as wire } from "../../../packages/packet/src/index.ts";
import { linuxSettings } from "../../../packages/tcp/src/index.ts";
import { type BulkFlow, RMEM, TcpPath } from "../lib/tcp-path.ts";
import { serve } from "../lib/worker-pool.ts";
import type { LossRun, Trouble } from "./grid.ts";

/** Why the simulator dropped a packet. */
export type Cause = "queue-overflow" | "policer" | "random" | "filtered";

/** An episode as it was judged, and what was the case. */
export interface JudgedEpisode {
  readonly truth: Cause | "mixed";
  readonly label: LossEpisode["cause"];
  /** What the rule that knows only RTTs says. */
  readonly rttRule: LossEpisode["cause"];
  readonly features?: LossEpisode["features"];
  readonly losses: number;
}

export interface RunTask {
  readonly run: LossRun;
  readonly tree?: LossTree;
}

/** A plain rule: lost while the RTT is more than this above the least is congestion, else chance. */
const RTT_RULE = 1.25;
const IPV4_BYTES = 20;
const FILTERED_SIZE = 1400;

/** Runs it, and judges each episode of the first flow. */
export function runOne({ run, tree }: RunTask): JudgedEpisode[] {
  const truth = new Truth(run);
  const observer = new Witness(truth, new LossClassifier(tree));
  let first = true;
  const path = new TcpPath({
    seed: run.seed,
    forward: {
      framing: "none",
      rate: run.rate,
      delay: run.rtt / 2,
      queue: { kind: "fifo", limitBytes: run.buffer },
      loss: { model: "predicate", lose: (frame, _index, now) => truth.loses(frame, now) },
      ...(run.trouble.kind === "policer" ? { policer: { rate: run.trouble.rate, burst: run.trouble.bucket } } : {}),
    },
    back: { framing: "none", delay: run.rtt / 2 },
    endpoint: {
      settings: { ...linuxSettings(), tcp_rmem: RMEM, tcp_wmem: [4096, 16_384, 33_554_432] },
      lossObserver: () => {
        if (!first) return undefined;
        first = false;
        return observer;
      },
    },
  });
  path.link.tap({
    frame: (direction, point, frame, now, reason) => {
      if (direction === "aToB" && point === "dropped") truth.dropped(frame, now, reason ?? "");
    },
  });
  drive(path, run, observer);
  observer.finish(path.now + 10 * run.rtt + NS_PER_SEC);
  path.close();
  return observer.judged;
}

/** The application and its rivals. */
function drive(path: TcpPath, run: LossRun, observer: Witness): void {
  const { trouble, duration } = run;
  const filter = trouble.kind === "filter" ? trouble.filter : undefined;
  const flow = path.start(run.congestion, filter === "idle" ? 200_000 : Infinity);
  // Rivals come later: who measures the path knows it empty.
  const startRivals = 4 * run.rtt;
  path.run(startRivals);
  for (let i = 0; i < run.competitors; i++) path.start("cubic");
  if (filter === "idle") {
    path.run(5 * NS_PER_SEC);
    path.resume(flow, 100_000_000);
  } else if (filter === "reset") {
    path.run(10 * run.rtt + 300 * NS_PER_MS);
    injectReset(path, flow, observer);
  }
  path.run(duration - startRivals);
}

/** A middlebox tears the connection down. */
function injectReset(path: TcpPath, { connection }: BulkFlow, observer: Witness): void {
  if (connection.state !== "ESTABLISHED") return;
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint16(0, connection.remotePort);
  view.setUint16(2, connection.localPort);
  view.setUint32(4, connection.rcvNxt >>> 0);
  view.setUint32(8, 0);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, wire.RST);
  const packet = path.simulation.pool.alloc(header.length);
  if (packet === undefined) throw new Error("the pool is empty");
  const at = packet.put(header.length);
  packet.pool.memory.u8.set(header, at);
  packet.ipSummed = CHECKSUM_UNNECESSARY;
  observer.resetInjected();
  path.inject(packet);
}

/** What the simulator knows. */
class Truth {
  readonly #trouble: Trouble;
  readonly #random: ReturnType<typeof createRandom>;
  /** By port and sequence number, the drops of that packet in order. */
  readonly #drops = new Map<number, { at: Nanos; cause: Cause }[]>();
  #pending: Cause | undefined;
  /** When the middlebox last saw a packet, and whether it has forgotten the connection. */
  #seenAt: Nanos = -1;
  #closed = false;

  constructor({ trouble, seed }: LossRun) {
    this.#trouble = trouble;
    this.#random = createRandom(seed).fork("loss");
  }

  /** The line's and the filters' losses. */
  loses(frame: Packet, now: Nanos): boolean {
    const cause = this.#causeFor(frame, now);
    this.#pending = cause;
    return cause !== undefined;
  }

  #causeFor(frame: Packet, now: Nanos): Cause | undefined {
    const trouble = this.#trouble;
    if (trouble.kind === "random") return this.#random.bool(trouble.loss) ? "random" : undefined;
    if (trouble.kind !== "filter") return undefined;
    if (trouble.filter === "port") return "filtered";
    if (trouble.filter === "size") return frame.length > FILTERED_SIZE ? "filtered" : undefined;
    // The state of the connection is forgotten after four seconds.
    if (trouble.filter === "idle") return this.#expired(now) ? "filtered" : undefined;
    return undefined;
  }

  #expired(now: Nanos): boolean {
    if (this.#seenAt >= 0 && now - this.#seenAt > 3 * NS_PER_SEC) this.#closed = true;
    this.#seenAt = now;
    return this.#closed;
  }

  dropped(frame: Packet, now: Nanos, reason: string): void {
    const cause = this.#pending ?? (reason === "POLICER" ? "policer" : "queue-overflow");
    this.#pending = undefined;
    const { u8 } = frame.pool.memory;
    const at = frame.data + IPV4_BYTES;
    const port = ((u8[at] as number) << 8) | (u8[at + 1] as number);
    // The first flow's port is the least: only it is judged.
    if (port !== 40_000) return;
    const view = new DataView(u8.buffer, u8.byteOffset);
    const seq = view.getUint32(at + 4);
    const list = this.#drops.get(seq);
    if (list === undefined) this.#drops.set(seq, [{ at: now, cause }]);
    else list.push({ at: now, cause });
  }

  /** Why the transmission of `seq` at `sentAt` was dropped; `undefined`: it was not. Each drop is answered once. */
  causeOf(seq: number, sentAt: Nanos): Cause | undefined {
    const list = this.#drops.get(seq);
    const index = list?.findIndex(({ at }) => at >= sentAt - 1000) ?? -1;
    return index < 0 ? undefined : list?.splice(index, 1)[0]?.cause;
  }
}

/** Stands between the engine and the classifier, and notes what is the case. */
class Witness {
  readonly judged: JudgedEpisode[] = [];
  readonly #truth: Truth;
  readonly #classifier: LossClassifier;
  /** Losses that no episode has been judged for: when marked, and why. */
  #losses: { now: Nanos; cause: Cause; rttRatio: number }[] = [];
  #srttUs = 0;
  #minRttUs = Infinity;
  #lastRttUs = 0;

  constructor(truth: Truth, classifier: LossClassifier) {
    this.#truth = truth;
    this.#classifier = classifier;
  }

  onAck(ack: AckObservation): void {
    this.#collect(ack.now);
    this.#srttUs = ack.srttUs;
    if (ack.rttUs >= 0) {
      this.#minRttUs = Math.min(this.#minRttUs, ack.rttUs);
      this.#lastRttUs = ack.rttUs;
    }
    this.#classifier.onAck(ack);
  }

  onLoss(loss: LossObservation): void {
    this.#collect(loss.now);
    this.#classifier.onLoss(loss);
    const cause = this.#truth.causeOf(loss.seq ?? 0, loss.sentAt);
    if (cause === undefined) return;
    this.#losses.push({ now: loss.now, cause, rttRatio: this.#lastRttUs / this.#minRttUs });
  }

  onTimeout(timeout: TimeoutObservation): void {
    this.#collect(timeout.now);
    this.#classifier.onTimeout(timeout);
    this.#collect(timeout.now);
  }

  onReset(reset: ResetObservation): void {
    this.#classifier.onReset(reset);
    this.#collect(reset.now);
  }

  /** The next episode is the reset's. */
  resetInjected(): void {
    this.#losses.push({ now: Infinity, cause: "filtered", rttRatio: 1 });
  }

  finish(now: Nanos): void {
    this.#collect(now);
  }

  #collect(now: Nanos): void {
    for (let episode = this.#classifier.poll(now); episode !== undefined; episode = this.#classifier.poll(now)) {
      this.#judge(episode);
    }
  }

  #judge(episode: LossEpisode): void {
    const isReset = episode.filter === "reset";
    const own = this.#losses.filter((loss) =>
      isReset ? loss.now === Infinity : loss.now >= episode.start && loss.now <= episode.end,
    );
    this.#losses = this.#losses.filter((loss) => loss.now > episode.end && !own.includes(loss));
    // Nothing was lost: packets were late, and the marking was withdrawn.
    if (own.length === 0) return;
    const causes = new Set(own.map(({ cause }) => cause));
    const [only] = causes;
    const rttRatio = own.reduce((sum, one) => sum + one.rttRatio, 0) / own.length;
    this.judged.push({
      truth: causes.size === 1 && only !== undefined ? only : "mixed",
      label: episode.cause,
      rttRule: rttRatio > RTT_RULE ? "queue-overflow" : "random",
      losses: episode.losses,
      ...(episode.features === undefined ? {} : { features: episode.features }),
    });
  }
}

if (process.send !== undefined) serve(runOne);
