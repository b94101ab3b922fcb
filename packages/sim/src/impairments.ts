import type { Nanos, Random } from "@seville/core";
import { duration, probability, wholeNumber } from "./checks.ts";
import { CorrelatedUniform } from "./correlated.ts";
import { createJitter, type Jitter, type JitterOptions } from "./jitter.ts";
import { createLoss, type LossModel, type LossOptions } from "./loss.ts";

/** Something that happens to a frame with a probability; as netem, it may depend on whether it just happened. */
export interface ChanceOptions {
  readonly probability: number;
  /** 0 to 1, default 0. */
  readonly correlation?: number;
}

export interface CorruptOptions extends ChanceOptions {
  /**
   * `fcs` (default): the receiver's check sequence finds it, the frame is dropped there and counted in `rxCrcErrors`.
   * `after-fcs`: the bit flips where no check sequence covers it (in a switch's memory), and the receiver gets it.
   */
  readonly detect?: "fcs" | "after-fcs";
}

/** As netem's `reorder PERCENT CORRELATION gap DISTANCE`: some frames skip the delay. */
export interface ReorderOptions extends ChanceOptions {
  /** Every `gap`-th frame is a candidate. Default 1: each. */
  readonly gap?: number;
}

/** What the line does to frames, all of it changeable while it runs. */
export interface ImpairmentOptions {
  /** Time from one end to the other. Default 0. */
  readonly delay?: Nanos;
  readonly jitter?: Nanos | JitterOptions;
  readonly loss?: LossOptions;
  readonly duplicate?: number | ChanceOptions;
  readonly corrupt?: number | CorruptOptions;
  readonly reorder?: number | ReorderOptions;
}

/** Decides for one direction of a line. Each impairment has a random stream of its own: none disturbs another. */
export class Impairments {
  readonly #random: Random;
  delay: Nanos = 0;
  jitter: Jitter | undefined = undefined;
  loss: LossModel | undefined = undefined;
  duplicate: Chance | undefined = undefined;
  corrupt: Chance | undefined = undefined;
  /** Where a corrupted frame's flipped bit lies. */
  readonly corruptBit: Random;
  corruptionIsDetected = true;
  reorder: Chance | undefined = undefined;
  #reorderGap = 1;
  #sinceReorder = 0;

  constructor(random: Random) {
    this.#random = random;
    this.corruptBit = random.fork("corrupt-bit");
  }

  /** Changes those that `options` names; 0 takes one away. A changed one starts its stream again. */
  set(options: ImpairmentOptions): void {
    // Everything is checked before anything changes.
    const { corrupt, reorder } = options;
    const delay = duration("delay", options.delay ?? this.delay);
    const gap = wholeNumber("reorder.gap", typeof reorder === "object" ? (reorder.gap ?? 1) : 1, 1);
    const made = {
      jitter: this.#createJitter(options.jitter),
      loss: isNothing(options.loss) ? undefined : createLoss(options.loss, this.#random.fork("loss")),
      duplicate: this.#createChance("duplicate", options.duplicate),
      corrupt: this.#createChance("corrupt", corrupt),
      reorder: this.#createChance("reorder", reorder),
    };
    this.delay = delay;
    if (options.jitter !== undefined) this.jitter = made.jitter;
    if (options.loss !== undefined) this.loss = made.loss;
    if (options.duplicate !== undefined) this.duplicate = made.duplicate;
    if (corrupt !== undefined) {
      this.corrupt = made.corrupt;
      this.corruptionIsDetected = !(typeof corrupt === "object" && corrupt.detect === "after-fcs");
    }
    if (reorder !== undefined) {
      this.reorder = made.reorder;
      this.#reorderGap = gap;
      this.#sinceReorder = 0;
    }
  }

  /** The frame that is next in line skips the delay (netem_enqueue: the counter of the gap, then the dice). */
  skipsDelay(): boolean {
    if (this.reorder === undefined) return false;
    if (this.#sinceReorder < this.#reorderGap - 1 || !this.reorder.happens()) {
      this.#sinceReorder++;
      return false;
    }
    this.#sinceReorder = 0;
    return true;
  }

  #createJitter(options: Nanos | JitterOptions | undefined): Jitter | undefined {
    if (isNothing(options)) return undefined;
    return createJitter(typeof options === "number" ? { deviation: options } : options, this.#random.fork("jitter"));
  }

  #createChance(name: string, options: number | ChanceOptions | undefined): Chance | undefined {
    if (isNothing(options)) return undefined;
    const { probability: p, correlation = 0 } = typeof options === "number" ? { probability: options } : options;
    return new Chance(
      probability(name, p),
      new CorrelatedUniform(this.#random.fork(name), probability(`${name}.correlation`, correlation)),
    );
  }
}

/** An event with a probability. */
export class Chance {
  readonly #probability: number;
  readonly #uniform: CorrelatedUniform;

  constructor(chance: number, uniform: CorrelatedUniform) {
    this.#probability = chance;
    this.#uniform = uniform;
  }

  happens(): boolean {
    return this.#uniform.next() < this.#probability;
  }
}

function isNothing(value: unknown): value is undefined | 0 {
  return value === undefined || value === 0;
}
