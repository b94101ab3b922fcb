import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  decrementUnnecessary,
  fold,
  incrementUnnecessary,
  isUnnecessary,
  postPull,
  postPush,
  preTrim,
  reportReceived,
  resetUnnecessary,
  tryConvert,
  validate,
  validateUdp,
  type ReceivedChecksum,
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
  vxlan,
  withChecksum,
  type Family,
  type TestFrame,
} from "./helpers/frames.ts";
import { naiveSum, verifyFrame } from "./helpers/naive.ts";

const NIC_SUMS = { canSum: true, canVerify: true };
const NIC_VERIFIES = { canSum: false, canVerify: true };
const NIC_NEITHER = { canSum: false, canVerify: false };

function pull(frame: TestFrame, count: number): void {
  frame.data += count;
  postPull(kernels, frame, count);
}

/** The sum that COMPLETE must hold is that of the bytes there are. */
function expectCompleteIsTrue(frame: TestFrame): void {
  expect(frame.ipSummed).toBe(CHECKSUM_COMPLETE);
  expect(fold(frame.csum) % 0xffff).toBe(naiveSum(bytesOf(frame)) % 0xffff);
}

/** IPv6 ‖ UDP ‖ GRE ‖ IPv4 ‖ TCP, as in the kernel's own example: GRE in UDP, told by a port of ours. */
function nested(gre: "good" | "bad" | "absent"): readonly ReceivedChecksum[] {
  return [
    { protocol: "udp", present: true, verified: true },
    { protocol: "gre", present: gre !== "absent", verified: gre === "good" },
    { protocol: "tcp", present: true, verified: true },
  ];
}

test("C9 NONE: a device that can do nothing says nothing, and software verifies", () => {
  const frame = lay(withChecksum(4, TCP, tcp(payload(100))));
  reportReceived(kernels, frame, NIC_NEITHER, [{ protocol: "tcp", present: true, verified: true }]);
  expect(frame.ipSummed).toBe(CHECKSUM_NONE);
  expect(isUnnecessary(frame)).toBe(false);
  expect(validate(kernels, frame, pseudo(4, TCP, 120))).toBe("software");
});

describe("C10 UNNECESSARY counts consecutive good checksums from the outside, minus one", () => {
  test.each([
    ["IPv6 UDP GRE IPv4 TCP, all good: 2", nested("good"), CHECKSUM_UNNECESSARY, 2],
    ["GRE bad: TCP does not count: 0", nested("bad"), CHECKSUM_UNNECESSARY, 0],
    ["GRE without the C bit has no checksum and is passed over: 1", nested("absent"), CHECKSUM_UNNECESSARY, 1],
    ["the outermost bad: NONE", [{ protocol: "tcp", present: true, verified: false }], CHECKSUM_NONE, 0],
    ["no checksum at all: NONE", [], CHECKSUM_NONE, 0],
    ["SCTP alone: 0", [{ protocol: "sctp", present: true, verified: true }], CHECKSUM_UNNECESSARY, 0],
    ["FCoE alone: 0", [{ protocol: "fcoe", present: true, verified: true }], CHECKSUM_UNNECESSARY, 0],
    [
      "five good ones: the count ends at 3",
      Array<ReceivedChecksum>(5).fill({ protocol: "udp", present: true, verified: true }),
      CHECKSUM_UNNECESSARY,
      3,
    ],
  ] as const)("C10 %s", (_, checksums, ipSummed, level) => {
    const frame = lay(payload(60));
    reportReceived(kernels, frame, NIC_VERIFIES, checksums);
    expect([frame.ipSummed, frame.csumLevel]).toEqual([ipSummed, level]);
  });

  test("C10 the walk over a real nest of headers: as many as the brute-force verifier finds good in a row", () => {
    const spoil = fc.record({ depth: fc.nat(3), at: fc.option(fc.nat(400)) });
    fc.assert(
      fc.property(spoil, ({ depth, at }) => {
        let bytes = ip(4, TCP, withChecksum(4, TCP, tcp(payload(200))));
        for (let i = 0; i < depth; i++) {
          bytes = ip(4, UDP, withChecksum(4, UDP, udp(9, 4789, vxlan(ethernet(0x0800, bytes)))));
        }
        const wire = ethernet(0x0800, bytes);
        // In the innermost payload, behind all headers, so that the nest stays readable.
        if (at !== null) wire[wire.length - 1 - (at % 190)]! ^= 1;
        const found = verifyFrame(wire);
        const frame = lay(wire);
        reportReceived(kernels, frame, NIC_VERIFIES, found);
        const firstBad = found.findIndex(({ verified }) => !verified);
        const good = firstBad === -1 ? found.length : firstBad;
        // A changed byte spoils every checksum that covers it.
        expect(good).toBe(at === null ? depth + 1 : 0);
        expect(frame.ipSummed).toBe(good === 0 ? CHECKSUM_NONE : CHECKSUM_UNNECESSARY);
        expect(frame.csumLevel).toBe(Math.max(0, good - 1));
      }),
    );
  });
});

