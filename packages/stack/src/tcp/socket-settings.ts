import { NS_PER_SEC } from "@seville/core";
import {
  createFastOpenKeys,
  DEFAULT_SOCKET_OPTIONS,
  type SocketOptions as TcpSocketOptions,
  type TcpInfo,
  type TcpListener,
} from "@seville/tcp";
import { errnoError } from "../host/errno.ts";
import { IPPROTO_TCP } from "../host/protocols.ts";
import { isTcpOption, settingOf, valueOf, type TcpOption } from "./socket-options.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/** `struct linger`: seconds. */
export interface SocketLinger {
  readonly onoff: number;
  readonly linger: number;
}

/** What `setsockopt` takes, and what `getsockopt` answers. */
export type OptionInput = number | string | Uint8Array | SocketLinger;
export type OptionValue = OptionInput | TcpInfo | undefined;

/** IP_MTU_DISCOVER, by its numbers. */
const PMTUDISC: readonly TcpSocketOptions["pmtudisc"][] = ["dont", "want", "do", "probe", "probe", "dont"];
const MSS_DEFAULT = 536;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const NONE = new Uint8Array(0);

/** TCP's options of one socket: what its connection is told, and what a listener's children inherit. */
export class SocketSettings {
  /** SO_RCVLOWAT. */
  rcvLowat = 1;
  readonly #socket: TcpSocket;
  #kept: TcpSocketOptions = DEFAULT_SOCKET_OPTIONS;
  #fastOpenQueue = 0;
  #fastOpenKeys: readonly Uint8Array[] | undefined = undefined;

  constructor(socket: TcpSocket) {
    this.#socket = socket;
  }

  /** All that TCP is told: the kept ones, and those that the socket has by names of IP and SOL_SOCKET. */
  get all(): TcpSocketOptions {
    const { options, family, localAddress } = this.#socket;
    const isV4 = family === 4 && typeof localAddress === "number";
    const discover = family === 4 ? options.IP_MTU_DISCOVER : options.IPV6_MTU_DISCOVER;
    return {
      ...this.#kept,
      tos: (isV4 ? options.IP_TOS : options.IPV6_TCLASS) & 0xfc,
      hopLimit: isV4 ? options.IP_TTL : options.IPV6_UNICAST_HOPS,
      recvErr: (family === 4 ? options.IP_RECVERR : options.IPV6_RECVERR) !== 0,
      pmtudisc: PMTUDISC[discover] ?? "want",
      reuseport: options.SO_REUSEPORT !== 0,
    };
  }

  /** A listener's child begins with what the listener has. */
  inherit(from: SocketSettings): void {
    this.#kept = from.#kept;
    this.rcvLowat = from.rcvLowat;
  }

  /** Keeps `patch`, and tells listener and connection. */
  change(patch: Partial<TcpSocketOptions>): void {
    const { listener, connection, tcp } = this.#socket;
    this.#kept = { ...this.#kept, ...patch };
    if (listener !== undefined) listener.options = this.all;
    if (connection === undefined) return;
    // What was named acts again though it says the same: TCP_NODELAY pushes.
    const changes = { ...differences(connection.options, this.all), ...patch };
    tcp.act((endpoint, now) => endpoint.setOptions(connection, changes, now));
  }

