import fc from "fast-check";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { L2TPV3_HEADER_BYTES, readL2tpv3Session, writeL2tpv3Header } from "../src/udp/l2tpv3.ts";
import { frame } from "./frames.ts";

function header(session: number): Uint8Array {
  const bytes = new Uint8Array(L2TPV3_HEADER_BYTES);
  writeL2tpv3Header(new DataView(bytes.buffer), session);
  return bytes;
}

function read(bytes: Uint8Array): number | undefined {
  return readL2tpv3Session(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
}

describe("behaviour 8: L2TPv3 over UDP", () => {
  test("RFC 3931 §4.1.2.1: session 1 is the 8 bytes that User-mode Linux and QEMU send", () => {
    expect(Buffer.from(header(1)).toString("hex")).toBe("0003000000000001");
  });

  test("RFC 3931 §4.1.2.1: any session there and back", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 0xffff_ffff }), (id) => read(header(id)) === id));
  });

  test("RFC 3931 §4.1.2.1: reserved bits are ignored on reception", () => {
    expect(read(Uint8Array.of(0x7f, 0xf3, 0xab, 0xcd, 0, 0, 0, 9))).toBe(9);
  });

  test("RFC 3931 §4.1.2.1: control messages (T), other versions and short datagrams are none", () => {
    expect(read(Uint8Array.of(0x80, 3, 0, 0, 0, 0, 0, 1))).toBeUndefined();
    expect(read(Uint8Array.of(0, 2, 0, 0, 0, 0, 0, 1))).toBeUndefined();
    for (let length = 0; length < 8; length++) expect(read(header(1).subarray(0, length))).toBeUndefined();
  });

  testWith(["tshark"], "tshark sees the frame within", () => {
    const directory = mkdtempSync(join(tmpdir(), "l2tpv3-"));
    try {
      const inner = frame(60);
      const text = [...header(7), ...inner].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
      writeFileSync(join(directory, "hex"), `0000 ${text}\n`);
      execFileSync("text2pcap", ["-q", "-4", "127.0.0.1,127.0.0.1", "-u", "1701,1701", "hex", "pcap"], {
        cwd: directory,
      });
      // The layer-2 sublayer and its absence are configured in L2TPv3, not told on the wire.
      const args = ["-r", "pcap", "-o", "l2tp.l2_specific:None", "-T", "fields", "-e", "l2tp.sid", "-e", "eth.type"];
      const said = execFileSync("tshark", args, { cwd: directory, encoding: "utf8" });
      expect(said).toMatch(/0x00000007/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
