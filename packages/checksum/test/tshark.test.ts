// Frames whose checksums we finished, as Wireshark judges them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { expect } from "vitest";
import {
  checksumHelp,
  setGreChecksum,
  setPartial,
  setPartialSctp,
  setUdpChecksum,
  decrementTtl,
} from "@seville/checksum";
import { testWith } from "../../../tools/testing/needs.ts";
import {
  bytesOf,
  ethernet,
  ETHER_TYPE,
  ip,
  join,
  kernels,
  lay,
  memory,
  payload,
  pseudo,
  TCP,
  tcp,
  UDP,
  udp,
  vxlan,
  withPseudo,
} from "./helpers/frames.ts";

/** A classic pcap file of Ethernet frames. */
function pcap(frames: readonly Uint8Array[]): Uint8Array {
  const le32 = (value: number): number[] => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
  const header = [...le32(0xa1b2c3d4), 2, 0, 4, 0, ...le32(0), ...le32(0), ...le32(65_535), ...le32(1)];
  return join(
    header,
    ...frames.flatMap((frame) => [[...le32(1), ...le32(0), ...le32(frame.length), ...le32(frame.length)], frame]),
  );
}

const FIELDS = ["ip", "tcp", "udp", "sctp", "gre"].map((name) => `${name}.checksum.status`);
const GOOD = "1";

/** The checksum states of every layer of every frame: 1 is good. */
function judge(frames: readonly Uint8Array[]): string[] {
  const folder = mkdtempSync(path(tmpdir(), "seville-checksum-"));
  try {
    const file = path(folder, "frames.pcap");
    writeFileSync(file, pcap(frames));
    const options = [
      "ip.check_checksum:TRUE",
      "tcp.check_checksum:TRUE",
      "udp.check_checksum:TRUE",
      "sctp.checksum:CRC 32c",
    ];
    const output = execFileSync(
      "tshark",
      [
        "-r",
        file,
        ...options.flatMap((option) => ["-o", option]),
        "-T",
        "fields",
        ...FIELDS.flatMap((field) => ["-e", field]),
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    );
    return output.split("\n").filter((line) => line !== "");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** VXLAN over IPv6 in GRE with a checksum over IPv4, around a PARTIAL TCP segment. */
function nested(): Uint8Array {
  const segment = withPseudo(4, TCP, tcp(payload(777)));
  const inner = ethernet(ETHER_TYPE[4], ip(4, TCP, segment));
  const datagram = udp(4242, 4789, vxlan(inner));
  const middle = ethernet(ETHER_TYPE[6], ip(6, UDP, datagram));
  const gre = join([0x80, 0, 0x65, 0x58, 0, 0, 0, 0], middle);
  const frame = lay(ethernet(ETHER_TYPE[4], ip(4, 47, gre)));
  setPartial(frame, frame.tail - segment.length, 16);
  setUdpChecksum(kernels, frame, frame.tail - datagram.length, pseudo(6, UDP, datagram.length));
  setGreChecksum(kernels, frame, frame.tail - gre.length);
  checksumHelp(kernels, frame);
  decrementTtl(memory.view, frame.data + 14);
  return bytesOf(frame);
}

function sctp(): Uint8Array {
  const chunk = join([0, 3, 0, 16 + 40, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51], payload(40));
  const packet = join([0x0b, 0x59, 0x0b, 0x59, 0, 0, 0x0e, 0x50, 0, 0, 0, 0], chunk);
  const frame = lay(ethernet(ETHER_TYPE[4], ip(4, 132, packet)));
  setPartialSctp(frame, frame.tail - packet.length);
  checksumHelp(kernels, frame);
  return bytesOf(frame);
}

testWith(
  ["tshark"],
  "C5 C8 C18 C23 C25 tshark finds every checksum good: nested local offload, GRE, SCTP, a decremented TTL",
  () => {
    const good = [nested(), sctp()];
    // The same with a changed payload byte: so it does look.
    const bad = good.map((frame) => frame.with(frame.length - 1, frame.at(-1)! ^ 1));
    const [goodNest, goodSctp, badNest, badSctp] = judge([...good, ...bad]);
    expect(goodNest?.split("\t")).toEqual([`${GOOD},${GOOD}`, GOOD, GOOD, "", GOOD]);
    expect(goodSctp?.split("\t")).toEqual([GOOD, "", "", GOOD, ""]);
    expect(badNest?.split("\t")).toEqual([`${GOOD},${GOOD}`, "0", "0", "", "0"]);
    expect(badSctp?.split("\t")).toEqual([GOOD, "", "", "0", ""]);
  },
);
