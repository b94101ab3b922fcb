import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT } from "@seville/cli";
import type { ScenarioResult } from "@seville/scenario";
import { testWith } from "../../../tools/testing/needs.ts";
import { seville } from "./capture-output.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const FROM_SOURCE = ["--conditions=@seville/source", "--import", import.meta.resolve("tsx"), MAIN];

const directory = mkdtempSync(join(tmpdir(), "seville-run-"));
afterAll(() => rmSync(directory, { recursive: true }));

describe("X1: seville run, as one types it", () => {
  const cwd = mkdtempSync(join(directory, "plain-"));
  let stdout = "";

  beforeAll(async () => {
    const run = promisify(execFile)(process.execPath, FROM_SOURCE.concat("run"), {
      cwd,
      env: { ...process.env, NO_COLOR: "1" },
    });
    ({ stdout } = await run);
  }, 60_000);

  test("runs hello and prints a table of round trips, flows, links and interfaces", () => {
    expect(stdout).toMatch(/^hello  seed 1, 10.s of virtual time/);
    for (const title of ["Round trips", "Flows", "Links", "Interfaces"]) expect(stdout).toContain(`\n${title}\n`);
    expect(stdout).toMatch(/^ping-v6 +alice → bob +\d+ +\d+ +0 /m);
  });

  test("ends by naming the files, and they are there", () => {
    const named = [...stdout.matchAll(/^(?:report|result|capture) +(\S+)/gm)].map(([, path]) => path ?? "");
    expect(named).toEqual([
      "seville-out/hello/report.html",
      "seville-out/hello/result.json",
      "seville-out/hello/alice-eth0.pcapng",
      "seville-out/hello/r1-eth0.pcapng",
      "seville-out/hello/r1-eth1.pcapng",
      "seville-out/hello/bob-eth0.pcapng",
    ]);
    for (const path of named) expect(existsSync(join(cwd, path)), path).toBe(true);
  });

  test("the report is the result's, with the command that makes it again", () => {
    const html = readFileSync(join(cwd, "seville-out/hello/report.html"), "utf8");
    const result = JSON.parse(readFileSync(join(cwd, "seville-out/hello/result.json"), "utf8")) as ScenarioResult;
    expect(html).toContain(result.run.traceHash);
    expect(html).toContain("seville run hello --seed 1<");
    expect(result.pool.after).toBe(0);
    expect(result.warnings).toEqual([]);
  });

  test("nothing but pings that were answered, in the time that the links take", () => {
    const { pings } = JSON.parse(readFileSync(join(cwd, "seville-out/hello/result.json"), "utf8")) as ScenarioResult;
    expect(pings.map(({ name }) => name)).toEqual(["ping-v4", "ping-v6", "echo"]);
    for (const { transmitted, received, rtt } of pings) {
      expect(transmitted).toBeGreaterThan(30);
      expect(received).toBe(transmitted);
      // Twice 100 µs and 10 ± 1 ms, and what the frames take on the line and behind others.
      expect(rtt.p50).toBeGreaterThan(18e6);
      expect(rtt.p50).toBeLessThan(25e6);
    }
  });
});

describe("X2: for programs", () => {
  test("--json prints the result, alone, and writes nothing", async () => {
    const before = readdirSync(process.cwd());
    const { code, stdout, stderr } = await seville("run", "hello", "--json", "--until", "3s");
    expect({ code, stderr }).toEqual({ code: EXIT.OK, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ format: "seville-result", version: 1, run: { end: "finished" } });
    expect(stdout.endsWith("}\n")).toBe(true);
    expect(readdirSync(process.cwd())).toEqual(before);
  });

  test("--json with a target writes that", async () => {
    const report = join(directory, "asked", "r.html");
    await seville("run", "hello", "--json", "--until", "1s", "--report", report);
    expect(readdirSync(join(directory, "asked"))).toEqual(["r.html"]);
  });

  test("--quiet prints nothing and writes all", async () => {
    const out = join(directory, "quiet");
    const { code, stdout, stderr } = await seville("run", "hello", "--quiet", "--until", "1s", "--out", out);
    expect({ code, stdout, stderr }).toEqual({ code: EXIT.OK, stdout: "", stderr: "" });
    expect(readdirSync(out)).toHaveLength(6);
  });
});

