import type { SevilleError } from "@seville/core";
import { errnoError } from "../host/errno.ts";

/** Values of `IP_MTU_DISCOVER` and `IPV6_MTU_DISCOVER` (include/uapi/linux/in.h). */
export const IP_PMTUDISC_DONT = 0;
export const IP_PMTUDISC_WANT = 1;
export const IP_PMTUDISC_DO = 2;
export const IP_PMTUDISC_PROBE = 3;
export const IP_PMTUDISC_INTERFACE = 4;
export const IP_PMTUDISC_OMIT = 5;

/** The options of datagram sockets by their Linux names, with the kernel's defaults. All are numbers, as for setsockopt. */
export interface SocketOptions {
  SO_BROADCAST: number;
  SO_REUSEADDR: number;
  SO_REUSEPORT: number;
  /** Bytes, doubled by the kernel when set: what `getsockopt` answers. */
  SO_RCVBUF: number;
  SO_SNDBUF: number;
  SO_MARK: number;
  SO_PRIORITY: number;
  /** IPv4: send UDP without a checksum. */
  SO_NO_CHECK: number;
  /** Index of the device to which the socket is bound; 0: none (`SO_BINDTOIFINDEX`). */
  SO_BINDTOIFINDEX: number;
  /** 0 stands for the default, -1 in setsockopt. */
  IP_TTL: number;
  IP_TOS: number;
  IP_MTU_DISCOVER: number;
  IP_RECVERR: number;
  IP_FREEBIND: number;
  IP_UNICAST_IF: number;
  IP_MULTICAST_TTL: number;
  IP_MULTICAST_LOOP: number;
  IP_MULTICAST_IF: number;
  IP_MULTICAST_ALL: number;
  IPV6_V6ONLY: number;
  IPV6_UNICAST_HOPS: number;
  IPV6_MULTICAST_HOPS: number;
  IPV6_MULTICAST_LOOP: number;
  IPV6_MULTICAST_IF: number;
  IPV6_MULTICAST_ALL: number;
  IPV6_UNICAST_IF: number;
  IPV6_TCLASS: number;
  IPV6_MTU_DISCOVER: number;
  IPV6_RECVERR: number;
  IPV6_DONTFRAG: number;
  IPV6_ADDR_PREFERENCES: number;
  UDP_NO_CHECK6_TX: number;
  UDP_NO_CHECK6_RX: number;
  /** Bytes of payload in each of the datagrams into which one `send` is split; 0: it is one. */
  UDP_SEGMENT: number;
  /** What GRO or a device merged is received in one piece; `gsoSize` of its meta says how long its datagrams were. */
  UDP_GRO: number;
}

export type SocketOption = keyof SocketOptions;

export function defaultOptions(
  rcvbuf: number,
  sndbuf: number,
  v6only: number,
  noPmtuDiscovery: boolean,
): SocketOptions {
  return {
    SO_BROADCAST: 0,
    SO_REUSEADDR: 0,
    SO_REUSEPORT: 0,
    SO_RCVBUF: rcvbuf,
    SO_SNDBUF: sndbuf,
    SO_MARK: 0,
    SO_PRIORITY: 0,
    SO_NO_CHECK: 0,
    SO_BINDTOIFINDEX: 0,
    IP_TTL: 0,
    IP_TOS: 0,
    IP_MTU_DISCOVER: noPmtuDiscovery ? IP_PMTUDISC_DONT : IP_PMTUDISC_WANT,
    IP_RECVERR: 0,
    IP_FREEBIND: 0,
    IP_UNICAST_IF: 0,
    IP_MULTICAST_TTL: 1,
    IP_MULTICAST_LOOP: 1,
    IP_MULTICAST_IF: 0,
    IP_MULTICAST_ALL: 1,
    IPV6_V6ONLY: v6only,
    IPV6_UNICAST_HOPS: 0,
    IPV6_MULTICAST_HOPS: 1,
    IPV6_MULTICAST_LOOP: 1,
    IPV6_MULTICAST_IF: 0,
    IPV6_MULTICAST_ALL: 1,
    IPV6_UNICAST_IF: 0,
    IPV6_TCLASS: 0,
    IPV6_MTU_DISCOVER: IP_PMTUDISC_WANT,
    IPV6_RECVERR: 0,
    IPV6_DONTFRAG: 0,
    IPV6_ADDR_PREFERENCES: 0,
    UDP_NO_CHECK6_TX: 0,
    UDP_NO_CHECK6_RX: 0,
    UDP_SEGMENT: 0,
    UDP_GRO: 0,
  };
}

/** Limits beside the default, which is 0 to 1 for switches. */
const RANGES: Partial<Record<SocketOption, readonly [number, number]>> = {
  SO_MARK: [0, 0xffff_ffff],
  SO_PRIORITY: [0, 0x7fff_ffff],
  SO_BINDTOIFINDEX: [0, 0x7fff_ffff],
  IP_TTL: [1, 255],
  IP_TOS: [0, 255],
  IP_MTU_DISCOVER: [0, 5],
  IP_UNICAST_IF: [0, 0x7fff_ffff],
  IP_MULTICAST_TTL: [0, 255],
  IP_MULTICAST_IF: [0, 0x7fff_ffff],
  IPV6_UNICAST_HOPS: [0, 255],
  IPV6_MULTICAST_HOPS: [0, 255],
  IPV6_MULTICAST_IF: [0, 0x7fff_ffff],
  IPV6_UNICAST_IF: [0, 0x7fff_ffff],
  IPV6_TCLASS: [0, 255],
  IPV6_MTU_DISCOVER: [0, 5],
  IPV6_ADDR_PREFERENCES: [0, 0x7fff_ffff],
  UDP_SEGMENT: [0, 0xffff],
};

/** Values of -1 that mean "the default" (RFC 3493 §5.1). */
const DEFAULT_BY_MINUS_ONE: Partial<Record<SocketOption, number>> = {
  IP_TTL: 0,
  IP_MULTICAST_TTL: 1,
  IPV6_UNICAST_HOPS: 0,
  IPV6_MULTICAST_HOPS: 1,
  IPV6_TCLASS: 0,
};

/**
 * The value that the option takes when `value` is set.
 * @throws SevilleError `ENOPROTOOPT` for a name that is none, `EINVAL` for a value that the kernel does not take
 */
export function checkedOption(
  name: SocketOption,
  value: number,
  limits: { readonly rmem: number; readonly wmem: number },
): number {
  if (name === "SO_RCVBUF") return Math.max(2 * Math.min(value, limits.rmem), 2304);
  if (name === "SO_SNDBUF") return Math.max(2 * Math.min(value, limits.wmem), 4608);
  const fallback = DEFAULT_BY_MINUS_ONE[name];
  if (value === -1 && fallback !== undefined) return fallback;
  const range = RANGES[name];
  if (range === undefined) return value === 0 ? 0 : 1;
  if (Number.isInteger(value) && value >= range[0] && value <= range[1]) return value;
  throw errnoError("EINVAL", `${name} takes ${range[0]} to ${range[1]}`, name);
}

export function noSuchOption(name: string): SevilleError {
  return errnoError("ENOPROTOOPT", `there is no option ${name}`, name);
}
