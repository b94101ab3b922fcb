// A sample of what segmentation makes, judged by tshark with every checksum verified.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import { SKB_GSO_SCTP, GSO_BY_FRAGS, SKB_GSO_UDP } from "@seville/packet";
import { pcapngBytes } from "@seville/packet/pcapng";
import { testWith } from "../../../tools/testing/needs.ts";
import { flows } from "./support/arbitrary.ts";
import { PLAIN, type Flow } from "./support/flow.ts";
import { segmentFrames } from "./support/collect.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";

const PREFERENCES = [
  "ip.check_checksum:TRUE",
  "tcp.check_checksum:TRUE",
  "udp.check_checksum:TRUE",
  "sctp.checksum:CRC 32c",
  "tcp.analyze_sequence_numbers:FALSE",
  "ip.defragment:TRUE",
  "ipv6.defragment:TRUE",
];
const FIELDS = [
  "frame.number",
  "ip.checksum.status",
  "tcp.checksum.status",
  "udp.checksum.status",
  "sctp.checksum.status",
  "gre.checksum.status",
  "_ws.malformed",
];
const BAD = "0";

/** The status of every checksum of each frame, as tshark prints it: 1 good, 0 bad, 2 not verified, 3 not present. */
function statuses(frames: readonly Uint8Array[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), "seville-tso-"));
  try {
    const file = join(folder, "frames.pcapng");
    const bytes = pcapngBytes((writer) => {
      const eth0 = writer.addInterface({ name: "eth0" });
      frames.forEach((data, time) => writer.packet({ interface: eth0, time, data }));
    });
    writeFileSync(file, bytes);
    const options = PREFERENCES.flatMap((one) => ["-o", one]);
    const fields = FIELDS.flatMap((one) => ["-e", one]);
    const out = execFileSync(
      "tshark",
      ["-r", file, "-n", ...options, "-d", "udp.port==5555,ip", "-T", "fields", ...fields],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
        maxBuffer: 1 << 26,
      },
    );
    return out
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

testWith(
  ["tshark"],
  "S2 S3 S4 S6 a sample of 60 flows: tshark finds every checksum good and nothing malformed",
  () => {
    const frames: Uint8Array[] = [];
    const pool = makePool();
    // Ports 4000 and 5000 mean nothing to tshark; CWR and the like are no complaint.
    const sample = fc.sample(fc.tuple(flows(), fc.integer({ min: 100, max: 1400 })), { seed: 7, numRuns: 60 });
    for (const [any, size] of sample) {
      const flow: Flow = any.tunnel === "fou-csum" && any.family === 6 ? { ...any, tunnel: "gre-csum" } : any;
      frames.push(...segmentFrames(superPacket(pool, flow, payloadOf(size * 3 - 7), { size })).frames);
    }
    expect(frames).toHaveLength(180);
    const found = statuses(frames);
    expect(found).toHaveLength(frames.length);
    for (const [number, ip = "", tcp = "", udp = "", , gre = "", malformed = ""] of found) {
      expect([number, malformed]).toEqual([number, ""]);
      for (const status of [ip, tcp, udp, gre].join(",").split(","))
        expect([number, status]).not.toEqual([number, BAD]);
      expect(`${tcp},${udp}`).toMatch(/1/);
    }
    pool.assertDrained();
  },
  60_000,
);

testWith(["tshark"], "S8 S9 fragments and SCTP: tshark reassembles the datagrams and finds every CRC32c good", () => {
  const pool = makePool();
  const frames: Uint8Array[] = [];
  for (const family of [4, 6] as const) {
    const flow: Flow = { ...PLAIN, family, kind: "udp", df: false };
    const packet = superPacket(pool, flow, payloadOf(4001), { size: 1200 });
    packet.gsoType = SKB_GSO_UDP;
    frames.push(...segmentFrames(packet, { fragmentId: () => 77 }).frames);
  }
  const sctp = superPacket(pool, { ...PLAIN, kind: "udp" }, chunks(), {
    size: GSO_BY_FRAGS,
    pieces: [32, 32, 32],
    partial: false,
  });
  pool.memory.view.setUint8(sctp.networkHeader + 9, 132);
  sctp.gsoType = SKB_GSO_SCTP;
  frames.push(...segmentFrames(sctp).frames);
  const found = statuses(frames);
  const udp = found.map((line) => line[3] ?? "").filter((status) => status !== "");
  expect(udp).toEqual(["1", "1"]);
  expect(found.slice(-3).map((line) => line[4])).toEqual(["1", "1", "1"]);
  expect(found.every((line) => (line[6] ?? "") === "")).toBe(true);
  pool.assertDrained();
});

/** The rest of a common header, and three DATA chunks of 32 bytes. */
function chunks(): Uint8Array {
  const chunk = [0, 3, 0, 32, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, ...new Array<number>(16).fill(65)];
  return Uint8Array.from([0, 0, 0, 0, ...chunk, ...chunk, ...chunk]);
}
