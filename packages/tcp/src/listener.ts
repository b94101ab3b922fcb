import type { IpAddress } from "@seville/packet";
import type { SocketOptions } from "./connection-options.ts";
import type { TcpConnection } from "./connection.ts";
import type { FastOpenKeys } from "./parts.ts";

/** A socket in state LISTEN: what waits for it, and what its children inherit. */
export interface TcpListener {
  /** `undefined`: any address (of either family unless `ipv6Only` or `ipv4Only`). */
  readonly address: IpAddress | undefined;
  readonly port: number;
  readonly family: 4 | 6 | undefined;
  /** 0: any. */
  readonly ifindex: number;
  /** Length of the accept queue (listen's second argument, at most somaxconn). */
  backlog: number;
  /** Handshakes under way: embryos in state SYN-RECEIVED (`qlen`), and those of Fast Open whose child exists already. */
  synQueue: number;
  fastOpenQueue: number;
  /** TCP_FASTOPEN: longest Fast Open queue; 0: not on this listener. */
  fastOpenMax: number;
  /** Children whose handshake is done, and Fast Open ones with data, oldest first. */
  readonly acceptQueue: TcpConnection[];
  /** What its children inherit. */
  options: SocketOptions;
  /** Fast Open keys of its own (TCP_FASTOPEN_KEY); `undefined`: the endpoint's. */
  fastOpenKeys: FastOpenKeys | undefined;
  /** Between `listen` and `closeListener`. */
  open: boolean;
  /** A flood of SYNs was reported once (`synflood_warned`). */
  floodWarned: boolean;
  /** When cookies were last sent because the queue was full (`tcp_synq_overflow`), ns; -1: never. */
  overflowAt: number;
}
