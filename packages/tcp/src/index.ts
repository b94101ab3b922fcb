/**
 * TCP without I/O: {@link TcpEndpoint} is told segments, calls and the time, and says what goes out, what users should
 * know, and when to come back.
 *
 * @packageDocumentation
 */
export { type ConnectOptions, type ListenOptions, TcpEndpoint } from "./endpoint.ts";
export { TcpConnection, type TcpState } from "./connection.ts";
export { DEFAULT_SOCKET_OPTIONS, type SocketOptions } from "./connection-options.ts";
export type { ListenAddress } from "./listeners.ts";
export type { TcpListener } from "./listener.ts";
export { Embryo } from "./embryo.ts";
export { TimeWait } from "./time-wait.ts";
export * from "./settings.ts";
export type * from "./types.ts";
export { TCP_EXT_MIB, TCP_MIB, type TcpExtMib, type TcpMib } from "./counters.ts";
export * from "./info.ts";
export { MSG_EOR, MSG_FASTOPEN, MSG_MORE, MSG_OOB, MSG_PEEK, MSG_TRUNC } from "./constants.ts";
export { WOULD_BLOCK } from "./read.ts";
export { createFastOpenKeys } from "./fast-open-cookie.ts";
export type { FastOpenKeys } from "./parts.ts";
