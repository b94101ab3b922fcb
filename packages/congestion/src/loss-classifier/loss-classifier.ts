import { type Nanos, NS_PER_MS } from "@seville/core";
import { type EpisodeFeatures, type LossTree, weighEvidence } from "./evidence.ts";
import { LOSS_TREE } from "./loss-tree.ts";
import { PathView } from "./path-view.ts";
import type {
  AckObservation,
  LossCause,
  LossEpisode,
  LossEvidence,
  LossObservation,
  ResetObservation,
  TimeoutObservation,
} from "./types.ts";

/** Goodputs between episodes that are remembered. */
const INTERVALS = 6;
/** Episodes whose queue levels and numbers of losses are remembered. */
const EPISODES = 8;
/** An interval must have delivered this many packets to say something. */
const INTERVAL_PACKETS = 16;
/** Timeouts in a row from which on the path is taken for closed: chance would need the loss rate's third power. */
const CLOSED_TIMEOUTS = 3;

interface OpenEpisode {
  start: Nanos;
  end: Nanos;
  /** First and last sending of what was lost. */
  firstSent: Nanos;
  lastSent: Nanos;
  losses: number;
  queueSum: number;
  queueLow: number;
  queueHigh: number;
  queueCount: number;
  /** Where the last lost packet ended, uint32; -1: not known. */
  lastEnd: number;
  adjacent: number;
  again: number;
  /** Growth of the queue in the SRTT before the first loss, µs. */
  risenUs: number;
  smallestLost: number;
  deliveredBefore: number;
  /** Packets delivered without a loss before it. */
  gap: number;
}

/**
 * Tells from what the sender alone sees why its packets were lost. Tell it of every ACK, loss, timeout and reset in the
 * order of time; {@link LossClassifier.poll} answers the episodes as they are judged: one SRTT after their last loss, or
 * at once where the path is closed.
 */
export class LossClassifier {
  readonly #tree: LossTree;
  readonly #view = new PathView();
  readonly #finished: LossEpisode[] = [];
  #episode: OpenEpisode | undefined;
  /** First loss of the last episode, and what was delivered then: a goodput interval begins there. */
  #intervalStart: Nanos = -1;
  #intervalPackets = 0;
  #goodputs: number[] = [];
  readonly #levels: number[] = [];
  readonly #counts: number[] = [];
  #deliveredAtLoss = 0;
  /** Of the last episode: its end, and how many packets had been delivered without a loss before its run. */
  #lastEnd: Nanos = -Infinity;
  #lastGap = 0;
  #closed = false;
  /** For how long nothing had been heard before the flight that timed out. */
  #idleBefore = 0;

  constructor(tree: LossTree = LOSS_TREE) {
    this.#tree = tree;
  }

  onAck(ack: AckObservation): void {
    this.#closeIfOver(ack.now);
    this.#view.ack(ack);
    if (ack.packets > 0) this.#closed = false;
  }

  onLoss(loss: LossObservation): void {
    this.#closeIfOver(loss.now);
    const episode = (this.#episode ??= this.#open(loss));
    episode.end = loss.now;
    episode.firstSent = Math.min(episode.firstSent, loss.sentAt);
    episode.lastSent = Math.max(episode.lastSent, loss.sentAt);
    episode.losses++;
    this.#deliveredAtLoss = this.#view.deliveredPackets;
    episode.smallestLost = Math.min(episode.smallestLost, loss.bytes);
    if (loss.again) episode.again++;
    if (loss.seq !== undefined) {
      if (episode.lastEnd === loss.seq) episode.adjacent++;
      episode.lastEnd = (loss.seq + loss.bytes) >>> 0;
    }
    const queue = this.#view.queueUsAround(loss.sentAt);
    if (queue < 0) return;
    episode.queueSum += queue;
    episode.queueLow = Math.min(episode.queueLow, queue);
    episode.queueHigh = Math.max(episode.queueHigh, queue);
    episode.queueCount++;
  }

  #risenUs(sentAt: Nanos): number {
    const now = this.#view.queueUsAround(sentAt);
    const before = this.#view.queueUsBefore(sentAt - this.#view.srttUs * 1000);
    return now < 0 || before < 0 ? 0 : now - before;
  }

