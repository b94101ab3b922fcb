import { describe, expect, test } from "vitest";
import { runScenario, type ScenarioResult } from "@seville/scenario";
import { fileName } from "../src/output/capture-files.ts";
import { painter } from "../src/output/paint.ts";
import { renderSummary } from "../src/output/summary.ts";
import { wrap } from "../src/output/wrap.ts";

const FILES = { report: "out/report.html", result: undefined, pcap: undefined };

async function smallRun(loss: "0%" | "100%"): Promise<ScenarioResult> {
  return runScenario({
    name: "small",
    duration: "3s",
    hosts: {
      a: { interfaces: { eth0: { addresses: ["10.0.0.1/24"] } } },
      b: { interfaces: { eth0: { addresses: ["10.0.0.2/24"] } } },
    },
    links: { l: { between: ["a:eth0", "b:eth0"], rate: "10mbit", delay: "1ms", loss } },
    traffic: {
      p: { ping: { from: "a", to: "b", interval: "100ms", count: 5 }, start: "1s" },
      f: { udp: { from: "a", to: "b", rate: "1mbit", size: 1000, count: 10 }, start: "1s" },
    },
  });
}

/** Without colours, and with plain spaces. */
function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;]*m/g, "").replaceAll("\u202f", " ");
}

describe("X1: the summary", () => {
  test("has a line for each ping, flow, direction and interface, in columns", async () => {
    const text = plain(renderSummary(await smallRun("0%"), FILES));
    expect(text).toMatch(
      /^small {2}seed 1, 3 s of virtual time, \d+ events, \d+ frames on links\ntrace [0-9a-f]{32}, defaults safe\n/,
    );
    expect(text).toMatch(/^p +a → b +5 +5 +0 +2\.\d+ ms/m);
    expect(text).toMatch(/^f +a → b +10 +10 +0 +0 +0 +\S+ Mbit\/s/m);
    expect(text).toMatch(/^a:eth0 → b:eth0 +\d+ +\d+ /m);
    expect(text).toMatch(/^b:eth0 +\d+ +/m);
    expect(text.trimEnd().split("\n").at(-1)).toBe("report    out/report.html");
    expect(text.split("\n").every((line) => line === line.trimEnd())).toBe(true);
  });

  test("says what was lost, where and why; and has dashes where nothing was measured", async () => {
    const text = plain(renderSummary(await smallRun("100%"), FILES));
    expect(text).toMatch(/^p +a → b +\d+ +0 +\d+ \(100 %\) +– +– +– +–$/m);
    expect(text).toMatch(/^a:eth0 +link +LINK_LOSS +\d+$/m);
  });

  test("says that a run was stopped, that it leaked, how late it was, and what to note", async () => {
    const base = await smallRun("0%");
    const text = plain(
      renderSummary(
        {
          ...base,
          run: { ...base.run, end: "aborted" },
          pool: { ...base.pool, after: 2 },
          realtime: { maxLateness: 5e6, p50Lateness: 40_000, p99Lateness: 1e6 },
          warnings: ["odd"],
        },
        FILES,
      ),
    );
    expect(text).toContain("(stopped early)");
    expect(text).toContain("late by 40 µs in the median, 5 ms at worst");
    expect(text).toContain("note: odd\nnote: 2 packets leaked: a bug of Seville");
  });

  test("X10: sets what programs measured beside what was counted", async () => {
    const base = await smallRun("0%");
    const rtt = { count: 9, min: 40e6, mean: 41e6, p50: 41e6, p95: 43e6, p99: 43e6, max: 45e6, mdev: 1e6, cdf: [] };
    const wire = { entered: 10, left: 9, leftBytes: 900, drops: { LINK_LOSS: 1 } };
    const common = { attachment: "l", netns: "nl", end: "exited", exitCode: 0, output: "", errors: "" } as const;
    const text = plain(
      renderSummary(
        {
          ...base,
          programs: [
            {
              ...common,
              name: "real",
              command: ["ping"],
              ping: { address: "10.0.0.2", sent: 10, received: 9, duplicates: 0, errors: 0, rtt },
              wire: { forth: wire, back: { ...wire, entered: 9, drops: {} }, modelRtt: 40.5e6 },
            },
            {
              ...common,
              name: "bulk",
              command: ["iperf3"],
              iperf3: { protocol: "tcp", seconds: 5, sentBytes: 1, receivedBytes: 1, throughput: 4e6, retransmits: 12 },
            },
            { ...common, name: "gone", command: ["nc", "-l"], end: "missing" },
          ],
          crossings: [
            { protocol: "icmp-echo", sent: 19, received: 18, missing: 1, dropped: 1, drops: { LINK_LOSS: 1 } },
          ],
        },
        FILES,
      ),
    );
    expect(text).toMatch(/^real \(10\.0\.0\.2\) +10 +1 +40 ms +41 ms +43 ms +45 ms +1 ms +10 \+ 9 +1 \+ 0 +40\.5 ms$/m);
    expect(text).toMatch(/^bulk +TCP +4 Mbit\/s +– +– +– +12 +– +–$/m);
    expect(text).toMatch(/^gone +nc -l +not installed$/m);
    expect(text).toMatch(/^ICMP echo +19 +18 +1 +1 +LINK_LOSS 1$/m);
  });

  test("leaves out tables that would be empty", async () => {
    const text = plain(renderSummary(await runScenario({ name: "n", duration: "1s", hosts: { a: {} } }), FILES));
    for (const title of ["Round trips", "Flows", "Links", "Interfaces", "Drops"]) expect(text).not.toContain(title);
  });
});

describe("small things", () => {
  test("names of interfaces become names of files everywhere", () => {
    expect(["r1:eth0", "left", "a:eth0.10", "x:a*b"].map(fileName)).toEqual([
      "r1-eth0.pcapng",
      "left.pcapng",
      "a-eth0.10.pcapng",
      "x-a-b.pcapng",
    ]);
  });

  test("colours only where they are seen", () => {
    expect(painter({ isTTY: false })("text", "error")).toBe("text");
  });

  test("text is broken between words", () => {
    expect(wrap("one two  three\nfour", 9)).toEqual(["one two", "three", "four"]);
    expect(wrap("", 9)).toEqual([]);
    expect(wrap("incomprehensible", 9)).toEqual(["incomprehensible"]);
  });
});
