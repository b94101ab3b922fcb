import type { IpAddress, Ipv6Address } from "@seville/packet";

/** What is wanted of a group: these sources only, or all but these (RFC 3376 §2, RFC 3810 §4.2). */
export type FilterMode = "include" | "exclude";

/** The reception state of one interface for one group (RFC 3376 §3.2, RFC 3810 §4.2). */
export interface GroupState<A extends IpAddress = number | Ipv6Address> {
  readonly group: A;
  readonly filterMode: FilterMode;
  readonly sources: readonly A[];
  /** How many users (sockets, protocols) have a part in it. */
  readonly users: number;
}

interface UserFilter<A> {
  readonly mode: FilterMode;
  readonly sources: readonly A[];
}

/** Is told when the state of a group changes; `undefined`: nothing is wanted (`INCLUDE {}`). */
export type GroupListener<A extends IpAddress> = (
  group: A,
  before: GroupState<A> | undefined,
  after: GroupState<A> | undefined,
) => void;

/**
 * The multicast groups of one interface and family: what each user wants, and the merged state that follows from it.
 * IGMP and MLD listen and report it to the routers.
 */
export class MulticastGroups<A extends IpAddress> {
  readonly #filters = new Map<A, Map<object, UserFilter<A>>>();
  readonly #states = new Map<A, GroupState<A>>();
  readonly #changed: GroupListener<A>;

  constructor(changed: GroupListener<A>) {
    this.#changed = changed;
  }

  /** The state of every group of which something is wanted, in the order of joining. */
  states(): IterableIterator<GroupState<A>> {
    return this.#states.values();
  }

  state(group: A): GroupState<A> | undefined {
    return this.#states.get(group);
  }

  /** Whether a packet from `source` to `group` is wanted by anybody here. */
  accepts(group: A, source: A): boolean {
    const state = this.#states.get(group);
    return state !== undefined && state.sources.includes(source) === (state.filterMode === "include");
  }

  /** All sources of `group` for `user`, an object that stands for whoever joins. */
  join(user: object, group: A): void {
    this.setFilter(user, group, "exclude", []);
  }

  leave(user: object, group: A): void {
    this.setFilter(user, group, "include", []);
  }

  /** `IPMulticastListen` of RFC 3376 §2 for one user; `include` with no sources leaves the group. */
  setFilter(user: object, group: A, mode: FilterMode, sources: readonly A[]): void {
    let users = this.#filters.get(group);
    if (mode === "include" && sources.length === 0) {
      if (users?.delete(user) !== true) return;
      if (users.size === 0) this.#filters.delete(group);
    } else {
      if (users === undefined) this.#filters.set(group, (users = new Map<object, UserFilter<A>>()));
      users.set(user, { mode, sources });
    }
    const before = this.#states.get(group);
    const after = merge(group, users);
    if (after === undefined) this.#states.delete(group);
    else this.#states.set(group, after);
    if (!sameReception(before, after)) this.#changed(group, before, after);
  }
}

/** The interface's state from its users' (RFC 3376 §3.2). */
function merge<A extends IpAddress>(
  group: A,
  users: Map<object, UserFilter<A>> | undefined,
): GroupState<A> | undefined {
  if (users === undefined || users.size === 0) return undefined;
  const wanted = new Set<A>();
  let excluded: Set<A> | undefined;
  for (const { mode, sources } of users.values()) {
    if (mode === "include") {
      for (const source of sources) wanted.add(source);
      continue;
    }
    const theirs = new Set(sources);
    excluded = excluded === undefined ? theirs : new Set([...excluded].filter((source) => theirs.has(source)));
  }
  if (excluded === undefined) return { group, filterMode: "include", sources: [...wanted], users: users.size };
  const sources = [...excluded].filter((source) => !wanted.has(source));
  return { group, filterMode: "exclude", sources, users: users.size };
}

function sameReception<A extends IpAddress>(a: GroupState<A> | undefined, b: GroupState<A> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.filterMode !== b.filterMode || a.sources.length !== b.sources.length) return false;
  return a.sources.every((source) => b.sources.includes(source));
}
