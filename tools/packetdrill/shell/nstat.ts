import { UnsupportedError } from "../language/errors.ts";
import type { Output } from "./filters.ts";
import type { ShellWorld } from "./run-command.ts";

/** What counters were when `nstat` was last asked (its history file). */
const HISTORY = new WeakMap<object, Map<string, number>>();

/** `nstat [-a] [-n] [-s] [-z] [NAME …]`: counters since the last time, or since ever with `-a`. Without names: all of them. */
export function nstat(args: readonly string[], world: ShellWorld): Output {
  const flags = new Set(args.filter((arg) => /^-[a-zA-Z]+$/.test(arg)).flatMap((arg) => Array.from(arg.slice(1))));
  const counters = world.sut.counters();
  const asked = args.filter((arg) => !arg.startsWith("-"));
  const names = asked.length > 0 ? asked : counters.keys();
  const history = HISTORY.get(world.sut) ?? new Map<string, number>();
  HISTORY.set(world.sut, history);
  let text = "#kernel\n";
  for (const name of names) {
    const total = counters.get(name);
    if (total === undefined) throw new UnsupportedError(`counter ${name}`);
    const value = flags.has("a") ? total : total - (history.get(name) ?? 0);
    if (!flags.has("s")) history.set(name, total);
    if (value !== 0 || flags.has("z") || (flags.has("a") && asked.length > 0))
      text += `${name.padEnd(32)}${value}  0.0\n`;
  }
  return { text: flags.has("n") ? "" : text, status: 0 };
}
