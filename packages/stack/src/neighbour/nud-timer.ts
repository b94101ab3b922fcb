import { NS_PER_SEC, type Nanos } from "@seville/core";
import type { Neighbour } from "./neighbour.ts";
import {
  NUD_DELAY,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_IN_TIMER,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
  type NudState,
} from "./nud-state.ts";
import { retransTime, SHORTEST_TIMER } from "./parameters.ts";
import { probe, probeLimit } from "./probe.ts";
import type { NeighbourTable } from "./table.ts";

/** The deadline of one neighbour has come: RFC 4861 App. C as net/core/neighbour.c has it (`neigh_timer_handler`). */
export function neighbourTimer<Key>(table: NeighbourTable<Key>, neighbour: Neighbour<Key>, now: Nanos): void {
  const { conf } = neighbour.device;
  const reachableTime = table.reachableTime(neighbour.device);
  const delay = conf.delay_first_probe_time * NS_PER_SEC;
  let next = now + retransTime(conf);

  if (neighbour.nudState === NUD_REACHABLE) {
    if (now < neighbour.confirmed + reachableTime) {
      next = neighbour.confirmed + reachableTime;
    } else if (now < neighbour.used + delay) {
      enter(neighbour, NUD_DELAY, now);
      next = now + delay;
    } else {
      enter(neighbour, NUD_STALE, now);
      table.operations.changed?.(neighbour, false);
    }
  } else if (neighbour.nudState === NUD_DELAY) {
    if (now <= neighbour.confirmed + delay) {
      enter(neighbour, NUD_REACHABLE, now);
      next = neighbour.confirmed + reachableTime;
    } else {
      enter(neighbour, NUD_PROBE, now);
      neighbour.probes = 0;
    }
    table.operations.changed?.(neighbour, false);
  }

  if ((neighbour.nudState & (NUD_INCOMPLETE | NUD_PROBE)) !== 0 && neighbour.probes >= probeLimit(neighbour)) {
    enter(neighbour, NUD_FAILED, now);
    failWaiting(table, neighbour);
    table.operations.changed?.(neighbour, false);
    return;
  }
  if ((neighbour.nudState & NUD_IN_TIMER) !== 0) table.timers.arm(neighbour, Math.max(next, now + SHORTEST_TIMER));
  if ((neighbour.nudState & (NUD_INCOMPLETE | NUD_PROBE)) !== 0) probe(table, neighbour);
}

/** Nobody answered: what waits is reported to its senders (`neigh_invalidate`). */
export function failWaiting<Key>(table: NeighbourTable<Key>, neighbour: Neighbour<Key>): void {
  table.statistics.resFailed++;
  // A report may send a packet that comes back here and begins a new resolution: then the rest waits for that one.
  while (neighbour.nudState === NUD_FAILED) {
    const packet = neighbour.queue.shift();
    if (packet === undefined) break;
    neighbour.queueBytes -= packet.end - packet.head;
    table.operations.unreachable(neighbour, packet);
  }
  if (neighbour.queue.length === 0) neighbour.queueBytes = 0;
}

function enter<Key>(neighbour: Neighbour<Key>, state: NudState, now: Nanos): void {
  neighbour.nudState = state;
  neighbour.updated = now;
}
