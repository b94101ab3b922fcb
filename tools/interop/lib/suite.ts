/** What a run was asked for. */
export interface SuiteOptions {
  /** Fewer and shorter cases. */
  readonly quick: boolean;
  /** Tells people what is going on. */
  readonly say: (line: string) => void;
}

/** One thing that is tried. */
export interface Case<Bench> {
  readonly name: string;
  /** Part of the quick subset. */
  readonly quick?: boolean;
  /**
   * Tries it. Throws if it is not as it should be ({@link check}), or {@link Skip} if it cannot be tried here.
   * @returns what was measured, in a few words
   */
  run(bench: Bench, options: SuiteOptions): Promise<string>;
}

/** What became of a case. */
export interface Outcome {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was measured, or why not. */
  readonly detail: string;
}

/** Cases that share what they are tried on. */
export interface Suite<Bench> {
  /** Why this machine cannot run it, or `undefined`. */
  readonly missing: () => string | undefined;
  /** Sets up what all cases share. */
  readonly start: (options: SuiteOptions) => Promise<Bench>;
  readonly cases: readonly Case<Bench>[];
  /** What became of the cases, as a table to be printed behind them. */
  readonly table?: (outcomes: readonly Outcome[]) => string;
  readonly stop: (bench: Bench) => Promise<void>;
}

/** A case that cannot be tried here, and why. */
export class Skip extends Error {
  override readonly name = "Skip";
}

/** A case that is not as it should be. */
export class CaseFailure extends Error {
  override readonly name = "CaseFailure";
}

/** Fails the case unless `holds`. `told` is what was seen. */
export function check(holds: boolean, expectation: string, told: string): void {
  if (!holds) throw new CaseFailure(`${expectation}\n${told}`);
}

/** The numbers that `pattern`'s groups find in `text`; the case fails if it does not match. */
export function numbers(text: string, pattern: RegExp): number[] {
  const match = pattern.exec(text);
  if (match === null) throw new CaseFailure(`expected ${String(pattern)} in:\n${text}`);
  return match.slice(1).map(Number);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
