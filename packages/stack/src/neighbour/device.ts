import type { Nanos } from "@seville/core";
import type { NeighConf } from "../host/sysctl-ipv4.ts";
import type { Neighbour } from "./neighbour.ts";

/** One interface as a neighbour table sees it: its entries, its parameters, and the reachable time drawn for it. */
export class NeighbourDevice<Key> {
  readonly ifindex: number;
  readonly name: string;
  readonly conf: NeighConf;
  /** The fast path: one `get` finds the neighbour of a next hop. */
  readonly entries: Map<Key, Neighbour<Key>> = new Map<Key, Neighbour<Key>>();
  /** Nanoseconds that an entry stays REACHABLE; drawn anew every 300 s and when the base changes. */
  reachableTime: Nanos = 0;
  /** When it is drawn again. */
  redrawAt: Nanos = 0;

  constructor(ifindex: number, name: string, conf: NeighConf) {
    this.ifindex = ifindex;
    this.name = name;
    this.conf = conf;
  }
}