describe("X4: what is given on the command line", () => {
  test("counts, and stands in result and report", async () => {
    const out = join(directory, "changed");
    await seville(
      "run",
      "hello",
      "--quiet",
      "--no-pcap",
      "--seed",
      "9",
      "--until",
      "4s",
      "--set",
      "links.wan.loss=100%",
      "--out",
      out,
    );
    const result = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as ScenarioResult;
    expect(result.scenario).toMatchObject({ seed: 9, overrides: ["links.wan.loss=100%"] });
    expect(result.run.endedAt).toBe(4e9);
    expect(result.pings[0]?.received).toBe(0);
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain(
      "seville run hello --seed 9 --until 4s --set links.wan.loss=100%<",
    );
    expect(readdirSync(out).sort()).toEqual(["report.html", "result.json"]);
  });
});

describe("X6: an interrupted run", () => {
  test("writes what it has and ends with 130", async () => {
    const out = join(directory, "interrupted");
    const child = spawn(
      process.execPath,
      [...FROM_SOURCE, "run", "hello", "--until", "20h", "--set", "traffic.upload.stop=", "--no-pcap", "--out", out],
      {
        stdio: "ignore",
        env: { ...process.env, NODE_NO_WARNINGS: "1" },
      },
    );
    // It listens for the signal from when the scenario is read; before, the signal simply ends it.
    const timer = setTimeout(() => child.kill("SIGINT"), 5000);
    const code = await new Promise((resolve) => child.once("close", resolve));
    clearTimeout(timer);
    expect(code).toBe(EXIT.INTERRUPTED);
    const result = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as ScenarioResult;
    expect(result.run.end).toBe("aborted");
    expect(result.pool.after).toBe(0);
  }, 60_000);
});

