import type { FabricHost, FabricLink, FabricPlan, FabricSwitch } from "./plan.ts";

/** Racks of a pod are numbered from `16 × pod`, so that a pod is one prefix. */
const POD_BITS = 4;

/**
 * The fat-tree of k-port switches (Al-Fares, Loukissas and Vahdat, SIGCOMM 2008 §3): k pods of k/2 edge and k/2 aggregation
 * switches, k/2 hosts at each edge switch, (k/2)² core switches of which each has a port in every pod. Between hosts of
 * two pods there are (k/2)² paths of equal length. `k` is even.
 *
 * Names: hosts `h0` …, switches `e0.1` (pod, number), `a0.1`, `c0`, links `e0.1-a0.0`, `a0.0-c0`.
 */
export function fatTree(k: number): FabricPlan {
  const half = k / 2;
  const hosts: FabricHost[] = [];
  const edges: FabricSwitch[] = [];
  const aggregations: FabricSwitch[] = [];
  const links: FabricLink[] = [];
  for (let pod = 0; pod < k; pod++) {
    for (let i = 0; i < half; i++) {
      const rack = rackOf(pod, i);
      const edge = `e${pod}.${i}`;
      for (let n = 0; n < half; n++) {
        hosts.push({ name: `h${hosts.length}`, rack, index: n, switch: edge, port: `h${n}` });
      }
      edges.push({ name: edge, tier: 0, down: [], up: numbered("u", half) });
      const aggregation = `a${pod}.${i}`;
      const down = numbered("d", half).map((port, e) => ({ racks: { first: rackOf(pod, e), bits: 0 }, port }));
      aggregations.push({ name: aggregation, tier: 1, down, up: numbered("u", half) });
    }
    for (let e = 0; e < half; e++) {
      for (let a = 0; a < half; a++) {
        links.push(link(`e${pod}.${e}`, `u${a}`, `a${pod}.${a}`, `d${e}`));
      }
    }
  }
  const cores: FabricSwitch[] = [];
  for (let a = 0; a < half; a++) {
    for (let c = 0; c < half; c++) {
      const name = `c${cores.length}`;
      const down = numbered("p", k).map((port, pod) => ({ racks: { first: rackOf(pod, 0), bits: POD_BITS }, port }));
      cores.push({ name, tier: 2, down, up: [] });
      for (let pod = 0; pod < k; pod++) links.push(link(`a${pod}.${a}`, `u${c}`, name, `p${pod}`));
    }
  }
  return { hosts, switches: [...edges, ...aggregations, ...cores], links };
}

function rackOf(pod: number, edge: number): number {
  return (pod << POD_BITS) + edge;
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i}`);
}

function link(a: string, portA: string, b: string, portB: string): FabricLink {
  return {
    name: `${a}-${b}`,
    ends: [
      { node: a, port: portA },
      { node: b, port: portB },
    ],
  };
}
