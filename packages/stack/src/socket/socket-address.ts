import {
  IPV6_ANY,
  isIpv4Mapped,
  isLinkLocal,
  isLinkLocalMulticast,
  mapIpv4,
  parseIp,
  type IpAddress,
  type Ipv6Address,
} from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";

/** Where a datagram goes or comes from. A link-local address has its interface as zone: `fe80::1%eth0`. */
export interface SocketAddress {
  readonly address: IpAddress;
  readonly port: number;
}

/** An address as a caller gives it; text is parsed at each call, so hot paths give addresses. */
export interface SocketAddressLike {
  readonly address?: IpAddress | string;
  readonly port?: number;
}

/** A caller's address as a socket of `family` uses it: `ifindex` is what the zone named, 0 for none. */
export interface ResolvedAddress {
  readonly address: IpAddress;
  readonly port: number;
  readonly ifindex: number;
}

/**
 * Resolves text and zone. On an IPv6 socket an IPv4-mapped address becomes the IPv4 address (RFC 3493 §3.7).
 * @throws SevilleError `EAFNOSUPPORT`, `EINVAL`, `ENODEV`
 */
export function resolveAddress(host: Host, family: 4 | 6, given: SocketAddressLike, any: IpAddress): ResolvedAddress {
  const { port = 0 } = given;
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw errnoError("EINVAL", "a port is 0 to 65535", "port");
  const raw =
    given.address === undefined ? any : typeof given.address === "string" ? parseIp(given.address) : given.address;
  if (typeof raw === "number") return { address: raw, port, ifindex: 0 };
  if (family === 4) throw errnoError("EAFNOSUPPORT", "this socket is of IPv4", "address");
  if (isIpv4Mapped(raw)) return { address: raw.w3, port, ifindex: 0 };
  if (raw.zone === "") return { address: raw, port, ifindex: 0 };
  return { address: raw.withZone(""), port, ifindex: zoneIndex(host, raw.zone) };
}

/** What a user is shown: an IPv4 address on an IPv6 socket as IPv4-mapped, a link-local one with its zone. */
export function presentAddress(host: Host, family: 4 | 6, address: IpAddress, ifindex: number): IpAddress {
  if (typeof address === "number") return family === 4 ? address : mapIpv4(address);
  if (!needsZone(address)) return address;
  const name = host.interfaces.get(ifindex)?.name;
  return name === undefined ? address : address.withZone(name);
}

/** The address means something on one link only. */
export function needsZone(address: Ipv6Address): boolean {
  return isLinkLocal(address) || isLinkLocalMulticast(address);
}

export function anyAddress(family: 4 | 6): IpAddress {
  return family === 4 ? 0 : IPV6_ANY;
}

function zoneIndex(host: Host, zone: string): number {
  const iface =
    host.interfaces.byName(zone) ?? (/^[1-9][0-9]*$/.test(zone) ? host.interfaces.get(Number(zone)) : undefined);
  if (iface === undefined) throw errnoError("ENODEV", `no interface ${zone}`, "address");
  return iface.ifindex;
}
