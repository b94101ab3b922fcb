import { readdirSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import { loadLibc, type Libc } from "../libc/libc.ts";

/** Scheduling policies (include/uapi/linux/sched.h). */
const SCHED_OTHER = 0;
const SCHED_RR = 2;
/** Threads and programs that are started from now on do not inherit it. */
const SCHED_RESET_ON_FORK = 0x4000_0000;

/** What a run in real time was granted: `realtime`, SCHED_RR; `nice`, the best nice value; `none`, no privilege for either. */
export type GrantedPriority = "realtime" | "nice" | "none";

export interface RaisedPriority {
  readonly granted: GrantedPriority;
  /** Back to what it was. */
  restore(): void;
}

/**
 * Asks the kernel to run all threads of this process before those of others, so that a busy machine does not make a simulation
 * in real time late. All, for the thread that simulates waits for those that collect its garbage; and those that wait for frames
 * before it, for it may be awake while it waits.
 *
 * SCHED_RR where koffi and CAP_SYS_NICE are there, else the best nice value, else nothing: a run's lateness tells how well
 * it went. The kernel keeps 5 % of the time for others in any case (kernel.sched_rt_runtime_us).
 */
export async function raisePriority(): Promise<RaisedPriority> {
  const libc = process.platform === "linux" ? await loadLibc().catch(() => undefined) : undefined;
  if (libc !== undefined && libc.sched_getscheduler(0) === SCHED_OTHER && setRealtime(libc)) {
    return { granted: "realtime", restore: () => setOrdinary(libc) };
  }
  const before = getPriority();
  if (!setNice(constants.priority.PRIORITY_HIGHEST)) return { granted: "none", restore: () => undefined };
  return { granted: "nice", restore: () => void setNice(before) };
}

/** `false`: not permitted, or (musl) not there. Nothing is left half done. */
function setRealtime(libc: Libc): boolean {
  for (const thread of threads()) {
    const priority = thread === process.pid ? 1 : 2;
    if (libc.sched_setscheduler(thread, SCHED_RR | SCHED_RESET_ON_FORK, parameters(priority)) === 0) continue;
    setOrdinary(libc);
    return false;
  }
  return true;
}

function setOrdinary(libc: Libc): void {
  for (const thread of threads()) libc.sched_setscheduler(thread, SCHED_OTHER, parameters(0));
}

function parameters(priority: number): Uint8Array {
  return new Uint8Array(Int32Array.of(priority).buffer);
}

function setNice(value: number): boolean {
  try {
    for (const thread of threads()) setPriority(thread, value);
    return true;
  } catch {
    return false;
  }
}

/** On Linux each thread has a priority of its own. The first has the process's number. */
function threads(): readonly number[] {
  if (process.platform !== "linux") return [process.pid];
  return readdirSync("/proc/self/task").map(Number);
}
