import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testWith } from "../../testing/needs.ts";
import type { TcpOption } from "../language/tcp-options.ts";
import { decodeOptions } from "../wire/decode-options.ts";
import { decodePacket, MalformedPacket } from "../wire/decode.ts";
import { encodeOptions } from "../wire/encode-options.ts";
import { encodePacket } from "../wire/encode.ts";
import { icmpNames, icmpNumbers } from "../wire/icmp-names.ts";
import type { WirePacket, WireTcp } from "../wire/packet.ts";

const SEGMENT: WireTcp = {
  protocol: "tcp",
  ports: { source: 33_000, destination: 8080 },
  seq: 0xffff_fff0,
  ack: 0x1234_5678,
  flags: 0x1d8,
  window: 257,
  urgent: 3,
  options: Uint8Array.of(1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9),
  payload: Uint8Array.of(1, 2, 3),
  encapsulation: undefined,
};

function packet(body: WirePacket["body"], family: 4 | 6 = 4): WirePacket {
  const address = (last: number): Uint8Array => {
    if (family === 4) return Uint8Array.of(192, 0, 2, last);
    return Uint8Array.from([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
  };
  return {
    family,
    source: address(1),
    destination: address(2),
    ecn: 2,
    dscp: 46,
    ttl: 63,
    flowLabel: family === 6 ? 0x1_2345 : 0,
    body,
  };
}

describe("packets", () => {
  test.each([4, 6] as const)("RFC 9293 §3.1: a segment over IPv%i survives", (family) => {
    const sent = packet(SEGMENT, family);
    expect(decodePacket(encodePacket(sent))).toEqual(sent);
  });

  test("TCP in UDP survives", () => {
    const sent = packet({ ...SEGMENT, encapsulation: { source: 9899, destination: 9900 } });
    expect(decodePacket(encodePacket(sent), { tcpInUdp: true })).toEqual(sent);
    expect(decodePacket(encodePacket(sent)).body).toMatchObject({
      protocol: "udp",
      ports: { source: 9899, destination: 9900 },
    });
  });

  test.each([4, 6] as const)("UDP and ICMP over IPv%i survive", (family) => {
    for (const body of [
      { protocol: "udp", ports: { source: 1, destination: 2 }, payload: Uint8Array.of(9) },
      { protocol: "icmp", type: 3, code: 4, rest: 1200, payload: Uint8Array.of(1, 2) },
    ] as const) {
      expect(decodePacket(encodePacket(packet(body, family)))).toEqual(packet(body, family));
    }
  });

  test("RFC 1071: one changed bit is found in the header and in the payload", () => {
    const bytes = encodePacket(packet(SEGMENT));
    for (const at of [1, 9, 13, 24, 35, bytes.length - 1]) {
      const wrong = bytes.slice();
      wrong[at] = (wrong[at] as number) ^ 0x10;
      expect(() => decodePacket(wrong), `byte ${at}`).toThrow(MalformedPacket);
    }
    const wrong = bytes.slice();
    wrong[bytes.length - 1] = 77;
    expect(decodePacket(wrong, { verify: false }).body).toMatchObject({ payload: Uint8Array.of(1, 2, 77) });
  });

  test("whatever bytes come, decoding answers or says that they are malformed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(0x45, 0x46, 0x60, 0x00), (bytes, first) => {
        bytes[0] = first;
        try {
          decodePacket(bytes, { verify: false, tcpInUdp: true });
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedPacket);
        }
      }),
    );
  });

  testWith(["tshark"], "tshark finds every checksum right, and the fields where they belong", () => {
    const directory = mkdtempSync(join(tmpdir(), "packetdrill-"));
    try {
      const packets = [
        encodePacket(packet(SEGMENT)),
        encodePacket(packet(SEGMENT, 6)),
        encodePacket(packet({ protocol: "icmp", type: 3, code: 1, rest: 0, payload: new Uint8Array(28) })),
        encodePacket(packet({ protocol: "icmp", type: 2, code: 0, rest: 1280, payload: new Uint8Array(48) }, 6)),
      ];
      const file = join(directory, "x.pcap");
      writeFileSync(file, pcap(packets));
      const fields = [
        "ip.checksum.status",
        "tcp.checksum.status",
        "icmp.checksum.status",
        "icmpv6.checksum.status",
        "tcp.flags",
        "tcp.len",
      ];
      const checks = ["ip", "tcp", "icmp"].flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]).slice(0, 4);
      const { stdout } = spawnSync(
        "tshark",
        ["-r", file, ...checks, "-T", "fields", "-E", "occurrence=f", ...fields.flatMap((field) => ["-e", field])],
        {
          encoding: "utf8",
        },
      );
      expect(
        stdout
          .replace(/\n$/, "")
          .split("\n")
          .map((row) => row.split("\t")),
      ).toEqual([
        ["1", "1", "", "", "0x01d8", "3"],
        ["", "1", "", "", "0x01d8", "3"],
        ["1", "", "1", "", "", ""],
        ["", "", "", "1", "", ""],
      ]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** A capture of raw IP packets (LINKTYPE_RAW). */
function pcap(packets: readonly Uint8Array[]): Uint8Array {
  const header = new Uint8Array(24);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0xa1b2_c3d4);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, 65_535);
  view.setUint32(20, 101);
  const records = packets.map((bytes) => {
    const record = new Uint8Array(16 + bytes.length);
    const lengths = new DataView(record.buffer);
    lengths.setUint32(8, bytes.length);
    lengths.setUint32(12, bytes.length);
    record.set(bytes, 16);
    return record;
  });
  return Buffer.concat([header, ...records]);
}

