import { formatNetstat, formatSnmp, type Host } from "../../../packages/stack/src/index.ts";

/** All counters by the names that `nstat` gives them: the group of /proc/net/snmp or netstat, then their own. */
export function readCounters(host: Host): ReadonlyMap<string, number> {
  const counters = new Map<string, number>();
  for (const text of [formatSnmp(host), formatNetstat(host)]) {
    const lines = text.split("\n");
    for (let i = 0; i + 1 < lines.length; i++) {
      const [group = "", ...names] = (lines[i] as string).split(/\s+/);
      const [same, ...values] = (lines[i + 1] as string).split(/\s+/);
      if (group !== same) continue;
      for (const [at, name] of names.entries()) counters.set(`${group.slice(0, -1)}${name}`, Number(values[at]));
    }
  }
  return counters;
}
