import { IPV6_ANY, isMulticast, type IpAddress, type Ipv6Address } from "@seville/packet";
import { errnoError, type Errno } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { FilterMode } from "../interface/multicast-groups.ts";
import { resetFlow, type Flow } from "../route/flow.ts";
import type { QueuedError } from "./errors.ts";
import { SocketMemberships, type GroupTarget } from "./memberships.ts";
import { checkedOption, defaultOptions, noSuchOption, type SocketOption, type SocketOptions } from "./options.ts";
import { ReceiveQueue } from "./receive-queue.ts";

/** Errors that wait in a socket's error queue at most. */
const MAX_ERRORS = 64;

/** What all sockets of this package have in common: options, queues, groups, errors. Sans-IO: ask, or be told. */
export abstract class InetSocket {
  readonly host: Host;
  readonly family: 4 | 6;
  /** Read freely; change by {@link InetSocket.set}. */
  readonly options: SocketOptions;
  readonly memberships: SocketMemberships;
  /** Called when there is something to receive, or an error to fetch. Not called again before `recv` found nothing. */
  onReadable: (() => void) | undefined = undefined;
  /** Datagrams that found no room (`drops` of /proc/net/udp). */
  drops = 0;
  protected readonly receiveQueue: ReceiveQueue = new ReceiveQueue();
  readonly #errors: QueuedError[] = [];
  #pendingError: Errno | undefined = undefined;
  #closed = false;

  constructor(host: Host, family: 4 | 6) {
    this.host = host;
    this.family = family;
    const { core, ipv4, ipv6 } = host;
    this.options = defaultOptions(
      core.rmem_default,
      core.wmem_default,
      ipv6.sysctl.bindv6only,
      ipv4.sysctl.ip_no_pmtu_disc !== 0,
    );
    this.options.SO_BINDTOIFINDEX = host.defaultBoundDevice;
    this.memberships = new SocketMemberships(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The device to which the socket is bound; 0: none. */
  get boundDevice(): number {
    return this.options.SO_BINDTOIFINDEX;
  }

  /**
   * `setsockopt`.
   * @throws SevilleError `ENOPROTOOPT`, `EINVAL`, `ENODEV`, `EBADF`
   */
  set(name: SocketOption, value: number): void {
    this.assertOpen();
    if (!Object.hasOwn(this.options, name)) throw noSuchOption(name);
    const { core, interfaces } = this.host;
    const checked = checkedOption(name, value, { rmem: core.rmem_max, wmem: core.wmem_max });
    if (name.endsWith("_IF") || name === "SO_BINDTOIFINDEX") {
      if (checked !== 0 && interfaces.get(checked) === undefined) throw errnoError("ENODEV", undefined, name);
    }
    this.options[name] = checked;
    this.optionChanged(name);
  }

  /** `getsockopt`. */
  get(name: SocketOption): number {
    if (!Object.hasOwn(this.options, name)) throw noSuchOption(name);
    return this.options[name];
  }

  /** `SO_BINDTODEVICE`; the empty name takes it back. */
  bindToDevice(name: string): void {
    this.set("SO_BINDTOIFINDEX", name === "" ? 0 : this.host.interfaces.named(name).ifindex);
  }

  /** `IP_ADD_MEMBERSHIP`, `IPV6_JOIN_GROUP`; with a source `IP_ADD_SOURCE_MEMBERSHIP`. */
  join(target: GroupTarget): void {
    this.assertOpen();
    this.memberships.join(target);
  }

  leave(target: GroupTarget): void {
    this.assertOpen();
    this.memberships.leave(target);
  }

  /** `MCAST_MSFILTER` of a group that was joined. */
  setSourceFilter(target: GroupTarget, mode: FilterMode, sources: readonly IpAddress[]): void {
    this.assertOpen();
    this.memberships.setFilter(target, mode, sources);
  }

  /** `SO_ERROR`: the pending error, which is none afterwards. */
  takeError(): Errno | undefined {
    const code = this.#pendingError;
    this.#pendingError = undefined;
    return code;
  }

  /** `MSG_ERRQUEUE`: the oldest error in detail; only with `IP_RECVERR` or `IPV6_RECVERR`. */
  recvError(): QueuedError | undefined {
    return this.#errors.shift();
  }

  /** Closes it; what waits is given back. Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.memberships.leaveAll();
    this.receiveQueue.clear();
    this.#errors.length = 0;
    this.onReadable = undefined;
    this.detach();
  }

  /** @internal An error is reported: the next call fails with it. */
  fail(code: Errno, queued?: QueuedError): void {
    if (queued !== undefined && this.#errors.length < MAX_ERRORS) this.#errors.push(queued);
    this.#pendingError = code;
    this.onReadable?.();
  }

  protected abstract detach(): void;

  /** An option was set: for those on which more depends than the next call. */
  protected abstract optionChanged(name: SocketOption): void;

  protected assertOpen(): void {
    if (this.#closed) throw errnoError("EBADF", "the socket is closed");
  }

  /** Throws the pending error, once. */
  protected throwPending(): void {
    const code = this.takeError();
    if (code !== undefined) throw errnoError(code);
  }

  /** @internal Fills `flow` for a packet of this socket, all but addresses and ports. */
  fillFlow(flow: Flow, destination: IpAddress, ifindex: number): void {
    resetFlow(flow);
    const { options } = this;
    const group = isMulticast(destination);
    const v4 = typeof destination === "number";
    const chosen = v4
      ? group
        ? options.IP_MULTICAST_IF
        : options.IP_UNICAST_IF
      : group
        ? options.IPV6_MULTICAST_IF
        : options.IPV6_UNICAST_IF;
    flow.oif = ifindex !== 0 ? ifindex : this.boundDevice !== 0 ? this.boundDevice : chosen;
    flow.l3mdev = this.host.interfaces.get(flow.oif)?.l3mdevIndex ?? 0;
    flow.mark = options.SO_MARK;
    flow.tos = v4 ? options.IP_TOS : options.IPV6_TCLASS;
  }
}

/** `inet_bound_dev_eq`: whether a socket bound to `bound` takes what came in on `dif`, in a VRF through slave `sdif`. */
export function boundDeviceMatches(bound: number, dif: number, sdif: number, acceptL3mdev: boolean): boolean {
  if (bound === 0) return sdif === 0 || acceptL3mdev;
  return bound === dif || bound === sdif;
}

/** The addresses at which a socket receives: of each family, `undefined`: not at all. */
export interface LocalAddresses {
  readonly v4: number | undefined;
  readonly v6: Ipv6Address | undefined;
}

/** What a socket bound to `address` receives: `::` without `IPV6_V6ONLY` is every IPv4 address too. */
export function receivesAt(family: 4 | 6, address: IpAddress, v6only: boolean): LocalAddresses {
  if (typeof address === "number") return { v4: address, v6: undefined };
  if (family === 6 && address === IPV6_ANY && !v6only) return { v4: 0, v6: address };
  return { v4: undefined, v6: address };
}

/** The interface of an index, which must be there. */
export function deviceAt(host: Host, ifindex: number): NetInterface {
  const dev = host.interfaces.get(ifindex);
  if (dev === undefined) throw errnoError("ENODEV");
  return dev;
}
