import type { FabricHost, FabricLink, FabricPlan, FabricSwitch } from "./plan.ts";

/**
 * Two switches, joined by `paths` links, with `hosts` hosts at each: `h0` … at switch `s0`, as many more at `s1`. Links are
 * `path0`, `path1` … .
 */
export function parallelPaths(paths: number, hosts: number): FabricPlan {
  const ports = Array.from({ length: paths }, (_, i) => `p${i}`);
  const all = [0, 1].flatMap((side) =>
    Array.from({ length: hosts }, (_, n): FabricHost => ({
      name: `h${side * hosts + n}`,
      rack: side,
      index: n,
      switch: `s${side}`,
      port: `h${n}`,
    })),
  );
  const switches = [0, 1].map((side): FabricSwitch => ({ name: `s${side}`, tier: 0, down: [], up: ports }));
  const links = ports.map((port, i): FabricLink => ({
    name: `path${i}`,
    ends: [
      { node: "s0", port },
      { node: "s1", port },
    ],
  }));
  return { hosts: all, switches, links };
}
