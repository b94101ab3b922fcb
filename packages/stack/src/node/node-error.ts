import { constants } from "node:os";
import type { SevilleError } from "@seville/core";

/** An error as Node's `net` makes them: `connect ECONNREFUSED 10.0.0.2:80`. */
export interface NodeError extends Error {
  code: string;
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
}

export function nodeError(code: string, syscall: string, address?: string, port?: number): NodeError {
  const where = address === undefined ? "" : ` ${address}${port === undefined ? "" : `:${port}`}`;
  const what = syscall === "listen" && code === "EADDRINUSE" ? `: address already in use${where}` : where;
  const error = new Error(`${syscall} ${code}${what}`) as NodeError;
  error.code = code;
  error.errno = -((constants.errno as Readonly<Record<string, number>>)[code] ?? 0);
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (port !== undefined) error.port = port;
  return error;
}

/** `getaddrinfo ENOTFOUND name`. */
export function notFound(hostname: string): NodeError & { hostname: string } {
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`) as NodeError & { hostname: string };
  return Object.assign(error, { code: "ENOTFOUND", errno: -3008, syscall: "getaddrinfo", hostname });
}

/** What a call of a simulated socket threw, as Node would say it; anything else is passed on. */
export function asNodeError(error: unknown, syscall: string, address?: string, port?: number): Error {
  const { code } = error as SevilleError;
  if (typeof code === "string" && code in constants.errno) return nodeError(code, syscall, address, port);
  return error as Error;
}
