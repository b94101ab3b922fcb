import { Script } from "node:vm";
import { inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { chartData, renderCdf, renderReport } from "@seville/report";
import type { ScenarioResult } from "@seville/scenario";
import { niceTicks } from "../src/cdf.ts";
import { sampleResult } from "./sample-result.ts";

/** A run in which nothing happened. */
function emptyResult(): ScenarioResult {
  const base = sampleResult();
  return {
    ...base,
    scenario: { name: "empty", seed: 1, duration: 0, defaults: "safe", overrides: [] },
    topology: { nodes: [], links: [] },
    hosts: [],
    interfaces: [],
    links: [],
    flows: [],
    pings: [],
    drops: [],
    events: [],
    series: { interval: 1e6, samples: 0, links: [], drops: [], delays: [] },
    warnings: [],
  };
}

describe("H1: one file that needs nothing else", () => {
  const html = renderReport(sampleResult());

  test("refers to nothing outside", () => {
    expect(html).not.toMatch(/(src|href)=/);
    expect(html).not.toMatch(/@import|url\(/);
    expect(html).toContain("default-src 'none'");
  });

  test("an empty report is at most 60 KiB, one of 60 s with many series less than 1 MB", () => {
    expect(Buffer.byteLength(renderReport(emptyResult()))).toBeLessThanOrEqual(60 * 1024);
    const heavy = sampleResult(60, 60_000);
    expect(Buffer.byteLength(renderReport(heavy))).toBeLessThan(1e6);
  });

  test("the same result gives the same page", () => {
    expect(renderReport(sampleResult())).toBe(html);
  });

  test("its script unpacks to a program", () => {
    const packed = /<script type="text\/plain" id="client">([^<]+)</.exec(html)?.[1] ?? "";
    const script = inflateRawSync(Buffer.from(packed, "base64")).toString();
    // Parsed, not run: it wants a page.
    expect(() => new Script(script)).not.toThrow();
    expect(script).not.toContain("</script");
  });

  test("its data unpacks to what the charts draw", () => {
    const json = /<script type="application\/json" id="data">([^<]+)</.exec(html)?.[1] ?? "";
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(chartData(sampleResult()))));
  });
});

describe("H2: without a script", () => {
  const html = renderReport(sampleResult());

  test.each(["Pings and echoes", "Flows", "Links, by direction", "Drops", "Interfaces"])(
    "the table %s is there",
    (caption) => {
      expect(html).toContain(`<caption>${caption}</caption>`);
    },
  );

  test("so are picture, distributions, counters and timeline", () => {
    for (const part of ['class="topology"', 'class="cdf"', "Icmp6InEchoReplies", "FQ-CoDel", "<noscript>"])
      expect(html).toContain(part);
  });

  test("the header has what a repetition needs", () => {
    expect(html).toContain("0123456789abcdef0123456789abcdef");
    expect(html).toContain("seville run sample --seed 7 --set links.wan.loss=2%");
    expect(html).toContain("@seville/scenario 0.1.0");
  });

  test("cells of headings are headings, and captions name their tables", () => {
    expect(html.match(/<th scope="col"/g)!.length).toBeGreaterThan(40);
    expect(html.match(/<th scope="row"/g)!.length).toBeGreaterThan(10);
  });
});

describe("H3: text from a scenario stays text", () => {
  test("in headings, tables, attributes and data", () => {
    const evil = `</script><img src=x onerror="alert(1)">'&`;
    const base = sampleResult();
    const html = renderReport({
      ...base,
      scenario: { ...base.scenario, name: evil, description: evil },
      pings: base.pings.map((ping) => ({ ...ping, name: evil })),
      events: [{ at: 1e9, label: evil, kind: "set" }],
      series: { ...base.series, delays: base.series.delays.map((delay) => ({ ...delay, name: evil })) },
      warnings: [evil],
    });
    expect(html).not.toContain("<img");
    expect(html.match(/<\/script>/g)).toHaveLength(3);
  });
});

describe("H4: what is worth a note", () => {
  test("a leak and a run that was stopped are said aloud", () => {
    const base = sampleResult();
    const html = renderReport({ ...base, run: { ...base.run, end: "aborted" }, pool: { ...base.pool, after: 3 } });
    expect(html).toContain("3 packets were not given back");
    expect(html).toContain("stopped early");
  });

  test("real time shows how late it was", () => {
    const realtime = { maxLateness: 4_200_000, p50Lateness: 31_000, p99Lateness: 900_000 };
    expect(renderReport({ ...sampleResult(), realtime })).toMatch(/median 31.µs, max 4\.2.ms/);
  });

  test("charts without anything in them are left out", () => {
    expect(chartData(emptyResult()).charts).toEqual([]);
    expect(renderReport(emptyResult())).not.toContain("<h2>Throughput</h2>");
  });
});

