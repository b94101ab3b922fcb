import {
  NEVER,
  type DropReason,
  type EventHandler,
  type EventId,
  type Nanos,
  type Random,
  type Scheduler,
} from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Policer, Qdisc, QueueAccess } from "@seville/queueing";
import { bitRate, oneOf, wholeNumber } from "./checks.ts";
import { DelayLine } from "./delay-line.ts";
import { bitsOnLine, FRAMINGS, gapBits, type Framing } from "./framing.ts";
import { Impairments } from "./impairments.ts";
import { LineClock } from "./line-clock.ts";
import type { FrameSink } from "./link-end.ts";
import type { DirectionOptions } from "./link-options.ts";
import { createDirectionStats, type DirectionOccupancy, type DirectionStats } from "./link-stats.ts";
import type { LinkDirection, LinkTap } from "./link-tap.ts";
import { createFrameAccess, withBytesOfItsOwn } from "./frame-access.ts";
import { createFramePolicer, policerMarks } from "./frame-policer.ts";
import { createFrameQueue, moveFrames, queueMarks, type QueueOptions } from "./frame-queue.ts";
import { forgetSender, isRunt, longestFrame, unfinishedFrame, unfinishedWork } from "./wire-frame.ts";

/** What a direction shares with its link. */
export interface DirectionWiring {
  readonly name: string;
  readonly direction: LinkDirection;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** The link's own list: taps come and go. */
  readonly taps: readonly LinkTap[];
}

/**
 * One direction of a link: queue → transmitter → line → receiver. `docs/links.md` has the order in full.
 *
 * It keeps at most two events pending: when the transmitter may take the next frame (only while one waits), and when the next
 * frame in flight arrives.
 */
export class Direction implements EventHandler {
  readonly stats: DirectionStats = createDirectionStats();
  readonly #wiring: DirectionWiring;
  readonly #impairments: Impairments;
  readonly #line = new LineClock(Infinity);
  #framing: Framing = "ethernet";
  #mtu = 1500;
  #queue: Qdisc<Packet>;
  #queueMarks = false;
  #policer: Policer<Packet> | undefined = undefined;
  #policerMarks = false;
  readonly #access: QueueAccess<Packet>;
  #sink: FrameSink | undefined = undefined;

  /** Why frames go nowhere at present: the carrier is off, or the world has ended. */
  #closedBy: "LINK_DOWN" | "END_OF_RUN" | undefined = undefined;
  #partitioned = false;

  readonly #flight = new DelayLine();
  #sequence = 0;
  #nextDelivered = 0;
  #lastArrival: Nanos = 0;

  #transmitEvent: EventId = 0;
  #transmitAt: Nanos = NEVER;
  #arrivalEvent: EventId = 0;
  #arrivalAt: Nanos = NEVER;

  constructor(wiring: DirectionWiring, options: DirectionOptions) {
    this.#wiring = wiring;
    this.#impairments = new Impairments(wiring.random);
    this.#access = createFrameAccess(wiring.random, this.#drop);
    this.#queue = this.#createQueue({ kind: "fifo" });
    this.configure(options);
  }

  get mtu(): number {
    return this.#mtu;
  }

