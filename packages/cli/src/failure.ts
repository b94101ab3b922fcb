import { EXIT } from "./exit-codes.ts";

/** Ends the command with a message and an exit code. */
export class CommandFailure extends Error {
  override readonly name: string = "CommandFailure";
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** What to tell whoever typed the command, and how to end. */
export interface Explanation {
  readonly message: string;
  readonly exitCode: number;
}

/** Codes of errors for which the machine and not the file is to blame, and what helps. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  EPERM:
    "TAP devices and network namespaces need root: run it with sudo, or in a container with --cap-add NET_ADMIN and --device /dev/net/tun",
  EACCES:
    "TAP devices and network namespaces need root: run it with sudo, or in a container with --cap-add NET_ADMIN and --device /dev/net/tun",
  EBUSY: "",
  EADDRINUSE: "",
  EADDRNOTAVAIL: "",
  ECONNREFUSED: "",
  ENODEV: "",
  ENXIO: "",
  ENOSYS: "",
  EOPNOTSUPP: "",
  ERR_IP_COMMAND: "",
  ERR_HOST: "",
  ERR_UNSUPPORTED: "",
  ERR_KOFFI_MISSING: "",
};

const BAD_INPUT = new Set([
  "ERR_SCENARIO",
  "ERR_SCENARIO_UNKNOWN",
  "ERR_CAPTURE_FORMAT",
  "ENOENT",
  "EISDIR",
  "ENOTDIR",
]);

/** Sorts an error: whose fault it is decides the exit code, and a stack trace is only for ours. */
export function explain(error: unknown): Explanation {
  if (error instanceof CommandFailure) return { message: error.message, exitCode: error.exitCode };
  if (!(error instanceof Error)) return { message: String(error), exitCode: EXIT.FAILURE };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "ERR_INVALID_ARGUMENT") return { message: error.message, exitCode: EXIT.USAGE };
  if (BAD_INPUT.has(code)) return { message: error.message, exitCode: EXIT.BAD_INPUT };
  const advice = UNAVAILABLE[code];
  if (advice !== undefined) {
    return { message: advice === "" ? error.message : `${error.message}\n${advice}`, exitCode: EXIT.UNAVAILABLE };
  }
  return {
    message: `${error.stack ?? error.message}\nThis is a bug of Seville: please report it.`,
    exitCode: EXIT.FAILURE,
  };
}
