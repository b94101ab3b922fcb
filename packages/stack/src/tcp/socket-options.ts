import { NS_PER_MS, NS_PER_SEC, NS_PER_US } from "@seville/core";
import type { SocketOptions as TcpSocketOptions } from "@seville/tcp";
import { errnoError } from "../host/errno.ts";

/**
 * Options of `setsockopt` and `getsockopt` that only TCP has, under Linux's names. Times are in the option's own unit: seconds but
 * for TCP_USER_TIMEOUT and TCP_RTO_MAX_MS (ms), TCP_RTO_MIN_US and TCP_DELACK_MAX_US (µs).
 */
export type TcpOption =
  | "SO_KEEPALIVE"
  | "SO_OOBINLINE"
  | "SO_RCVLOWAT"
  | "SO_MAX_PACING_RATE"
  | "TCP_NODELAY"
  | "TCP_MAXSEG"
  | "TCP_CORK"
  | "TCP_KEEPIDLE"
  | "TCP_KEEPINTVL"
  | "TCP_KEEPCNT"
  | "TCP_SYNCNT"
  | "TCP_LINGER2"
  | "TCP_DEFER_ACCEPT"
  | "TCP_WINDOW_CLAMP"
  | "TCP_QUICKACK"
  | "TCP_THIN_LINEAR_TIMEOUTS"
  | "TCP_USER_TIMEOUT"
  | "TCP_KEEPINIT"
  | "TCP_NOOPT"
  | "TCP_FASTOPEN"
  | "TCP_FASTOPEN_CONNECT"
  | "TCP_FASTOPEN_NO_COOKIE"
  | "TCP_NOTSENT_LOWAT"
  | "TCP_SAVE_SYN"
  | "TCP_RTO_MAX_MS"
  | "TCP_RTO_MIN_US"
  | "TCP_DELACK_MAX_US"
  | "IP_MINTTL"
  | "IPV6_MINHOPCOUNT";

/** How an option becomes a setting of the engine, and back. */
interface Translation {
  readonly range: readonly [min: number, max: number];
  readonly set: (value: number) => Partial<TcpSocketOptions>;
  readonly get: (options: TcpSocketOptions) => number;
}

const INT_MAX = 0x7fff_ffff;
const ANY = [-0x8000_0000, INT_MAX] as const;
/** TCP_TIMEOUT_INIT and TCP_RTO_MAX in seconds: the rhythm in which SYN/ACKs are repeated. */
const SYNACK_TIMEOUT = 1;
const SYNACK_TIMEOUT_MAX = 120;
/** TCP_FIN_TIMEOUT_MAX in seconds. */
const LINGER2_MAX = 120;
/** SOCK_MIN_RCVBUF / 2. */
const MIN_WINDOW_CLAMP = 1152;

type KeyOf<Value> = {
  [K in keyof TcpSocketOptions]-?: TcpSocketOptions[K] extends Value ? K : never;
}[keyof TcpSocketOptions];

function flag(key: KeyOf<boolean>, range: readonly [number, number] = ANY): Translation {
  return { range, set: (value) => ({ [key]: value !== 0 }), get: (options) => (options[key] ? 1 : 0) };
}

function scaled(key: KeyOf<number>, unit: number, min: number, max: number): Translation {
  return { range: [min, max], set: (value) => ({ [key]: value * unit }), get: (options) => options[key] / unit };
}

