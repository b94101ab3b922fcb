import { installTcp } from "@seville/stack/tcp";
import type { PartRuntime } from "../world.ts";
import { tcpBulk } from "./bulk.ts";
import { tcpRequests } from "./requests.ts";

/** `tcp` and `tcpRequests`. Every host of such a scenario speaks TCP: one that nobody talks to answers with RST, as a host does. */
export const tcpTraffic: PartRuntime = {
  build(world, phase) {
    if (phase !== "interfaces") return;
    for (const host of world.hosts.values()) installTcp(host);
  },
  traffic: { tcp: tcpBulk, tcpRequests },
};
