import { describe, expect, test } from "vitest";
import { createRandom } from "@seville/core";
import { runScenario, type Scenario, type Traffic } from "../../src/index.ts";
import { FIRST_PORT } from "../../src/run/fabric/fabric-watch.ts";
import { permutation, stride, type PatternPair } from "../../src/run/fabric/patterns.ts";
import { maxMinShares } from "./max-min.ts";

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("the oracle: max-min fair shares", () => {
  test("two flows on one link get half each; one that shares nothing gets all", () => {
    expect(maxMinShares([["a", "b"], ["b", "c"], ["d"]])).toEqual([0.5, 0.5, 1]);
  });

  test("who is held back elsewhere leaves its rest to the others", () => {
    // Three on x, of which two also share y of capacity 0.5.
    const shares = maxMinShares([["x", "y"], ["x", "y"], ["x"]], new Map([["y", 0.5]]));
    expect(shares.map((share) => share.toFixed(3))).toEqual(["0.250", "0.250", "0.500"]);
  });
});

/** Shares that were computed long before this was written, over 30 to 400 trials: mean and worst of a permutation, mean of stride n/2. */
const KNOWN = {
  4: { permutation: 0.593, worst: 0.407, stride: 0.616 },
  6: { permutation: 0.511, worst: 0.285, stride: 0.566 },
  8: { permutation: 0.477, worst: 0.235, stride: 0.54 },
} as const;

describe.each([4, 6, 8] as const)("B4 ECMP in a fat-tree with k = %d", (k) => {
  test("drawing paths by hand gives the shares that are known", () => {
    const random = createRandom(5);
    const hosts = k ** 3 / 4;
    const trials = k === 4 ? 200 : 40;
    const [means, worst, strided]: [number[], number[], number[]] = [[], [], []];
    for (let trial = 0; trial < trials; trial++) {
      const shares = maxMinShares(permutation(hosts, random).map((pair) => drawnPath(k, pair, random)));
      means.push(mean(shares));
      worst.push(Math.min(...shares));
      strided.push(mean(maxMinShares(stride(hosts, hosts / 2).map((pair) => drawnPath(k, pair, random)))));
    }
    expect(Math.abs(mean(means) - KNOWN[k].permutation)).toBeLessThan(0.02);
    expect(Math.abs(mean(worst) - KNOWN[k].worst)).toBeLessThan(0.03);
    expect(Math.abs(mean(strided) - KNOWN[k].stride)).toBeLessThan(0.02);
  });

  test("so do the paths that flows take through the simulated switches", async () => {
    const trials = k === 4 ? 16 : 4;
    const shares = await sharesInSimulation(k, trials, "permutation");
    const means = shares.map(mean);
    const worst = shares.map((each) => Math.min(...each));
    const strided = (await sharesInSimulation(k, trials, "stride")).map(mean);
    expect(Math.abs(mean(means) - KNOWN[k].permutation)).toBeLessThan(0.05);
    expect(Math.abs(mean(worst) - KNOWN[k].worst)).toBeLessThan(0.08);
    expect(Math.abs(mean(strided) - KNOWN[k].stride)).toBeLessThan(0.05);
  }, 120_000);
});

/** Directed links from host to host: up by dice, down by the one way there is. */
function drawnPath(k: number, { from, to }: PatternPair, random: { below(n: number): number }): string[] {
  const half = k / 2;
  const [edgeA, edgeB] = [Math.floor(from / half), Math.floor(to / half)];
  const ends = [`h${from}>e${edgeA}`, `e${edgeB}>h${to}`];
  if (edgeA === edgeB) return ends;
  const a = random.below(half);
  const [podA, podB] = [Math.floor(edgeA / half), Math.floor(edgeB / half)];
  const up = `e${edgeA}>a${podA}.${a}`;
  const down = `a${podB}.${a}>e${edgeB}`;
  if (podA === podB) return [...ends, up, down];
  const core = `c${a}.${random.below(half)}`;
  return [...ends, up, `a${podA}.${a}>${core}`, `${core}>a${podB}.${a}`, down];
}

/** Sends a little of each flow of `count` patterns, and looks by which links it goes. */
async function sharesInSimulation(k: number, count: number, kind: "permutation" | "stride"): Promise<number[][]> {
  const hosts = k ** 3 / 4;
  const patterns = Array.from({ length: count }, (_, seed): [string, Traffic] => {
    const pattern = { in: "f", udp: "1mbit", size: 100, seed } as const;
    return [`trial${seed}`, kind === "permutation" ? { permutation: pattern } : { stride: pattern }];
  });
  const scenario: Scenario = {
    name: "ecmp",
    duration: "8ms",
    hosts: {},
    fabrics: { f: { fatTree: { k } } },
    traffic: Object.fromEntries(patterns),
  };
  const trials = patterns.map(() => new Map<number, Set<string>>());
  const result = await runScenario(scenario, {
    setup(world) {
      for (const [name, { link }] of world.links) {
        link.tap({
          frame: (direction, point, frame) => {
            const { view } = frame.pool.memory;
            if (point !== "sent" || view.getUint16(frame.data + 12) !== 0x0800 || frame.length !== 142) return;
            // Flows have ports of their own, pattern by pattern.
            const port = view.getUint16(frame.data + 36);
            const flows = trials[Math.floor((port - FIRST_PORT) / hosts)]!;
            flows.set(port, (flows.get(port) ?? new Set()).add(`${name} ${direction}`));
          },
        });
      }
    },
  });
  expect(result.fabrics![0]!.flows.every(({ arrived }) => arrived > 0)).toBe(true);
  return trials.map((flows) => maxMinShares([...flows.values()].map((links) => [...links])));
}
