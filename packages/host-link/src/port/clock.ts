/**
 * The host's monotonic clock in nanoseconds, the same in all threads of the process.
 *
 * A double holds it exactly for the first 104 days of the machine's running and to the microsecond for centuries.
 */
export function monotonicNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
