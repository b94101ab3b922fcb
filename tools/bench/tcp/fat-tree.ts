import { runScenario } from "../../../packages/scenario/src/index.ts";
import type { Fabric } from "../../../packages/scenario/src/index.ts";
import type { BenchCase } from "../lib/types.ts";

/** CPU-seconds that a second of the network below may cost. */
const BAR = 5;

/** A k = 4 fat-tree: 16 hosts at 100 Mbit/s, each sends to one other over TCP as much as it can, for one second of virtual time. */
export function fatTreeCases(): BenchCase[] {
  return (["hash", "random"] as const).map((select) => ({
    case: `fat-tree k = 4, 16 hosts at 100 Mbit/s, next hops by ${select}: one second`,
    size: 16,
    unit: "CPU-s",
    better: "lower",
    ours: { name: "seville", value: () => cpuSecondsOf(select) },
    peers: [],
    reference: BAR,
    rounds: 3,
  }));
}

async function cpuSecondsOf(select: NonNullable<Fabric["select"]>): Promise<number> {
  const before = process.cpuUsage();
  const { fabrics = [] } = await runScenario({
    name: "fat-tree",
    duration: "1s",
    hosts: {},
    fabrics: {
      f: {
        fatTree: { k: 4 },
        rate: "100mbit",
        delay: "10us",
        queue: { fifo: { limit: "100p" } },
        select,
        hostSysctls: { "net.ipv4.tcp_wmem": "4096 65536 262144" },
      },
    },
    traffic: { permutation: { permutation: { in: "f" } } },
  });
  const { user, system } = process.cpuUsage(before);
  if (fabrics[0]?.flows.length !== 16) throw new Error("the fabric has not run");
  return (user + system) / 1e6;
}
