import type { Nanos } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import type { TcpInfo } from "@seville/tcp";
import type { Errno } from "../../host/errno.ts";
import type { Host } from "../../host/host.ts";
import { EPOLLERR, EPOLLHUP, EPOLLOUT, SHUT_WR } from "../constants.ts";
import { openTcp } from "../install.ts";
import type { TcpSocket } from "../tcp-socket.ts";

export interface TcpBulkOptions {
  readonly to: IpAddress;
  readonly port: number;
  /** Then it closes its half. Default: it goes on until it is stopped. */
  readonly bytes?: number;
  /** TCP_CONGESTION. Default: the host's. */
  readonly congestion?: string;
  /** Further options by Linux's names. */
  readonly options?: Readonly<Record<string, number>>;
  /** Told once: the other end has everything and has closed too, or the connection failed. */
  readonly onDone?: (report: TcpBulkReport) => void;
}

export interface TcpBulkReport {
  /** Bytes that TCP took, and of those that the other end acknowledged. */
  readonly sent: number;
  readonly acknowledged: number;
  readonly startedAt: Nanos;
  /** When everything was acknowledged and closed; `undefined`: not yet, or never. */
  readonly completedAt: Nanos | undefined;
  readonly error: Errno | undefined;
  /** `10.0.1.2:49152 > 10.0.2.2:5201`. */
  readonly local: { readonly address: IpAddress; readonly port: number } | undefined;
  readonly info: TcpInfo | undefined;
}

/** A sender that always has something to send: `iperf3 -c`. */
export interface TcpBulk {
  readonly socket: TcpSocket;
  report(): TcpBulkReport;
  /** Nothing more is given to TCP; what it has goes out, and then its FIN. */
  stop(): void;
  close(): void;
}

/** What is sent, over and over. */
const BLOCK = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);

export function startTcpBulk(host: Host, options: TcpBulkOptions): TcpBulk {
  const { to, port, bytes = Infinity } = options;
  const socket = openTcp(host, { family: typeof to === "number" ? 4 : 6 });
  const startedAt = host.now;
  let sent = 0;
  let limit = bytes;
  let finished = false;
  let completedAt: Nanos | undefined;
  let error: Errno | undefined;
  let lastInfo: TcpInfo | undefined;
  if (options.congestion !== undefined) socket.setsockopt("TCP_CONGESTION", options.congestion);
  for (const [name, value] of Object.entries(options.options ?? {})) socket.setsockopt(name, value);
  socket.onReady = (events) => {
    if (completedAt !== undefined || error !== undefined) return;
    if ((events & EPOLLERR) !== 0) {
      const code = socket.takeSocketError();
      if (code !== 0) fail(code);
      return;
    }
    if ((events & EPOLLOUT) !== 0) fill();
    if (finished && (events & EPOLLHUP) !== 0) complete();
  };
  socket.connect({ address: to, port });

  function fill(): void {
    while (sent < limit) {
      const count = Math.min(BLOCK.length, limit - sent);
      const taken = socket.send(count === BLOCK.length ? BLOCK : BLOCK.subarray(0, count));
      sent += taken;
      if (taken < count) return;
    }
    if (finished) return;
    finished = true;
    socket.shutdown(SHUT_WR);
  }

  function complete(): void {
    completedAt = host.now;
    lastInfo = socket.info();
    options.onDone?.(report());
  }

  function fail(code: Errno): void {
    error = code;
    lastInfo = socket.info();
    options.onDone?.(report());
  }

  function report(): TcpBulkReport {
    const info = lastInfo ?? socket.info();
    const { unacknowledged } = socket.outq();
    const acknowledged = Math.max(0, sent - unacknowledged + (finished && unacknowledged > 0 ? 1 : 0));
    const local = socket.localPort === 0 ? undefined : { address: socket.localAddress, port: socket.localPort };
    return { sent, acknowledged, startedAt, completedAt, error, local, info };
  }

  return {
    socket,
    report,
    stop() {
      if (finished) return;
      limit = sent;
      if (socket.state === "ESTABLISHED" || socket.state === "CLOSE_WAIT") fill();
    },
    close() {
      lastInfo = socket.info();
      socket.close();
    },
  };
}
