import { SevilleError } from "@seville/core";

/** The errno codes that this package's calls fail with, by Node's names. */
export type Errno =
  | "EACCES"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "EAFNOSUPPORT"
  | "EAGAIN"
  | "EALREADY"
  | "EBADF"
  | "EBUSY"
  | "ECONNABORTED"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "EDESTADDRREQ"
  | "EDOM"
  | "EEXIST"
  | "EHOSTDOWN"
  | "EHOSTUNREACH"
  | "EINPROGRESS"
  | "EINVAL"
  | "EISCONN"
  | "EMSGSIZE"
  | "ENETDOWN"
  | "ENETUNREACH"
  | "ENOBUFS"
  | "ENODEV"
  | "ENOENT"
  | "ENONET"
  | "ENOPROTOOPT"
  | "ENOTCONN"
  | "EOPNOTSUPP"
  | "EPERM"
  | "EPIPE"
  | "EPROTO"
  | "ESRCH"
  | "ETIMEDOUT";

/** What libc's strerror says, for messages. */
const TEXTS: Readonly<Record<Errno, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAFNOSUPPORT: "Address family not supported by protocol",
  EAGAIN: "Resource temporarily unavailable",
  EALREADY: "Operation already in progress",
  EBADF: "Bad file descriptor",
  EBUSY: "Device or resource busy",
  ECONNABORTED: "Software caused connection abort",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EDESTADDRREQ: "Destination address required",
  EDOM: "Numerical argument out of domain",
  EEXIST: "File exists",
  EHOSTDOWN: "Host is down",
  EHOSTUNREACH: "No route to host",
  EINPROGRESS: "Operation now in progress",
  EINVAL: "Invalid argument",
  EISCONN: "Transport endpoint is already connected",
  EMSGSIZE: "Message too long",
  ENETDOWN: "Network is down",
  ENETUNREACH: "Network is unreachable",
  ENOBUFS: "No buffer space available",
  ENODEV: "No such device",
  ENONET: "Machine is not on the network",
  ENOENT: "No such file or directory",
  ENOPROTOOPT: "Protocol not available",
  ENOTCONN: "Transport endpoint is not connected",
  EOPNOTSUPP: "Operation not supported",
  EPERM: "Operation not permitted",
  EPIPE: "Broken pipe",
  EPROTO: "Protocol error",
  ESRCH: "No such process",
  ETIMEDOUT: "Connection timed out",
};

/** An error as a system call gives it: `code` is the errno's name; `detail` says more than strerror does. */
export function errnoError(code: Errno, detail?: string, argument?: string): SevilleError {
  const text = TEXTS[code];
  return new SevilleError(code, detail === undefined ? text : `${text}: ${detail}`, argument);
}

export function errnoText(code: Errno): string {
  return TEXTS[code];
}
