import { isMulticast, type IpAddress } from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { isLocalAddress6 } from "../interface/addresses6.ts";
import { needsZone } from "../socket/socket-address.ts";
import type { UdpSocket } from "./udp-socket.ts";

/**
 * Whether the host may speak from `address` (`__inet_bind`, `__inet6_bind`): one of its own, a group, a broadcast
 * address of its networks, or any at all with `IP_FREEBIND` or `ip_nonlocal_bind`.
 * @throws SevilleError `EADDRNOTAVAIL`; `EINVAL` for a link-local address without its interface
 */
export function checkBindAddress(host: Host, address: IpAddress, ifindex: number, freebind: boolean): void {
  if (typeof address === "number") {
    const known =
      address === 0 || host.ipv4.localAddresses.has(address) || address >>> 24 === 127 || isMulticast(address);
    if (known || host.ipv4.isBroadcast(address) || freebind || host.ipv4.sysctl.ip_nonlocal_bind !== 0) return;
    throw errnoError("EADDRNOTAVAIL", undefined, "address");
  }
  if ((address.w0 | address.w1 | address.w2 | address.w3) === 0 || isMulticast(address)) return;
  if (needsZone(address) && ifindex === 0)
    throw errnoError("EINVAL", "a link-local address needs its interface", "address");
  const dev = ifindex === 0 ? undefined : host.interfaces.get(ifindex);
  if (isLocalAddress6(host, address, needsZone(address) ? dev : undefined)) return;
  if (freebind || host.ipv6.sysctl.ip_nonlocal_bind !== 0) return;
  throw errnoError("EADDRNOTAVAIL", undefined, "address");
}

/** Whether `socket` cannot have `port` besides those that have it (`udp_lib_lport_inuse`). */
export function isPortTaken(host: Host, socket: UdpSocket, port: number): boolean {
  return host.udp.at(port).some((other) => other !== socket && conflicts(socket, other));
}

/**
 * A port for a socket that asks for any: a random one of `ip_local_port_range` that is free for it.
 * @throws SevilleError `EADDRINUSE`
 */
export function chooseEphemeralPort(host: Host, socket: UdpSocket): number {
  const { ip_local_port_range, ip_local_reserved_ports } = host.ipv4.sysctl;
  const [low = 1024, high = 65_535] = ip_local_port_range;
  const count = high - low + 1;
  const first = host.portRandom.below(count);
  for (let i = 0; i < count; i++) {
    const port = low + ((first + i) % count);
    if (!ip_local_reserved_ports.includes(port) && !isPortTaken(host, socket, port)) return port;
  }
  throw errnoError("EADDRINUSE", "every ephemeral port is taken", "port");
}

/** `inet_rcv_saddr_equal` with the reuse rules. */
function conflicts(a: UdpSocket, b: UdpSocket): boolean {
  if (a.options.SO_REUSEADDR !== 0 && b.options.SO_REUSEADDR !== 0) return false;
  if (a.options.SO_REUSEPORT !== 0 && b.options.SO_REUSEPORT !== 0) return false;
  if (a.boundDevice !== 0 && b.boundDevice !== 0 && a.boundDevice !== b.boundDevice) return false;
  return overlap(a.receives.v4, b.receives.v4) || overlap(a.receives.v6, b.receives.v6);
}

function overlap(a: IpAddress | undefined, b: IpAddress | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a === b || isAny(a) || isAny(b);
}

function isAny(address: IpAddress): boolean {
  return typeof address === "number" ? address === 0 : (address.w0 | address.w1 | address.w2 | address.w3) === 0;
}
