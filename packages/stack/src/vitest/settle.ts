import type { Programs } from "../node/context.ts";

/** Taken before anything is patched. */
const realSetImmediate = setImmediate;
const realSetTimeout = setTimeout;

/** Turns of Node's loop after which programs that go on calling `setImmediate` are left to do so while time passes. */
const MOST_TURNS = 100;

/** Lets programs run until they wait for the world: all that `nextTick`, promises and `setImmediate` hold. */
export async function settle(programs: Programs): Promise<void> {
  for (let turn = 0, before = -1; turn < MOST_TURNS && programs.activity !== before; turn++) {
    before = programs.activity;
    await new Promise((resolve) => realSetImmediate(resolve));
  }
}

/** Real time, for programs that wait for something outside. */
export function realSleep(ms: number): Promise<void> {
  return new Promise((resolve) => realSetTimeout(resolve, ms));
}
