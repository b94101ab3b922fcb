// What tools/testing/selftests/net/lib/csum.c of the kernel asks of a sender and a receiver, asked of software: `checksumHelp`
// sends, `validate` receives. `@seville/netdev` asks the same of its NICs.
import { describe, expect, test } from "vitest";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_UNNECESSARY,
  checksumHelp,
  postPull,
  reportReceived,
  validate,
  validateUdp,
} from "@seville/checksum";
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
  withChecksum,
  withPseudo,
  type TestFrame,
} from "./helpers/frames.ts";
import { CASES, plain, type Protocol } from "./helpers/transmit.ts";
import { naiveSum, verifyFrame } from "./helpers/naive.ts";

const view = memory.view;
const NUMBER = { tcp: TCP, udp: UDP } as const;
const headerBytes = (family: 4 | 6): number => 14 + (family === 4 ? 20 : 40);

/** Receives a frame as the stack would: the device reports, headers are pulled, the transport checksum is verified. */
function receive(
  wire: Uint8Array,
  family: 4 | 6,
  protocol: Protocol,
  canSum: boolean,
): { verdict: string; mark: number } {
  const frame = lay(wire);
  reportReceived(kernels, frame, { canSum, canVerify: true }, verifyFrame(wire));
  const mark = frame.ipSummed;
  frame.data += headerBytes(family);
  postPull(kernels, frame, headerBytes(family));
  const sum = pseudo(family, NUMBER[protocol], frame.tail - frame.data);
  const verdict = protocol === "udp" ? validateUdp(kernels, frame, sum, family === 4) : validate(kernels, frame, sum);
  return { verdict, mark };
}

describe.each(CASES)("C28 IPv%i %s", (family, protocol) => {
  const wire = (segment: Uint8Array): Uint8Array => ethernet(ETHER_TYPE[family], ip(family, NUMBER[protocol], segment));
  const segment = (bytes: number, seed = 1): Uint8Array =>
    protocol === "tcp" ? tcp(payload(bytes, seed)) : udp(5, 6, payload(bytes, seed));
  const offset = protocol === "tcp" ? 16 : 6;

  test("C28 a good packet is sent right and delivered", () => {
    const frame = plain(family, protocol);
    expect(checksumHelp(kernels, frame)).toBe(true);
    expect(verifyFrame(bytesOf(frame))).toEqual([{ protocol, present: true, verified: true }]);
    expect(receive(bytesOf(frame), family, protocol, true)).toEqual({ verdict: "complete", mark: CHECKSUM_COMPLETE });
    expect(receive(bytesOf(frame), family, protocol, false)).toEqual({
      verdict: "unnecessary",
      mark: CHECKSUM_UNNECESSARY,
    });
  });

  test("C28 -E a bad packet is still handed up, and not marked valid", () => {
    const bad = withChecksum(family, NUMBER[protocol], segment(100));
    bad[bad.length - 1]! ^= 0x10;
    expect(receive(wire(bad), family, protocol, true)).toEqual({ verdict: "bad", mark: CHECKSUM_COMPLETE });
    expect(receive(wire(bad), family, protocol, false)).toEqual({ verdict: "bad", mark: 0 });
  });

  test("C28 -r random lengths and payloads, seeded", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const bytes = (seed * 7919) % 1440;
      const partial = withPseudo(family, NUMBER[protocol], segment(bytes, seed));
      const start = headerBytes(family);
      const sent = wire(partial);
      const expected = wire(withChecksum(family, NUMBER[protocol], segment(bytes, seed)));
      const frame = lay(sent, {
        ipSummed: 3,
        protocol: ETHER_TYPE[family],
        networkHeader: 14,
        transportHeader: start,
        csumStart: start,
        csumOffset: offset,
      });
      expect(checksumHelp(kernels, frame)).toBe(true);
      expect(Buffer.compare(bytesOf(frame), expected)).toBe(0);
    }
  });

  test("C28 -e a UDP header and 4 bytes in front of TCP, csum_start moved: software obeys it", () => {
    const inner = tcp(payload(64));
    const length = inner.length;
    // The pseudo-header of the TCP segment that begins twelve bytes later.
    inner.set([pseudo(family, TCP, length) >>> 8, pseudo(family, TCP, length) & 255], 16);
    const packet = ethernet(ETHER_TYPE[family], ip(family, UDP, udp(4, 9999, join([1, 2, 3, 4], inner))));
    const start = packet.length - length;
    const frame = lay(packet, {
      ipSummed: 3,
      protocol: ETHER_TYPE[family],
      networkHeader: 14,
      transportHeader: headerBytes(family),
      csumStart: start,
      csumOffset: 16,
    });
    expect(checksumHelp(kernels, frame)).toBe(true);
    expect(naiveSum(memory.u8.subarray(frame.data + start, frame.tail), pseudo(family, TCP, length))).toBe(0xffff);
  });
});

describe.each([4, 6] as const)("C28 IPv%i udp, the zeros", (family) => {
  const start = headerBytes(family);

  /** A PARTIAL datagram whose source port makes the checksum come out as 0. */
  function forced(): TestFrame {
    const datagram = udp(0, 2000, payload(41));
    const port = 0xffff - naiveSum(datagram, pseudo(family, UDP, datagram.length));
    datagram.set([port >>> 8, port & 255]);
    const packet = ethernet(ETHER_TYPE[family], ip(family, UDP, withPseudo(family, UDP, datagram)));
    const protocol = ETHER_TYPE[family];
    const at = { networkHeader: 14, transportHeader: start, csumStart: start, csumOffset: 6 };
    return lay(packet, { ipSummed: 3, protocol, ...at });
  }

  test("C28 -Z a checksum that comes out as 0 is 0xffff on the wire", () => {
    const frame = forced();
    expect(checksumHelp(kernels, frame)).toBe(true);
    expect(view.getUint16(frame.data + start + 6)).toBe(0xffff);
    expect(receive(bytesOf(frame), family, "udp", true).verdict).toBe("complete");
  });

  test("C28 -z a zero that means none is left alone", () => {
    const bytes = ethernet(ETHER_TYPE[family], ip(family, UDP, udp(1, 2, payload(33))));
    const frame = lay(bytes, { protocol: ETHER_TYPE[family], networkHeader: 14, transportHeader: start });
    expect(checksumHelp(kernels, frame)).toBe(true);
    expect(bytesOf(frame)).toEqual(bytes);
    expect(receive(bytes, family, "udp", false).verdict).toBe(family === 4 ? "absent" : "bad");
  });
});
