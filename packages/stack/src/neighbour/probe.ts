import type { Neighbour } from "./neighbour.ts";
import { NUD_PROBE } from "./nud-state.ts";
import type { NeighbourTable } from "./table.ts";

/** Sends one solicitation: first to the address that was known, then to a daemon, then to everyone. */
export function probe<Key>(table: NeighbourTable<Key>, neighbour: Neighbour<Key>): void {
  const { conf } = neighbour.device;
  const { probes } = neighbour;
  // Counted before it is sent: sending may come back here.
  neighbour.probes++;
  if (probes >= conf.ucast_solicit && probes < conf.ucast_solicit + conf.app_solicit) {
    table.operations.askApplication?.(neighbour);
    return;
  }
  table.operations.solicit(neighbour, probes < conf.ucast_solicit, neighbour.queue.at(-1));
}

/** How many probes go out before the neighbour is given up (`neigh_max_probes`). */
export function probeLimit<Key>(neighbour: Neighbour<Key>): number {
  const { conf } = neighbour.device;
  const everyone = neighbour.nudState === NUD_PROBE ? conf.mcast_resolicit : conf.mcast_solicit;
  return conf.ucast_solicit + conf.app_solicit + everyone;
}
