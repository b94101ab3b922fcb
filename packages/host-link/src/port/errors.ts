import { SevilleError } from "@seville/core";

/** What to do about an errno, where there is something to say that the errno's own words do not. */
const ADVICE: Readonly<Record<string, string>> = {
  EPERM: "run as root, or grant the capability CAP_NET_ADMIN",
  EACCES: "run as root, or grant the capability CAP_NET_ADMIN",
  EBUSY: "another program holds it: stop that, or choose another name",
  EADDRINUSE: "another program has that address: stop it, or choose another",
  EINVAL: "a device of that name exists and is of another kind, or the value is out of range",
  ECONNREFUSED: "nothing listens there: start the other side first",
};

/** Linux errno numbers that ports meet (include/uapi/asm-generic/errno.h); the rest print as numbers. */
const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  9: "EBADF",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  14: "EFAULT",
  16: "EBUSY",
  17: "EEXIST",
  19: "ENODEV",
  22: "EINVAL",
  25: "ENOTTY",
  34: "ERANGE",
  38: "ENOSYS",
  77: "EBADFD",
  95: "EOPNOTSUPP",
  99: "EADDRNOTAVAIL",
  105: "ENOBUFS",
};

/** `EPERM` for 1, and so on; `errno 123` for one that no port expects. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES[errno] ?? `errno ${errno}`;
}

/**
 * A call to the host failed. The message names the call, the errno and what to do.
 *
 * @param code the errno's name, which becomes the error's `code`
 * @param doing what was tried, as in "could not …"
 */
export function hostError(code: string, doing: string, argument?: string, advice?: string): SevilleError {
  const help = advice ?? ADVICE[code];
  return new SevilleError(code, `could not ${doing}: ${code}${help === undefined ? "" : ` (${help})`}`, argument);
}

/** {@link hostError} for what Node's own calls throw. */
export function fromNodeError(error: unknown, doing: string, argument?: string, advice?: string): SevilleError {
  const code = errorCode(error);
  if (code !== undefined) return hostError(code, doing, argument, advice);
  return new SevilleError("ERR_HOST", `could not ${doing}: ${error instanceof Error ? error.message : String(error)}`);
}

/** The `code` of what Node's own calls throw. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
