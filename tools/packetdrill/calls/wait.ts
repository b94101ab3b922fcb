import type { Nanos } from "../../../packages/core/src/index.ts";
import { ErrnoError } from "../sut/system.ts";
import type { Attempt, CallResult } from "./attempt.ts";

/** A call that failed, as a result. */
export function failed(error: unknown): CallResult {
  if (!(error instanceof ErrnoError)) throw error;
  return { value: -1, errno: error.code };
}

/**
 * A call that waits, if `blocks`, as long as `attempt` throws EAGAIN; for `timeout` ns at most (0: without limit), then it fails
 * with EAGAIN, or returns what it has.
 */
export function waiting(
  attempt: () => CallResult | undefined,
  blocks: boolean,
  now: Nanos,
  timeout: Nanos = 0,
  expired: () => CallResult = () => ({ value: -1, errno: "EAGAIN" }),
): Attempt {
  const deadline = timeout === 0 ? Infinity : now + timeout;
  return {
    deadline,
    step(at) {
      try {
        const result = attempt();
        if (result !== undefined) return result;
      } catch (error) {
        if (!blocks || !(error instanceof ErrnoError) || error.code !== "EAGAIN") return failed(error);
      }
      return at >= deadline ? expired() : undefined;
    },
  };
}
