import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SevilleError } from "@seville/core";
import { describe, expect, test } from "vitest";
import { testWith } from "../../../../tools/testing/needs.ts";
import { PcapngWriter, pcapngBytes } from "../../src/pcapng.ts";
import { ARP_FRAME } from "./frames.ts";

/** `02 03` → bytes; white space and `| comment` to the end of the line are passed over. */
function hex(text: string): number[] {
  return text
    .replace(/\|.*$/gm, "")
    .trim()
    .split(/\s+/)
    .map((byte) => Number.parseInt(byte, 16));
}

describe("the bytes of a pcapng file (draft-ietf-opsawg-pcapng)", () => {
  test("G1 §4.1 section header, §4.2 interface description, §4.3 enhanced packet", () => {
    const file = pcapngBytes((writer) => {
      const eth0 = writer.addInterface({ name: "eth0", snapLength: 96 });
      writer.packet({ interface: eth0, time: 5, data: Uint8Array.of(1, 2, 3, 4, 5), direction: "outbound" });
    });
    expect([...file]).toEqual(
      hex(`
        0a 0d 0d 0a  1c 00 00 00  4d 3c 2b 1a  01 00 00 00   | type, length 28, byte-order magic, version 1.0
        ff ff ff ff  ff ff ff ff  1c 00 00 00                | section length not stated, length again
        01 00 00 00  28 00 00 00  01 00 00 00  60 00 00 00   | type, length 40, Ethernet, snap length 96
        02 00 04 00  65 74 68 30                             | if_name "eth0"
        09 00 01 00  09 00 00 00                             | if_tsresol 10^-9, padded
        00 00 00 00  28 00 00 00                             | end of options, length again
        06 00 00 00  34 00 00 00  00 00 00 00                | type, length 52, interface 0
        00 00 00 00  05 00 00 00                             | time, high word first
        05 00 00 00  05 00 00 00  01 02 03 04  05 00 00 00   | kept 5 of 5, padded
        02 00 04 00  02 00 00 00  00 00 00 00  34 00 00 00   | epb_flags outbound, end, length again`),
    );
  });

  test("G2 a time past 2^53 ns since 1970 is exact: two words, carry included", () => {
    const epochSeconds = 4_294_967_295;
    const file = pcapngBytes(
      (writer) => {
        writer.addInterface();
        writer.packet({ interface: 0, time: 4_294_967_295, data: new Uint8Array(0) });
      },
      { epochSeconds },
    );
    const view = new DataView(file.buffer, file.byteOffset);
    const at = file.length - 32;
    const time = (BigInt(view.getUint32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 16, true));
    expect(time).toBe(BigInt(epochSeconds) * 1_000_000_000n + 4_294_967_295n);
  });

  test("G3 a packet is cut to the snap length and its length on the wire kept", () => {
    const file = pcapngBytes((writer) => {
      writer.addInterface({ snapLength: 4 });
      writer.packet({ interface: 0, time: 0, data: Uint8Array.of(1, 2, 3, 4, 5, 6), originalLength: 1500 });
    });
    const view = new DataView(file.buffer, file.byteOffset);
    const at = file.length - 36;
    expect([view.getUint32(at + 20, true), view.getUint32(at + 24, true)]).toEqual([4, 1500]);
  });
});

describe("the writer", () => {
  test("G5 hands over pieces that it does not touch again, blocks larger than a piece among them", () => {
    const pieces: Uint8Array[] = [];
    const sums: number[] = [];
    const sum = (piece: Uint8Array): number => piece.reduce((total, byte) => total + byte, 0);
    const writer = new PcapngWriter(
      (piece) => {
        pieces.push(piece);
        sums.push(sum(piece));
      },
      { chunkBytes: 256 },
    );
    writer.addInterface();
    for (let i = 0; i < 50; i++)
      writer.packet({ interface: 0, time: i, data: new Uint8Array(i === 25 ? 9000 : 60).fill(i) });
    writer.flush();
    expect(pieces.length).toBeGreaterThan(10);
    expect(pieces.map(sum)).toEqual(sums);
    expect(writer.packets).toBe(50);
  });

  test("G6 names the argument that is wrong", () => {
    const writer = new PcapngWriter(() => undefined);
    const argumentOf = (call: () => unknown): string | undefined => {
      try {
        call();
      } catch (error) {
        return error instanceof SevilleError ? error.argument : "not a SevilleError";
      }
      return "nothing thrown";
    };
    expect(argumentOf(() => writer.packet({ interface: 0, time: 0, data: new Uint8Array(1) }))).toBe("interface");
    expect(argumentOf(() => writer.addInterface({ macAddress: new Uint8Array(5) }))).toBe("macAddress");
    expect(argumentOf(() => writer.names([{ address: new Uint8Array(5), name: "x" }]))).toBe("address");
    expect(argumentOf(() => new PcapngWriter(() => undefined, { epochSeconds: 0.5 }))).toBe("epochSeconds");
  });
});

describe("tshark reads what we write", () => {
  testWith(["tshark"], "G4 times, interfaces, comments, drop reasons, directions, names, statistics", () => {
    const directory = mkdtempSync(join(tmpdir(), "pcapng-"));
    try {
      const path = join(directory, "our.pcapng");
      const file = pcapngBytes(
        (writer) => {
          writer.addInterface({
            name: "left",
            description: "host a, eth0",
            speed: 50e6,
            macAddress: new Uint8Array(6),
          });
          writer.addInterface({ name: "right" });
          writer.names([{ address: Uint8Array.of(192, 0, 2, 1), name: "router.example" }]);
          writer.packet({ interface: 0, time: 1, data: ARP_FRAME, direction: "outbound" });
          writer.packet({
            interface: 1,
            time: 1_500_000_002,
            data: ARP_FRAME,
            comment: "grüße",
            dropReason: "LINK_LOSS",
          });
          writer.packet({ interface: 1, time: 2_000_000_000, data: ARP_FRAME, direction: "inbound", crcError: true });
          writer.interfaceStatistics({ interface: 1, time: 3_000_000_000, received: 2, dropped: 1 });
        },
        { epochSeconds: 1_700_000_000, application: "seville", comment: "a section" },
      );
      writeFileSync(path, file);
      const fields = ["frame.time_epoch", "frame.interface_name", "frame.comment", "frame.packet_flags_direction"];
      const options = fields.flatMap((field) => ["-e", field]);
      const out = execFileSync("tshark", ["-r", path, "-T", "fields", "-E", "separator=;", ...options], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
      expect(out.trim().split("\n")).toEqual([
        "1700000000.000000001;left;;0x00000002",
        "1700000001.500000002;right;grüße,dropped: LINK_LOSS;",
        "1700000002.000000000;right;;0x00000001",
      ]);
      const info = execFileSync("capinfos", ["-M", path], { encoding: "utf8" });
      expect(info).toMatch(/File type:\s+(Wireshark.*)?pcapng/);
      expect(info).toMatch(/Name = left/);
      expect(info).toMatch(/Speed = 50000000/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
