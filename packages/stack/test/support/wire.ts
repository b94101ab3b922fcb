import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { testWith } from "../../../../tools/testing/needs.ts";
import { frames } from "./captures.ts";

const CHECKS = ["ip.check_checksum", "udp.check_checksum", "tcp.check_checksum"];

/** The last test of a file: tshark finds no malformed frame and no wrong checksum in what the file put on wires. */
export function wireIsClean(): void {
  testWith(
    ["tshark"],
    "the wire: tshark finds nothing malformed and no wrong checksum in all frames of this file",
    () => {
      expect(frames.length).toBeGreaterThan(0);
      expect(complaints(frames)).toEqual([]);
    },
  );
}

/** What tshark holds against `list`. */
export function complaints(list: readonly Uint8Array[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "seville-stack-"));
  try {
    const file = join(directory, "wire.pcap");
    writeFileSync(file, pcap(list));
    const filter =
      "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0";
    const options = CHECKS.flatMap((name) => ["-o", `${name}:TRUE`]);
    // The payloads are nobody's protocol: tshark shall not guess one by the port.
    const out = execFileSync(
      "tshark",
      ["-r", file, "-d", "udp.port==1-65535,data", "-d", "tcp.port==1-65535,data", ...options, "-Y", filter],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    return out.split("\n").filter((line) => line !== "");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The old capture format: enough for a list of Ethernet frames. */
export function pcap(list: readonly Uint8Array[]): Uint8Array {
  const total = 24 + list.reduce((sum, frame) => sum + 16 + frame.length, 0);
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0xa1b2c3d4);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, 262_144);
  view.setUint32(20, 1);
  let at = 24;
  for (const [i, frame] of list.entries()) {
    view.setUint32(at, i);
    view.setUint32(at + 8, frame.length);
    view.setUint32(at + 12, frame.length);
    out.set(frame, at + 16);
    at += 16 + frame.length;
  }
  return out;
}
