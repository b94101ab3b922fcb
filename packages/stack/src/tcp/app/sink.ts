import type { Nanos } from "@seville/core";
import type { Host } from "../../host/host.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN } from "../constants.ts";
import { openTcp } from "../install.ts";
import type { TcpSocket } from "../tcp-socket.ts";

export interface TcpSinkOptions {
  readonly family?: 4 | 6;
  readonly port: number;
  /** Bytes for SO_RCVBUF; default: autotuned. */
  readonly rcvbuf?: number;
  /** Told of each piece as it is read: how many bytes, of which connection. */
  readonly onBytes?: (count: number, connection: SinkConnection, now: Nanos) => void;
}

/** What one connection brought. */
export interface SinkConnection {
  readonly socket: TcpSocket;
  bytes: number;
  firstAt: Nanos;
  lastAt: Nanos;
  /** The other end has finished. */
  ended: boolean;
}

/** A server that takes everything and says nothing (RFC 863, and what `iperf3 -s` does). */
export interface TcpSink {
  readonly connections: readonly SinkConnection[];
  /** Bytes of all connections. */
  readonly bytes: number;
  close(): void;
}

export function startTcpSink(host: Host, options: TcpSinkOptions): TcpSink {
  const connections: SinkConnection[] = [];
  const scratch = new Uint8Array(65_536);
  const listener = openTcp(host, { family: options.family ?? 4 });
  if (options.rcvbuf !== undefined) listener.set("SO_RCVBUF", options.rcvbuf);
  listener.bind({ port: options.port });
  listener.listen();
  listener.onReady = () => {
    for (let socket = listener.accept(); socket !== undefined; socket = listener.accept()) serve(socket);
  };

  function serve(socket: TcpSocket): void {
    const connection: SinkConnection = { socket, bytes: 0, firstAt: 0, lastAt: 0, ended: false };
    connections.push(connection);
    socket.onReady = (events) => read(connection, events);
    read(connection, socket.poll());
  }

  function read(connection: SinkConnection, events: number): void {
    const { socket } = connection;
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) === 0 || socket.closed) return;
    if (socket.takeSocketError() !== 0) {
      socket.close();
      return;
    }
    for (let count = socket.recvInto(scratch); count >= 0; count = socket.recvInto(scratch)) {
      if (count === 0) {
        connection.ended = true;
        socket.close();
        return;
      }
      if (connection.bytes === 0) connection.firstAt = host.now;
      connection.bytes += count;
      connection.lastAt = host.now;
      options.onBytes?.(count, connection, host.now);
    }
  }

  return {
    connections,
    get bytes() {
      return connections.reduce((sum, { bytes }) => sum + bytes, 0);
    },
    close() {
      listener.close();
      for (const { socket } of connections) socket.close();
    },
  };
}
