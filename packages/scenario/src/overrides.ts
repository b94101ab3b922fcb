import { SevilleError } from "@seville/core";
import { parse } from "yaml";

/**
 * Changes one value of a scenario: `links.wan.loss=2%`, `hosts.r1.interfaces["eth0.10"].mtu=1400`, `timeline[0].at=3s`. The value is read
 * as YAML, so `{fifo: {limit: 100p}}` is one too; an empty value takes the key away. The scenario given is left as it is.
 * @throws SevilleError `ERR_INVALID_ARGUMENT` if the path leads nowhere. Whether the value makes sense, validation says.
 */
export function applyOverride(scenario: unknown, assignment: string): unknown {
  const equals = assignment.indexOf("=");
  if (equals <= 0) throw problem(assignment, "must be path=value, such as links.wan.loss=2%");
  const path = parsePath(assignment.slice(0, equals), assignment);
  const text = assignment.slice(equals + 1);
  let value: unknown;
  try {
    value = text === "" ? undefined : parse(text);
  } catch (error) {
    throw problem(assignment, `has no YAML value behind the =: ${(error as Error).message.split("\n")[0] ?? ""}`);
  }
  const copy: unknown = structuredClone(scenario);
  let node: unknown = copy;
  for (const [depth, key] of path.entries()) {
    if (typeof node !== "object" || node === null)
      throw problem(assignment, `leads through ${String(path[depth - 1])}, which holds no keys`);
    const container = node as Record<string | number, unknown>;
    if (depth === path.length - 1) {
      if (value === undefined) Reflect.deleteProperty(container, key);
      else container[key] = value;
      break;
    }
    if (!Object.hasOwn(container, key)) container[key] = {};
    node = container[key];
  }
  return copy;
}

/** Keys parted by dots; an index or a key with dots in it in brackets. */
function parsePath(text: string, assignment: string): (string | number)[] {
  const path: (string | number)[] = [];
  const step = /\.?([A-Za-z0-9_-]+)|\[([0-9]+)\]|\["([^"]+)"\]/y;
  while (step.lastIndex < text.length) {
    const match = step.exec(text);
    if (match === null) throw problem(assignment, `has a path that cannot be read: ${text}`);
    const [, key, index, quoted] = match;
    const name = key ?? quoted;
    if (name === "__proto__") throw problem(assignment, "leads to no key of a scenario");
    path.push(name ?? Number(index));
  }
  return path;
}

function problem(assignment: string, what: string): SevilleError {
  return new SevilleError("ERR_INVALID_ARGUMENT", `${assignment} ${what}`, "set");
}
