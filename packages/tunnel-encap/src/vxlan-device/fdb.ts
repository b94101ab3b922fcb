import { invalidArgument, NEVER, SevilleError, type Nanos } from "@seville/core";
import { formatIp, formatMac, isStationMac, ZERO_MAC, type IpAddress, type MacAddress } from "@seville/packet";
import type { VxlanRemote } from "./config.ts";

/**
 * How an entry came about and whether it goes: `permanent` and `static` entries were configured and neither age nor move
 * (NUD_PERMANENT, NUD_NOARP); `learned` ones do both.
 */
export type FdbState = "permanent" | "static" | "learned";

/** Where a station is. */
export interface FdbEntry {
  /** All zeros: where frames go that no other entry takes. */
  readonly mac: MacAddress;
  readonly state: FdbState;
  /** Several: each gets a copy. */
  readonly remotes: readonly VxlanRemote[];
  /** When it was last looked up or seen. */
  readonly used: Nanos;
  /** When it last changed. */
  readonly updated: Nanos;
}

type MutableEntry = { -readonly [Key in keyof FdbEntry]: FdbEntry[Key] };

/** What {@link Fdb.learn} did. `refused`: a configured entry says that the station is elsewhere; drop the frame. */
export type LearnResult = "known" | "learned" | "moved" | "refused" | "full";

/** The forwarding database of a VXLAN device (`vxlan_fdb_*`, drivers/net/vxlan/vxlan_core.c). */
export class Fdb {
  readonly #entries = new Map<MacAddress, MutableEntry>();
  readonly #ageing: Nanos;
  readonly #limit: number;
  /** No learned entry ages before. */
  #deadline: Nanos = NEVER;

