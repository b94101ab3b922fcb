import { describe, expect, test } from "vitest";
import { renderReport } from "@seville/report";
import type { AlignmentResult, OffloadResult } from "@seville/scenario";
import { sampleResult } from "./sample-result.ts";

const OFFLOAD: OffloadResult = {
  name: "probe",
  from: "tx",
  profile: "hw-csum",
  via: "vxlan0",
  tunnel: "vxlan+csum",
  inner: "tcp4",
  payload: 16_000,
  frames: 14,
  checksums: [
    { header: "udp", place: "lco" },
    { header: "tcp", place: "device" },
  ],
  segmentation: "software",
  cpuSummed: 140,
  cpuMoved: 17_456,
  deviceSummed: 16_280,
  right: true,
  faults: [],
};
const ALIGNMENT: AlignmentResult = {
  host: "rx",
  arch: "strict-align",
  policy: "leave",
  packets: 210,
  misaligned: 108,
  bytesCopied: 0,
  traps: { ipv4: 200, udp: 100 },
  totalTraps: 300,
};

/** Cells of the first row whose first cell is `title`. */
function row(html: string, title: string): string[] {
  const found = new RegExp(`<tr><th scope="row">${title}</th>.*`).exec(html)?.[0] ?? "";
  return [...found.matchAll(/<td(?: class="([^"]*)")?>([^<]*)<\/td>/g)].map(([, classes = "", text = ""]) =>
    classes.includes("bad") ? `bad: ${text}` : text,
  );
}

describe("H7: tables of offloads and alignment", () => {
  test("a run without them has no such tables", () => {
    const html = renderReport(sampleResult());
    expect(html).not.toContain("Offloads:");
    expect(html).not.toContain("Alignment:");
  });

  test("each packet says where its checksums were computed, and what the CPU touched", () => {
    const html = renderReport({ ...sampleResult(), offloads: [OFFLOAD] });
    expect(row(html, "hw-csum").map((text) => text.replaceAll("\u202f", " "))).toEqual([
      "vxlan+csum",
      "tcp4",
      "14",
      "udp lco, tcp device",
      "software",
      "140",
      "17 456",
      "16 280",
      "right",
    ]);
  });

  test("what is wrong on the wire is marked, with its faults", () => {
    const wrong = { ...OFFLOAD, right: false, faults: ["wrong checksum of tcp", "a payload that is not the sender's"] };
    const cells = row(renderReport({ ...sampleResult(), offloads: [wrong] }), "hw-csum");
    expect(cells.at(-1)).toBe("bad: wrong checksum of tcp; a payload that is not the sender&#39;s");
  });

  test("traps are marked", () => {
    const cells = row(renderReport({ ...sampleResult(), alignment: [ALIGNMENT] }), "rx");
    expect(cells.slice(0, 5)).toEqual(["strict-align", "leave", "210", "108", "bad: 300"]);
  });
});
