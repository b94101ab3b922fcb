import { UnsupportedError } from "../language/errors.ts";
import type { OptionDialect } from "./tcp-socket.ts";

/** Linux: nothing to translate. */
export const LINUX_DIALECT: OptionDialect = {
  set: (name, value) => [name, value],
  get: (name) => name,
};

/** Options of the BSDs that Linux has under another name. */
const NAMES: Readonly<Record<string, string>> = { TCP_NOPUSH: "TCP_CORK", TCP_DELACK: "TCP_QUICKACK" };

/** FreeBSD: buffers are as large as they are said to be (Linux doubles them), Fast Open is a structure or an integer. */
export const FREEBSD_DIALECT: OptionDialect = {
  set(name, value) {
    if (typeof value === "object" && !(value instanceof Uint8Array) && name === "TCP_FASTOPEN") {
      return [name, value["enable"] ?? 0];
    }
    if ((name === "SO_RCVBUF" || name === "SO_SNDBUF") && typeof value === "number") return [name, value / 2];
    if (name === "TCP_FUNCTION_BLK") throw new UnsupportedError("TCP_FUNCTION_BLK: another TCP stack");
    if (name === "TCP_DELACK" && typeof value === "number") return ["TCP_QUICKACK", value === 0 ? 1 : 0];
    return [NAMES[name] ?? name, value];
  },
  get: (name) => NAMES[name] ?? name,
};