  /** @param limit entries at most, 0: any number */
  constructor(ageing: Nanos, limit: number) {
    if (!(ageing >= 0)) throw invalidArgument("ageing", "a time", ageing);
    if (!Number.isInteger(limit) || limit < 0) throw invalidArgument("maxaddr", "a whole number", limit);
    this.#ageing = ageing;
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** When {@link Fdb.age} has something to do at the earliest. */
  get deadline(): Nanos {
    return this.#deadline;
  }

  /** The entry of `mac`, which is in use now. */
  find(mac: MacAddress, now: Nanos): FdbEntry | undefined {
    const entry = this.#entries.get(mac);
    if (entry !== undefined) entry.used = now;
    return entry;
  }

  /**
   * Configures an entry (`bridge fdb add`).
   * @throws SevilleError `EEXIST`, or `ENOSPC` beyond the limit
   */
  add(mac: MacAddress, remote: VxlanRemote, now: Nanos, state: FdbState = "permanent"): void {
    checkMac(mac);
    if (this.#entries.has(mac)) throw new SevilleError("EEXIST", `${formatMac(mac)} is there already`, "mac");
    this.#insert({ mac, state, remotes: [remote], used: now, updated: now });
  }

  /** One more remote for an entry, which is made if need be (`bridge fdb append`). The same one twice is an error. */
  append(mac: MacAddress, remote: VxlanRemote, now: Nanos, state: FdbState = "permanent"): void {
    checkMac(mac);
    const entry = this.#entries.get(mac);
    if (entry === undefined) {
      this.#insert({ mac, state, remotes: [remote], used: now, updated: now });
      return;
    }
    if (mac !== ZERO_MAC)
      throw invalidArgument("mac", "that of all zeros or a new one: only it has several remotes", formatMac(mac));
    if (entry.remotes.some((known) => isSame(known, remote))) {
      throw new SevilleError("EEXIST", `${formatIp(remote.ip)} is there already`, "remote");
    }
    entry.remotes = [...entry.remotes, remote];
    entry.updated = now;
  }

  /** Makes or overwrites an entry (`bridge fdb replace`). */
  replace(mac: MacAddress, remote: VxlanRemote, now: Nanos, state: FdbState = "permanent"): void {
    checkMac(mac);
    const entry = this.#entries.get(mac);
    if (entry === undefined) {
      this.#insert({ mac, state, remotes: [remote], used: now, updated: now });
      return;
    }
    entry.remotes = [remote];
    entry.state = state;
    entry.updated = now;
    if (state === "learned") this.#expectAgeing(now);
  }

  /**
   * Takes an entry away, or one remote of it (`bridge fdb del`).
   * @throws SevilleError `ENOENT`
   */
  delete(mac: MacAddress, remote?: VxlanRemote): void {
    const entry = this.#entries.get(mac);
    const left = remote === undefined ? [] : entry?.remotes.filter((known) => !isSame(known, remote));
    if (entry === undefined || left === undefined || left.length === entry.remotes.length) {
      throw new SevilleError("ENOENT", `${formatMac(mac)} is not there`, "mac");
    }
    if (left.length === 0) this.#entries.delete(mac);
    else entry.remotes = left;
  }

  /** Forgets what was learned (`bridge fdb flush … dynamic`). */
  flush(): void {
    for (const [mac, { state }] of this.#entries) if (state === "learned") this.#entries.delete(mac);
  }

  /** A frame from `mac` came from `remote` (`vxlan_snoop`). */
  learn(mac: MacAddress, remote: IpAddress, now: Nanos): LearnResult {
    const entry = this.#entries.get(mac);
    if (entry === undefined) {
      if (this.#isFull()) return "full";
      this.#insert({ mac, state: "learned", remotes: [{ ip: remote }], used: now, updated: now });
      return "learned";
    }
    if (entry.remotes[0]?.ip === remote) {
      entry.used = now;
      return "known";
    }
    // A station that was told to be elsewhere does not move because somebody says so.
    if (entry.state !== "learned") return "refused";
    entry.remotes = [{ ip: remote }];
    entry.used = now;
    entry.updated = now;
    return "moved";
  }

  /** Takes away what has not been used for the ageing time, and tells of each. */
  age(now: Nanos, onAged: (mac: MacAddress) => void): void {
    if (now < this.#deadline) return;
    let next = NEVER;
    for (const [mac, { state, used }] of this.#entries) {
      if (state !== "learned") continue;
      const end = used + this.#ageing;
      if (end > now) {
        next = Math.min(next, end);
        continue;
      }
      this.#entries.delete(mac);
      onAged(mac);
    }
    this.#deadline = next;
  }

  /** Every entry, in the order in which they came. */
  entries(): FdbEntry[] {
    return [...this.#entries.values()].map((entry) => ({ ...entry }));
  }

  #insert(entry: MutableEntry): void {
    if (this.#isFull()) throw new SevilleError("ENOSPC", `there are ${this.#limit} entries already`, "maxaddr");
    this.#entries.set(entry.mac, entry);
    if (entry.state === "learned") this.#expectAgeing(entry.used);
  }

  #isFull(): boolean {
    return this.#limit > 0 && this.#entries.size >= this.#limit;
  }

  /** An ageing time of 0 means never, as in Linux. */
  #expectAgeing(used: Nanos): void {
    if (this.#ageing > 0) this.#deadline = Math.min(this.#deadline, used + this.#ageing);
  }
}

function isSame(a: VxlanRemote, b: VxlanRemote): boolean {
  return a.ip === b.ip && a.vni === b.vni && a.port === b.port;
}

function checkMac(mac: MacAddress): void {
  if (mac !== ZERO_MAC && !isStationMac(mac)) throw invalidArgument("mac", "a station's or all zeros", formatMac(mac));
}

/** The entries as `bridge fdb show dev NAME` prints them, a line for each remote. */
export function formatFdb(entries: readonly FdbEntry[], device: string): string {
  const lines = entries.flatMap(({ mac, state, remotes }) =>
    remotes.map(({ ip, vni, port }) => {
      const where = [`dst ${formatIp(ip)}`];
      if (port !== undefined) where.push(`port ${port}`);
      if (vni !== undefined) where.push(`vni ${vni}`);
      const what = state === "learned" ? "" : ` ${state}`;
      return `${formatMac(mac)} dev ${device} ${where.join(" ")} self${what}`;
    }),
  );
  return lines.join("\n");
}
