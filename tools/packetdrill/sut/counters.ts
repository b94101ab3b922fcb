import { formatNetstat, formatSnmp, type Host } from "../../../packages/stack/src/index.ts";

/** A counter by the name that `nstat` gives it: the group of /proc/net/snmp or netstat, then its own name. */
export function readCounter(host: Host, name: string): number | undefined {
  for (const text of [formatSnmp(host), formatNetstat(host)]) {
    const lines = text.split("\n");
    for (let i = 0; i + 1 < lines.length; i++) {
      const [group = "", ...names] = (lines[i] as string).split(/\s+/);
      const [same, ...values] = (lines[i + 1] as string).split(/\s+/);
      if (group !== same) continue;
      const at = names.findIndex((known) => `${group.slice(0, -1)}${known}` === name);
      if (at >= 0) return Number(values[at]);
    }
  }
  return undefined;
}
