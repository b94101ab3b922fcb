import type { Nanos } from "@seville/core";

/**
 * What a user may set on one socket, by the kernel's option names. Connections share one object until an option is set (then they get a copy): a
 * listener's children cost nothing for it.
 */
export interface SocketOptions {
  /** SO_KEEPALIVE; TCP_KEEPIDLE, TCP_KEEPINTVL in ns (0: sysctl), TCP_KEEPCNT (0: sysctl). */
  readonly keepalive: boolean;
  readonly keepIdle: Nanos;
  readonly keepIntvl: Nanos;
  readonly keepCnt: number;
  /** TCP_NODELAY. */
  readonly nodelay: boolean;
  /** TCP_CORK. */
  readonly cork: boolean;
  /** TCP_MAXSEG; 0: not set. */
  readonly userMss: number;
  /** TCP_WINDOW_CLAMP; 0: not set. */
  readonly windowClamp: number;
  /** TCP_USER_TIMEOUT, ns; 0: not set. */
  readonly userTimeout: Nanos;
  /** TCP_KEEPINIT of the BSDs, ns: how long a handshake may take; 0: setting. */
  readonly keepInit: Nanos;
  /** TCP_SYNCNT; 0: sysctl. */
  readonly synRetries: number;
  /** TCP_LINGER2, ns; 0: sysctl; negative: no FIN-WAIT-2. */
  readonly linger2: Nanos;
  /** TCP_DEFER_ACCEPT: retransmissions of the SYN/ACK during which the ACK alone does not accept. */
  readonly deferAccept: number;
  /** TCP_NOTSENT_LOWAT; 0: sysctl. */
  readonly notsentLowat: number;
  /** TCP_THIN_LINEAR_TIMEOUTS. */
  readonly thinLinear: boolean;
  /** TCP_CONGESTION; "": sysctl or route. */
  readonly congestion: string;
  /** TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE. */
  readonly fastOpenConnect: boolean;
  readonly fastOpenNoCookie: boolean;
  /** TCP_SAVE_SYN. */
  readonly saveSyn: boolean;
  /** SO_RCVBUF, SO_SNDBUF in bytes as the kernel keeps them (doubled); 0: sysctl and autotuning. */
  readonly rcvbuf: number;
  readonly sndbuf: number;
  /** SO_LINGER: ns, -1: off. */
  readonly linger: Nanos;
  /** SO_OOBINLINE. */
  readonly oobInline: boolean;
  /** SO_MAX_PACING_RATE, bytes/s. */
  readonly maxPacingRate: number;
  /** IP_TOS, IPV6_TCLASS, without the ECN bits. */
  readonly tos: number;
  /** IP_TTL, IPV6_UNICAST_HOPS; 0: default. */
  readonly hopLimit: number;
  /** IP_MINTTL; 0: any. */
  readonly minHopLimit: number;
  /** IP_MTU_DISCOVER: "want" (default), "dont", "do", "probe", "interface". */
  readonly pmtudisc: "want" | "dont" | "do" | "probe";
  /** IP_RECVERR: soft errors are errors. */
  readonly recvErr: boolean;
  /** TCP_NOOPT of the BSDs: no options at all. */
  readonly noOptions: boolean;
  /** TCP_RTO_MAX_MS, TCP_RTO_MIN_US, TCP_DELACK_MAX_US as ns; 0: sysctl. */
  readonly rtoMax: Nanos;
  readonly rtoMin: Nanos;
  readonly delackMax: Nanos;
  /** TCP_QUICKACK set to 0 or 1 is an action, not kept here. */
  readonly reuseport: boolean;
}

export const DEFAULT_SOCKET_OPTIONS: SocketOptions = {
  keepalive: false,
  keepIdle: 0,
  keepIntvl: 0,
  keepCnt: 0,
  nodelay: false,
  cork: false,
  userMss: 0,
  windowClamp: 0,
  userTimeout: 0,
  keepInit: 0,
  synRetries: 0,
  linger2: 0,
  deferAccept: 0,
  notsentLowat: 0,
  thinLinear: false,
  congestion: "",
  fastOpenConnect: false,
  fastOpenNoCookie: false,
  saveSyn: false,
  rcvbuf: 0,
  sndbuf: 0,
  linger: -1,
  oobInline: false,
  maxPacingRate: Infinity,
  tos: 0,
  hopLimit: 0,
  minHopLimit: 0,
  pmtudisc: "want",
  recvErr: false,
  noOptions: false,
  rtoMax: 0,
  rtoMin: 0,
  delackMax: 0,
  reuseport: false,
};
