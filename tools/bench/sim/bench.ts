import { createRandom } from "../../../packages/core/src/index.ts";
import { Simulator } from "../../../packages/sim/src/index.ts";
import type { BenchCase, BenchDefinition, ValuedSide } from "../lib/types.ts";
import { linkCases } from "./link.ts";
import { datastructures, fastPriorityQueue, flatQueue, heapJs, tinyQueue, type PeerQueue } from "./peers.ts";

/**
 * The hold test: `size` events are pending, each that fires schedules one more. Its two kinds of increments are those with which
 * ns-3's schedulers were measured: `exp`, exponential with a mean of 1 ms, and `packet`, what a stack does: 45 % 12 µs (a frame's
 * serialisation), 45 % 1 ms (a link), 7 % 40 ms (a delayed ACK), 3 % 200 ms (an RTO).
 */
export const bench: BenchDefinition = {
  title: "Schedule and fire (hold test), and frames over a link",
  peers: ["heap-js", "tinyqueue", "fastpriorityqueue", "flatqueue", "@datastructures-js/priority-queue"],
  async cases(context) {
    const peers: PeerQueue[] = [
      heapJs(await context.load("heap-js")),
      tinyQueue(await context.load("tinyqueue")),
      fastPriorityQueue(await context.load("fastpriorityqueue")),
      flatQueue(await context.load("flatqueue")),
      datastructures(await context.load("@datastructures-js/priority-queue")),
    ];
    const cases: BenchCase[] = [];
    for (const [distribution, increments] of [
      ["exp", exponential()],
      ["packet", packetLike()],
    ] as const) {
      for (const size of [10, 1000, 100_000]) {
        checkSameOrder(increments, peers);
        const reference = NS3[`${distribution} ${size}`];
        // Long enough for a fair share of the wheel's rare work, the spreading of its coarse slots.
        const events = (context.quick ? 0.3 : 1) * (size === 100_000 ? 300_000 : 100_000);
        cases.push({
          case: `hold ${distribution}`,
          size,
          unit: "M events/CPU s",
          better: "higher",
          ours: ourSide(increments, size, events),
          peers: peers.map((peer) => peerSide(peer, increments, size, events)),
          ...(reference === undefined ? {} : { reference }),
        });
      }
    }
    return [...cases, ...linkCases()];
  },
};

/**
 * ns-3 3.37 with its default scheduler (a map), as Debian 12 builds it, on a 2.5 GHz Xeon with two busy cores: M events per CPU
 * second, callback included. Figures from another run on this class of machine, not from this one.
 */
const NS3: Readonly<Record<string, number>> = {
  "exp 1000": 3.7,
  "exp 100000": 0.82,
  "packet 1000": 5,
  "packet 100000": 1.3,
};

const INCREMENTS = 1 << 16;

function exponential(): Float64Array {
  const random = createRandom("exp");
  return Float64Array.from({ length: INCREMENTS }, () => 1 + Math.round(random.exponential(1_000_000)));
}

function packetLike(): Float64Array {
  const random = createRandom("packet");
  return Float64Array.from({ length: INCREMENTS }, () => {
    const draw = random.float();
    if (draw < 0.45) return 12_000;
    if (draw < 0.9) return 1_000_000;
    return draw < 0.97 ? 40_000_000 : 200_000_000;
  });
}

function ourSide(increments: Float64Array, size: number, events: number): ValuedSide {
  const simulator = new Simulator();
  startHold(simulator, increments, size);
  simulator.run({ maxEvents: 4 * size + 200_000 });
  return { name: "wheel", value: () => millionsPerCpuSecond(events, () => void simulator.run({ maxEvents: events })) };
}

/** Fills the simulator with `size` events that beget one event each, for ever. Returns a sum over the order of events. */
function startHold(simulator: Simulator, increments: Float64Array, size: number): () => number {
  let next = 0;
  let order = 0;
  const handler = {
    handleEvent(argument: number, now: number): void {
      order = (Math.imul(order, 31) + argument) | 0;
      next = (next + 1) & (INCREMENTS - 1);
      simulator.schedule(now + (increments[next] as number), handler, argument);
    },
  };
  for (let i = 0; i < size; i++) {
    next = (next + 1) & (INCREMENTS - 1);
    simulator.schedule(increments[next] as number, handler, i);
  }
  return () => order;
}

/** A simulator with the peer's queue inside: an object for each event, ties broken by a serial number. */
export interface HeldEvent {
  readonly at: number;
  readonly serial: number;
  readonly argument: number;
  readonly handler: { handleEvent(argument: number, now: number): void };
}

function peerHold(
  peer: PeerQueue,
  increments: Float64Array,
  size: number,
): { run(events: number): void; order(): number } {
  const queue = peer.create();
  let next = 0;
  let serial = 0;
  let order = 0;
  const handler = {
    handleEvent(argument: number, now: number): void {
      order = (Math.imul(order, 31) + argument) | 0;
      next = (next + 1) & (INCREMENTS - 1);
      queue.push({ at: now + (increments[next] as number), serial: serial++, argument, handler });
    },
  };
  for (let argument = 0; argument < size; argument++) {
    next = (next + 1) & (INCREMENTS - 1);
    queue.push({ at: increments[next] as number, serial: serial++, argument, handler });
  }
  return {
    order: () => order,
    run(events) {
      for (let i = 0; i < events; i++) {
        const event = queue.pop();
        event.handler.handleEvent(event.argument, event.at);
      }
    },
  };
}

function peerSide(peer: PeerQueue, increments: Float64Array, size: number, events: number): ValuedSide {
  const hold = peerHold(peer, increments, size);
  hold.run(2 * size + 100_000);
  const some = Math.ceil(events / 4);
  return { name: peer.name, value: () => millionsPerCpuSecond(some, () => hold.run(some)) };
}

/** Both sides do the same work only if they fire the same events in the same order. */
function checkSameOrder(increments: Float64Array, peers: readonly PeerQueue[]): void {
  const simulator = new Simulator();
  const order = startHold(simulator, increments, 500);
  simulator.run({ maxEvents: 20_000 });
  for (const peer of peers.filter(({ stable }) => stable)) {
    const hold = peerHold(peer, increments, 500);
    hold.run(20_000);
    if (hold.order() !== order()) throw new Error(`${peer.name} fires in another order`);
  }
}

export function millionsPerCpuSecond(count: number, work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return count / Math.max(1, user + system);
}