describe("H5: distribution functions", () => {
  test("begin at 0 and end at 100 %", () => {
    const { pings } = sampleResult();
    const svg = renderCdf(pings.map(({ name, rtt }) => ({ label: name, distribution: rtt })));
    expect(svg.match(/class="curve/g)).toHaveLength(2);
    expect(svg).toContain("100 %");
  });

  test("of one value or none are no picture", () => {
    const distribution = { count: 1, min: 1, mean: 1, p50: 1, p95: 1, p99: 1, max: 1, mdev: 0, cdf: [[1, 1]] as const };
    expect(renderCdf([{ label: "x", distribution }])).toBe("");
  });

  test.each([1, 3, 7, 12, 99, 100, 101, 2.5e6, 4.4e7, 1e9])(
    "the axis to %d has 3 to 10 round ticks that reach it",
    (most) => {
      const ticks = niceTicks(most);
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(10);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(most * (1 - 1e-9));
    },
  );
});

describe("H6: programs of this machine", () => {
  const base = sampleResult();
  const rtt = { count: 2, min: 40e6, mean: 41e6, p50: 41e6, p95: 43e6, p99: 43e6, max: 43e6, mdev: 1e6, cdf: [] };
  const drops = { LINK_LOSS: 3, QDISC_DROP: 1 };
  const count = { entered: 400, left: 396, leftBytes: 1, drops };
  const common = { attachment: "left", netns: "sv-left", end: "exited", exitCode: 0, output: "", errors: "" } as const;
  const result: ScenarioResult = {
    ...base,
    programs: [
      {
        ...common,
        name: "ping-real",
        command: ["ping", "10.0.0.2"],
        output: "PING <b>",
        ping: { address: "10.0.0.2", sent: 400, received: 396, duplicates: 0, errors: 0, rtt },
        wire: { forth: count, back: { ...count, drops: {} }, modelRtt: 40e6 },
      },
      {
        ...common,
        name: "bulk",
        command: ["iperf3"],
        iperf3: {
          protocol: "udp",
          seconds: 5,
          sentBytes: 1,
          receivedBytes: 1,
          throughput: 9.5e6,
          packets: 100,
          received: 93,
          jitter: 1e5,
        },
      },
      { ...common, name: "server", command: ["iperf3", "-s"], end: "stopped", exitCode: 1 },
      { ...common, name: "gone", command: ["nc"], end: "missing" },
    ],
    kernels: [
      {
        attachment: "left",
        netns: "sv-left",
        counters: {},
        protocols: [{ protocol: "icmp-echo", sent: 400, received: 396, entered: 400, left: 396 }],
      },
    ],
    crossings: [{ protocol: "icmp-echo", sent: 800, received: 796, missing: 4, dropped: 4, drops }],
  };
  const html = renderReport(result);

  test("what ping and iperf3 printed stands in a row with what the simulator counted", () => {
    expect(html).toMatch(
      /<th scope="row">ping-real<\/th>.*400<\/td>.*>4<\/td>.*41.ms.*43.ms.*400 \+ 400.*4 \+ 0.*40.ms/,
    );
    expect(html).toMatch(/<th scope="row">bulk<\/th><td>UDP<\/td>.*9\.5.Mbit\/s.*100<\/td><td class="n bad">7<\/td>/);
  });

  test("what is missing at the receivers, beside what was dropped by reason", () => {
    expect(html).toMatch(/ICMP echo<\/th>.*800.*796.*4<\/td>.*4<\/td><td>LINK_LOSS 3, QDISC_DROP 1/);
    expect(html).toContain("<caption>Kernels: packets by their counters");
  });

  test("other programs tell how they ended: a failure is marked, an end that we made is not", () => {
    expect(html).toContain("<td>stopped by us</td>");
    expect(html).toContain('<td class="bad">not installed</td>');
  });

  test("what they printed is text; their pings count among the key figures", () => {
    expect(html).toContain("PING &lt;b&gt;");
    expect(renderReport({ ...result, pings: [] })).toContain("of 400 requests answered");
  });

  test("a run without programs has no such section", () => {
    expect(renderReport(base)).not.toContain("programs measured");
  });
});
