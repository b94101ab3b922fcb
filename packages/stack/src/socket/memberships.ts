import { isMulticast, parseIp, type IpAddress, type Ipv6Address } from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { FilterMode, MulticastGroups } from "../interface/multicast-groups.ts";
import { createFlow4, createFlow6 } from "../route/flow.ts";
import type { InetSocket } from "./inet-socket.ts";

/** A group, on an interface (name or index; default: the one to which the group is routed), perhaps of one source. */
export interface GroupTarget {
  readonly group: IpAddress | string;
  readonly interface?: string | number;
  readonly source?: IpAddress | string;
}

interface Membership {
  readonly group: IpAddress;
  readonly dev: NetInterface;
  mode: FilterMode;
  sources: readonly IpAddress[];
}

/** The groups that one socket has joined (`ip_mc_socklist`, `ipv6_mc_socklist`). */
export class SocketMemberships {
  readonly #socket: InetSocket;
  readonly #memberships: Membership[] = [];

  constructor(socket: InetSocket) {
    this.#socket = socket;
  }

  /** @throws SevilleError `EINVAL`, `EADDRINUSE`, `ENODEV`, `ENOBUFS` beyond `igmp_max_memberships`, `EADDRNOTAVAIL` */
  join(target: GroupTarget): void {
    const { group, dev } = this.#resolve(target);
    const known = this.#find(group, dev);
    const { sysctl } = this.#socket.host.ipv4;
    if (target.source === undefined) {
      if (known !== undefined) throw errnoError("EADDRINUSE", "the group is joined already", "group");
      if (this.#memberships.length >= sysctl.igmp_max_memberships) throw errnoError("ENOBUFS", "igmp_max_memberships");
      this.#apply({ group, dev, mode: "exclude", sources: [] });
      return;
    }
    const source = bare(target.source);
    if (known?.mode === "exclude") throw errnoError("EINVAL", "the group is joined for all sources", "source");
    if (known?.sources.includes(source) === true)
      throw errnoError("EADDRNOTAVAIL", "the source is joined already", "source");
    const max = typeof group === "number" ? sysctl.igmp_max_msf : this.#socket.host.ipv6.sysctl.mld_max_msf;
    if ((known?.sources.length ?? 0) >= max) throw errnoError("ENOBUFS", "too many sources");
    this.#apply({ group, dev, mode: "include", sources: [...(known?.sources ?? []), source] });
  }

  /** @throws SevilleError `EADDRNOTAVAIL` */
  leave(target: GroupTarget): void {
    const { group, dev } = this.#resolve(target);
    const known = this.#find(group, dev);
    if (known === undefined) throw errnoError("EADDRNOTAVAIL", "the group is not joined", "group");
    if (target.source === undefined) {
      this.#apply({ group, dev, mode: "include", sources: [] });
      return;
    }
    const source = bare(target.source);
    if (known.mode !== "include" || !known.sources.includes(source))
      throw errnoError("EADDRNOTAVAIL", "the source is not joined", "source");
    this.#apply({ group, dev, mode: "include", sources: known.sources.filter((other) => other !== source) });
  }

  setFilter(target: GroupTarget, mode: FilterMode, sources: readonly IpAddress[]): void {
    const { group, dev } = this.#resolve(target);
    if (this.#find(group, dev) === undefined) throw errnoError("EADDRNOTAVAIL", "the group is not joined", "group");
    this.#apply({ group, dev, mode, sources: sources.map(bare) });
  }

  leaveAll(): void {
    for (const { group, dev } of [...this.#memberships]) this.#apply({ group, dev, mode: "include", sources: [] });
  }

  /** Whether the socket takes a packet from `source` to `group` (`ip_mc_sf_allow`, `inet6_mc_check`). */
  accepts(group: IpAddress, source: IpAddress, ifindex: number, sdif: number): boolean {
    for (const own of this.#memberships) {
      if (own.group !== group || (own.dev.ifindex !== ifindex && own.dev.ifindex !== sdif)) continue;
      return own.sources.includes(source) === (own.mode === "include");
    }
    const { options } = this.#socket;
    return (typeof group === "number" ? options.IP_MULTICAST_ALL : options.IPV6_MULTICAST_ALL) !== 0;
  }

  #apply(wanted: Membership): void {
    const at = this.#memberships.findIndex((own) => own.group === wanted.group && own.dev === wanted.dev);
    const gone = wanted.mode === "include" && wanted.sources.length === 0;
    if (at >= 0) this.#memberships.splice(at, 1);
    if (!gone) this.#memberships.push(wanted);
    const groups = (
      typeof wanted.group === "number" ? wanted.dev.v4.groups : wanted.dev.v6.groups
    ) as MulticastGroups<IpAddress>;
    groups.setFilter(this.#socket, wanted.group, wanted.mode, wanted.sources);
  }

  #find(group: IpAddress, dev: NetInterface): Membership | undefined {
    return this.#memberships.find((own) => own.group === group && own.dev === dev);
  }

  #resolve(target: GroupTarget): { readonly group: IpAddress; readonly dev: NetInterface } {
    const raw = typeof target.group === "string" ? parseIp(target.group) : target.group;
    if (!isMulticast(raw)) throw errnoError("EINVAL", "not a group", "group");
    const zone = typeof raw === "number" ? "" : raw.zone;
    const group = bare(raw);
    const named = target.interface ?? (zone === "" ? undefined : zone);
    return { group, dev: named === undefined ? this.#routed(group) : this.#device(named) };
  }

  #device(named: string | number): NetInterface {
    const { interfaces } = this.#socket.host;
    const dev = typeof named === "number" ? interfaces.get(named) : interfaces.byName(named);
    if (dev === undefined) throw errnoError("ENODEV", undefined, "interface");
    return dev;
  }

  /** Without an interface, the one by which packets to the group would leave (`ip_mc_find_dev`). */
  #routed(group: IpAddress): NetInterface {
    const { host } = this.#socket;
    const hop = typeof group === "number" ? lookup4(group) : lookup6(group);
    if (hop?.dev === undefined) throw errnoError("ENODEV", "no route to the group", "group");
    return hop.dev;

    function lookup4(destination: number) {
      return host.ipv4.fib.lookup({ ...createFlow4(), destination });
    }
    function lookup6(destination: Ipv6Address) {
      return host.ipv6.fib.lookup({ ...createFlow6(), destination });
    }
  }
}

function bare(address: IpAddress | string): IpAddress {
  const parsed = typeof address === "string" ? parseIp(address) : address;
  return typeof parsed === "number" ? parsed : parsed.withZone("");
}
