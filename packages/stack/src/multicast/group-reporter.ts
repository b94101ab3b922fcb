import { NS_PER_SEC, type Nanos, type Random, type Scheduler } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import { idleTimer, NO_TIMER, SoftTimers, type Timed } from "../timer/soft-timers.ts";
import { currentStateRecord, NOTHING, type GroupRecord, type Reception } from "./group-record.ts";
import { PendingChange } from "./pending-change.ts";

/** How a host talks of its groups: the version of the oldest router heard lately. MLD: `current` is 2 and `v1` is 1. */
export type ReporterMode = "current" | "v2" | "v1";

/** A query, taken apart. Times in nanoseconds. */
export interface GroupQuery<A extends IpAddress> {
  /** The version that its form shows. */
  readonly version: ReporterMode;
  /** `undefined`: about all groups. */
  readonly group: A | undefined;
  readonly sources: readonly A[];
  readonly maxResponse: Nanos;
  /** Querier's robustness variable, 0: not said. */
  readonly robustness: number;
  /** Querier's query interval, 0: not said. */
  readonly interval: Nanos;
}

/** The wire below a {@link GroupReporter}: IGMP or MLD. */
export interface GroupReporterProtocol<A extends IpAddress> {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Whether routers are told of `group` at all (not of the all-nodes group; RFC 3810 §6, RFC 3376 §4). */
  reports(group: A): boolean;
  /** Sends records of the current version. */
  sendRecords(records: readonly GroupRecord<A>[]): void;
  sendOldReport(mode: ReporterMode, group: A): void;
  /** Says nothing in a version that has no leave (IGMPv1). */
  sendOldLeave(mode: ReporterMode, group: A): void;
  /** `igmp_qrv`, `mld_qrv`. */
  defaultRobustness(): number;
  /** The longest time between two unsolicited reports. */
  unsolicitedInterval(mode: ReporterMode): Nanos;
  /** `force_igmp_version`, `force_mld_version` as a mode; `undefined`: as the routers speak. */
  forcedMode(): ReporterMode | undefined;
  /** How long an IGMPv1 or IGMPv2/MLDv1 router counts after its query. */
  olderQuerierPresent(mode: ReporterMode, robustness: number, interval: Nanos, maxResponse: Nanos): Nanos;
}

/** Counts from which the querier's robustness and interval begin (RFC 3376 §8.2, RFC 3810 §9.2). */
const DEFAULT_QUERY_INTERVAL: Nanos = 125 * NS_PER_SEC;

interface GroupTimer<A extends IpAddress> extends Timed {
  readonly kind: "group";
  readonly group: A;
  /** Sources asked for; empty: the whole group. */
  asked: A[];
}

interface OldTimer<A extends IpAddress> extends Timed {
  readonly kind: "old";
  readonly group: A;
  /** Unsolicited reports that are left. */
  unsolicited: number;
  /** We were the last to report it: a leave is due (RFC 2236 §3, RFC 2710 §4). */
  reporter: boolean;
}

interface InterfaceTimer extends Timed {
  readonly kind: "general" | "change" | "restate";
}

type Timer<A extends IpAddress> = GroupTimer<A> | OldTimer<A> | InterfaceTimer;

/**
 * Tells multicast routers of the groups of one interface: the host side of IGMPv3 and MLDv2 and of their predecessors
 * (RFC 3376/9776 §5 and §7, RFC 3810/9777 §6 and §8). Both protocols are the same machine.
 */
export class GroupReporter<A extends IpAddress> {
  readonly #wire: GroupReporterProtocol<A>;
  readonly #timers: SoftTimers<Timer<A>>;
  readonly #states = new Map<A, Reception<A>>();
  readonly #changes = new Map<A, PendingChange<A>>();
  readonly #groupTimers = new Map<A, GroupTimer<A>>();
  readonly #oldTimers = new Map<A, OldTimer<A>>();
  readonly #general: InterfaceTimer = { kind: "general", ...idleTimer() };
  readonly #change: InterfaceTimer = { kind: "change", ...idleTimer() };
  readonly #restate: InterfaceTimer = { kind: "restate", ...idleTimer() };
  #restatements = 0;
  #robustness: number;
  #interval: Nanos = DEFAULT_QUERY_INTERVAL;
  #v1Until: Nanos = -Infinity;
  #v2Until: Nanos = -Infinity;
  #running = false;

