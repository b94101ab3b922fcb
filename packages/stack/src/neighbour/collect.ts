import { NS_PER_MS, NS_PER_SEC, type Nanos } from "@seville/core";
import type { Neighbour } from "./neighbour.ts";
import { NTF_EXT_LEARNED, NUD_FAILED, NUD_IN_TIMER, NUD_NOARP, NUD_PERMANENT } from "./nud-state.ts";
import { FORCED_GC_INTERVAL } from "./parameters.ts";
import type { NeighbourTable } from "./table.ts";

/**
 * Makes room for one more entry if the thresholds say so (`neigh_alloc`, `neigh_forced_gc`). `false`: the table is full.
 */
export function collectForRoom<Key>(table: NeighbourTable<Key>, now: Nanos): boolean {
  const { gc_thresh2: soft, gc_thresh3: hard } = table.defaults;
  const full = table.collectable >= hard;
  if (!full && (table.collectable < soft || now < table.lastForced + FORCED_GC_INTERVAL)) return true;
  table.statistics.forcedGcRuns++;
  table.lastForced = now;
  const excess = table.collectable - soft;
  let removed = 0;
  for (const neighbour of [...table.entries()]) {
    if (removed > 0 && removed >= excess) break;
    if (!mayBeForced(neighbour, now)) continue;
    table.remove(neighbour);
    removed++;
  }
  return !full || removed > 0;
}

/** Not permanent, not from outside; failed, or not touched in the last five seconds. */
function mayBeForced<Key>(neighbour: Neighbour<Key>, now: Nanos): boolean {
  if ((neighbour.nudState & NUD_PERMANENT) !== 0 || (neighbour.flags & NTF_EXT_LEARNED) !== 0) return false;
  if ((neighbour.nudState & (NUD_FAILED | NUD_NOARP)) !== 0) return true;
  return now - neighbour.updated > FORCED_GC_INTERVAL;
}

/**
 * Sets the periodic collector of `table` going if there are enough entries to care for (`neigh_periodic_work`).
 * Below `gc_thresh1` there is nothing to do, and a quiet host has no events.
 */
export function armPeriodicCollection<Key>(table: NeighbourTable<Key>): void {
  if (table.collecting || table.collectable < table.defaults.gc_thresh1) return;
  table.collecting = true;
  table.scheduler.schedule(table.scheduler.now + period(table), {
    handleEvent(_argument, now) {
      table.collecting = false;
      collectPeriodically(table, now);
      armPeriodicCollection(table);
    },
  });
}

/** One round: failed entries and stale ones that nobody used for `gc_stale_time` go, unless the table is small. */
export function collectPeriodically<Key>(table: NeighbourTable<Key>, now: Nanos): void {
  table.statistics.periodicGcRuns++;
  if (table.collectable < table.defaults.gc_thresh1) return;
  for (const neighbour of [...table.entries()]) {
    if ((neighbour.nudState & (NUD_PERMANENT | NUD_IN_TIMER)) !== 0) continue;
    if ((neighbour.flags & NTF_EXT_LEARNED) !== 0) continue;
    if (neighbour.used < neighbour.confirmed && neighbour.confirmed <= now) neighbour.used = neighbour.confirmed;
    const old = now > neighbour.used + neighbour.device.conf.gc_stale_time * NS_PER_SEC;
    if (neighbour.nudState === NUD_FAILED || old) table.remove(neighbour);
  }
}

/** Half the base reachable time, as the kernel cycles (at least a second). */
function period<Key>(table: NeighbourTable<Key>): Nanos {
  return Math.max((table.defaults.base_reachable_time_ms * NS_PER_MS) / 2, NS_PER_SEC);
}
