import { describe, expect, test } from "vitest";
import { createRandom } from "@seville/core";
import { runScenario, type Scenario } from "../../src/index.ts";
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
    const fabrics = k === 4 ? 8 : 2;
    const [means, worst, strided]: [number[], number[], number[]] = [[], [], []];
    for (const seed of k === 8 ? [1] : [1, 2, 3]) {
      for (const shares of await sharesInSimulation(k, fabrics, "permutation", seed)) {
        means.push(mean(shares));
        worst.push(Math.min(...shares));
      }
    }
    for (const shares of await sharesInSimulation(k, fabrics, "stride", 3)) strided.push(mean(shares));
    expect(Math.abs(mean(means) - KNOWN[k].permutation)).toBeLessThan(0.05);
    expect(Math.abs(mean(worst) - KNOWN[k].worst)).toBeLessThan(0.08);
    expect(Math.abs(mean(strided) - KNOWN[k].stride)).toBeLessThan(0.05);
  });
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

/** Sends a little of each flow, and looks by which links it goes. */
async function sharesInSimulation(
  k: number,
  count: number,
  kind: "permutation" | "stride",
  seed: number,
): Promise<number[][]> {
  const names = Array.from({ length: count }, (_, i) => `f${i}`);
  const pattern = (name: string, i: number) => ({ in: name, udp: "1mbit", size: 100, seed: i }) as const;
  const scenario: Scenario = {
    name: "ecmp",
    duration: "8ms",
    hosts: {},
    fabrics: Object.fromEntries(names.map((name) => [name, { fatTree: { k } }])),
    traffic: Object.fromEntries(
      names.map((name, i) => [name, { [kind]: pattern(name, i) } as { permutation: ReturnType<typeof pattern> }]),
    ),
  };
  const paths = new Map(names.map((name) => [name, new Map<number, Set<string>>()]));
  const result = await runScenario(scenario, {
    seed,
    setup(world) {
      for (const [name, { link }] of world.links) {
        const flows = paths.get(name.slice(0, name.indexOf(".")))!;
        link.tap({
          frame: (direction, point, frame) => {
            const { view } = frame.pool.memory;
            if (point !== "sent" || view.getUint16(frame.data + 12) !== 0x0800 || frame.length !== 142) return;
            const port = view.getUint16(frame.data + 36);
            flows.set(port, (flows.get(port) ?? new Set()).add(`${name} ${direction}`));
          },
        });
      }
    },
  });
  expect(result.fabrics!.every(({ flows }) => flows.every(({ arrived }) => arrived > 0))).toBe(true);
  return names.map((name) => maxMinShares([...paths.get(name)!.values()].map((links) => [...links])));
}
