import { describe, expect, test } from "vitest";
import { renderCurves, renderReport, withoutFabrics, type CurveChart } from "@seville/report";
import type { FabricResult, ScenarioResult } from "@seville/scenario";
import { renderFabrics } from "../src/fabrics.ts";
import { sampleResult } from "./sample-result.ts";

const NONE = { count: 0, min: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0, mdev: 0, cdf: [] };

function fabric(name: string, select: string, more: Partial<FabricResult> = {}): FabricResult {
  return {
    name,
    kind: "fat-tree",
    family: "ipv4",
    select,
    hosts: 16,
    switches: 20,
    links: 48,
    hostRate: 100e6,
    degraded: [],
    flows: [90e6, 30e6, 60e6].map((throughput, i) => ({
      from: `h${i}`,
      to: `h${i + 1}`,
      protocol: "tcp",
      throughput,
      bytes: throughput / 8,
      sent: 1000,
      arrived: 990,
      reordered: 5,
      retransmits: 10,
    })),
    queue: {
      ...NONE,
      count: 4,
      mean: 1.5,
      p99: 7,
      max: 7,
      cdf: [
        [0, 0.5],
        [7, 1],
      ],
    },
    reordering: {
      packets: 2970,
      ratio: 0.25,
      extent: { ...NONE, count: 700, p50: 2, p99: 9, max: 12 },
      nReordering: [0.2, 0.1, 0.03],
      density: [
        [-2, 0.1],
        [0, 0.8],
        [5, 0.1],
      ],
    },
    dropped: 30,
    fairness: 0.857,
    ...more,
  };
}

function resultOf(fabrics: readonly FabricResult[]): ScenarioResult {
  return { ...sampleResult(), fabrics };
}

describe("H8 a run with fabrics", () => {
  const whole = fabric("web", "random");
  const degraded = fabric("web-slow", "random", { degraded: ["a0.0-c0 rate 10mbit"] });
  const html = renderFabrics(resultOf([whole, fabric("ecmp", "hash"), degraded]));

  test("shows throughput, queues and reordering, those with degraded links apart", () => {
    expect(html.match(/<figure>/g)).toHaveLength(6);
    expect(html.match(/<figcaption>All links alike</g)).toHaveLength(3);
    expect(html.match(/<figcaption>Degraded: a0\.0-c0 rate 10mbit</g)).toHaveLength(3);
    expect(html).toContain("mean 60 Mbit/s, slowest 30 Mbit/s".replaceAll(" M", "\u202fM"));
  });

  test("a policy has its colour, wherever it is drawn", () => {
    const colours = [...html.matchAll(/curve (s\d)"[^>]*><title>([^<]+)</g)].map(
      ([, colour, label]) => `${label} ${colour}`,
    );
    expect(new Set(colours)).toEqual(new Set(["random s0", "hash s1"]));
  });

  test("has the figures in tables, without a script", () => {
    for (const text of ["0.857", "60\u202f%", "3\u202f%", "25\u202f%", "web-slow", "h1 → h2"])
      expect(html).toContain(text);
    expect(html).toContain('<td class="n bad">30</td>');
  });

  test("no text of a scenario becomes markup", () => {
    const evil = renderFabrics(resultOf([fabric("<b>", "<i>", { degraded: ["<script>"] })]));
    expect(evil).not.toMatch(/<b>|<i>|<script>/);
  });

  test("without flows, packets and queues nothing is drawn, and nothing breaks", () => {
    const empty = fabric("idle", "hash", {
      flows: [],
      queue: NONE,
      reordering: { packets: 0, ratio: 0, extent: NONE, nReordering: [], density: [] },
    });
    expect(renderFabrics(resultOf([empty]))).not.toContain("<figure>");
    expect(renderFabrics(sampleResult())).toBe("");
  });

  test("their hosts and links stand in no other table; those of the file do", () => {
    const base = sampleResult();
    const link = { ...base.links[0]!, link: "web.e0.0-h0", from: "web.e0.0:h0", to: "web.h0:eth0" };
    const node = { ...base.topology.nodes[0]!, name: "web.h0" };
    const result: ScenarioResult = {
      ...base,
      fabrics: [whole],
      links: [...base.links, link],
      topology: { ...base.topology, nodes: [...base.topology.nodes, node] },
      drops: [...base.drops, { place: "web.e0.0:h0", where: "link", reason: "QDISC_OVERLIMIT", packets: 5 }],
    };
    expect(withoutFabrics(result)).toEqual({ ...base, fabrics: [whole] });
    expect(renderReport(result)).not.toContain("web.e0.0");
    expect(withoutFabrics(base)).toBe(base);
  });
});

describe("H9 curves", () => {
  const chart = (more: Partial<CurveChart>): string =>
    renderCurves({
      title: "t",
      x: "x",
      y: "y",
      curves: [
        {
          label: "a",
          colour: 0,
          points: [
            [0, 0.001],
            [10, 1],
          ],
        },
      ],
      formatX: String,
      formatY: String,
      ...more,
    });

  test("straight lines, or steps that hold their value", () => {
    expect(chart({})).toMatch(/d="M76\.0 [\d.]+L504\.0 14\.0"/);
    expect(chart({ steps: true })).toMatch(/d="M76\.0 [\d.]+H504\.0V14\.0H504"/);
  });

  test("a logarithmic scale has powers of ten, and leaves out zeros", () => {
    const svg = chart({
      logarithmic: true,
      most: 1,
      curves: [
        {
          label: "a",
          colour: 9,
          points: [
            [0, 0],
            [5, 0.001],
            [10, 1],
          ],
        },
      ],
    });
    for (const tick of ["0.001", "0.01", "0.1", "1"]) expect(svg).toContain(`>${tick}</text>`);
    expect(svg).toMatch(/curve s1" d="M290\.0 242\.0L504\.0 14\.0"/);
  });

  test("nothing for no points", () => {
    expect(chart({ curves: [{ label: "a", colour: 0, points: [] }] })).toBe("");
  });
});
