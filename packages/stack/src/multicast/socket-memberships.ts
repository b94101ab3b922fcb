import type { IpAddress } from "@seville/packet";
import { isMulticast } from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { FilterMode, MulticastGroups } from "../interface/multicast-groups.ts";

/** Limits of one socket (`igmp_max_memberships`, `igmp_max_msf`, `mld_max_msf`). IPv6 has no limit of memberships. */
export interface MembershipLimits {
  readonly memberships: number;
  readonly sources: number;
}

interface Membership<A extends IpAddress> {
  readonly ifindex: number;
  readonly group: A;
  readonly groups: MulticastGroups<A>;
  /** Stands for this membership with the interface. */
  readonly user: object;
  mode: FilterMode;
  sources: A[];
}

/**
 * The multicast memberships of one socket: IP_ADD_MEMBERSHIP and its relatives, MCAST_* and IPV6_JOIN_GROUP, with the
 * errors of net/ipv4/igmp.c and net/ipv6/mcast.c (RFC 3678).
 */
export class SocketMemberships<A extends IpAddress> {
  readonly #limits: () => MembershipLimits;
  readonly #all: Membership<A>[] = [];

  constructor(limits: () => MembershipLimits) {
    this.#limits = limits;
  }

  /** How many groups are joined. */
  get size(): number {
    return this.#all.length;
  }

  /** All sources of `group`. @throws SevilleError `EINVAL`, `EADDRINUSE`, `ENOBUFS` */
  join(ifindex: number, groups: MulticastGroups<A>, group: A): void {
    if (this.#find(ifindex, group) !== undefined)
      throw errnoError("EADDRINUSE", "the group is joined already", "group");
    this.#apply(this.#make(ifindex, groups, group, "exclude"));
  }

  /** @throws SevilleError `EADDRNOTAVAIL` */
  leave(ifindex: number, group: A): void {
    const membership = this.#find(ifindex, group);
    if (membership === undefined) throw errnoError("EADDRNOTAVAIL", "the group is not joined", "group");
    this.#drop(membership);
  }

  /** `group` from `source` too (IP_ADD_SOURCE_MEMBERSHIP). @throws SevilleError `EINVAL`, `EADDRNOTAVAIL`, `ENOBUFS` */
  joinSource(ifindex: number, groups: MulticastGroups<A>, group: A, source: A): void {
    const membership = this.#find(ifindex, group) ?? this.#make(ifindex, groups, group, "include");
    this.#setMode(membership, "include");
    this.#addSource(membership, source);
  }

  /** Not from `source` any more; with its last source the group is left. @throws SevilleError `EINVAL`, `EADDRNOTAVAIL` */
  leaveSource(ifindex: number, group: A, source: A): void {
    const membership = this.#mustFind(ifindex, group);
    if (membership.mode !== "include") throw errnoError("EINVAL", "the group is joined for all sources", "group");
    this.#removeSource(membership, source);
  }

  /** All but `source` (IP_BLOCK_SOURCE). The group must be joined. @throws SevilleError as {@link joinSource} */
  blockSource(ifindex: number, group: A, source: A): void {
    const membership = this.#mustFind(ifindex, group);
    this.#setMode(membership, "exclude");
    this.#addSource(membership, source);
  }

  /** @throws SevilleError `EINVAL`, `EADDRNOTAVAIL` */
  unblockSource(ifindex: number, group: A, source: A): void {
    const membership = this.#mustFind(ifindex, group);
    if (membership.mode !== "exclude") throw errnoError("EINVAL", "the group is joined for single sources", "group");
    this.#removeSource(membership, source);
  }

  /** The whole filter at once (IP_MSFILTER, MCAST_MSFILTER). @throws SevilleError `EINVAL`, `ENOBUFS` */
  setFilter(ifindex: number, groups: MulticastGroups<A>, group: A, mode: FilterMode, sources: readonly A[]): void {
    if (sources.length > this.#limits().sources) throw errnoError("ENOBUFS", "too many sources", "sources");
    const there = this.#find(ifindex, group);
    if (mode === "include" && sources.length === 0) {
      if (there !== undefined) this.#drop(there);
      return;
    }
    const membership = there ?? this.#make(ifindex, groups, group, mode);
    membership.mode = mode;
    membership.sources = [...new Set(sources)];
    this.#apply(membership);
  }

  /** The filter of a joined group. @throws SevilleError `EADDRNOTAVAIL` */
  filter(ifindex: number, group: A): { readonly mode: FilterMode; readonly sources: readonly A[] } {
    const membership = this.#find(ifindex, group);
    if (membership === undefined) throw errnoError("EADDRNOTAVAIL", "the group is not joined", "group");
    return { mode: membership.mode, sources: [...membership.sources] };
  }

  /**
   * Whether the socket takes a packet to `group` from `source` that came in on `ifindex` (`ip_mc_sf_allow`).
   * `all`: what the socket does with groups that others joined (IP_MULTICAST_ALL).
   */
  accepts(ifindex: number, group: A, source: A, all: boolean): boolean {
    const membership = this.#find(ifindex, group);
    if (membership === undefined) return all;
    return membership.sources.includes(source) === (membership.mode === "include");
  }

  /** The socket closes, or `ifindex` is gone: its memberships end. */
  leaveAll(ifindex?: number): void {
    for (const membership of [...this.#all]) {
      if (ifindex === undefined || membership.ifindex === ifindex) this.#drop(membership);
    }
  }

  #find(ifindex: number, group: A): Membership<A> | undefined {
    return this.#all.find((each) => each.ifindex === ifindex && each.group === group);
  }

  #mustFind(ifindex: number, group: A): Membership<A> {
    const membership = this.#find(ifindex, group);
    if (membership === undefined) throw errnoError("EINVAL", "the group is not joined", "group");
    return membership;
  }

  #make(ifindex: number, groups: MulticastGroups<A>, group: A, mode: FilterMode): Membership<A> {
    if (!isMulticast(group)) throw errnoError("EINVAL", "not a multicast address", "group");
    if (this.#all.length >= this.#limits().memberships) throw errnoError("ENOBUFS", "too many memberships", "group");
    const membership: Membership<A> = { ifindex, group, groups, user: {}, mode, sources: [] };
    this.#all.push(membership);
    return membership;
  }

  /** A filter without sources may change its mode; one with sources may not. */
  #setMode(membership: Membership<A>, mode: FilterMode): void {
    if (membership.mode === mode) return;
    if (membership.sources.length > 0) throw errnoError("EINVAL", "the filter has the other mode", "group");
    membership.mode = mode;
  }

  #addSource(membership: Membership<A>, source: A): void {
    if (membership.sources.includes(source)) throw errnoError("EADDRNOTAVAIL", "the source is there already", "source");
    if (membership.sources.length >= this.#limits().sources) throw errnoError("ENOBUFS", "too many sources", "source");
    membership.sources = [...membership.sources, source];
    this.#apply(membership);
  }

  #removeSource(membership: Membership<A>, source: A): void {
    if (!membership.sources.includes(source)) throw errnoError("EADDRNOTAVAIL", "no such source", "source");
    membership.sources = membership.sources.filter((other) => other !== source);
    if (membership.mode === "include" && membership.sources.length === 0) this.#drop(membership);
    else this.#apply(membership);
  }

  #apply({ groups, user, group, mode, sources }: Membership<A>): void {
    groups.setFilter(user, group, mode, sources);
  }

  #drop(membership: Membership<A>): void {
    this.#all.splice(this.#all.indexOf(membership), 1);
    membership.groups.leave(membership.user, membership.group);
  }
}
