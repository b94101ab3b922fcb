import { SevilleError } from "../../../packages/core/src/index.ts";
import { UnsupportedError } from "../language/errors.ts";
import { ErrnoError } from "./system.ts";

/** Runs a call of the stack; what it throws becomes errno. An option that there is not is the script's, not the call's, failure. */
export function withErrno<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof SevilleError)) throw error;
    if (error.code === "ENOPROTOOPT") throw new UnsupportedError(`socket option ${error.argument ?? "?"}`);
    if (error.code === "ERR_UNSUPPORTED") throw new UnsupportedError(error.argument ?? error.message);
    if (!/^E[A-Z0-9]+$/.test(error.code)) throw error;
    throw new ErrnoError(error.code, error.message);
  }
}