describe("C11 using levels up and gaining them", () => {
  test("C11 decrement: 2, 1, 0, NONE, and nothing more", () => {
    const frame = lay(payload(10), { ipSummed: CHECKSUM_UNNECESSARY, csumLevel: 2 });
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) {
      seen.push(`${frame.ipSummed}/${frame.csumLevel}`);
      decrementUnnecessary(frame);
    }
    expect(seen).toEqual(["1/2", "1/1", "1/0", "0/0", "0/0"]);
  });

  test("C11 increment: NONE, 0, 1, 2, 3 and no higher; COMPLETE and PARTIAL stay", () => {
    const frame = lay(payload(10));
    const seen: string[] = [];
    for (let i = 0; i < 6; i++) {
      seen.push(`${frame.ipSummed}/${frame.csumLevel}`);
      incrementUnnecessary(frame);
    }
    expect(seen).toEqual(["0/0", "1/0", "1/1", "1/2", "1/3", "1/3"]);
    for (const ipSummed of [CHECKSUM_COMPLETE, CHECKSUM_PARTIAL] as const) {
      const other = lay(payload(10), { ipSummed });
      incrementUnnecessary(other);
      decrementUnnecessary(other);
      resetUnnecessary(other);
      expect([other.ipSummed, other.csumLevel]).toEqual([ipSummed, 0]);
    }
  });

  test("C11 reset: changed data has no verified checksums", () => {
    const frame = lay(payload(10), { ipSummed: CHECKSUM_UNNECESSARY, csumLevel: 2 });
    resetUnnecessary(frame);
    expect([frame.ipSummed, frame.csumLevel]).toEqual([CHECKSUM_NONE, 0]);
  });

  test("C11 validate uses a level up at each decapsulation, without reading the data", () => {
    const frame = lay(payload(100), { ipSummed: CHECKSUM_UNNECESSARY, csumLevel: 1 });
    expect(validate(kernels, frame, 1)).toBe("unnecessary");
    expect([frame.ipSummed, frame.csumLevel]).toEqual([CHECKSUM_UNNECESSARY, 0]);
    expect(validate(kernels, frame, 1)).toBe("unnecessary");
    expect(frame.ipSummed).toBe(CHECKSUM_NONE);
    expect(validate(kernels, frame, 1)).toBe("bad");
  });
});

