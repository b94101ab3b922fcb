import { describe, expect, test } from "vitest";
import { loadScenario } from "@seville/scenario/node";
import { runScenario, type ScenarioResult } from "@seville/scenario";
import { renderSummary } from "../src/output/summary.ts";

const FILES = { report: undefined, result: undefined, pcap: undefined };

/** Without colours, and with plain spaces. */
function summary(result: ScenarioResult): string {
  return renderSummary(result, FILES)
    .replace(/\u001b\[[0-9;]*m/g, "")
    .replaceAll("\u202f", " ");
}

describe("X11: offloads in the summary", () => {
  test("one row for each NIC and tunnel: where checksums were computed, outside in, and bytes of the CPU", async () => {
    const result = await runScenario((await loadScenario("offload-matrix")).scenario);
    const text = summary(result);
    expect(text).toContain("Offloads: 420 of 420 right on the wire");
    expect(text).toMatch(/^hw-csum +vxlan\+csum +ld>cc 17\.6 kB/m);
    expect(text).toMatch(/^tunnel-offload +none +d>d 0 B +d>d 0 B +d>d 0 B +d>d 0 B +d>d 16\.9 kB +d>d 17\.1 kB$/m);
    const [first] = result.offloads ?? [];
    if (first === undefined) throw new Error("nothing was sent");
    const wrong = summary({ ...result, offloads: [{ ...first, right: false, faults: ["wrong checksum of tcp"] }] });
    expect(wrong).toContain("Offloads: 0 of 1 right on the wire");
    expect(wrong).toMatch(/^none +none +s>s wrong$/m);
    // All 420 packets through all NICs: ten seconds of CPU, which others may want too.
  }, 120_000);

  test("one row for each host that minds alignment", async () => {
    const text = summary(await runScenario((await loadScenario("alignment")).scenario));
    const cells = (host: string): string[] => (new RegExp(`^${host} .*$`, "m").exec(text)?.[0] ?? "").split(/ {2,}/);
    expect(cells("x86-leave").slice(1, 3)).toEqual(["x86", "leave"]);
    expect(cells("x86-leave").slice(5)).toEqual(["0", "0", "0", "0", "0 B"]);
    expect(cells("strict-leave").slice(1, 3)).toEqual(["strict-align", "leave"]);
    for (const traps of cells("strict-leave").slice(5, 9)) expect(traps).toMatch(/^[1-9]/);
    expect(cells("strict-leave")[9]).toBe("0 B");
    expect(cells("strict-shift")[7]).toBe("0");
    expect(cells("strict-shift")[9]).toMatch(/ kB$/);
  });
});
