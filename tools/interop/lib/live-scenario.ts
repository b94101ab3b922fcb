import { createOutside } from "../../../packages/host-link/src/index.ts";
import { runScenario, type Scenario, type ScenarioResult, type World } from "../../../packages/scenario/src/index.ts";

/** A scenario that runs in real time, in the background of what a suite does. */
export interface LiveScenario {
  /** The world, to change links and to read counters while time passes. */
  readonly world: World;
  /** Ends it and returns what it found. */
  stop(): Promise<ScenarioResult>;
}

/** Starts `scenario` and resolves when its time begins to pass. */
export async function startLive(scenario: Scenario, setup?: (world: World) => void): Promise<LiveScenario> {
  const abort = new AbortController();
  let result: Promise<ScenarioResult> | undefined;
  const world = await new Promise<World>((resolve, reject) => {
    result = runScenario(
      { ...scenario, realtime: true },
      {
        outside: createOutside({ directory: "." }),
        signal: abort.signal,
        setup(made) {
          setup?.(made);
          resolve(made);
        },
      },
    );
    result.catch(reject);
  });
  return {
    world,
    async stop() {
      abort.abort();
      return (await result) as ScenarioResult;
    },
  };
}
