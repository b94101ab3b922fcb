import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHECKSUMS = ["ip", "tcp", "udp", "sctp", "gre"].map((protocol) => `${protocol}.checksum.status`);
/** Wireshark's "Bad" and "Good". */
const BAD = "0";

/** What Wireshark finds in each frame: how many checksums are bad, and whether it is malformed. */
export interface Verdict {
  readonly bad: number;
  readonly good: number;
  readonly malformed: boolean;
}

/** Asks tshark about every frame, with one run of it. */
export function tsharkVerdicts(frames: readonly Uint8Array[]): Verdict[] {
  const folder = mkdtempSync(join(tmpdir(), "seville-netdev-"));
  try {
    const file = join(folder, "frames.pcap");
    writeFileSync(file, pcap(frames));
    const preferences = [
      "ip.check_checksum:TRUE",
      "tcp.check_checksum:TRUE",
      "udp.check_checksum:TRUE",
      "sctp.checksum:CRC 32c",
      "tcp.analyze_sequence_numbers:FALSE",
    ].flatMap((preference) => ["-o", preference]);
    const fields = [...CHECKSUMS, "_ws.malformed"].flatMap((field) => ["-e", field]);
    const output = execFileSync("tshark", ["-r", file, ...preferences, "-T", "fields", ...fields], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      maxBuffer: 64 * 1024 * 1024,
    });
    return output.replace(/\n$/, "").split("\n").map(verdict);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function verdict(line: string): Verdict {
  const columns = line.split("\t");
  const states = columns
    .slice(0, CHECKSUMS.length)
    .flatMap((column) => column.split(",").filter((state) => state !== ""));
  return {
    bad: states.filter((state) => state === BAD).length,
    good: states.filter((state) => state === "1").length,
    malformed: (columns[CHECKSUMS.length] ?? "") !== "",
  };
}

/** A classic pcap file of Ethernet frames. */
function pcap(frames: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const records = frames.flatMap((frame, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(i, 0);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, frame];
  });
  return Buffer.concat([header, ...records]);
}
