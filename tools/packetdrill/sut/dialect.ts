import { UnsupportedError } from "../language/errors.ts";
import { ErrnoError, type OptionValue } from "./system.ts";
import type { OptionDialect } from "./tcp-socket.ts";

/** Linux: nothing to translate. */
export const LINUX_DIALECT: OptionDialect = {
  impliesConnect: false,
  set: (name, value) => [name, value],
  get: (name) => name,
};

/** Options of the BSDs that Linux has under another name. */
const NAMES: Readonly<Record<string, string>> = { TCP_NOPUSH: "TCP_CORK", TCP_DELACK: "TCP_QUICKACK" };

/** Bits of `tcp_fastopen`: client and server. */
const FAST_OPEN_ENABLED = 3;

/**
 * FreeBSD: buffers are as large as they are said to be (Linux doubles them), Fast Open is a structure or an integer and needs to be enabled.
 * @param fastOpen the setting `tcp_fastopen`
 */
export function createFreebsdDialect(fastOpen: () => number): OptionDialect {
  return {
    impliesConnect: true,
    set: (name, value) => toLinux(name, value, fastOpen()),
    get: (name) => NAMES[name] ?? name,
  };
}

function toLinux(name: string, value: OptionValue, fastOpen: number): readonly [string, OptionValue] {
  if (name === "TCP_FASTOPEN" && (fastOpen & FAST_OPEN_ENABLED) === 0) throw new ErrnoError("EPERM");
  if (typeof value === "object" && !(value instanceof Uint8Array) && name === "TCP_FASTOPEN") {
    return [name, value["enable"] ?? 0];
  }
  if ((name === "SO_RCVBUF" || name === "SO_SNDBUF") && typeof value === "number") return [name, value / 2];
  if (name === "TCP_FUNCTION_BLK") throw new UnsupportedError("TCP_FUNCTION_BLK: another TCP stack");
  if (name === "TCP_DELACK" && typeof value === "number") return ["TCP_QUICKACK", value === 0 ? 1 : 0];
  return [NAMES[name] ?? name, value];
}
