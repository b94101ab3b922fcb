import { UnsupportedError } from "../language/errors.ts";
import type { Output } from "./filters.ts";
import type { ShellWorld } from "./run-command.ts";

/** `sysctl [-w] [-q] [-e] NAME=VALUE …` */
export function sysctl(args: readonly string[], world: ShellWorld): Output {
  const words = args.filter((arg) => !/^-[a-zA-Z]+$/.test(arg));
  const ignoreUnknown = args.some((arg) => /^-[a-zA-Z]*e/.test(arg));
  for (const word of words) {
    const at = word.indexOf("=");
    if (at < 0) throw new UnsupportedError(`sysctl ${word}`);
    const name = word.slice(0, at).replaceAll("/", ".");
    if (!setSysctl(name, word.slice(at + 1).trim(), world) && !ignoreUnknown)
      throw new UnsupportedError(`sysctl ${name}`);
  }
  return { text: "", status: 0 };
}

/** `set_sysctls.py /proc/sys/net/ipv4/NAME=VALUE …` */
export function setSysctls(args: readonly string[], world: ShellWorld): Output {
  return sysctl(
    args.map((arg) => arg.replace(/^\/proc\/sys\//, "")),
    world,
  );
}

/** Sets one setting by the name that it has in the profile's system. */
export function setSysctl(name: string, value: string, world: ShellWorld): boolean {
  const changes = world.profile.translateSysctl(name, value);
  if (changes === undefined) return false;
  return changes.every((change) => world.sut.configure(change.name, change.value));
}
