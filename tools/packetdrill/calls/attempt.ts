import type { Nanos } from "../../../packages/core/src/index.ts";

/** How a system call ended. */
export interface CallResult {
  /** What it returned; -1 with `errno`. */
  readonly value: number;
  readonly errno?: string;
  /** It wrote something through its arguments that differs from what the script expects there: what, in words. */
  readonly mismatch?: string;
}

/** A system call under way. */
export interface Attempt {
  /** Tries to get on: the result, or `undefined` while the call blocks. Asked again after every event. */
  step(now: Nanos): CallResult | undefined;
  /** When it must be asked again even if nothing happens (a timeout of `poll`). */
  readonly deadline?: Nanos;
}

/** A call that ends at once. */
export function done(value: number, mismatch?: string): Attempt {
  return { step: () => (mismatch === undefined ? { value } : { value, mismatch }) };
}
