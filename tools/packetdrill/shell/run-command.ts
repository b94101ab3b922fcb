import { UnsupportedError } from "../language/errors.ts";
import type { Profile } from "../profile/profile.ts";
import type { SystemUnderTest } from "../sut/system.ts";
import { applyDefaults } from "./defaults.ts";
import { ethtool, ip, tc } from "./device-commands.ts";
import { filter, type Output } from "./filters.ts";
import { nstat } from "./nstat.ts";
import { sockstat, tcpdrop } from "./sockstat.ts";
import { setSysctls, sysctl } from "./sysctl.ts";
import { splitCommands } from "./words.ts";

/** What commands may look at and change. */
export interface ShellWorld {
  readonly sut: SystemUnderTest;
  readonly profile: Profile;
  readonly addresses: { readonly localAddress: string; readonly remoteAddress: string; readonly family: 4 | 6 };
}

const SUCCESS: Output = { text: "", status: 0 };

/** No shell is run: these are the commands of scripts, recognised by name. */
const COMMANDS: Readonly<Record<string, (args: readonly string[], world: ShellWorld) => Output>> = {
  "defaults.sh": (_, world) => applyDefaults(world),
  "set_sysctls.py": setSysctls,
  sysctl,
  sockstat,
  tcpdrop,
  nstat,
  ip,
  tc,
  ethtool,
  true: () => SUCCESS,
  false: () => ({ text: "", status: 1 }),
  ":": () => SUCCESS,
  echo: (args) => ({ text: `${args.join(" ")}\n`, status: 0 }),
};

/** Commands about things that do not exist here, and whose effect a script's own world has from the beginning. */
const WITHOUT_EFFECT = [/^sysctl_restore_.*\.sh$/, /^sleep$/, /^sync$/, /^kldload$/, /^kldstat$/];

/**
 * Runs the text between backticks.
 * @returns what is wrong: the command that failed, or `undefined`
 * @throws UnsupportedError for a command that is not known
 */
export function runCommand(text: string, world: ShellWorld): string | undefined {
  let output = SUCCESS;
  let last = text.trim();
  for (const { words, after } of splitCommands(text)) {
    if (after === "&&" && output.status !== 0) continue;
    if (after === "||" && output.status === 0) continue;
    output = after === "|" ? filter(words, output.text) : run(words, world);
    last = after === "|" ? `${last} | ${words.join(" ")}` : words.join(" ");
  }
  return output.status === 0 ? undefined : `command failed: ${last}`;
}

function run(words: readonly string[], world: ShellWorld): Output {
  const [path = "", ...args] = words[0] === "sudo" ? words.slice(1) : words;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return command(args, world);
  if (WITHOUT_EFFECT.some((pattern) => pattern.test(name))) return SUCCESS;
  throw new UnsupportedError(`command ${name}`);
}
