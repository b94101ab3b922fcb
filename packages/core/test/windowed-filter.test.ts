import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WindowedFilter } from "../src/index.ts";

interface Sample {
  readonly time: number;
  readonly value: number;
}

/** Samples with times that do not go back. */
const stories = fc
  .array(fc.record({ gap: fc.oneof(fc.nat(40), fc.constantFrom(10, 25, 50)), value: fc.nat(1000) }), {
    minLength: 1,
    maxLength: 200,
  })
  .map((steps) => {
    let time = 1000;
    return steps.map(({ gap, value }): Sample => ({ time: (time += gap), value }));
  });
const WINDOW = 100;

describe("W: windowed minimum and maximum (lib/win_minmax.c)", () => {
  test("W1: a new best counts at once, and the answer is never better than the best of the window", () => {
    fc.assert(
      fc.property(stories, (samples) => {
        const filter = new WindowedFilter(Infinity);
        samples.forEach(({ time, value }, i) => {
          const answer = filter.runningMin(WINDOW, time, value);
          expect(filter.value).toBe(answer);
          expect(answer).toBeLessThanOrEqual(value);
          // Any sample that the filter answers was seen, and no longer ago than a window.
          const seen = samples.slice(0, i + 1).filter((s) => s.value === answer && time - s.time <= WINDOW);
          expect(seen.length, `${answer} at ${time}`).toBeGreaterThan(0);
          expect(answer).toBeGreaterThanOrEqual(naive(samples, i, WINDOW, Math.min));
        });
      }),
    );
  });

  test("W2: it agrees with the naive minimum while values fall, and once a window passed without a better one", () => {
    fc.assert(
      fc.property(stories, (samples) => {
        const falling = samples.map(({ time }, i) => ({ time, value: 10_000 - i }));
        const filter = new WindowedFilter(Infinity);
        falling.forEach(({ time, value }, i) => {
          expect(filter.runningMin(WINDOW, time, value)).toBe(naive(falling, i, WINDOW, Math.min));
        });
        const later = falling.at(-1)!.time + WINDOW + 1;
        expect(filter.runningMin(WINDOW, later, 99_999)).toBe(99_999);
      }),
    );
  });

  test("W3: three samples in three parts of the window: the second best takes over when the best is too old", () => {
    const filter = new WindowedFilter(Infinity);
    const story = [
      [0, 10, 10],
      [30, 20, 10],
      [60, 30, 10],
      [90, 40, 10],
      [101, 50, 20],
      [131, 60, 30],
      [161, 70, 50],
    ] as const;
    for (const [time, value, answer] of story) expect(filter.runningMin(100, time, value), `at ${time}`).toBe(answer);
  });

  test("W4: the maximum is the minimum of the negated values", () => {
    fc.assert(
      fc.property(stories, (samples) => {
        const [low, high] = [new WindowedFilter(Infinity), new WindowedFilter(-Infinity)];
        for (const { time, value } of samples) {
          expect(high.runningMax(WINDOW, time, value)).toBe(-low.runningMin(WINDOW, time, -value));
        }
      }),
    );
  });

  test("W5: it does what a transcription of the kernel's three-sample algorithm does, step by step", () => {
    fc.assert(
      fc.property(stories, (samples) => {
        const filter = new WindowedFilter(0);
        const model = new KernelModel();
        filter.reset(samples[0]!.time, samples[0]!.value);
        model.s = [samples[0]!, samples[0]!, samples[0]!];
        for (const sample of samples.slice(1)) {
          expect(filter.runningMax(WINDOW, sample.time, sample.value)).toBe(model.max(WINDOW, sample));
        }
      }),
    );
  });

  test("W6: reset forgets", () => {
    const filter = new WindowedFilter(Infinity);
    filter.runningMin(100, 0, 1);
    expect(filter.reset(10, 7)).toBe(7);
    expect(filter.runningMin(100, 20, 9)).toBe(7);
  });
});

function naive(
  samples: readonly Sample[],
  last: number,
  window: number,
  best: (...values: number[]) => number,
): number {
  const now = samples[last]!.time;
  return best(
    ...samples
      .slice(0, last + 1)
      .filter((s) => now - s.time <= window)
      .map((s) => s.value),
  );
}

/** The rules as a list of sorted choices: each keeps its own sample. */
class KernelModel {
  s: [Sample, Sample, Sample] = [
    { time: 0, value: 0 },
    { time: 0, value: 0 },
    { time: 0, value: 0 },
  ];

  max(window: number, sample: Sample): number {
    const stale = sample.time - this.s[2].time > window;
    const rank = stale ? 0 : this.s.findIndex((choice) => sample.value >= choice.value);
    if (rank >= 0) for (let i = rank; i < 3; i++) this.s[i] = sample;
    if (rank === 0) return sample.value;
    const age = sample.time - this.s[0].time;
    if (age > window) {
      do this.s = [this.s[1], this.s[2], sample];
      while (sample.time - this.s[0].time > window);
    } else if (this.s[1].time === this.s[0].time && age > window / 4) this.s = [this.s[0], sample, sample];
    else if (this.s[2].time === this.s[1].time && age > window / 2) this.s = [this.s[0], this.s[1], sample];
    return this.s[0].value;
  }
}