const TRANSLATIONS: Partial<Record<TcpOption, Translation>> = {
  SO_KEEPALIVE: flag("keepalive"),
  SO_OOBINLINE: flag("oobInline"),
  TCP_NODELAY: flag("nodelay"),
  TCP_CORK: flag("cork"),
  TCP_THIN_LINEAR_TIMEOUTS: flag("thinLinear", [0, 1]),
  TCP_FASTOPEN_CONNECT: flag("fastOpenConnect", [0, 1]),
  TCP_FASTOPEN_NO_COOKIE: flag("fastOpenNoCookie", [0, 1]),
  TCP_SAVE_SYN: flag("saveSyn", [0, 2]),
  TCP_KEEPIDLE: scaled("keepIdle", NS_PER_SEC, 1, 32_767),
  TCP_KEEPINTVL: scaled("keepIntvl", NS_PER_SEC, 1, 32_767),
  TCP_KEEPCNT: scaled("keepCnt", 1, 1, 127),
  TCP_SYNCNT: scaled("synRetries", 1, 1, 127),
  TCP_USER_TIMEOUT: scaled("userTimeout", NS_PER_MS, 0, INT_MAX),
  // Of the BSDs.
  TCP_KEEPINIT: scaled("keepInit", NS_PER_SEC, 1, 32_767),
  TCP_NOOPT: flag("noOptions"),
  TCP_NOTSENT_LOWAT: scaled("notsentLowat", 1, 0, 0xffff_ffff),
  TCP_RTO_MAX_MS: scaled("rtoMax", NS_PER_MS, 1000, 120_000),
  TCP_RTO_MIN_US: scaled("rtoMin", NS_PER_US, 1, 120_000_000),
  TCP_DELACK_MAX_US: scaled("delackMax", NS_PER_US, 1, 200_000),
  IP_MINTTL: scaled("minHopLimit", 1, 0, 255),
  IPV6_MINHOPCOUNT: scaled("minHopLimit", 1, 0, 255),
  TCP_MAXSEG: {
    range: [0, 32_767],
    set: (value) => {
      // TCP_MIN_MSS; 0 takes the limit away.
      if (value !== 0 && value < 88) throw errnoError("EINVAL", "TCP_MAXSEG takes 0 or 88 to 32767", "TCP_MAXSEG");
      return { userMss: value };
    },
    get: ({ userMss }) => userMss,
  },
  TCP_LINGER2: {
    range: ANY,
    set: (value) => ({ linger2: value < 0 ? -1 : Math.min(value, LINGER2_MAX) * NS_PER_SEC }),
    get: ({ linger2 }) => (linger2 < 0 ? -1 : linger2 / NS_PER_SEC),
  },
  TCP_DEFER_ACCEPT: {
    range: ANY,
    set: (value) => ({ deferAccept: secondsToRetransmissions(value) }),
    get: ({ deferAccept }) => retransmissionsToSeconds(deferAccept),
  },
  TCP_WINDOW_CLAMP: {
    range: [0, INT_MAX],
    set: (value) => ({ windowClamp: value === 0 ? 0 : Math.max(value, MIN_WINDOW_CLAMP) }),
    get: ({ windowClamp }) => windowClamp,
  },
  SO_MAX_PACING_RATE: {
    range: [0, Number.MAX_SAFE_INTEGER],
    set: (value) => ({ maxPacingRate: value >= 0xffff_ffff ? Infinity : value }),
    get: ({ maxPacingRate }) => (maxPacingRate === Infinity ? 0xffff_ffff : maxPacingRate),
  },
};

export function isTcpOption(name: string): name is TcpOption {
  return (
    Object.hasOwn(TRANSLATIONS, name) || name === "TCP_FASTOPEN" || name === "TCP_QUICKACK" || name === "SO_RCVLOWAT"
  );
}

/**
 * The engine's settings that follow from an option. Options that are actions or belong to a listener (TCP_QUICKACK,
 * TCP_FASTOPEN, SO_RCVLOWAT) have none.
 * @throws SevilleError `EINVAL`
 */
export function settingOf(name: TcpOption, value: number): Partial<TcpSocketOptions> {
  const translation = TRANSLATIONS[name];
  if (translation === undefined) return {};
  const [min, max] = translation.range;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw errnoError("EINVAL", `${name} takes ${min} to ${max}`, name);
  }
  return translation.set(value);
}

/** What `getsockopt` answers for an option that {@link settingOf} keeps; `undefined`: it keeps none of that name. */
export function valueOf(name: TcpOption, options: TcpSocketOptions): number | undefined {
  return TRANSLATIONS[name]?.get(options);
}

/** `secs_to_retrans`: how many SYN/ACKs are sent in that time. */
function secondsToRetransmissions(seconds: number): number {
  if (seconds <= 0) return 0;
  let count = 1;
  let timeout = SYNACK_TIMEOUT;
  for (let period = timeout; seconds > period && count < 255; count++) {
    timeout = Math.min(timeout * 2, SYNACK_TIMEOUT_MAX);
    period += timeout;
  }
  return count;
}

/** `retrans_to_secs`. */
function retransmissionsToSeconds(count: number): number {
  if (count <= 0) return 0;
  let timeout = SYNACK_TIMEOUT;
  let period = timeout;
  for (let left = count - 1; left > 0; left--) {
    timeout = Math.min(timeout * 2, SYNACK_TIMEOUT_MAX);
    period += timeout;
  }
  return period;
}