describe("C12 COMPLETE holds the sum of what the stack sees", () => {
  test("C12 a device that can sum reports COMPLETE although it could say UNNECESSARY", () => {
    const frame = lay(payload(1001));
    reportReceived(kernels, frame, NIC_SUMS, nested("good"));
    expectCompleteIsTrue(frame);
  });

  test.each(["sctp", "fcoe"] as const)("C12 but not over %s, whose CRC a sum says nothing about", (protocol) => {
    const frame = lay(payload(100));
    reportReceived(kernels, frame, NIC_SUMS, [{ protocol, present: true, verified: true }]);
    expect(frame.ipSummed).toBe(CHECKSUM_UNNECESSARY);
    reportReceived(kernels, frame, { canSum: true, canVerify: false }, [{ protocol, present: true, verified: true }]);
    expect(frame.ipSummed).toBe(CHECKSUM_NONE);
  });

  test("C12 any sequence of pulls, pushes and trims, odd ones too, keeps it true", () => {
    const step = fc.record({ kind: fc.constantFrom("pull", "push", "trim"), count: fc.nat(40) });
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 600 }), fc.array(step, { maxLength: 8 }), (length, steps) => {
        const frame = lay(payload(length, length));
        reportReceived(kernels, frame, NIC_SUMS, []);
        for (const { kind, count } of steps) {
          const room = frame.tail - frame.data;
          if (kind === "pull" && count <= room) pull(frame, count);
          if (kind === "push") {
            frame.data -= count;
            memory.u8.set(payload(count, count + 7), frame.data);
            postPush(kernels, frame, count);
          }
          if (kind === "trim" && count <= room) {
            expect(preTrim(kernels, frame, room - count)).toBe(true);
            frame.tail -= count;
          }
          expectCompleteIsTrue(frame);
        }
      }),
    );
  });

  test("C12 Ethernet padding that is neither zero nor at an even offset is taken out", () => {
    const segment = withChecksum(4, UDP, udp(1, 2, payload(5)));
    const packet = ip(4, UDP, segment);
    const padding = [0xde, 0xad, 0xbe, 0xef, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09];
    const frame = lay(join(packet, padding));
    reportReceived(kernels, frame, NIC_SUMS, []);
    expect(preTrim(kernels, frame, packet.length)).toBe(true);
    frame.tail -= padding.length;
    pull(frame, 20);
    expect(validateUdp(kernels, frame, pseudo(4, UDP, segment.length), true)).toBe("complete");
  });

  test("C12 nothing to cut: nothing changes", () => {
    const frame = lay(payload(50), { ipSummed: CHECKSUM_COMPLETE, csum: 77 });
    expect(preTrim(kernels, frame, 50)).toBe(true);
    expect(preTrim(kernels, frame, 51)).toBe(true);
    expect(frame.csum).toBe(77);
    expect(preTrim(kernels, lay(payload(50)), 10)).toBe(true);
  });

  test("C12 fragments of odd length are summed in their place, and trimmed (C3)", () => {
    const whole = payload(907);
    const frame = lay(whole.subarray(0, 301));
    frame.fragList = [
      lay(whole.subarray(301, 500), {}, frame.data + 4096),
      lay(whole.subarray(500), {}, frame.data + 8193),
    ];
    reportReceived(kernels, frame, NIC_SUMS, []);
    expect(fold(frame.csum)).toBe(naiveSum(whole));
    expect(preTrim(kernels, frame, 451)).toBe(true);
    expect(fold(frame.csum)).toBe(naiveSum(whole.subarray(0, 451)));
  });
});

describe("C13 a COMPLETE sum that does not verify", () => {
  const segment = withChecksum(6, TCP, tcp(payload(333)));
  const sum = pseudo(6, TCP, segment.length);

  test("C13 software says good: the device is at fault, the packet is accepted and the sum put right", () => {
    const frame = lay(segment, { ipSummed: CHECKSUM_COMPLETE, csum: 0x1234 });
    expect(validate(kernels, frame, sum)).toBe("fault");
    expectCompleteIsTrue(frame);
    expect(validate(kernels, frame, sum)).toBe("complete");
  });

  test("C13 software agrees: the packet is bad", () => {
    const wrong = Uint8Array.from(segment);
    wrong[50]! ^= 4;
    const frame = lay(wrong);
    reportReceived(kernels, frame, NIC_SUMS, []);
    expect(validate(kernels, frame, sum)).toBe("bad");
  });
});