describe("TCP options", () => {
  const options: readonly TcpOption[] = [
    { kind: "mss", value: 1460 },
    { kind: "wscale", value: 7 },
    { kind: "sackOK" },
    {
      kind: "sack",
      blocks: [
        [1, 2],
        [0xffff_ffff, 3],
      ],
    },
    { kind: "TS", val: 0xdead_beef, ecr: 7 },
    { kind: "FO", cookie: "0102030405060708" },
    { kind: "FO", cookie: "" },
    { kind: "FOEXP", cookie: "0a" },
    { kind: "AccECN", order: 0, counters: [1, 0xff_ffff], experimental: false },
    { kind: "AccECN", order: 1, counters: [], experimental: false },
    { kind: "AccECN", order: 1, counters: [5, 6, 7], experimental: true },
    { kind: "md5", digest: "00".repeat(16) },
    { kind: "generic", number: 77, data: "0102" },
    { kind: "experiment", exid: 0x1234, data: "ff" },
    { kind: "nop" },
    { kind: "eol" },
  ];

  test.each(options.map((option) => [JSON.stringify(option), option] as const))("%s survives", (_, option) => {
    expect(decodeOptions(encodeOptions([option]))).toEqual([option]);
  });

  test("all together survive in their order", () => {
    expect(decodeOptions(encodeOptions(options))).toEqual(options);
  });

  test("the bytes of RFC 9293 §3.2, RFC 7323 §3.2 and RFC 7413 §4.1.1", () => {
    const bytes = (option: TcpOption): number[] => [...encodeOptions([option])];
    expect(bytes({ kind: "mss", value: 1460 })).toEqual([2, 4, 5, 0xb4]);
    expect(bytes({ kind: "TS", val: 1, ecr: 2 })).toEqual([8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    expect(bytes({ kind: "FO", cookie: "abcd" })).toEqual([34, 4, 0xab, 0xcd]);
    expect(bytes({ kind: "FOEXP", cookie: "ab" })).toEqual([254, 5, 0xf9, 0x89, 0xab]);
    expect(bytes({ kind: "AccECN", order: 0, counters: [1], experimental: false })).toEqual([172, 5, 0, 0, 1]);
  });

  test("a length that does not fit is malformed", () => {
    for (const wrong of [[2, 1], [2, 9, 1], [8]])
      expect(() => decodeOptions(Uint8Array.from(wrong))).toThrow(MalformedPacket);
  });
});

describe("ICMP names", () => {
  test("RFC 792, RFC 4443: numbers by family", () => {
    expect(icmpNumbers(4, "unreachable", "frag_needed")).toEqual([3, 4]);
    expect(icmpNumbers(6, "packet_too_big", undefined)).toEqual([2, 0]);
    expect(icmpNumbers(6, "unreachable", "port_unreachable")).toEqual([1, 4]);
    expect(icmpNumbers(4, "type_9", "code_2")).toEqual([9, 2]);
    expect(icmpNumbers(4, "nonsense", undefined)).toBeUndefined();
    expect(icmpNumbers(4, "unreachable", "nonsense")).toBeUndefined();
    expect(icmpNumbers(4, "type_300", undefined)).toBeUndefined();
    expect(icmpNames(4, 3, 3)).toEqual(["unreachable", "port_unreachable"]);
    expect(icmpNames(6, 200, 7)).toEqual(["type_200", "code_7"]);
  });
});
