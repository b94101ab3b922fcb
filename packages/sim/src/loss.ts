import { invalidArgument, type Nanos, type Random } from "@seville/core";
import type { Packet } from "@seville/packet";
import { CorrelatedUniform } from "./correlated.ts";
import { probability } from "./checks.ts";

/**
 * Which frames are lost on the line. A number is the probability with which each is lost, independently.
 *
 * `gilbert-elliott` and `state` are netem's `loss gemodel` and `loss state` (net/sched/sch_netem.c).
 */
export type LossOptions = number | RandomLoss | GilbertElliottLoss | FourStateLoss | ScriptedLoss | PredicateLoss;

/** Independent, or correlated as netem's `loss random P CORRELATION`. */
export interface RandomLoss {
  readonly model: "random";
  readonly probability: number;
  readonly correlation?: number;
}

/** Two states, good and bad, each with its own probability of loss. */
export interface GilbertElliottLoss {
  readonly model: "gilbert-elliott";
  /** From good to bad, per frame. */
  readonly p: number;
  /** From bad to good, per frame. A stay in bad lasts `1 / r` frames on average. Default `1 - p`. */
  readonly r?: number;
  /** Loss in the bad state: netem's `1-h`. Default 1. */
  readonly lossInBad?: number;
  /** Loss in the good state: netem's `1-k`. Default 0. */
  readonly lossInGood?: number;
}

/** Four states: 1 received in a gap, 2 received in a burst, 3 lost in a burst, 4 lost alone in a gap. */
export interface FourStateLoss {
  readonly model: "state";
  readonly p13: number;
  /** Default `1 - p13`. */
  readonly p31?: number;
  /** Default 0. */
  readonly p32?: number;
  /** Default 1. */
  readonly p23?: number;
  /** Default 0. */
  readonly p14?: number;
}

/** These frames and no others. */
export interface ScriptedLoss {
  readonly model: "script";
  /** Frames by their number on this direction of the line: the first that is put on it has number 0. */
  readonly frames?: readonly number[];
  /** Stretches of time, from `from` up to but not including `to`. */
  readonly times?: readonly { readonly from: Nanos; readonly to: Nanos }[];
}

/** Whatever `lose` says. It may read the frame; it must not keep or change it, and must be deterministic. */
export interface PredicateLoss {
  readonly model: "predicate";
  lose(frame: Packet, index: number, now: Nanos): boolean;
}

/** Says of each frame in turn whether it is lost. */
export interface LossModel {
  lose(frame: Packet, index: number, now: Nanos): boolean;
}

/** @throws SevilleError `ERR_INVALID_ARGUMENT` */
export function createLoss(options: LossOptions, random: Random): LossModel {
  if (typeof options === "number") return independent(probability("loss", options), random);
  switch (options.model) {
    case "random":
      return correlated(options, random);
    case "gilbert-elliott":
      return gilbertElliott(options, random);
    case "state":
      return fourStates(options, random);
    case "script":
      return script(options);
    case "predicate":
      return options;
    default:
      throw invalidArgument("loss.model", "a loss model", (options as { model: unknown }).model);
  }
}

function independent(p: number, random: Random): LossModel {
  return { lose: () => random.bool(p) };
}

function correlated(options: RandomLoss, random: Random): LossModel {
  const p = probability("loss.probability", options.probability);
  const uniform = new CorrelatedUniform(random, probability("loss.correlation", options.correlation ?? 0));
  return { lose: () => uniform.next() < p };
}

function gilbertElliott(options: GilbertElliottLoss, random: Random): LossModel {
  const p = probability("loss.p", options.p);
  const r = probability("loss.r", options.r ?? 1 - p);
  const lossInBad = probability("loss.lossInBad", options.lossInBad ?? 1);
  const lossInGood = probability("loss.lossInGood", options.lossInGood ?? 0);
  let bad = false;
  return {
    lose() {
      // As in netem, the state before the change decides, and each frame costs two draws.
      const lossHere = bad ? lossInBad : lossInGood;
      if (random.bool(bad ? r : p)) bad = !bad;
      return random.bool(lossHere);
    },
  };
}

function fourStates(options: FourStateLoss, random: Random): LossModel {
  const p13 = probability("loss.p13", options.p13);
  const p31 = probability("loss.p31", options.p31 ?? 1 - p13);
  const p32 = probability("loss.p32", options.p32 ?? 0);
  const p23 = probability("loss.p23", options.p23 ?? 1);
  const p14 = probability("loss.p14", options.p14 ?? 0);
  probability("loss.p13 + loss.p14", p13 + p14);
  probability("loss.p31 + loss.p32", p31 + p32);
  let state: 1 | 2 | 3 | 4 = 1;
  return {
    lose() {
      const draw = random.float();
      if (state === 1) state = draw < p14 ? 4 : draw < p14 + p13 ? 3 : 1;
      else if (state === 2) state = draw < p23 ? 3 : 2;
      else if (state === 3) state = draw < p32 ? 2 : draw < p32 + p31 ? 1 : 3;
      else state = 1;
      return state >= 3;
    },
  };
}

function script(options: ScriptedLoss): LossModel {
  const frames = new Set(options.frames);
  const times = options.times ?? [];
  return {
    lose: (_frame, index, now) => frames.has(index) || times.some(({ from, to }) => now >= from && now < to),
  };
}
