import { invalidArgument, type DropReason, type EventHandler, type Nanos, type Scheduler } from "@seville/core";
import type { PacketPool } from "@seville/packet";
import type { LinkEnd } from "@seville/sim";
import {
  captureFrames,
  type CapturedFrame,
  type CaptureFaults,
  type CaptureSelection,
  type CaptureSource,
} from "./capture-frames.ts";

export interface ReplayOptions extends CaptureSelection {
  readonly source: CaptureSource;
  /** When the first frame goes out. Default: now. */
  readonly startAt?: Nanos;
  /** How much faster than captured. Default 1; `Infinity`: all at once. */
  readonly speed?: number;
  /** How many times the capture is played. Default 1. */
  readonly loops?: number;
  /** Between the last frame of one time and the first of the next, ns. Default 1 ms. */
  readonly loopGap?: Nanos;
  /** Ethernet addresses (6 bytes) put in place of the captured ones: the destination of unicast frames, and all sources. */
  readonly rewrite?: { readonly destination?: Uint8Array; readonly source?: Uint8Array };
}

/** Where the replay goes. */
export interface ReplayTarget {
  readonly scheduler: Scheduler;
  readonly end: LinkEnd;
  readonly pool: PacketPool;
}

export interface ReplayStats {
  readonly frames: number;
  readonly bytes: number;
  /** Times the capture was played to its end. */
  readonly loops: number;
  readonly done: boolean;
  /** Packets of the capture that were not sent, by reason: `HDR_TRUNC` cut short by the capture, `UNHANDLED_PROTO` not Ethernet … */
  readonly skipped: Readonly<Partial<Record<DropReason, number>>>;
  readonly backwards: number;
  readonly faults: readonly string[];
}

/** A capture that is being played. */
export interface Replay {
  stats(): ReplayStats;
  /** Sends no more. */
  stop(): void;
}

/**
 * Plays a capture onto a link, at the times at which it was captured. In simulated time, and so the same each time.
 *
 * Frames that come over the link to this end are dropped: nobody is there.
 *
 * @throws SevilleError `ERR_CAPTURE_FORMAT`, `ENOENT`, `ERR_INVALID_ARGUMENT`
 */
export function startReplay(options: ReplayOptions, target: ReplayTarget): Replay {
  const player = new Player(options, target);
  target.end.attach({ receiveFrame: (frame) => frame.release() });
  player.start();
  return player;
}

class Player implements Replay, EventHandler {
  readonly #options: ReplayOptions;
  readonly #target: ReplayTarget;
  readonly #speed: number;
  readonly #loops: number;
  readonly #loopGap: Nanos;
  readonly #faults: CaptureFaults = { skipped: new Map(), backwards: 0, messages: [] };
  #frames: Iterator<CapturedFrame, void>;
  #next: CapturedFrame | undefined;
  #loopStart: Nanos;
  #sent = 0;
  #bytes = 0;
  #played = 0;
  #done = false;

  constructor(options: ReplayOptions, target: ReplayTarget) {
    this.#options = options;
    this.#target = target;
    this.#speed = options.speed ?? 1;
    this.#loops = options.loops ?? 1;
    this.#loopGap = options.loopGap ?? 1_000_000;
    if (!(this.#speed > 0)) throw invalidArgument("speed", "above 0", this.#speed);
    if (!(this.#loops >= 1 && (Number.isSafeInteger(this.#loops) || this.#loops === Infinity))) {
      throw invalidArgument("loops", "a whole number from 1, or Infinity", this.#loops);
    }
    // Without a gap, an endless loop of a capture of one moment would never let time pass.
    if (!(this.#loopGap >= 1)) throw invalidArgument("loopGap", "at least 1 ns", this.#loopGap);
    checkAddress("rewrite.destination", options.rewrite?.destination);
    checkAddress("rewrite.source", options.rewrite?.source);
    this.#loopStart = options.startAt ?? target.scheduler.now;
    this.#frames = captureFrames(options.source, options, this.#faults);
  }

  start(): void {
    this.#advance();
  }

  stop(): void {
    this.#done = true;
    this.#next = undefined;
    this.#frames.return?.();
  }

  stats(): ReplayStats {
    return {
      frames: this.#sent,
      bytes: this.#bytes,
      loops: this.#played,
      done: this.#done,
      skipped: Object.fromEntries(this.#faults.skipped),
      backwards: this.#faults.backwards,
      faults: this.#faults.messages,
    };
  }

  handleEvent(): void {
    const frame = this.#next;
    if (frame === undefined) return;
    this.#send(frame.data);
    this.#advance();
  }

  /** Reads the next frame, from the beginning again if need be, and sets the alarm for it. */
  #advance(): void {
    const before = this.#next?.time ?? 0;
    let result = this.#frames.next();
    if (result.done === true) {
      this.#played++;
      this.#next = undefined;
      // A capture without a single frame is not played again.
      if (this.#sent === 0 || this.#played >= this.#loops) {
        this.#done = true;
        return;
      }
      this.#loopStart += this.#scaled(before) + this.#loopGap;
      this.#frames = captureFrames(this.#options.source, this.#options, this.#faults);
      result = this.#frames.next();
      if (result.done === true) {
        this.#done = true;
        return;
      }
    }
    this.#next = result.value;
    this.#target.scheduler.schedule(this.#loopStart + this.#scaled(this.#next.time), this);
  }

  #scaled(time: Nanos): Nanos {
    return Math.round(time / this.#speed);
  }

  #send(data: Uint8Array): void {
    const { pool, end } = this.#target;
    const frame = pool.from(data);
    if (frame === undefined) {
      this.#faults.skipped.set("NOMEM", (this.#faults.skipped.get("NOMEM") ?? 0) + 1);
      return;
    }
    const { u8 } = pool.memory;
    const { destination, source } = this.#options.rewrite ?? {};
    const isUnicast = ((u8[frame.data] as number) & 1) === 0;
    if (destination !== undefined && isUnicast) u8.set(destination, frame.data);
    if (source !== undefined) u8.set(source, frame.data + 6);
    this.#sent++;
    this.#bytes += frame.length;
    end.send(frame);
  }
}

function checkAddress(argument: string, address: Uint8Array | undefined): void {
  if (address !== undefined && address.length !== 6) throw invalidArgument(argument, "6 bytes", address);
}