describe("C14 UNNECESSARY becomes COMPLETE", () => {
  const families: readonly Family[] = [4, 6];

  test.each(families)(
    "C14 IPv%i: a verified outer UDP checksum tells the inner TCP's, without reading the payload",
    (family) => {
      const innerTcp = withChecksum(family, TCP, tcp(payload(501)));
      const inner = ethernet(ETHER_TYPE[family], ip(family, TCP, innerTcp));
      const outer = withChecksum(family, UDP, udp(5555, 4789, vxlan(inner)));
      const frame = lay(outer, { ipSummed: CHECKSUM_UNNECESSARY });
      const outerPseudo = pseudo(family, UDP, outer.length);
      const verdict = validateUdp(kernels, frame, outerPseudo, family === 4);
      expect(verdict).toBe("unnecessary");
      expect(tryConvert(frame, verdict, outerPseudo)).toBe(true);
      expectCompleteIsTrue(frame);
      pull(frame, 16 + 14 + (family === 4 ? 20 : 40));
      expectCompleteIsTrue(frame);
      expect(validate(kernels, frame, pseudo(family, TCP, innerTcp.length))).toBe("complete");
    },
  );

  test("C14 GRE with a checksum converts with no pseudo-header", () => {
    const frame = lay(payload(64), { ipSummed: CHECKSUM_UNNECESSARY });
    const gre = memory.view;
    gre.setUint16(frame.data + 4, 0);
    gre.setUint16(frame.data + 4, 0xffff - naiveSum(bytesOf(frame)));
    expect(tryConvert(frame, validate(kernels, frame, 0), 0)).toBe(true);
    expectCompleteIsTrue(frame);
  });

  test("C14 no conversion from a zero checksum, a bad one, or where more is known already", () => {
    const zero = lay(udp(1, 2, payload(20)), { ipSummed: CHECKSUM_UNNECESSARY });
    const verdict = validateUdp(kernels, zero, 0, true);
    expect(verdict).toBe("absent");
    expect(zero.ipSummed).toBe(CHECKSUM_NONE);
    expect(tryConvert(zero, verdict, 0)).toBe(false);
    expect(tryConvert(lay(payload(20)), "bad", 0)).toBe(false);
    expect(tryConvert(lay(payload(20), { ipSummed: CHECKSUM_UNNECESSARY }), "unnecessary", 0)).toBe(false);
  });
});

describe("C15 received PARTIAL", () => {
  test("C15 what is before the end of csumStart's checksum counts as verified, nothing after", () => {
    const frame = lay(payload(200), { ipSummed: CHECKSUM_PARTIAL, csumStart: 60, csumOffset: 16 });
    expect(isUnnecessary(frame)).toBe(true);
    expect(validate(kernels, frame, 0)).toBe("unnecessary");
    expect(frame.ipSummed).toBe(CHECKSUM_PARTIAL);
    pull(frame, 60);
    expect(isUnnecessary(frame)).toBe(true);
    pull(frame, 20);
    expect(frame.ipSummed).toBe(CHECKSUM_NONE);
    expect(isUnnecessary(frame)).toBe(false);
  });

  test("C15 a cut that would take the checksum field away is refused", () => {
    const partial = { ipSummed: CHECKSUM_PARTIAL, csumStart: 20, csumOffset: 16 } as const;
    const frame = lay(payload(100), partial);
    expect(preTrim(kernels, frame, 38)).toBe(true);
    expect(preTrim(kernels, frame, 37)).toBe(false);
    const sctp = lay(payload(100), { ...partial, csumOffset: 8, csumNotInet: true });
    expect(preTrim(kernels, sctp, 32)).toBe(true);
    expect(preTrim(kernels, sctp, 31)).toBe(false);
  });
});

describe("C7 UDP checksums of 0 that come in", () => {
  const datagram = udp(1000, 2000, payload(31));

  test("C7 RFC 768: over IPv4 there is none, and that is allowed", () => {
    expect(validateUdp(kernels, lay(datagram), pseudo(4, UDP, datagram.length), true)).toBe("absent");
  });

  test("C7 RFC 8200 §8.1, RFC 6936: over IPv6 it is an error unless the tunnel allows it", () => {
    expect(validateUdp(kernels, lay(datagram), pseudo(6, UDP, datagram.length), false)).toBe("bad");
    expect(validateUdp(kernels, lay(datagram), pseudo(6, UDP, datagram.length), true)).toBe("absent");
  });

  test("C7 a checksum that is there is verified, and 0xffff stands for a computed 0", () => {
    // The source port is chosen so that all words add up to 0xffff: the computed checksum is 0.
    const forced = forceZeroSum(4);
    expect(forced.slice(6, 8)).toEqual(Uint8Array.of(0xff, 0xff));
    expect(validateUdp(kernels, lay(forced), pseudo(4, UDP, forced.length), true)).toBe("software");
  });
});

function forceZeroSum(family: Family): Uint8Array {
  const datagram = udp(0, 2000, payload(30));
  const port = 0xffff - naiveSum(datagram, pseudo(family, UDP, datagram.length));
  datagram.set([port >>> 8, port & 255]);
  return withChecksum(family, UDP, datagram);
}
