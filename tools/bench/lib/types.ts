/** What `tools/bench/NAME/bench.ts` exports as `bench`. README.md beside this folder shows one. */
export interface BenchDefinition {
  /** One line, printed above the table. */
  readonly title: string;
  /** npm packages of tools/bench/package.json that the bench loads. Empty or absent: nothing is installed. */
  readonly peers?: readonly string[];
  cases(context: BenchContext): readonly BenchCase[] | Promise<readonly BenchCase[]>;
}

/**
 * A bench that makes its rows itself, as simulations do: figures in virtual time, which no load of the machine changes. Exported as `bench` likewise.
 */
export interface ReportDefinition {
  readonly title: string;
  report(context: ReportContext): Promise<BenchReport>;
}

export interface ReportContext {
  readonly quick: boolean;
  /** Only what contains this in its name is wanted. */
  readonly filter: string;
  readonly progress: (message: string) => void;
}

export interface BenchReport {
  readonly rows: readonly BenchRow[];
  /** More than a table says, printed below it; `--json` has `extra` instead. */
  readonly text?: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface BenchContext {
  readonly quick: boolean;
  /** Loads one of the `peers`. The type parameter is what the bench uses of it. */
  readonly load: <Module>(peer: string) => Promise<Module>;
  /** Says on stderr what is going on. */
  readonly progress: (message: string) => void;
}

/** One operation at one size: ours, and those that do the same. Makes a row for each peer. */
export interface BenchCase {
  readonly case: string;
  readonly size: number;
  /** What the figures are, as printed: "ns", "events/s" … */
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly ours: Side;
  readonly peers: readonly Side[];
  /** A figure from outside (a bar, a paper, another machine). Makes a row with `peer: "reference"`, ratio = ours / theirs. */
  readonly reference?: number;
  /**
   * CPU time of one sample, ns, where the usual 1.5 ms would mostly measure how the caches fill: tables of many megabytes
   * that the sides drive out of each other's caches.
   */
  readonly sampleNanos?: number;
  /** CPU time spent on a timed side before it is measured, ns, where the usual 60 ms would leave much of it to the interpreter. */
  readonly warmUpNanos?: number;
  /** Rounds, where the usual 41 (9 with `--quick`) would take too long or say nothing more. */
  readonly rounds?: number;
  /** From CPU nanoseconds per operation to `unit`. Default: the nanoseconds themselves. */
  readonly fromNanos?: (nanosPerOperation: number) => number;
}

export type Side = TimedSide | ValuedSide;

/** A side whose CPU time is measured. */
export interface TimedSide {
  readonly name: string;
  /**
   * Does the operation `count` times, in a loop of its own, so that each call site sees one function, and returns
   * something that depends on all of them, so that none is optimised away.
   */
  readonly run: (count: number) => number;
}

/** A side that brings its figure in `unit` itself (operations of simulated time, bytes, ratios). Asked once a round. */
export interface ValuedSide {
  readonly name: string;
  readonly value: () => number | Promise<number>;
}

/** One line of the result; also the shape that `--json` prints. */
export interface BenchRow {
  readonly case: string;
  readonly size: number;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  /** Above 1: ours is better. For a reference: ours / theirs. */
  readonly ratio: number;
  /** Whether ours is as near to the reference as `tolerance` says; absent: shown, not judged. `--check` fails where it is not. */
  readonly within?: boolean;
  /** As printed: "±15 %", "at least". */
  readonly tolerance?: string;
  /** Of each seed, ascending, where `ours` is their median. */
  readonly runs?: readonly number[];
}
