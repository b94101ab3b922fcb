import { PacketPool } from "../../../packages/packet/src/index.ts";
import type { TcpConnection } from "../../../packages/tcp/src/index.ts";
import { Pair } from "./pair.ts";

const PORTS = 50_000;

/** Bytes of heap, and of arrays outside of it, that one of `count` connections costs at each end, idle or in TIME-WAIT. */
export function bytesEach(count: number, state: "idle" | "time-wait"): number {
  const pool = new PacketPool({ small: 1024, jumbo: 4, super: 4 });
  const pair = new Pair({ pool });
  // What the first connections cost once and for all is no part of it.
  const kept: TcpConnection[] = open(pair, 1000, 1024, state);
  pair.rest();
  const before = used();
  kept.push(...open(pair, count, 1024 + 1000, state));
  pair.rest();
  const after = used();
  if (kept.length === 0 && state === "idle") throw new Error("no connection is left");
  // Idle connections have two ends; TIME-WAIT has the one that closed first.
  return (after - before) / count / (state === "idle" ? 2 : 1);
}

function open(pair: Pair, count: number, firstPort: number, state: "idle" | "time-wait"): TcpConnection[] {
  const kept: TcpConnection[] = [];
  for (let i = 0; i < count; i++) {
    const [client, server] = pair.open(firstPort + (i % PORTS));
    if (state === "idle") {
      kept.push(client, server);
      continue;
    }
    pair.ends[0].close(client, pair.now);
    pair.exchange();
    pair.ends[1].close(server, pair.now);
    pair.exchange();
  }
  return kept;
}

function used(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
