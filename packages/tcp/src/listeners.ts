import { SevilleError } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import { takesFrom } from "./bound-device.ts";
import type { SocketOptions } from "./connection-options.ts";
import type { TcpContext } from "./context.ts";
import type { TcpListener } from "./listener.ts";
import type { TcpMeta } from "./types.ts";

/** Where somebody listens. */
export interface ListenAddress {
  /** `undefined`: any. */
  readonly address?: IpAddress;
  readonly port: number;
  /** With any address: only those of this family. */
  readonly family?: 4 | 6;
  readonly ifindex?: number;
}

/** @throws SevilleError `EADDRINUSE` */
export function newListener(
  tcp: TcpContext,
  where: ListenAddress,
  backlog: number,
  fastOpenMax: number,
  options: SocketOptions,
): TcpListener {
  const list = tcp.listeners.get(where.port) ?? [];
  const listener: TcpListener = {
    address: where.address,
    port: where.port,
    family: where.family ?? (where.address === undefined ? undefined : typeof where.address === "number" ? 4 : 6),
    ifindex: where.ifindex ?? 0,
    backlog,
    synQueue: 0,
    fastOpenQueue: 0,
    fastOpenMax,
    acceptQueue: [],
    options,
    fastOpenKeys: undefined,
    open: true,
    floodWarned: false,
    overflowAt: -1,
  };
  const taken = list.some(
    (other) =>
      other.address === listener.address &&
      other.family === listener.family &&
      other.ifindex === listener.ifindex &&
      !(other.options.reuseport && options.reuseport),
  );
  if (taken) throw new SevilleError("EADDRINUSE", `somebody listens on port ${where.port}`, "port");
  list.push(listener);
  tcp.listeners.set(where.port, list);
  return listener;
}

export function removeListener(tcp: TcpContext, listener: TcpListener): void {
  listener.open = false;
  const list = tcp.listeners.get(listener.port)?.filter((other) => other !== listener) ?? [];
  if (list.length === 0) tcp.listeners.delete(listener.port);
  else tcp.listeners.set(listener.port, list);
}

/** Who is meant by a segment to `port`: the most specific listener (`compute_score`); of equals, one by hash of the peer (SO_REUSEPORT). */
export function findListener(tcp: TcpContext, port: number, meta: TcpMeta): TcpListener | undefined {
  const list = tcp.listeners.get(port);
  if (list === undefined) return undefined;
  let best: TcpListener | undefined;
  let bestScore = 0;
  let equals = 0;
  for (const listener of list) {
    const score = scoreOf(tcp, listener, meta);
    if (score === 0 || score < bestScore) continue;
    equals = score === bestScore ? equals + 1 : 1;
    // Each of the equals has the same chance, and the same peer port finds the same one.
    if (score > bestScore || peerHash(tcp, meta) % equals === 0) best = listener;
    bestScore = score;
  }
  return best;
}

function scoreOf(tcp: TcpContext, listener: TcpListener, meta: TcpMeta): number {
  const family = typeof meta.destination === "number" ? 4 : 6;
  if (listener.family !== undefined && listener.family !== family) return 0;
  if (listener.address !== undefined && listener.address !== meta.destination) return 0;
  const acceptL3mdev = tcp.settings.tcp_l3mdev_accept !== 0;
  if (!takesFrom(listener.ifindex, meta.ifindex ?? 0, meta.sdif ?? 0, acceptL3mdev)) return 0;
  return (
    1 +
    (listener.address === undefined ? 0 : 4) +
    (listener.ifindex === 0 ? 0 : 2) +
    (listener.family === undefined ? 0 : 1)
  );
}

function peerHash(tcp: TcpContext, meta: TcpMeta): number {
  const address = typeof meta.source === "number" ? meta.source : meta.source.w3;
  return (address ^ (tcp.segment.sourcePort * 0x9e37)) >>> 3;
}
