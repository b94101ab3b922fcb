import { invalidArgument, SevilleError } from "@seville/core";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { onProcessEnd } from "./exit-cleanup.ts";
import { runIp, runIpSync } from "./run-ip.ts";

/** A network namespace of this machine's kernel. */
export interface KernelNamespace {
  readonly name: string;
  /** Whether we made it, and so remove it. */
  readonly isOurs: boolean;
  /** Removes it if it is ours: with the devices in it, once no program runs there any more. */
  remove(): Promise<void>;
}

/** Who made which namespace, so that what a killed run left behind can be told from what is the user's. */
const OWNERS = "/run/seville/netns";

/**
 * The network namespace `name` of `ip netns`; made, with its loopback up, if it is not there. What we made is removed
 * by {@link KernelNamespace.remove}, at the process's end, or, if that was SIGKILL, by the next run that wants the name.
 *
 * @throws SevilleError `EPERM`, `ENOENT` without iproute2, `EBUSY` if another run of Seville made it and still runs
 */
export async function openNamespace(name: string): Promise<KernelNamespace> {
  if (!/^[\w.-]{1,255}$/.test(name) || name === "." || name === "..") {
    throw invalidArgument("netns", "a name of letters, digits, '.', '-' and '_'", name);
  }
  if (existsSync(`/run/netns/${name}`)) {
    const owner = ownerOf(name);
    if (owner === undefined) return { name, isOurs: false, remove: () => Promise.resolve() };
    if (isAlive(owner)) {
      throw new SevilleError(
        "EBUSY",
        `process ${owner.pid}, also of Seville, uses the network namespace ${name}`,
        "netns",
      );
    }
    await runIp(["netns", "del", name]);
  }
  await runIp(["netns", "add", name]);
  mkdirSync(OWNERS, { recursive: true });
  writeFileSync(`${OWNERS}/${name}`, JSON.stringify(ownIdentity()));
  const takeBack = onProcessEnd(() => {
    runIpSync(["netns", "del", name]);
    rmSync(`${OWNERS}/${name}`, { force: true });
  });
  await runIp(["-n", name, "link", "set", "lo", "up"]);
  return {
    name,
    isOurs: true,
    async remove() {
      if (existsSync(`/run/netns/${name}`)) await runIp(["netns", "del", name]);
      rmSync(`${OWNERS}/${name}`, { force: true });
      takeBack();
    },
  };
}

/** A process, told from a later one with the same number by when it began (clock ticks since boot). */
interface Owner {
  readonly pid: number;
  readonly startTime: string;
}

function ownIdentity(): Owner {
  return { pid: process.pid, startTime: startTime(process.pid) ?? "" };
}

function ownerOf(name: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(`${OWNERS}/${name}`, "utf8"));
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined; // no such file, or not ours to read: then the namespace is not ours either
  }
}

function isOwner(value: unknown): value is Owner {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "startTime" in value
  );
}

function isAlive(owner: Owner): boolean {
  return startTime(owner.pid) === owner.startTime;
}

/** Field 22 of /proc/PID/stat; the second field may hold blanks and parentheses. `undefined`: no such process. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
