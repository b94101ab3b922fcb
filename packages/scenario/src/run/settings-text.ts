import type { LinkSettings } from "../results.ts";
import type { LinkParameters } from "../types.ts";

/** A link's settings for people: short, and in the words of the file. What does nothing is left out. */
export function settingsText(parameters: LinkParameters): LinkSettings {
  const { rate, delay, jitter, loss, queue, reorder, duplicate, corrupt, policer } = parameters;
  const fields: Record<keyof LinkSettings, string | undefined> = {
    rate,
    delay: isNothing(delay) ? undefined : delay,
    jitter: typeof jitter === "object" ? `${jitter.deviation} ${jitter.distribution ?? "uniform"}` : jitter,
    loss: lossText(loss),
    queue: queueText(queue) + (policer === undefined || policer === "none" ? "" : `, policed to ${policer.rate}`),
    reorder: typeof reorder === "object" ? reorder.probability : reorder,
    duplicate,
    corrupt: typeof corrupt === "object" ? corrupt.probability : corrupt,
  };
  const shown = Object.entries(fields).filter(([, value]) => !isNothing(value));
  return Object.fromEntries(shown) as unknown as LinkSettings;
}

function isNothing(value: string | undefined): boolean {
  return value === undefined || /^0(\.0+)?[a-z%]*$/.test(value);
}

function lossText(loss: LinkParameters["loss"]): string | undefined {
  if (typeof loss !== "object") return loss;
  if (loss.random !== undefined) return `${loss.random.probability} correlated`;
  if (loss.gemodel !== undefined) return `bursts (gemodel ${loss.gemodel.p})`;
  if (loss.state !== undefined) return `bursts (state ${loss.state.p13})`;
  return `${loss.frames.length} chosen frames`;
}

function queueText(queue: LinkParameters["queue"]): string {
  if (queue === undefined) return "fifo";
  if (typeof queue === "string") return queue;
  if (queue.fifo?.limit !== undefined) return `fifo ${queue.fifo.limit}`;
  return Object.keys(queue)[0] ?? "fifo";
}
