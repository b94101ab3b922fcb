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
  receipt: {
    to: "rx",
    profile: "outer-only-rx",
    report: "unnecessary",
    csumLevel: 0,
    checksums: [
      { header: "udp", by: "device" },
      { header: "tcp", by: "known" },
    ],
    cpuSummed: 700,
    deviceSummed: 16_980,
    delivered: 16_000,
  },
};
const ALIGNMENT: AlignmentResult = {
  host: "rx",
  arch: "strict-align",
  policy: "leave",
  packets: 210,
  misaligned: 108,
  bytesCopied: 0,
  flows: 2,
  traps: { ipv4: 200, udp: 100 },
  callers: { dissector: 100, stack: 200 },
  totalTraps: 300,
};

/** Cells of the first row whose first cell is `title`. */
function row(html: string, title: string): string[] {
  const found = new RegExp(`<tr><th scope="row">${title}</th>.*`).exec(html)?.[0] ?? "";
  return [...found.matchAll(/<td(?: class="([^"]*)")?>([^<]*)<\/td>/g)].map(([, classes = "", text = ""]) =>
    classes.includes("bad") ? `bad: ${text}` : text,
  );
}

/** What the page says in plain text, with narrow spaces as ordinary ones. */
function plain(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("\u202f", " ")
    .replaceAll(/\s+/g, " ");
}

/** The part of the page about offloads. */
function section(html: string): string {
  return /<section class="offloads">[\s\S]*?<\/section>/.exec(html)?.[0] ?? "";
}

describe("H7: offloads and alignment", () => {
  test("a run without them has nothing of the kind", () => {
    const html = renderReport(sampleResult());
    expect(section(html)).toBe("");
    expect(html).not.toContain("Switch in");
    expect(html).not.toContain("Alignment:");
  });

  test("a row for each tunnel, a column for each protocol: who computed, who verified, and what the CPU read", () => {
    const tcp6 = { ...OFFLOAD, inner: "tcp6", cpuSummed: 0, cpuMoved: 0 };
    const html = section(renderReport({ ...sampleResult(), offloads: [OFFLOAD, tcp6] }));
    const text = plain(html);
    expect(text).toContain("2 packets, 2 right on the wire");
    expect(text).toContain(
      "NIC, tunnel TCP / IPv4 TCP / IPv6 hw-csum → outer-only-rx vxlan+csum l d 17.6 kB d k 700 B l d 0 B d k 700 B",
    );
    expect(html).toContain('title="tcp: known from a verified checksum around it"');
    expect(html).toContain("cut into frames by: software");
    expect(html).toContain("the device said: unnecessary, level 0");
  });

  test("the legend has the letters that occur, and no others", () => {
    const text = plain(section(renderReport({ ...sampleResult(), offloads: [OFFLOAD] })));
    expect(text).toContain("k known from a verified checksum around it");
    expect(text).not.toContain("found wrong");
    expect(text).not.toContain("in software, over everything");
  });

  test("blocks are by NIC; a careless driver has one of its own; a hole in the matrix stays empty", () => {
    const careless = { ...OFFLOAD, careless: true as const, inner: "udp4" };
    const html = section(renderReport({ ...sampleResult(), offloads: [OFFLOAD, careless] }));
    expect(plain(html)).toContain("hw-csum under a careless driver → outer-only-rx");
    expect(html.match(/<tbody>/g)?.length).toBe(2 + 2);
    expect(html).toContain("<td></td>");
  });

  test("every packet stands there in numbers too, sent and received", () => {
    const html = renderReport({ ...sampleResult(), offloads: [OFFLOAD] });
    const [, details = ""] = section(html).split("<details>");
    expect(row(details, "hw-csum → outer-only-rx").map((text) => text.replaceAll("\u202f", " "))).toEqual([
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
    expect(row(details, "outer-only-rx").map((text) => text.replaceAll("\u202f", " "))).toEqual([
      "vxlan+csum",
      "tcp4",
      "unnecessary, level 0",
      "udp device, tcp known",
      "700",
      "16 980",
      "16 000",
    ]);
  });

  test("a receiver of which nothing is known has no lower row", () => {
    const unknown = Object.fromEntries(Object.entries(OFFLOAD).filter(([key]) => key !== "receipt"));
    const html = section(renderReport({ ...sampleResult(), offloads: [unknown as unknown as OffloadResult] }));
    expect(plain(html)).toContain("hw-csum vxlan+csum l d 17.6 kB Every packet");
    expect(html).not.toContain("<caption>Received</caption>");
  });

  test("what is wrong on the wire is marked, with its faults, and what did not arrive", () => {
    const wrong: OffloadResult = {
      ...OFFLOAD,
      right: false,
      faults: ["wrong checksum of tcp", "a payload that is not the sender's"],
      receipt: {
        ...(OFFLOAD.receipt as NonNullable<OffloadResult["receipt"]>),
        checksums: [
          { header: "udp", by: "bad" },
          { header: "tcp", by: "nobody" },
        ],
        delivered: 0,
      },
    };
    const html = section(renderReport({ ...sampleResult(), offloads: [wrong] }));
    expect(html).toContain('<b class="bad">0 right on the wire</b>');
    expect(plain(html)).toContain("17.6 kB wrong ✕ · 700 B 0 B arrived");
    const [, details = ""] = html.split("<details>");
    expect(row(details, "hw-csum → outer-only-rx").at(-1)).toBe(
      "bad: wrong checksum of tcp; a payload that is not the sender&#39;s",
    );
    expect(row(details, "outer-only-rx").slice(-4)).toEqual([
      "bad: udp bad, tcp nobody",
      "700",
      "16\u202f980",
      "bad: 0",
    ]);
  });

  test("names from a file cannot break the page", () => {
    const html = section(renderReport({ ...sampleResult(), offloads: [{ ...OFFLOAD, tunnel: "<b>", inner: "<i>4" }] }));
    expect(html).toContain("&lt;b&gt;");
    expect(html).toContain("&lt;I&gt; / IPv4");
  });

  test("a switch in a NIC: a row for each port; what stayed inside, and what was forged, is marked", () => {
    const port = {
      rx_unicast: 307,
      rx_multicast: 9,
      rx_bytes: 313_844,
      tx_unicast: 108,
      tx_multicast: 24,
      tx_bytes: 106_700,
      local: 306,
      spoofed: 2,
      tx_dropped: 0,
    };
    const embeddedSwitches = [{ nic: "host:eth0", mode: "veb" as const, ports: [{ port: "guest1:vf0", ...port }] }];
    const html = renderReport({ ...sampleResult(), embeddedSwitches });
    expect(html).toContain("Switch in host:eth0 (VEB), by port");
    expect(row(html, "guest1:vf0").map((text) => text.replaceAll("\u202f", " "))).toEqual([
      "307",
      "9",
      "314 kB",
      "108",
      "24",
      "107 kB",
      "306",
      "bad: 2",
      "0",
    ]);
  });

  test("traps are marked, and said whose they are", () => {
    const cells = row(renderReport({ ...sampleResult(), alignment: [ALIGNMENT] }), "rx");
    expect(cells.slice(0, 6)).toEqual(["strict-align", "leave", "210", "108", "bad: 300", "dissector 100, stack 200"]);
  });
});
