import { NS_PER_MS } from "@seville/core";
import type { Neighbour } from "./neighbour.ts";
import { failWaiting } from "./nud-timer.ts";
import {
  NEIGH_UPDATE_ADMIN,
  NEIGH_UPDATE_EXT_LEARNED,
  NEIGH_UPDATE_ISROUTER,
  NEIGH_UPDATE_OVERRIDE,
  NEIGH_UPDATE_OVERRIDE_ISROUTER,
  NEIGH_UPDATE_WEAK_OVERRIDE,
  NTF_EXT_LEARNED,
  NTF_ROUTER,
  NUD_CONNECTED,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_IN_TIMER,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
  NUD_VALID,
  type NudState,
} from "./nud-state.ts";
import { SHORTEST_TIMER } from "./parameters.ts";
import type { NeighbourTable } from "./table.ts";

/**
 * What a message or the administrator says of `neighbour` (`neigh_update`): the rules of RFC 4861 §7.2.5 and App. C,
 * with which the override and router flags of an advertisement act, and ARP's through the same words.
 *
 * `lladdr` undefined: nothing was said of the address, so the state can only change where one is known.
 */
export function updateNeighbour<Key>(
  table: NeighbourTable<Key>,
  neighbour: Neighbour<Key>,
  lladdr: number | undefined,
  state: NudState,
  flags: number,
): void {
  const old = neighbour.nudState;
  const admin = (flags & NEIGH_UPDATE_ADMIN) !== 0;
  if (neighbour.dead || (!admin && (old & (NUD_NOARP | NUD_PERMANENT)) !== 0)) return;
  const now = table.scheduler.now;
  if ((flags & NEIGH_UPDATE_EXT_LEARNED) !== 0) neighbour.flags |= NTF_EXT_LEARNED;

  if ((state & NUD_VALID) === 0) {
    invalidate(table, neighbour, state, old);
    return;
  }

  const wasValid = (old & NUD_VALID) !== 0;
  if (lladdr === undefined) {
    if (!wasValid) return;
    lladdr = neighbour.lladdr;
  }
  // An answer confirms that the neighbour is there even where it changes nothing.
  if ((state & NUD_CONNECTED) !== 0) neighbour.confirmed = now;

  let updatesRouter = (flags & NEIGH_UPDATE_OVERRIDE_ISROUTER) !== 0;
  if (wasValid) {
    if (lladdr !== neighbour.lladdr && (flags & NEIGH_UPDATE_OVERRIDE) === 0) {
      updatesRouter = false;
      if ((flags & NEIGH_UPDATE_WEAK_OVERRIDE) === 0 || (old & NUD_CONNECTED) === 0) return;
      lladdr = neighbour.lladdr;
      state = NUD_STALE;
    } else if (lladdr === neighbour.lladdr && state === NUD_STALE && !admin) {
      state = old;
    }
  }

  let changed = false;
  const moved = lladdr !== neighbour.lladdr;
  // Not for what changes nothing: that would move the window of `locktime`.
  if (state !== old || moved) neighbour.updated = now;
  if (state !== old) {
    enter(table, neighbour, state);
    changed = true;
  }
  if (moved) {
    neighbour.lladdr = lladdr;
    if ((state & NUD_CONNECTED) === 0) {
      neighbour.confirmed = now - 2 * neighbour.device.conf.base_reachable_time_ms * NS_PER_MS;
    }
    changed = true;
  }
  if (updatesRouter && setRouter(neighbour, (flags & NEIGH_UPDATE_ISROUTER) !== 0)) changed = true;
  if (!wasValid) sendWaiting(table, neighbour);
  if (changed) table.operations.changed?.(neighbour, false);
}

/** It has no address any more. */
function invalidate<Key>(table: NeighbourTable<Key>, neighbour: Neighbour<Key>, state: NudState, old: NudState): void {
  table.timers.disarm(neighbour);
  neighbour.nudState = state;
  table.count(neighbour, (state & NUD_PERMANENT) === 0);
  if ((old & (NUD_INCOMPLETE | NUD_PROBE)) !== 0 && state === NUD_FAILED) {
    neighbour.updated = table.scheduler.now;
    failWaiting(table, neighbour);
  }
  if ((old & NUD_VALID) !== 0 || state === NUD_FAILED) table.operations.changed?.(neighbour, false);
}

function enter<Key>(table: NeighbourTable<Key>, neighbour: Neighbour<Key>, state: NudState): void {
  const now = table.scheduler.now;
  table.timers.disarm(neighbour);
  if (state === NUD_PROBE) neighbour.probes = 0;
  if ((state & NUD_IN_TIMER) !== 0) {
    const wait = state === NUD_REACHABLE ? Math.max(table.reachableTime(neighbour.device), SHORTEST_TIMER) : 0;
    table.timers.arm(neighbour, now + wait);
  }
  neighbour.nudState = state;
  table.count(neighbour, (state & NUD_PERMANENT) === 0);
}

function setRouter<Key>(neighbour: Neighbour<Key>, router: boolean): boolean {
  if (neighbour.isRouter === router) return false;
  neighbour.flags ^= NTF_ROUTER;
  return true;
}

/** The address is known: everything that waited goes, in order. */
function sendWaiting<Key>(table: NeighbourTable<Key>, neighbour: Neighbour<Key>): void {
  const waiting = neighbour.queue.splice(0);
  neighbour.queueBytes = 0;
  for (const packet of waiting) table.output(neighbour, packet);
}