  get occupancy(): DirectionOccupancy {
    return { queuedFrames: this.#queue.packets, queuedBytes: this.#queue.bytes, inFlight: this.#flight.size };
  }

  /** Bytes that wait, and what of the frame on the line is still to leave; a line without a rate keeps nobody waiting. */
  get backlog(): number {
    const { rate, freeAt } = this.#line;
    const { now } = this.#wiring.scheduler;
    const leaving = rate === Infinity || freeAt <= now ? 0 : ((freeAt - now) * rate) / 8e9;
    return this.#queue.bytes + leaving;
  }

  get partitioned(): boolean {
    return this.#partitioned;
  }

  set partitioned(partitioned: boolean) {
    this.#partitioned = partitioned;
  }

  attach(sink: FrameSink): void {
    this.#sink = sink;
  }

  /** Changes what `options` names. Frames already on the line are not touched. */
  configure(options: DirectionOptions): void {
    // Everything is checked before anything changes.
    const mtu = wholeNumber("mtu", options.mtu ?? this.#mtu, 68);
    const rate = bitRate("rate", options.rate ?? this.#line.rate);
    const framing = oneOf("framing", options.framing ?? this.#framing, FRAMINGS);
    const queue = options.queue === undefined ? undefined : this.#createQueue(options.queue);
    const { policer } = options;
    const police = policer === undefined ? this.#policer : createFramePolicer(policer, this.#access);
    this.#impairments.set(options);
    this.#mtu = mtu;
    this.#framing = framing;
    this.#policer = police;
    if (policer !== undefined) this.#policerMarks = policerMarks(policer);
    if (options.queue !== undefined) this.#queueMarks = queueMarks(options.queue);
    if (rate !== this.#line.rate) this.#line.setRate(rate);
    if (queue !== undefined) this.#replaceQueue(queue);
  }

  send(frame: Packet): void {
    const { stats } = this;
    const unfinished = unfinishedWork(frame);
    if (unfinished !== undefined) {
      frame.release();
      throw unfinishedFrame(this.#wiring.name, unfinished);
    }
    stats.framesIn++;
    stats.bytesIn += frame.length;
    const refusal = this.#refusalOf(frame);
    if (refusal !== undefined) {
      this.#drop(frame, refusal);
      return;
    }
    const { now } = this.#wiring.scheduler;
    const queued = this.#queueMarks || this.#policerMarks ? withBytesOfItsOwn(frame) : frame;
    if (this.#policer?.police(queued, now) === false) return;
    this.#queue.enqueue(queued, now);
    this.#transmit(now);
    if (this.#queue.packets > stats.maxQueuedFrames) stats.maxQueuedFrames = this.#queue.packets;
    if (this.#queue.bytes > stats.maxQueuedBytes) stats.maxQueuedBytes = this.#queue.bytes;
  }

  handleEvent(event: number, now: Nanos): void {
    if (event === TRANSMIT) {
      this.#transmitAt = NEVER;
      this.#transmit(now);
    } else {
      this.#arrivalAt = NEVER;
      this.#deliver(now);
    }
  }

  /** Gives everything queued and in flight up, and takes nothing more until {@link Direction.open}. */
  shut(reason: "LINK_DOWN" | "END_OF_RUN"): void {
    const { scheduler } = this.#wiring;
    this.#closedBy = reason;
    if (this.#transmitAt !== NEVER) scheduler.cancel(this.#transmitEvent);
    if (this.#arrivalAt !== NEVER) scheduler.cancel(this.#arrivalEvent);
    this.#transmitAt = NEVER;
    this.#arrivalAt = NEVER;
    this.#queue.clear(reason, scheduler.now);
    while (this.#flight.size > 0) this.#drop(this.#flight.shift(), reason);
  }

  open(): void {
    this.#closedBy = undefined;
  }

  carrierChanged(up: boolean, now: Nanos): void {
    this.#sink?.carrierChanged?.(up, now);
  }

  #refusalOf(frame: Packet): DropReason | undefined {
    if (this.#closedBy !== undefined) return this.#closedBy;
    if (isRunt(frame)) return "PKT_TOO_SMALL";
    return frame.length > longestFrame(frame, this.#mtu) ? "LINK_MTU" : undefined;
  }

  #createQueue(options: QueueOptions): Qdisc<Packet> {
    return createFrameQueue(options, this.#access, this.#wiring.random.fork("queue"));
  }

  #replaceQueue(queue: Qdisc<Packet>): void {
    const { now } = this.#wiring.scheduler;
    moveFrames(this.#queue, queue, now);
    this.#queue = queue;
    this.#transmit(now);
  }

  /** Puts frames on the line as long as it is free. */
  #transmit(now: Nanos): void {
    for (;;) {
      const { freeAt } = this.#line;
      if (freeAt > now) {
        if (this.#queue.packets > 0) this.#transmitNoLaterThan(freeAt);
        return;
      }
      const frame = this.#queue.dequeue(now);
      if (frame === undefined) {
        // Nothing yet, or an AQM dropped what there was.
        const readyAt = this.#queue.nextReady(now);
        if (readyAt !== NEVER) this.#transmitNoLaterThan(Math.max(readyAt, now + 1));
        return;
      }
      this.#putOnLine(frame, now);
    }
  }

  #transmitNoLaterThan(at: Nanos): void {
    if (this.#transmitAt <= at) return;
    const { scheduler } = this.#wiring;
    if (this.#transmitAt !== NEVER) scheduler.cancel(this.#transmitEvent);
    this.#transmitAt = at;
    this.#transmitEvent = scheduler.schedule(at, this, TRANSMIT);
  }

  #putOnLine(frame: Packet, now: Nanos): void {
    const { stats } = this;
    frame.orphan();
    const lastBit = this.#line.occupy(bitsOnLine(this.#framing, frame.length), now);
    this.#line.occupy(gapBits(this.#framing), now);
    stats.busy += this.#line.freeAt - now;
    this.#tell("sent", frame, now);
    const index = stats.framesSent++;
    stats.bytesSent += frame.length;
    const { loss, duplicate } = this.#impairments;
    if (this.#partitioned) {
      this.#drop(frame, "LINK_PARTITION");
    } else if (loss?.lose(frame, index, now) === true) {
      this.#drop(frame, "LINK_LOSS");
    } else if (duplicate?.happens() === true) {
      const copy = frame.clone();
      stats.duplicated++;
      this.#launch(frame, lastBit);
      this.#launch(copy, lastBit);
    } else {
      this.#launch(frame, lastBit);
    }
  }

  /** The frame's last bit leaves at `departure`. */
  #launch(frame: Packet, departure: Nanos): void {
    const { corrupt, delay, jitter } = this.#impairments;
    let launched = frame;
    launched.cb = INTACT;
    if (corrupt?.happens() === true) {
      const corrupted = this.#flipBit(frame);
      if (corrupted === undefined) return;
      launched = corrupted;
    }
    let arrival = departure;
    if (!this.#impairments.skipsDelay()) {
      arrival += Math.max(0, delay + (jitter?.next() ?? 0));
      // A delay that became shorter is no reason to overtake.
      if (jitter?.reorder !== true && arrival < this.#lastArrival) arrival = this.#lastArrival;
      if (arrival > this.#lastArrival) this.#lastArrival = arrival;
    }
    this.#flight.push(launched, arrival, this.#sequence++);
    this.#expectArrival();
  }

  /** The frame, or the copy that took its place, with one bit wrong; `undefined` if there was no memory for a copy. */
  #flipBit(frame: Packet): Packet | undefined {
    let own: Packet | undefined = frame;
    if (frame.isShared) {
      own = frame.copy();
      if (own === undefined) {
        this.#drop(frame, "NOMEM");
        return undefined;
      }
      frame.release();
    }
    const bit = this.#impairments.corruptBit.below(own.length * 8);
    const { u8 } = own.pool.memory;
    const at = own.data + (bit >> 3);
    u8[at] = (u8[at] as number) ^ (1 << (bit & 7));
    own.cb = this.#impairments.corruptionIsDetected ? BAD_FCS : INTACT;
    this.stats.corrupted++;
    return own;
  }

  #expectArrival(): void {
    const at = this.#flight.nextArrival;
    if (this.#arrivalAt <= at) return;
    const { scheduler } = this.#wiring;
    if (this.#arrivalAt !== NEVER) scheduler.cancel(this.#arrivalEvent);
    this.#arrivalAt = at;
    this.#arrivalEvent = scheduler.schedule(at, this, ARRIVAL);
  }

  #deliver(now: Nanos): void {
    const flight = this.#flight;
    while (flight.nextArrival <= now) {
      const frame = flight.shift();
      const { sequence } = flight;
      if (frame.cb === BAD_FCS) {
        this.stats.rxCrcErrors++;
        this.#drop(frame, "LINK_FCS");
        continue;
      }
      if (this.#sink === undefined) {
        this.#drop(frame, "DEV_READY");
        continue;
      }
      if (sequence < this.#nextDelivered) this.stats.reordered++;
      else this.#nextDelivered = sequence + 1;
      this.stats.framesDelivered++;
      this.stats.bytesDelivered += frame.length;
      this.#tell("delivered", frame, now);
      forgetSender(frame);
      this.#sink.receiveFrame(frame, now);
    }
    this.#expectArrival();
  }

  /** The one place where frames end: counts, tells, gives back. */
  readonly #drop = (frame: Packet, reason: DropReason): void => {
    const { stats } = this;
    stats.framesDropped++;
    stats.bytesDropped += frame.length;
    stats.dropped[reason] = (stats.dropped[reason] ?? 0) + 1;
    for (const tap of this.#wiring.taps) {
      tap.frame(this.#wiring.direction, "dropped", frame, this.#wiring.scheduler.now, reason);
    }
    frame.release();
  };

  #tell(point: "sent" | "delivered", frame: Packet, now: Nanos): void {
    for (const tap of this.#wiring.taps) tap.frame(this.#wiring.direction, point, frame, now);
  }
}

const TRANSMIT = 0;
const ARRIVAL = 1;

/** What `Packet.cb` says while the line has the frame. */
const INTACT = 0;
const BAD_FCS = 1;
