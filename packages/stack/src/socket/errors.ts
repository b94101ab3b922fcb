import { icmp, icmpv6, type IpAddress } from "@seville/packet";
import type { Errno } from "../host/errno.ts";
import type { IcmpError } from "../host/protocols.ts";

/** What an ICMP error means to a socket: the errno, and whether it ends what the socket was doing. */
export interface ErrorMeaning {
  readonly code: Errno;
  readonly fatal: boolean;
}

/** An entry of the error queue (`MSG_ERRQUEUE`, `struct sock_extended_err`). */
export interface QueuedError {
  readonly code: Errno;
  /** `icmp`, `icmp6`, or `local`: the host found out by itself. */
  readonly origin: "local" | "icmp" | "icmp6";
  readonly type: number;
  readonly errorCode: number;
  /** The MTU with `EMSGSIZE`. */
  readonly info: number;
  /** Who says so; for `local` the unspecified address. */
  readonly offender: IpAddress;
  /** To whom the datagram was. */
  readonly destination: IpAddress;
  readonly port: number;
  /** What was quoted of the datagram's payload. */
  readonly data: Uint8Array;
}

/** `icmp_err_convert` (net/ipv4/icmp.c): by the code of a destination unreachable. */
const UNREACHABLE4: readonly ErrorMeaning[] = [
  { code: "ENETUNREACH", fatal: false },
  { code: "EHOSTUNREACH", fatal: false },
  { code: "ENOPROTOOPT", fatal: true },
  { code: "ECONNREFUSED", fatal: true },
  { code: "EMSGSIZE", fatal: false },
  { code: "EOPNOTSUPP", fatal: false },
  { code: "ENETUNREACH", fatal: true },
  { code: "EHOSTDOWN", fatal: true },
  { code: "ENONET", fatal: true },
  { code: "ENETUNREACH", fatal: true },
  { code: "EHOSTUNREACH", fatal: true },
  { code: "ENETUNREACH", fatal: false },
  { code: "EHOSTUNREACH", fatal: false },
  { code: "EHOSTUNREACH", fatal: true },
  { code: "EHOSTUNREACH", fatal: true },
  { code: "EHOSTUNREACH", fatal: true },
];

/** `tab_unreach` (net/ipv6/icmp.c). */
const UNREACHABLE6: readonly ErrorMeaning[] = [
  { code: "ENETUNREACH", fatal: false },
  { code: "EACCES", fatal: true },
  { code: "EHOSTUNREACH", fatal: false },
  { code: "EHOSTUNREACH", fatal: false },
  { code: "ECONNREFUSED", fatal: true },
  { code: "EACCES", fatal: true },
  { code: "EACCES", fatal: true },
];

/** What `error` means to the socket whose packet it quotes; `undefined`: nothing (source quench). */
export function meaningOf(error: IcmpError): ErrorMeaning | undefined {
  return error.family === 4 ? meaning4(error) : meaning6(error);
}

function meaning4(error: IcmpError): ErrorMeaning | undefined {
  switch (error.type) {
    case icmp.DESTINATION_UNREACHABLE:
      return UNREACHABLE4[error.code];
    case icmp.PARAMETER_PROBLEM:
      return { code: "EPROTO", fatal: true };
    case icmp.TIME_EXCEEDED:
      return { code: "EHOSTUNREACH", fatal: false };
    default:
      return undefined;
  }
}

function meaning6(error: IcmpError): ErrorMeaning | undefined {
  switch (error.type) {
    case icmpv6.DESTINATION_UNREACHABLE:
      return UNREACHABLE6[error.code] ?? { code: "EPROTO", fatal: true };
    case icmpv6.PACKET_TOO_BIG:
      return { code: "EMSGSIZE", fatal: false };
    case icmpv6.PARAMETER_PROBLEM:
      return { code: "EPROTO", fatal: true };
    case icmpv6.TIME_EXCEEDED:
      return { code: "EHOSTUNREACH", fatal: false };
    default:
      return { code: "EPROTO", fatal: false };
  }
}

/** Whether `error` says that a packet was too long for the path. */
export function isTooBig(error: IcmpError): boolean {
  if (error.family === 6) return error.type === icmpv6.PACKET_TOO_BIG;
  return error.type === icmp.DESTINATION_UNREACHABLE && error.code === icmp.FRAGMENTATION_NEEDED;
}