  onTimeout(timeout: TimeoutObservation): void {
    this.#idleBefore = timeout.consecutive === 1 ? timeout.idleBefore : Math.max(this.#idleBefore, timeout.idleBefore);
    if (timeout.consecutive < CLOSED_TIMEOUTS || this.#closed) return;
    this.#closed = true;
    const view = this.#view;
    // Smaller ones passed in the meantime, such as handshakes, ACKs or probes: it is the size.
    const bySize = timeout.established && timeout.bytes > view.largestDelivered && view.largestDelivered > 0;
    const afterIdle = timeout.established && this.#idleBefore * 1e-3 > 20 * view.srttUs;
    const filter = bySize ? "size" : afterIdle ? "after-idle" : "all";
    const confidence = bySize ? 0.97 : 1 - 0.5 ** timeout.consecutive;
    this.#judgeFiltered(timeout.now, filter, confidence);
  }

  onReset(reset: ResetObservation): void {
    // A peer that has died says so too; one that was heard a moment ago and speaks from elsewhere has not.
    if (!reset.busy && !reset.foreignTtl) return;
    this.#judgeFiltered(reset.now, "reset", reset.foreignTtl ? 0.98 : 0.75);
  }

  /** The next episode that was judged. */
  poll(now: Nanos): LossEpisode | undefined {
    this.#closeIfOver(now);
    return this.#finished.shift();
  }

  /** When {@link poll} will have something new; Infinity: never. */
  nextTimeout(): Nanos {
    if (this.#finished.length > 0) return 0;
    // Only a delivery or a timeout can tell more.
    if (this.#episode !== undefined && this.#view.lastDelivery < this.#episode.start) return Infinity;
    return this.#deadline() ?? Infinity;
  }

  #deadline(): Nanos | undefined {
    if (this.#episode === undefined) return undefined;
    return this.#episode.end + Math.max(NS_PER_MS, this.#view.srttUs * 1000);
  }

  #open(loss: LossObservation): OpenEpisode {
    return {
      start: loss.now,
      end: loss.now,
      firstSent: loss.sentAt,
      lastSent: loss.sentAt,
      losses: 0,
      queueSum: 0,
      queueLow: Infinity,
      queueHigh: 0,
      queueCount: 0,
      lastEnd: -1,
      adjacent: 0,
      again: 0,
      risenUs: this.#risenUs(loss.sentAt),
      smallestLost: Infinity,
      deliveredBefore: this.#view.deliveredPackets,
      gap: this.#view.deliveredPackets - this.#deliveredAtLoss,
    };
  }

  /** An episode ends when an SRTT has passed without a loss, or at the latest an SRTT after its beginning. */
  #closeIfOver(now: Nanos): void {
    const episode = this.#episode;
    const deadline = this.#deadline();
    if (episode === undefined || deadline === undefined) return;
    const srtt = Math.max(NS_PER_MS, this.#view.srttUs * 1000);
    if (now < deadline && now < episode.start + 2 * srtt) return;
    // While nothing is delivered nothing is known: the path may be closed.
    if (this.#view.lastDelivery < episode.start) return;
    this.#episode = undefined;
    const features = this.#measure(episode, now);
    this.#startInterval(episode);
    if (!this.#closed) this.#finished.push(this.#judge(episode, features));
  }

  #measure(episode: OpenEpisode, now: Nanos): EpisodeFeatures {
    const view = this.#view;
    const srtt = Math.max(NS_PER_MS, view.srttUs * 1000);
    const delivered = view.deliveredPackets - episode.deliveredBefore;
    const maxQueue = view.maxQueueUs;
    // A run of lossy rounds is one cluster; the longer it lasts the less the quiet before it says.
    const inRun = episode.start - this.#lastEnd < 2 * srtt;
    const gap = inRun ? Math.max(episode.gap, this.#lastGap / 2) : episode.gap;
    this.#lastGap = gap;
    this.#lastEnd = episode.end;
    const before = view.rate(episode.start - srtt, episode.start);
    const after = view.rate(episode.start, Math.min(now, episode.start + srtt));
    const known = episode.queueCount > 0 && maxQueue > 0;
    const level = known ? episode.queueSum / episode.queueCount / maxQueue : -1;
    const features = {
      losses: episode.losses,
      lossShare: episode.losses / Math.max(1, episode.losses + delivered),
      queueLevel: level,
      queueLow: known ? episode.queueLow / maxQueue : -1,
      queueHigh: known ? episode.queueHigh / maxQueue : -1,
      queueSize: view.minRttUs === Infinity ? 0 : maxQueue / Math.max(1, view.minRttUs),
      queueAtLoss: known ? episode.queueSum / episode.queueCount / Math.max(1, view.minRttUs) : -1,
      risen: known ? episode.risenUs / maxQueue : 0,
      rateDrop: before > 0 && after > 0 ? before / after : -1,
      fill: before > 0 && view.maxRate > 0 ? before / view.maxRate : -1,
      plateauSpread: spread(this.#withInterval(episode)),
      clustering: (gap * (episode.losses - 1)) / (episode.losses + delivered),
      gap,
      adjacent: episode.adjacent / episode.losses,
      again: episode.again / episode.losses,
      span: (episode.lastSent - episode.firstSent) / srtt,
      pastLevel: this.#levels.length === 0 ? -1 : mean(this.#levels),
      pastLevelSpread: this.#levels.length < 2 ? -1 : deviation(this.#levels),
      pastLosses: this.#counts.length === 0 ? -1 : mean(this.#counts),
    };
    remember(this.#counts, episode.losses);
    if (level >= 0) remember(this.#levels, level);
    return features;
  }

  /** The goodputs of the last intervals, with the one that this episode ends. */
  #withInterval(episode: OpenEpisode): number[] {
    if (this.#intervalStart < 0 || episode.start <= this.#intervalStart) return this.#goodputs;
    const packets = episode.deliveredBefore - this.#intervalPackets;
    if (packets < INTERVAL_PACKETS) return this.#goodputs;
    const { deliveredBytes, deliveredPackets } = this.#view;
    const bytes = packets * (deliveredBytes / Math.max(1, deliveredPackets));
    this.#goodputs.push((bytes * 1e9) / (episode.start - this.#intervalStart));
    if (this.#goodputs.length > INTERVALS) this.#goodputs.shift();
    return this.#goodputs;
  }

  #startInterval(episode: OpenEpisode): void {
    this.#intervalStart = episode.start;
    this.#intervalPackets = episode.deliveredBefore;
  }

  #judge(episode: OpenEpisode, features: EpisodeFeatures): LossEpisode {
    const evidence = weighEvidence(features, this.#tree);
    let cause: LossCause = "queue-overflow";
    let confidence = evidence.queueOverflow;
    for (const [other, weight] of [
      ["policer", evidence.policer],
      ["random", evidence.random],
      ["mixed", evidence.mixed],
    ] as const) {
      if (weight <= confidence) continue;
      cause = other;
      confidence = weight;
    }
    return {
      cause,
      confidence,
      start: episode.start,
      end: episode.end,
      losses: episode.losses,
      ...(cause === "policer" && this.#goodputs.length > 0 ? { policedRate: mean(this.#goodputs) } : {}),
      evidence,
      features,
    };
  }

  #judgeFiltered(now: Nanos, filter: "size" | "all" | "after-idle" | "reset", confidence: number): void {
    const episode = this.#episode;
    this.#episode = undefined;
    const evidence: LossEvidence = {
      queueOverflow: 0,
      policer: 0,
      random: 1 - confidence,
      filtered: confidence,
      mixed: 0,
    };
    this.#finished.push({
      cause: "filtered",
      confidence,
      start: episode?.start ?? now,
      end: now,
      losses: episode?.losses ?? 0,
      filter,
      evidence,
    });
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation. */
function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

/** Keeps the last few. */
function remember(values: number[], value: number): void {
  values.push(value);
  if (values.length > EPISODES) values.shift();
}

/** Standard deviation over mean; -1 for fewer than two values. */
function spread(values: readonly number[]): number {
  if (values.length < 2) return -1;
  return deviation(values) / mean(values);
}
