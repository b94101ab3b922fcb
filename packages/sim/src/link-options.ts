import type { Random, Scheduler } from "@seville/core";
import type { CustomPolicer, LinkPolicerOptions } from "./frame-policer.ts";
import type { Framing } from "./framing.ts";
import type { QueueOptions } from "./frame-queue.ts";
import type { ImpairmentOptions } from "./impairments.ts";

/** One direction of a link. */
export interface DirectionOptions extends ImpairmentOptions {
  /** Bits per second. Default `Infinity`: a frame takes no time to send, and nothing ever waits. */
  readonly rate?: number;
  /** Which bytes count against the rate. Default `ethernet`. */
  readonly framing?: Framing;
  /** Bytes that an Ethernet frame may carry. Default 1500. */
  readonly mtu?: number;
  /** Where frames wait for the line. Default: a FIFO of 1000 frames, as a Linux device's `txqueuelen`. */
  readonly queue?: QueueOptions;
  /** Judges frames before they queue, and drops (`POLICER`) or marks what exceeds its rate. `null`: none. */
  readonly policer?: LinkPolicerOptions | CustomPolicer | null;
}

/** A full-duplex link. What is said at the top holds for both directions; `aToB` and `bToA` override it. */
export interface LinkOptions extends DirectionOptions {
  readonly scheduler: Scheduler;
  /** The link forks its own streams from it, under its name. */
  readonly random: Random;
  /** Default `link`. Links of one world bear different names: their dice hang on them. */
  readonly name?: string;
  /** Names of the two ends. Default `NAME:a` and `NAME:b`. */
  readonly ends?: readonly [string, string];
  readonly aToB?: DirectionOptions;
  readonly bToA?: DirectionOptions;
  /** `false`: it begins with its carrier off. */
  readonly up?: boolean;
}
