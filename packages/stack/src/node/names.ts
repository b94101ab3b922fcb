import { isIP } from "node:net";
import { parseIp, tryParseIp } from "@seville/packet";
import type { HostContext } from "./context.ts";

/** A name's address as `dns.lookup` answers it. */
export interface LookedUp {
  readonly address: string;
  readonly family: 4 | 6;
}

/** The addresses of `name` on a simulated host: itself if it is one, loopback, or what the world's names say. */
export function lookUp({ programs }: HostContext, name: string, family: number): LookedUp[] {
  const known = isIP(name) !== 0 || tryParseIp(name) !== undefined ? [name] : fromNames(programs.names, name);
  const all = known.map((text): LookedUp => ({ address: text, family: typeof parseIp(text) === "number" ? 4 : 6 }));
  return all.filter((one) => family === 0 || one.family === family);
}

function fromNames(names: ReadonlyMap<string, readonly string[]>, name: string): readonly string[] {
  if (name === "localhost") return ["127.0.0.1", "::1"];
  return names.get(name.toLowerCase().replace(/\.$/, "")) ?? [];
}
