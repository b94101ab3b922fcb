import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Topology } from "@seville/scenario";
import { renderTopology } from "@seville/report";
import { layOut } from "../src/topology-layout.ts";
import { sampleResult } from "./sample-result.ts";

const settings = { queue: "fifo" };

function network(names: readonly string[], pairs: readonly (readonly [string, string])[]): Topology {
  return {
    nodes: names.map((name) => ({ name, kind: "host", interfaces: [] })),
    links: pairs.map(([a, b], i) => ({
      name: `l${i}`,
      ends: [`${a}:e${i}`, `${b}:e${i}`],
      mtu: 1500,
      parameters: [settings, settings],
    })),
  };
}

describe("T1: the layout", () => {
  test("a path is a line from the end that is named first", () => {
    const { nodes } = layOut(
      network(
        ["a", "r1", "r2", "b"],
        [
          ["r1", "r2"],
          ["a", "r1"],
          ["b", "r2"],
        ],
      ),
    );
    const xs = ["a", "r1", "r2", "b"].map((name) => nodes.get(name)!.x);
    expect(xs).toEqual([...xs].sort((p, q) => p - q));
    expect(new Set([...nodes.values()].map(({ y }) => y)).size).toBe(1);
  });

  test("a star's leaves do not lie on each other", () => {
    const { nodes } = layOut(
      network(
        ["s", "a", "b", "c", "d"],
        [
          ["s", "a"],
          ["s", "b"],
          ["s", "c"],
          ["s", "d"],
        ],
      ),
    );
    const places = [...nodes.values()].map(({ x, y }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(5);
  });

  test("any network: every node has a place of its own inside the drawing", () => {
    const name = fc.integer({ min: 0, max: 11 }).map((i) => `n${i}`);
    const names = Array.from({ length: 12 }, (_, i) => `n${i}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name), { maxLength: 20 }), (pairs) => {
        const { nodes, width, height } = layOut(network(names, pairs));
        expect(nodes.size).toBe(12);
        expect(new Set([...nodes.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(12);
        for (const { x, y } of nodes.values()) {
          expect(x).toBeGreaterThan(0);
          expect(x).toBeLessThan(width);
          expect(y).toBeGreaterThan(0);
          expect(y).toBeLessThan(height);
        }
      }),
    );
  });
});

describe("T2: the picture", () => {
  const svg = renderTopology(sampleResult());

  test("says what links are set to, direction by direction where they differ", () => {
    expect(svg).toContain("100mbit · 100us");
    expect(svg).toContain("10mbit / 20mbit · 20ms");
    expect(svg).toContain("loss 2% · fq_codel / fifo");
  });

  test("marks a link that dropped, and only that", () => {
    expect(svg.match(/class="link lossy"/g)).toHaveLength(1);
    expect(svg).toMatch(/596 dropped \(2\.48.% *\)/);
  });

  test("has a text for those who cannot see it", () => {
    expect(svg).toContain('role="img"');
    expect(svg).toContain("host alice, router r1, host bob");
  });

  test("nothing from the scenario becomes markup", () => {
    const base = sampleResult();
    const topology: Topology = {
      nodes: [{ name: "<script>", kind: "attachment", detail: '"&<x>', interfaces: [] }],
      links: [],
    };
    expect(renderTopology({ ...base, topology })).not.toMatch(/<script|<x>/);
  });
});
