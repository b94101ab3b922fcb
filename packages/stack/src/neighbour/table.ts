import type { Nanos, Random, Scheduler } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { NeighConf } from "../host/sysctl-ipv4.ts";
import { SoftTimers } from "../timer/soft-timers.ts";
import { armPeriodicCollection, collectForRoom } from "./collect.ts";
import { NeighbourDevice } from "./device.ts";
import { sendWhenResolved } from "./event-send.ts";
import { Neighbour } from "./neighbour.ts";
import {
  NUD_CONNECTED,
  NUD_NOARP,
  NUD_NONE,
  NUD_PERMANENT,
  NUD_VALID,
  nudStateName,
  type NudState,
} from "./nud-state.ts";
import { neighbourTimer } from "./nud-timer.ts";
import { neighbourStatistics, type NeighbourOperations, type NeighbourStatistics } from "./operations.ts";
import { drawReachableTime, REDRAW_INTERVAL } from "./parameters.ts";
import { updateNeighbour } from "./update.ts";

export interface NeighbourTableOptions<Key> {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly operations: NeighbourOperations<Key>;
  /** `neigh/default`: the thresholds of collection are read from it at every use. */
  readonly defaults: Readonly<NeighConf>;
}

/**
 * The neighbours of a host in one family: the same machine serves ARP (keys are numbers) and neighbour discovery (keys
 * are addresses without zone), as in net/core/neighbour.c and RFC 4861 §7.3.
 *
 * All its deadlines are behind one event of the scheduler.
 */
export class NeighbourTable<Key> {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly operations: NeighbourOperations<Key>;
  readonly defaults: Readonly<NeighConf>;
  readonly statistics: NeighbourStatistics = neighbourStatistics();
  readonly devices: Map<number, NeighbourDevice<Key>> = new Map<number, NeighbourDevice<Key>>();
  readonly timers: SoftTimers<Neighbour<Key>>;
  /** Entries that count against the thresholds: all but PERMANENT ones. */
  collectable = 0;
  /** When room was last made by force. */
  lastForced: Nanos = -Infinity;
  /** The periodic collector waits for its turn. */
  collecting = false;

  constructor(options: NeighbourTableOptions<Key>) {
    this.scheduler = options.scheduler;
    this.random = options.random;
    this.operations = options.operations;
    this.defaults = options.defaults;
    this.timers = new SoftTimers(options.scheduler, (neighbour, now) => {
      neighbourTimer(this, neighbour, now);
    });
  }

  /** An interface begins to have neighbours. `conf` is read at every use, so that a sysctl acts at once. */
  attach(ifindex: number, name: string, conf: NeighConf): NeighbourDevice<Key> {
    const device = new NeighbourDevice<Key>(ifindex, name, conf);
    this.redraw(device);
    this.devices.set(ifindex, device);
    return device;
  }

  /** The interface is gone. */
  detach(device: NeighbourDevice<Key>): void {
    this.flush(device);
    this.devices.delete(device.ifindex);
  }

  /** `base_reachable_time_ms` was written, by a sysctl or a router's advertisement: the reachable time follows at once. */
  redraw(device: NeighbourDevice<Key>): void {
    device.reachableTime = drawReachableTime(device.conf, this.random);
    device.redrawAt = this.scheduler.now + REDRAW_INTERVAL;
  }

  /** How long an entry of `device` stays REACHABLE, drawn anew every 300 s. */
  reachableTime(device: NeighbourDevice<Key>): Nanos {
    if (this.scheduler.now >= device.redrawAt) this.redraw(device);
    return device.reachableTime;
  }

  lookup(device: NeighbourDevice<Key>, key: Key): Neighbour<Key> | undefined {
    this.statistics.lookups++;
    const neighbour = device.entries.get(key);
    if (neighbour !== undefined) this.statistics.hits++;
    return neighbour;
  }

  /** The neighbour `key`, made if it is not there. `undefined`: the table is full (NEIGH_CREATEFAIL). */
  create(device: NeighbourDevice<Key>, key: Key, permanent = false): Neighbour<Key> | undefined {
    const there = device.entries.get(key);
    if (there !== undefined) return there;
    const now = this.scheduler.now;
    if (!permanent && !collectForRoom(this, now)) {
      this.statistics.tableFulls++;
      return undefined;
    }
    const neighbour = new Neighbour(key, device, now);
    const known = this.operations.known?.(key, device);
    if (known !== undefined) {
      neighbour.nudState = NUD_NOARP;
      neighbour.lladdr = known.lladdr;
    }
    device.entries.set(key, neighbour);
    this.statistics.allocs++;
    this.count(neighbour, !permanent);
    armPeriodicCollection(this);
    return neighbour;
  }