  constructor(wire: GroupReporterProtocol<A>) {
    this.#wire = wire;
    this.#robustness = wire.defaultRobustness();
    this.#timers = new SoftTimers(wire.scheduler, (timer) => {
      this.#expire(timer);
    });
  }

  /** The version that is spoken now. */
  get mode(): ReporterMode {
    const forced = this.#wire.forcedMode();
    if (forced !== undefined) return forced;
    const { now } = this.#wire.scheduler;
    if (now < this.#v1Until) return "v1";
    return now < this.#v2Until ? "v2" : "current";
  }

  get robustness(): number {
    return this.#robustness;
  }

  /** The interface is up: everything that is joined is told. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    for (const [group, state] of this.#states) this.#announce(group, NOTHING, state);
  }

  /** The interface is down: nothing is said, and what older routers said is forgotten. */
  stop(): void {
    this.#running = false;
    this.#changes.clear();
    this.#groupTimers.forEach((timer) => this.#timers.disarm(timer));
    this.#groupTimers.clear();
    this.#oldTimers.forEach((timer) => this.#timers.disarm(timer));
    this.#oldTimers.clear();
    for (const timer of [this.#general, this.#change, this.#restate]) this.#timers.disarm(timer);
    this.#v1Until = -Infinity;
    this.#v2Until = -Infinity;
    this.#robustness = this.#wire.defaultRobustness();
    this.#interval = DEFAULT_QUERY_INTERVAL;
  }

  /** The interface wants something else of `group` from now on; `undefined`: nothing. */
  changed(group: A, after: Reception<A> | undefined): void {
    const before = this.#states.get(group) ?? NOTHING;
    if (after === undefined) this.#states.delete(group);
    else this.#states.set(group, after);
    if (after === undefined) {
      const pending = this.#groupTimers.get(group);
      if (pending !== undefined) this.#timers.disarm(pending);
      this.#groupTimers.delete(group);
    }
    if (this.#running) this.#announce(group, before, after ?? NOTHING);
  }

  /**
   * Says everything again: what was reported while the interface had no address of its own reached nobody for sure
   * (RFC 3810 §5.2.13, Linux `ipv6_mc_dad_complete`).
   */
  restate(): void {
    if (!this.#running || this.mode !== "current") return;
    this.#restatements = this.#robustness;
    this.#sayAll();
  }

  /** A router asks. */
  query(query: GroupQuery<A>): void {
    if (!this.#running) return;
    const { now } = this.#wire.scheduler;
    if (query.version === "current") {
      if (this.mode !== "current") {
        // An older router is still there: its form of answer, to this question too.
        this.#answerOld(query);
        return;
      }
      // A QRV of 0 says that the value is over 7: then the default counts (RFC 3376 §4.1.6).
      this.#robustness = query.robustness === 0 ? this.#wire.defaultRobustness() : query.robustness;
      if (query.interval > 0) this.#interval = query.interval;
      this.#answer(query, now);
      return;
    }
    if (this.#wire.forcedMode() === "current") return;
    this.#fallBack(query, now);
    this.#answerOld(query);
  }

  /** Another host reported `group` in an older version: we need not (RFC 2236 §3, RFC 2710 §4). */
  reportHeard(group: A): void {
    const timer = this.#oldTimers.get(group);
    if (timer === undefined || this.mode === "current") return;
    this.#timers.disarm(timer);
    timer.reporter = false;
    timer.unsolicited = 0;
  }

  #announce(group: A, before: Reception<A>, after: Reception<A>): void {
    if (!this.#wire.reports(group)) return;
    const { mode } = this;
    if (mode !== "current") {
      this.#announceOld(mode, group, before, after);
      return;
    }
    let pending = this.#changes.get(group);
    if (pending === undefined) this.#changes.set(group, (pending = new PendingChange<A>(group, after)));
    pending.change(before, after, this.#robustness);
    if (pending.isDone) this.#changes.delete(group);
    else this.#timers.armNoLater(this.#change, this.#wire.scheduler.now);
  }

  /** Older versions know joined and left only. */
  #announceOld(mode: ReporterMode, group: A, before: Reception<A>, after: Reception<A>): void {
    const was = isJoined(before);
    const is = isJoined(after);
    if (was === is) return;
    let timer = this.#oldTimers.get(group);
    if (is) {
      timer = this.#oldTimer(group);
      timer.unsolicited = this.#robustness;
      this.#timers.arm(timer, this.#wire.scheduler.now);
      return;
    }
    if (timer === undefined) return;
    this.#timers.disarm(timer);
    this.#oldTimers.delete(group);
    if (timer.reporter) this.#wire.sendOldLeave(mode, group);
  }

  #oldTimer(group: A): OldTimer<A> {
    let timer = this.#oldTimers.get(group);
    if (timer === undefined) {
      timer = { kind: "old", group, unsolicited: 0, reporter: false, ...idleTimer() };
      this.#oldTimers.set(group, timer);
    }
    return timer;
  }

  /** An older router was heard: what is pending in the newer form is forgotten (RFC 3376 §7.2.1, RFC 3810 §8.2.1). */
  #fallBack(query: GroupQuery<A>, now: Nanos): void {
    const until =
      now + this.#wire.olderQuerierPresent(query.version, this.#robustness, this.#interval, query.maxResponse);
    if (query.version === "v1") this.#v1Until = until;
    else this.#v2Until = until;
    this.#changes.clear();
    this.#groupTimers.forEach((timer) => this.#timers.disarm(timer));
    this.#groupTimers.clear();
    for (const timer of [this.#general, this.#change, this.#restate]) this.#timers.disarm(timer);
  }

  /** RFC 3376 §5.2, RFC 3810 §6.2: one answer, at a random time, for what is asked. */
  #answer(query: GroupQuery<A>, now: Nanos): void {
    const at = now + this.#delay(query.maxResponse);
    const general = this.#general;
    if (general.timerSlot !== NO_TIMER && general.timerAt < at) return;
    const { group } = query;
    if (group === undefined) {
      this.#timers.arm(general, at);
      return;
    }
    if (!this.#states.has(group) || !this.#wire.reports(group)) return;
    const timer = this.#groupTimers.get(group);
    if (timer === undefined) {
      const fresh: GroupTimer<A> = { kind: "group", group, asked: [...query.sources], ...idleTimer() };
      this.#groupTimers.set(group, fresh);
      this.#timers.arm(fresh, at);
      return;
    }
    if (query.sources.length === 0 || timer.asked.length === 0) timer.asked = [];
    else timer.asked = [...new Set([...timer.asked, ...query.sources])];
    this.#timers.armNoLater(timer, at);
  }

  #answerOld(query: GroupQuery<A>): void {
    const { now } = this.#wire.scheduler;
    for (const group of this.#states.keys()) {
      if ((query.group !== undefined && query.group !== group) || !this.#wire.reports(group)) continue;
      this.#timers.armNoLater(this.#oldTimer(group), now + this.#delay(query.maxResponse));
    }
  }

  #expire(timer: Timer<A>): void {
    switch (timer.kind) {
      case "general":
        this.#sendCurrent();
        break;
      case "group": {
        this.#groupTimers.delete(timer.group);
        const state = this.#states.get(timer.group);
        const record = state === undefined ? undefined : currentStateRecord(timer.group, state, timer.asked);
        if (record !== undefined) this.#wire.sendRecords([record]);
        break;
      }
      case "change":
        this.#sendChanges();
        break;
      case "restate":
        this.#sayAll();
        break;
      case "old":
        timer.reporter = true;
        if (timer.unsolicited > 0) timer.unsolicited--;
        if (timer.unsolicited > 0) {
          this.#timers.arm(timer, this.#wire.scheduler.now + this.#delay(this.#wire.unsolicitedInterval(this.mode)));
        }
        if (this.mode === "current") {
          const state = this.#states.get(timer.group);
          const record = state === undefined ? undefined : currentStateRecord(timer.group, state);
          if (record !== undefined) this.#wire.sendRecords([record]);
        } else {
          this.#wire.sendOldReport(this.mode, timer.group);
        }
        break;
    }
  }

  /** The answer to a general query. */
  #sendCurrent(): void {
    const records: GroupRecord<A>[] = [];
    for (const [group, state] of this.#states) {
      if (!this.#wire.reports(group)) continue;
      const record = currentStateRecord(group, state);
      if (record !== undefined) records.push(record);
    }
    if (records.length > 0) this.#wire.sendRecords(records);
  }

  #sendChanges(): void {
    const records: GroupRecord<A>[] = [];
    for (const [group, pending] of this.#changes) {
      records.push(...pending.take());
      if (pending.isDone) this.#changes.delete(group);
    }
    if (this.#changes.size > 0) {
      const pause = this.#delay(this.#wire.unsolicitedInterval("current"));
      this.#timers.arm(this.#change, this.#wire.scheduler.now + pause);
    }
    if (records.length > 0) this.#wire.sendRecords(records);
  }

  #sayAll(): void {
    this.#restatements--;
    const records: GroupRecord<A>[] = [];
    for (const [group, state] of this.#states) {
      if (!this.#wire.reports(group)) continue;
      const change = new PendingChange<A>(group, state);
      change.restate(1);
      records.push(...change.take());
    }
    if (this.#restatements > 0) {
      const pause = this.#delay(this.#wire.unsolicitedInterval("current"));
      this.#timers.arm(this.#restate, this.#wire.scheduler.now + pause);
    }
    if (records.length > 0) this.#wire.sendRecords(records);
  }

  /** A random time up to `longest`. */
  #delay(longest: Nanos): Nanos {
    return longest < 1 ? 0 : this.#wire.random.below(Math.floor(longest) + 1);
  }
}

function isJoined(state: Reception): boolean {
  return state.filterMode === "exclude" || state.sources.length > 0;
}
