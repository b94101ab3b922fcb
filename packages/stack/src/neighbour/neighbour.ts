import { NS_PER_MS, type Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import { NO_TIMER, type Timed } from "../timer/soft-timers.ts";
import type { NeighbourDevice } from "./device.ts";
import { NTF_ROUTER, NUD_CONNECTED, NUD_NONE, NUD_VALID, type NudState } from "./nud-state.ts";

/**
 * What is known of one host on one link: `struct neighbour`.
 *
 * A route may keep a reference and use it while {@link Neighbour.dead} is false; nothing else needs to be asked then.
 */
export class Neighbour<Key> implements Timed {
  readonly key: Key;
  readonly device: NeighbourDevice<Key>;
  nudState: NudState = NUD_NONE;
  /** The link-layer address, 48 bits. Known while `nudState` is in NUD_VALID. */
  lladdr = 0;
  /** NTF_* bits. */
  flags = 0;
  /** Who made it, as `ip neigh … proto` says: RTPROT_* number, 0 unspecified. */
  protocol = 0;
  /** When reachability was last confirmed. */
  confirmed: Nanos;
  /** When a packet last asked for it while it was not connected. */
  used: Nanos;
  /** When state or address last changed. */
  updated: Nanos;
  /** Solicitations since the resolution or the probing began; resolution begins at `ucast_solicit`. */
  probes = 0;
  /** It counts against the thresholds of collection: all but PERMANENT entries do. */
  counted = false;
  /** It was taken out of its table: look the key up again. */
  dead = false;
  /** Packets that wait for the address, oldest first. */
  readonly queue: Packet[] = [];
  /** Bytes of memory that `queue` holds. */
  queueBytes = 0;

  timerAt: Nanos = 0;
  timerSlot: number = NO_TIMER;
  timerOrder = 0;

  constructor(key: Key, device: NeighbourDevice<Key>, now: Nanos) {
    this.key = key;
    this.device = device;
    this.used = now;
    this.updated = now;
    // Long ago, so that nobody takes a new entry for a confirmed one.
    this.confirmed = now - 2 * device.conf.base_reachable_time_ms * NS_PER_MS;
  }

  /** `lladdr` can be used without a second thought. */
  get connected(): boolean {
    return (this.nudState & NUD_CONNECTED) !== 0;
  }

  get valid(): boolean {
    return (this.nudState & NUD_VALID) !== 0;
  }

  /** It says of itself that it is a router (the R bit of its last advertisement, RFC 4861 §7.2.5). */
  get isRouter(): boolean {
    return (this.flags & NTF_ROUTER) !== 0;
  }
}
