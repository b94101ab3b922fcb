import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";

/** A process takes this many tasks, so that what a run leaves behind does not add up. */
const TASKS_PER_PROCESS = 200;

/**
 * Runs `task` for each of `inputs` in processes of their own, at most as many as there are processors or two, and answers the results in order.
 * `module` is the path of a file that calls {@link serve}.
 */
export async function runInProcesses<Input, Output>(
  module: string,
  inputs: readonly Input[],
  onDone: (done: number, input: Input) => void = () => undefined,
): Promise<Output[]> {
  const results: Output[] = [];
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    let child: ChildProcess | undefined;
    for (let served = 0; next < inputs.length; served++) {
      if (child === undefined || served % TASKS_PER_PROCESS === 0) {
        child?.kill();
        child = fork(module, [], { serialization: "advanced" });
      }
      const index = next++;
      const input = inputs[index] as Input;
      results[index] = await ask<Output>(child, input);
      onDone(++done, input);
    }
    child?.kill();
  };
  const count = Math.min(2, availableParallelism(), inputs.length);
  await Promise.all(Array.from({ length: count }, worker));
  return results;
}

function ask<Output>(child: ChildProcess, input: unknown): Promise<Output> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      child.off("message", onMessage);
      child.off("exit", onExit);
    };
    const onMessage = (message: unknown): void => {
      end();
      const answer = message as { result: Output } | { error: string };
      if ("error" in answer) reject(new Error(answer.error));
      else resolve(answer.result);
    };
    const onExit = (code: number | null): void => {
      end();
      reject(new Error(`a process of the bench ended with ${code ?? "a signal"}`));
    };
    child.on("message", onMessage);
    child.on("exit", onExit);
    child.send({ input });
  });
}

/** To be called by the module that the processes run: each message is a task. */
export function serve(task: (input: never) => unknown): void {
  process.on("message", (message: { input: never }) => {
    Promise.resolve()
      .then(() => task(message.input))
      .then(
        (result) => process.send?.({ result }),
        (error: unknown) =>
          process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      );
  });
}
