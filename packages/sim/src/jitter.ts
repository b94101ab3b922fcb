import { pow, type Nanos, type Random } from "@seville/core";
import { duration, oneOf, probability } from "./checks.ts";
import { CorrelatedUniform } from "./correlated.ts";
import { normalQuantile } from "./normal-quantile.ts";

/** How much the delay varies from frame to frame, as netem's `delay TIME JITTER CORRELATION distribution NAME`. */
export interface JitterOptions {
  /** `uniform`: half the width of the range. `normal`, `pareto`: the standard deviation. Nanoseconds. */
  readonly deviation: Nanos;
  /** Default `uniform`. */
  readonly distribution?: JitterDistribution;
  /** How much a frame's delay depends on that of the one before. 0 to 1, default 0. */
  readonly correlation?: number;
  /**
   * A frame may overtake others because its delay is shorter, as netem lets it. Default `false`: it waits for those before it, as on a path
   * whose delay varies because of queues.
   */
  readonly reorder?: boolean;
}

export type JitterDistribution = "uniform" | "normal" | "pareto";

/** Draws the difference from the mean delay. */
export interface Jitter {
  readonly reorder: boolean;
  next(): Nanos;
}

/** @throws SevilleError `ERR_INVALID_ARGUMENT` */
export function createJitter(options: JitterOptions, random: Random): Jitter {
  const deviation = duration("jitter.deviation", options.deviation);
  const correlation = probability("jitter.correlation", options.correlation ?? 0);
  const uniform = new CorrelatedUniform(random, correlation);
  const quantile = QUANTILES[oneOf("jitter.distribution", options.distribution ?? "uniform", DISTRIBUTIONS)];
  return {
    reorder: options.reorder ?? false,
    next: () => Math.round(deviation * quantile(uniform.next())),
  };
}

const DISTRIBUTIONS: readonly JitterDistribution[] = ["uniform", "normal", "pareto"];

/** From a uniform number to one of the distribution; mean 0, and deviation 1 except for the uniform. */
const QUANTILES: Readonly<Record<JitterDistribution, (u: number) => number>> = {
  uniform: (u) => 2 * u - 1,
  normal: (u) => clip(normalQuantile(u)),
  pareto: (u) => clip(((pow(1 - u, -1 / PARETO_SHAPE) - PARETO_MEAN) * 4) / 3),
};

/** iproute2's pareto table: shape 3, whose mean is 1.5 and whose standard deviation is about 3/4 (it is √3/2). */
const PARETO_SHAPE = 3;
const PARETO_MEAN = 1.5;

/** netem's tables hold 16-bit numbers in units of 1/8192 of the deviation, so that no delay is further out than four. */
function clip(x: number): number {
  return Math.max(-MOST, Math.min(MOST, x));
}
const MOST = 32_767 / 8192;
