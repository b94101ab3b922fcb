import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BenchCase, BenchDefinition, TimedSide, ValuedSide } from "../lib/types.ts";
import { fatTreeCases } from "./fat-tree.ts";
import { buildLwip } from "./lwip.ts";
import { bytesEach } from "./memory.ts";
import { createTransfer, type Transfer } from "./transfer.ts";

/** Gbit/s per CPU-second from CPU nanoseconds for one byte. */
const gigabits = (nanosPerByte: number): number => 8 / nanosPerByte;
const LOOPBACK = fileURLToPath(new URL("node-loopback.mjs", import.meta.url));
/** Long against the start of another process. */
const FOREIGN_BYTES = 300_000_000;
const SAMPLE_NANOS = 100_000_000;
/** A stack is much code: the compiler is done with it after a few hundred megabytes. */
const WARM_UP_NANOS = 1_500_000_000;

/** Both ends of a TCP transfer in one process, MTU 1500: ours, lwIP, and the kernel's as Node's `net` uses it. */
export const bench: BenchDefinition = {
  title: "TCP, both ends in one process, MTU 1500 (Gbit/s per CPU-second)",
  cases(context) {
    context.progress("tcp: building lwIP …");
    const lwip = buildLwip();
    const single = createTransfer({});
    const offloaded = createTransfer({ gsoMaxSize: 65_536, checksumOffload: true, trustChecksums: true });
    const shared = {
      size: 1500,
      unit: "Gbit/s",
      better: "higher",
      fromNanos: gigabits,
      sampleNanos: SAMPLE_NANOS,
      warmUpNanos: WARM_UP_NANOS,
    } as const;
    const peers = [lwipSide(lwip), nodeSide()];
    return [
      {
        ...shared,
        case: "transfer, checksums made and verified",
        ours: side("segments", single),
        peers,
        reference: 1.5,
      },
      {
        ...shared,
        case: "transfer, offloads and super-segments",
        ours: side("super-segments", offloaded),
        peers,
        reference: 5,
      },
      segmentRate(),
      memory("an idle connection", "idle", context.quick ? 10_000 : 50_000),
      memory("a connection in TIME-WAIT", "time-wait", context.quick ? 10_000 : 50_000),
      ...fatTreeCases(),
    ];
  },
};

function side(name: string, transfer: Transfer): TimedSide {
  return { name, run: (count) => transfer.move(count) };
}

function lwipSide(run: ReturnType<typeof buildLwip>): ValuedSide {
  return {
    name: "lwIP (C, in process)",
    value: () => {
      const { bytes, cpuNanos } = run(FOREIGN_BYTES);
      return gigabits(cpuNanos / bytes);
    },
  };
}

function nodeSide(): ValuedSide {
  return {
    name: "node:net over the kernel's loopback",
    value: () => {
      const text = execFileSync(process.execPath, [LOOPBACK, String(FOREIGN_BYTES)], { encoding: "utf8" });
      const { bytes, cpuNanos } = JSON.parse(text) as { bytes: number; cpuNanos: number };
      return gigabits(cpuNanos / bytes);
    },
  };
}

/** Segments of data and acknowledgements that one CPU-second carries from end to end. */
function segmentRate(): BenchCase {
  const transfer = createTransfer({});
  return {
    case: "segments, data and acknowledgements",
    size: 1500,
    unit: "k/s",
    better: "higher",
    ours: {
      name: "segments",
      value: () => {
        transfer.pair.segments = 0;
        const { user, system } = process.cpuUsage();
        transfer.move(64_000_000);
        const after = process.cpuUsage();
        return transfer.pair.segments / ((after.user + after.system - user - system) / 1e6) / 1000;
      },
    },
    peers: [],
    reference: 150,
  };
}

function memory(name: string, state: "idle" | "time-wait", count: number): BenchCase {
  return {
    case: `one end of ${name}`,
    size: count,
    unit: "bytes",
    better: "lower",
    ours: { name: "heap", value: () => bytesEach(count, state) },
    peers: [],
    reference: 2048,
    rounds: 1,
  };
}
