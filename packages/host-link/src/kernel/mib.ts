import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { errorCode, hostError } from "../port/errors.ts";

const run = promisify(execFile);

/**
 * The counters of a network namespace, by the names that `nstat` gives them: `IpInReceives`, `TcpOutSegs`, `Icmp6InEchos`,
 * `IpExtInMcastPkts` (/proc/net/snmp, snmp6, netstat).
 * @throws SevilleError if the namespace is gone
 */
export async function readMib(netns: string): Promise<Record<string, number>> {
  const files = ["/proc/net/snmp", "/proc/net/snmp6", "/proc/net/netstat"];
  try {
    const { stdout } = await run("ip", ["netns", "exec", netns, "cat", ...files], { timeout: 10_000 });
    return parseMib(stdout);
  } catch (error) {
    const code = errorCode(error);
    throw hostError(code === undefined ? "ERR_IP_COMMAND" : code, `read the counters of the namespace ${netns}`);
  }
}

/** Two lines a group, names and values (`Ip: …`), or a name and its value on each line (snmp6). */
export function parseMib(text: string): Record<string, number> {
  const counters: Record<string, number> = {};
  let names: readonly string[] | undefined;
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const [first = ""] = words;
    if (!first.endsWith(":")) {
      if (words.length === 2) counters[first] = Number(words[1]);
      continue;
    }
    if (names?.[0] !== first) {
      names = words;
      continue;
    }
    for (let i = 1; i < words.length; i++) counters[`${first.slice(0, -1)}${names[i]}`] = Number(words[i]);
    names = undefined;
  }
  return counters;
}
