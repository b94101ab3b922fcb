import { isUnspecified, type IpAddress } from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import type { LocalAddresses } from "../socket/inet-socket.ts";

/** Whoever has a port: a socket, or the rest of a connection whose socket is closed (`inet_bind_bucket`). */
export interface PortOwner {
  readonly port: number;
  /** At which addresses. */
  receives: LocalAddresses;
  /** Bound to this device; 0: none. */
  device: number;
  /** SO_REUSEADDR and SO_REUSEPORT. */
  reuse: boolean;
  reuseport: boolean;
  isListening: boolean;
  /** The port was chosen by `bind`: connections of others do not take it by chance. */
  readonly isBound: boolean;
  /** Asked of what is left of a connection: is it still in TIME-WAIT? Absent: it is here. */
  readonly isAlive?: () => boolean;
}

/** What a newcomer brings to {@link TcpPorts.conflicts}. */
export type Newcomer = Pick<PortOwner, "receives" | "device" | "reuse" | "reuseport">;

/** The TCP ports of a host that are in use (`bhash`). */
export class TcpPorts {
  readonly #byPort = new Map<number, Set<PortOwner>>();

  add(owner: PortOwner): void {
    const owners = this.#byPort.get(owner.port);
    if (owners === undefined) this.#byPort.set(owner.port, new Set([owner]));
    else owners.add(owner);
  }

  remove(owner: PortOwner): void {
    const owners = this.#byPort.get(owner.port);
    if (owners?.delete(owner) === true && owners.size === 0) this.#byPort.delete(owner.port);
  }

  /** Owners of `port`. Those that are gone by now are forgotten. */
  *at(port: number): IterableIterator<PortOwner> {
    for (const owner of this.#byPort.get(port) ?? []) {
      if (owner.isAlive?.() === false) this.remove(owner);
      else yield owner;
    }
  }

  /** Whether `newcomer` cannot have `port` beside those that have it (`inet_csk_bind_conflict`). */
  conflicts(port: number, newcomer: Newcomer, self?: PortOwner): boolean {
    for (const owner of this.at(port)) if (owner !== self && conflict(newcomer, owner)) return true;
    return false;
  }

  /** Whether somebody chose `port` by `bind`. */
  isBound(port: number): boolean {
    for (const owner of this.at(port)) if (owner.isBound) return true;
    return false;
  }
}

function conflict(newcomer: Newcomer, owner: PortOwner): boolean {
  if (newcomer.device !== 0 && owner.device !== 0 && newcomer.device !== owner.device) return false;
  if (newcomer.reuse && owner.reuse && !owner.isListening) return false;
  if (newcomer.reuseport && owner.reuseport) return false;
  return overlap(newcomer.receives.v4, owner.receives.v4) || overlap(newcomer.receives.v6, owner.receives.v6);
}

function overlap(a: IpAddress | undefined, b: IpAddress | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a === b || isUnspecified(a) || isUnspecified(b);
}

/**
 * A port of `ip_local_port_range` for which `isFree` holds: from a random one on, first those at an odd distance from the
 * range's beginning for `bind` or at an even one for `connect`, so that the two seldom meet (`inet_csk_find_open_port`,
 * `__inet_hash_connect`).
 * @throws SevilleError `EADDRINUSE` (bind), `EADDRNOTAVAIL` (connect)
 */
export function choosePort(host: Host, purpose: "bind" | "connect", isFree: (port: number) => boolean): number {
  const { ip_local_port_range, ip_local_reserved_ports } = host.ipv4.sysctl;
  const [low = 1024, high = 65_535] = ip_local_port_range;
  const count = high - low + 1;
  const start = host.portRandom.below(count) & ~1;
  const parity = purpose === "bind" ? 1 : 0;
  for (const odd of [parity, 1 - parity]) {
    for (let i = 0; i < count; i += 2) {
      const offset = ((start + i) % (count + (count & 1))) + odd;
      const port = low + offset;
      if (port <= high && !ip_local_reserved_ports.includes(port) && isFree(port)) return port;
    }
  }
  const code = purpose === "bind" ? "EADDRINUSE" : "EADDRNOTAVAIL";
  throw errnoError(code, "every ephemeral port is taken", "port");
}