  /**
   * Sends `packet` to `key`: at once where the address is known, else when it becomes known. Takes the packet.
   * The way of every packet that leaves: one `get` and one comparison when the neighbour is connected.
   */
  send(device: NeighbourDevice<Key>, key: Key, packet: Packet): void {
    const neighbour = device.entries.get(key) ?? this.create(device, key);
    if (neighbour === undefined) this.operations.drop(packet, "NEIGH_CREATEFAIL");
    else this.output(neighbour, packet);
  }

  /** As {@link NeighbourTable.send}, for a neighbour that a route remembers. */
  output(neighbour: Neighbour<Key>, packet: Packet): void {
    if ((neighbour.nudState & NUD_CONNECTED) !== 0) this.operations.transmit(neighbour, packet);
    else sendWhenResolved(this, neighbour, packet);
  }

  /** Begins to resolve or to verify without a packet (`ip neigh … use`, a router's probe). */
  use(neighbour: Neighbour<Key>): void {
    if ((neighbour.nudState & NUD_CONNECTED) === 0) sendWhenResolved(this, neighbour, undefined);
  }

  /** Somebody told something: see {@link updateNeighbour}. */
  update(neighbour: Neighbour<Key>, lladdr: number | undefined, state: NudState, flags: number): void {
    updateNeighbour(this, neighbour, lladdr, state, flags);
  }

  /** An upper layer knows that the neighbour answers (RFC 4861 §7.3.1). Looked at when the timer comes. */
  confirm(device: NeighbourDevice<Key>, key: Key): void {
    const neighbour = device.entries.get(key);
    if (neighbour !== undefined) neighbour.confirmed = this.scheduler.now;
  }

  /** Takes an entry out (`ip neigh del`; collection). What waits is dropped. */
  remove(neighbour: Neighbour<Key>): void {
    if (neighbour.dead) return;
    neighbour.dead = true;
    this.timers.disarm(neighbour);
    neighbour.device.entries.delete(neighbour.key);
    this.statistics.destroys++;
    this.count(neighbour, false);
    this.purge(neighbour);
    neighbour.nudState = (neighbour.nudState & NUD_VALID) !== 0 ? NUD_NOARP : NUD_NONE;
    this.operations.changed?.(neighbour, true);
  }

  /** Forgets the neighbours of an interface (its address changed, it went down). `keepPermanent`: the carrier went only. */
  flush(device: NeighbourDevice<Key>, keepPermanent = false): void {
    for (const neighbour of [...device.entries.values()]) {
      if (keepPermanent && (neighbour.nudState & NUD_PERMANENT) !== 0) continue;
      this.remove(neighbour);
    }
  }

  /** Whether `neighbour` counts against the thresholds from now on. */
  count(neighbour: Neighbour<Key>, counts: boolean): void {
    if (neighbour.counted === counts) return;
    neighbour.counted = counts;
    this.collectable += counts ? 1 : -1;
  }

  /** Drops what waits for `neighbour`. */
  purge(neighbour: Neighbour<Key>): void {
    for (let packet = neighbour.queue.shift(); packet !== undefined; packet = neighbour.queue.shift()) {
      this.operations.drop(packet, "NEIGH_DEAD");
    }
    neighbour.queueBytes = 0;
  }

  /** Every entry, interface by interface, oldest first. */
  *entries(): IterableIterator<Neighbour<Key>> {
    for (const device of this.devices.values()) yield* device.entries.values();
  }
}

/** A line of `ip neigh`, without the address: `dev eth0 lladdr 02:… router REACHABLE`. */
export function neighbourLine<Key>(neighbour: Neighbour<Key>, formatLladdr: (lladdr: number) => string): string {
  const words = ["dev", neighbour.device.name];
  if (neighbour.valid) words.push("lladdr", formatLladdr(neighbour.lladdr));
  if (neighbour.isRouter) words.push("router");
  words.push(nudStateName(neighbour.nudState));
  return words.join(" ");
}
