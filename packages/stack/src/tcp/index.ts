/**
 * TCP sockets on the engine of `@seville/tcp`.
 *
 * @packageDocumentation
 */
export { accept, connect, ready, recv, recvAll, runUntilSettled, sendAll, type Stepper } from "./asynchronous.ts";
export * from "./constants.ts";
export { installTcp, openTcp } from "./install.ts";
export type { TcpOption } from "./socket-options.ts";
export { formatSs, listTcp, type TcpListing } from "./tcp-list.ts";
export type { TcpHost, TcpHostOptions } from "./tcp-host.ts";
export type { OptionInput, OptionValue, SocketLinger } from "./socket-settings.ts";
export type { TcpSocket, TcpSocketInit } from "./tcp-socket.ts";
export { startTcpBulk, type TcpBulk, type TcpBulkOptions, type TcpBulkReport } from "./app/bulk.ts";
export {
  startTcpRequester,
  startTcpResponder,
  type TcpRequester,
  type TcpRequesterOptions,
  type TcpResponder,
  type TcpResponderOptions,
} from "./app/requests.ts";
export { startTcpSink, type SinkConnection, type TcpSink, type TcpSinkOptions } from "./app/sink.ts";
