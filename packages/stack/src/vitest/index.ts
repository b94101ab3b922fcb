/**
 * A simulated network in a vitest test: real Node programs, virtual time, faults, a seed that repeats the run.
 *
 * @example
 * import { test } from "@seville/stack/vitest";
 *
 * test("the client retries", async ({ world }) => {
 *   const [client, server] = [world.host("client"), world.host("server")];
 *   const wire = world.link(client, server, "delay=20ms loss=1%");
 * });
 *
 * @packageDocumentation
 */
import { onTestFailed, test as base, type TestAPI } from "vitest";
import { World } from "./world.ts";

/** `test` of vitest with a `world`, which ends with the test. */
export const test: TestAPI<{ world: World }> = base.extend<{ world: World }>({
  world: async ({ task }, use) => {
    const seed = process.env["SEVILLE_SEED"] ?? task.name;
    const world = new World({ seed });
    onTestFailed(() => {
      // Whoever reads the failure must be able to have it again.
      process.stderr.write(`world of "${task.name}": to repeat it, SEVILLE_SEED=${JSON.stringify(seed)}\n`);
    });
    await use(world);
    await world.close();
  },
});

export { World, type WorldLink, type WorldOptions } from "./world.ts";
export { WorldHost } from "./world-host.ts";