  /** TCP_FASTOPEN, or what tcp_fastopen gives every listener (TFO_SERVER_WO_SOCKOPT1). */
  get fastOpenMax(): number {
    if (this.#fastOpenQueue > 0) return this.#fastOpenQueue;
    const { tcp_fastopen, somaxconn } = this.#socket.tcp.settings;
    return (tcp_fastopen & 0x400) === 0 ? 0 : somaxconn;
  }

  /** TCP_FASTOPEN_KEY, if the socket has keys of its own. */
  giveKeys(listener: TcpListener): void {
    if (this.#fastOpenKeys === undefined) return;
    listener.fastOpenKeys = createFastOpenKeys(this.#socket.host.secretRandom);
    listener.fastOpenKeys.setKeys(this.#fastOpenKeys);
  }

  /** `false`: it is none of TCP's. */
  set(name: string, value: OptionInput): boolean {
    if (name === "SO_LINGER" && typeof value === "object" && "onoff" in value) {
      this.change({ linger: value.onoff === 0 ? -1 : Math.max(value.linger, 0) * NS_PER_SEC });
    } else if (name === "TCP_CONGESTION" && typeof value === "string") this.#setCongestion(value);
    else if (name === "TCP_FASTOPEN_KEY" && value instanceof Uint8Array) this.#setFastOpenKey(value);
    else if (typeof value === "number" && isTcpOption(name)) this.#setNumber(name, value);
    else return false;
    return true;
  }

  get(name: string): OptionValue {
    const { connection, listener, options, family, tcp } = this.#socket;
    const settings = connection?.options ?? this.#kept;
    switch (name) {
      case "SO_ACCEPTCONN":
        return listener === undefined ? 0 : 1;
      case "SO_TYPE":
        return SOCK_STREAM;
      case "SO_PROTOCOL":
        return IPPROTO_TCP;
      case "SO_DOMAIN":
        return family === 4 ? AF_INET : AF_INET6;
      case "SO_LINGER":
        return { onoff: settings.linger >= 0 ? 1 : 0, linger: Math.max(settings.linger, 0) / NS_PER_SEC };
      case "SO_RCVLOWAT":
        return this.rcvLowat;
      case "SO_RCVBUF":
        return connection?.rcvbuf ?? options.SO_RCVBUF;
      case "SO_SNDBUF":
        return connection?.sndbuf ?? options.SO_SNDBUF;
      case "TCP_CONGESTION":
        return connection?.congestion?.name ?? (settings.congestion || tcp.settings.tcp_congestion_control);
      case "TCP_FASTOPEN":
        return this.#fastOpenQueue;
      case "TCP_SAVED_SYN":
        return connection?.savedSyn ?? NONE;
      case "TCP_MAXSEG":
        if (connection === undefined || connection.state === "CLOSE") return settings.userMss || MSS_DEFAULT;
        return connection.mssCache;
      case "TCP_QUICKACK":
        return connection === undefined || connection.pingpong === 0 ? 1 : 0;
      default:
        return isTcpOption(name) ? this.#getNumber(name, settings) : undefined;
    }
  }

  #setNumber(name: TcpOption, value: number): void {
    const { connection, listener, tcp } = this.#socket;
    if (name === "SO_RCVLOWAT") {
      if (!Number.isInteger(value)) throw errnoError("EINVAL", undefined, name);
      this.rcvLowat = value <= 0 ? 1 : value;
      if (connection !== undefined) connection.rcvLowat = this.rcvLowat;
    } else if (name === "TCP_QUICKACK") {
      if (connection !== undefined) tcp.act((endpoint, now) => endpoint.setQuickack(connection, value, now));
    } else if (name === "TCP_FASTOPEN") {
      if (value < 0 || connection !== undefined) throw errnoError("EINVAL", undefined, name);
      this.#fastOpenQueue = Math.min(value, tcp.settings.somaxconn);
      if (listener !== undefined) listener.fastOpenMax = this.fastOpenMax;
    } else {
      if (connection !== undefined) assertChangeable(name, value);
      if (name === "TCP_FASTOPEN_CONNECT" && (tcp.settings.tcp_fastopen & 1) === 0) {
        throw errnoError("EOPNOTSUPP", "tcp_fastopen lets no client", name);
      }
      this.change(settingOf(name, value));
    }
  }

  #getNumber(name: TcpOption, settings: TcpSocketOptions): number {
    const value = valueOf(name, settings) ?? 0;
    if (value !== 0) return value;
    const { settings: sysctl } = this.#socket.tcp;
    const defaults: Partial<Record<TcpOption, number>> = {
      TCP_KEEPIDLE: sysctl.tcp_keepalive_time,
      TCP_KEEPINTVL: sysctl.tcp_keepalive_intvl,
      TCP_KEEPCNT: sysctl.tcp_keepalive_probes,
      TCP_SYNCNT: sysctl.tcp_syn_retries,
      TCP_LINGER2: sysctl.tcp_fin_timeout,
    };
    return defaults[name] ?? 0;
  }

  #setCongestion(name: string): void {
    if (!this.#socket.tcp.hasCongestionControl(name)) {
      throw errnoError("ENOENT", `there is no congestion control ${name}`, "TCP_CONGESTION");
    }
    this.change({ congestion: name });
  }

  #setFastOpenKey(key: Uint8Array): void {
    if (key.length !== 16 && key.length !== 32) throw errnoError("EINVAL", "16 or 32 bytes", "TCP_FASTOPEN_KEY");
    this.#fastOpenKeys = key.length === 16 ? [key.slice()] : [key.slice(0, 16), key.slice(16)];
    const { listener } = this.#socket;
    if (listener !== undefined) this.giveKeys(listener);
  }
}

/** Options that only a socket without connection takes. */
function assertChangeable(name: TcpOption, value: number): void {
  const isFixed = name === "TCP_FASTOPEN_CONNECT" || name === "TCP_FASTOPEN_NO_COOKIE";
  if (isFixed || (name === "TCP_WINDOW_CLAMP" && value === 0)) {
    throw errnoError("EINVAL", "the socket is connected", name);
  }
}

/** What of `wanted` is not so yet. */
function differences(now: TcpSocketOptions, wanted: TcpSocketOptions): Partial<TcpSocketOptions> {
  const names = (Object.keys(wanted) as (keyof TcpSocketOptions)[]).filter((name) => now[name] !== wanted[name]);
  return Object.fromEntries(names.map((name) => [name, wanted[name]]));
}