/** What tshark prints of a file, line by line. */
function tshark(file: string, ...options: string[]): string[] {
  const output = execFileSync("tshark", ["-r", file, ...options], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return output.split("\n").filter((line) => line !== "");
}

/** Frames that tshark finds fault with, with every validation on. */
function faults(file: string): string[] {
  const validation = ["ip", "udp", "tcp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
  const badChecksum = ["ip", "udp", "tcp", "icmp", "icmpv6"].map((protocol) => `${protocol}.checksum.status == "Bad"`);
  return tshark(
    file,
    ...validation,
    "-Y",
    ["_ws.malformed", '_ws.expert.severity == "Error"', ...badChecksum].join(" || "),
  );
}

describe("X8: captures", () => {
  for (const [scenario, files] of [
    ["hello", 4],
    ["bad-network", 6],
  ] as const) {
    testWith(
      ["tshark"],
      `of ${scenario}: no malformed packet, no bad checksum`,
      async () => {
        const out = join(directory, `tshark-${scenario}`);
        await seville("run", scenario, "--quiet", "--no-report", "--out", out);
        const captures = readdirSync(out).filter((name) => name.endsWith(".pcapng"));
        expect(captures).toHaveLength(files);
        for (const name of captures) expect(faults(join(out, name)), name).toEqual([]);
      },
      120_000,
    );
  }

  testWith(["tshark"], "those fault filters do find a fault: damage that no check sequence sees", async () => {
    const out = join(directory, "damaged");
    const damage = "links.wan.corrupt={probability: 20%, afterFcs: true}";
    await seville("run", "hello", "--quiet", "--no-report", "--until", "5s", "--set", damage, "--out", out);
    expect(faults(join(out, "bob-eth0.pcapng")).length).toBeGreaterThan(10);
  });

  testWith(["tshark"], "say why a frame went no further", async () => {
    const out = join(directory, "reasons");
    await seville(
      "run",
      "hello",
      "--quiet",
      "--no-report",
      "--set",
      "links.wan.loss=50%",
      "--until",
      "6s",
      "--out",
      out,
    );
    const result = JSON.parse(readFileSync(join(out, "result.json"), "utf8")) as ScenarioResult;
    const lost = result.links.find(({ from }) => from === "r1:eth1")?.drops.LINK_LOSS;
    const comments = tshark(join(out, "r1-eth1.pcapng"), "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment");
    expect(lost).toBeGreaterThan(10);
    expect(comments.filter((line) => line === "dropped: LINK_LOSS")).toHaveLength(lost ?? -1);
  });

  testWith(["tshark"], "--pcap-at host looks where tcpdump does: the same packets", async () => {
    const count = async (at: string): Promise<number> => {
      const out = join(directory, `at-${at}`);
      await seville("run", "hello", "--quiet", "--no-report", "--until", "4s", "--pcap-at", at, "--out", out);
      return tshark(join(out, "bob-eth0.pcapng"), "-Y", "icmp || udp").length;
    };
    expect(await count("host")).toBe(await count("wire"));
  });
});

describe("dissect", () => {
  const out = join(directory, "to-dissect");
  const capture = join(out, "bob-eth0.pcapng");

  beforeAll(async () => {
    await seville("run", "hello", "--quiet", "--no-report", "--until", "4s", "--out", out);
  });

  testWith(["tshark"], "a line for each packet, as many as tshark sees", async () => {
    const { code, stdout } = await seville("dissect", capture);
    expect(code).toBe(EXIT.OK);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(tshark(capture).length);
    expect(stdout).toMatch(/^ +\d+ \d+\.\d{9} < IP 10\.0\.1\.2 > 10\.0\.2\.2: ICMP echo request/m);
  });

  test("one packet with every field, or the first few", async () => {
    const { stdout } = await seville("dissect", capture, "--packet", "1");
    expect(stdout).toContain("Ethernet II\n  Destination: 33:33:");
    expect((await seville("dissect", capture, "--limit", "3")).stdout.split("\n")).toHaveLength(4);
  });

  test("what is no capture is said, and 3", async () => {
    expect(await seville("dissect", MAIN)).toMatchObject({
      code: EXIT.BAD_INPUT,
      stdout: "",
      stderr: /neither pcapng nor pcap/,
    });
    expect(await seville("dissect", "nowhere.pcapng")).toMatchObject({ code: EXIT.BAD_INPUT, stderr: /ENOENT/ });
  });
});

describe("X9: replay", () => {
  test("pushes a capture through a link, and the same way again", async () => {
    const out = join(directory, "to-replay");
    await seville("run", "hello", "--quiet", "--no-report", "--until", "4s", "--out", out);
    const pcap = join(out, "alice-eth0.pcapng");
    const runs = [];
    for (let i = 0; i < 2; i++) {
      const { code, stdout } = await seville(
        "run",
        "replay",
        "--pcap-in",
        pcap,
        "--json",
        "--set",
        "links.wire.loss=10%",
      );
      expect(code).toBe(EXIT.OK);
      runs.push(JSON.parse(stdout) as ScenarioResult);
    }
    expect(runs[1]).toEqual(runs[0]);
    expect((await seville("verify-determinism", "replay", "--pcap-in", pcap)).code).toBe(EXIT.OK);
    const link = runs[0]?.links.find(({ from }) => from === "capture");
    expect(link?.offered).toBeGreaterThan(50);
    expect(link?.drops.LINK_LOSS).toBeGreaterThan(0);
    expect(runs[0]?.topology.nodes.find(({ kind }) => kind === "attachment")?.detail).toBe(
      "replay of alice-eth0.pcapng",
    );
  });

  test("a file that is no capture is told apart from a bug", async () => {
    const { code, stderr } = await seville("run", "replay", "--pcap-in", MAIN, "--no-report", "--no-pcap");
    expect(code).toBe(EXIT.BAD_INPUT);
    expect(stderr).not.toContain("bug of Seville");
  });
});
