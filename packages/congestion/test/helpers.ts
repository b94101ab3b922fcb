import { createRandom, type Random } from "@seville/core";
import { createRateSample, type RateSample } from "../src/index.ts";

export function testRandom(seed = 7): Random {
  return createRandom(seed);
}

/** A valid sample: `delivered` packets in `intervalUs`, changed by `fields`. */
export function sampleOf(fields: Partial<RateSample>): RateSample {
  return Object.assign(createRateSample(), { priorMstamp: 0 }, fields);
}

export const MBIT = 1e6;
export const MS = 1e6;
export const SEC = 1e9;
