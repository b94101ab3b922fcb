import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  checksumHelp,
  fold,
  lcoSum,
  setGreChecksum,
  setPartial,
  setPartialSctp,
  settleEncapsulation,
  setUdpChecksum,
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
  withPseudo,
  type Family,
  type TestFrame,
} from "./helpers/frames.ts";
import { naiveSum, verifyFrame } from "./helpers/naive.ts";

interface Nest {
  readonly frame: TestFrame;
  /** Absolute offsets of the outer checksummed headers, innermost first. */
  readonly outer: readonly { readonly at: number; readonly family: Family; readonly kind: "udp" | "gre" }[];
}

/** A TCP segment, PARTIAL, in as many tunnels as given; their checksums are not filled in. */
function nest(inner: Family, tunnels: readonly { family: Family; kind: "udp" | "gre" }[], bytes: number): Nest {
  let packet = ip(inner, TCP, withPseudo(inner, TCP, tcp(payload(bytes))));
  let family = inner;
  let toSegment = packet.length - bytes - 20;
  const fromEnd: number[] = [];
  for (const tunnel of tunnels) {
    const header =
      tunnel.kind === "udp"
        ? udp(4242, 4789, vxlan(ethernet(ETHER_TYPE[family], packet)))
        : join([0x80, 0, 0x65, 0x58, 0, 0, 0, 0], ethernet(ETHER_TYPE[family], packet));
    const outer = ip(tunnel.family, tunnel.kind === "udp" ? UDP : 47, header);
    fromEnd.push(header.length);
    toSegment += outer.length - packet.length;
    packet = outer;
    family = tunnel.family;
  }
  const frame = lay(ethernet(ETHER_TYPE[family], packet));
  setPartial(frame, frame.data + 14 + toSegment, 16);
  const outer = tunnels.map((tunnel, i) => ({ ...tunnel, at: frame.tail - fromEnd[i]! }));
  return { frame, outer };
}

describe("C23 local checksum offload", () => {
  test("C23 the outer checksum equals the full sum once the device has filled in the inner one", () => {
    for (const family of [4, 6] as const) {
      const { frame, outer } = nest(4, [{ family, kind: "udp" }], 1000);
      const { at } = outer[0]!;
      const lco = fold(lcoSum(kernels, frame, at));
      expect(checksumHelp(kernels, frame)).toBe(true);
      expect(lco).toBe(naiveSum(memory.u8.subarray(at, frame.tail)));
    }
  });

  test("C23 the payload is never read: changing it changes nothing", () => {
    const { frame, outer } = nest(4, [{ family: 4, kind: "udp" }], 500);
    const before = lcoSum(kernels, frame, outer[0]!.at);
    memory.u8.fill(0x77, frame.csumStart + 20, frame.tail);
    expect(lcoSum(kernels, frame, outer[0]!.at)).toBe(before);
  });

  test("C23 valid before or after: the frame verifies whichever is finished first", () => {
    const { frame, outer } = nest(6, [{ family: 6, kind: "udp" }], 333);
    const way = setUdpChecksum(kernels, frame, outer[0]!.at, pseudo(6, UDP, frame.tail - outer[0]!.at));
    expect(way).toBe("lco");
    expect(verifyFrame(bytesOf(frame)).map(({ verified }) => verified)).toEqual([false, false]);
    checksumHelp(kernels, frame);
    expect(verifyFrame(bytesOf(frame)).map(({ verified }) => verified)).toEqual([true, true]);
  });
});

describe("C25 local checksum offload nests", () => {
  test("C25 up to four levels of UDP and GRE, IPv4 and IPv6, in any mixture: every checksum verifies", () => {
    const tunnel = fc.record({
      family: fc.constantFrom<Family>(4, 6),
      kind: fc.constantFrom<"udp" | "gre">("udp", "gre"),
    });
    fc.assert(
      fc.property(
        fc.constantFrom<Family>(4, 6),
        fc.array(tunnel, { minLength: 1, maxLength: 4 }),
        fc.nat(600),
        (inner, tunnels, bytes) => {
          const { frame, outer } = nest(inner, tunnels, bytes);
          for (const { at, family, kind } of outer) {
            if (kind === "gre") setGreChecksum(kernels, frame, at);
            else setUdpChecksum(kernels, frame, at, pseudo(family, UDP, frame.tail - at));
          }
          expect(checksumHelp(kernels, frame)).toBe(true);
          const found = verifyFrame(bytesOf(frame));
          expect(found).toHaveLength(tunnels.length + 1);
          expect(found.every(({ verified }) => verified)).toBe(true);
        },
      ),
    );
  });

  test("C25 where nothing is PARTIAL, the mark for an inner offload goes", () => {
    const plain = lay(payload(100), { encapsulation: true, ipSummed: 2 });
    settleEncapsulation(plain);
    expect([plain.encapsulation, plain.ipSummed]).toEqual([false, CHECKSUM_NONE]);
    const partial = lay(payload(100), { ipSummed: CHECKSUM_PARTIAL });
    settleEncapsulation(partial);
    expect([partial.encapsulation, partial.ipSummed]).toEqual([true, CHECKSUM_PARTIAL]);
  });
});

describe("C24 the order in udp_set_csum", () => {
  const datagram = udp(4242, 4789, payload(100), 0xabcd);
  const sum = pseudo(4, UDP, datagram.length);
  const field = (frame: TestFrame): number => memory.view.getUint16(frame.data + 6);

  test("C24 no checksum wanted: 0, before all else", () => {
    const frame = lay(datagram, { ipSummed: CHECKSUM_PARTIAL, csumStart: 50, csumOffset: 6, gsoSize: 10 });
    expect(setUdpChecksum(kernels, frame, frame.data, sum, true)).toBe("none");
    expect(field(frame)).toBe(0);
  });

  test("C24 a super-packet: the pseudo-header's sum, before local offload", () => {
    const frame = lay(datagram, { ipSummed: CHECKSUM_PARTIAL, csumStart: 50, csumOffset: 6, gsoSize: 10 });
    expect(setUdpChecksum(kernels, frame, frame.data, sum)).toBe("gso");
    expect(field(frame)).toBe(fold(sum));
    expect(frame.csumStart).toBe(frame.data + 50);
  });

  test("C24 an inner PARTIAL: local offload, the inner one stays PARTIAL, 0 is stored as 0xffff", () => {
    const frame = lay(datagram, { ipSummed: CHECKSUM_PARTIAL, csumStart: 50, csumOffset: 6 });
    expect(setUdpChecksum(kernels, frame, frame.data, sum)).toBe("lco");
    expect([frame.ipSummed, frame.csumStart]).toEqual([CHECKSUM_PARTIAL, frame.data + 50]);
    // A source port that makes the words add up to 0xffff: the checksum would be 0.
    const port = memory.view.getUint16(frame.data);
    const lifted = naiveSum([0xff, 0xff], naiveSum([field(frame) >>> 8, field(frame) & 255]) + port);
    memory.view.setUint16(frame.data, lifted % 0xffff);
    setUdpChecksum(kernels, frame, frame.data, sum);
    expect(field(frame)).toBe(0xffff);
  });

  test("C24 otherwise the outer one becomes the PARTIAL one", () => {
    const frame = lay(datagram);
    expect(setUdpChecksum(kernels, frame, frame.data, sum)).toBe("partial");
    expect([frame.ipSummed, frame.csumStart, frame.csumOffset]).toEqual([CHECKSUM_PARTIAL, frame.data, 6]);
    expect(field(frame)).toBe(fold(sum));
    checksumHelp(kernels, frame);
    expect(naiveSum(bytesOf(frame), sum)).toBe(0xffff);
  });

  test("C18 C24 around an inner CRC32c nothing is known: it is finished in software, then the outer one is PARTIAL", () => {
    const inner = join([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0], payload(60));
    const frame = lay(ethernet(0x0800, ip(4, UDP, udp(1, 4789, vxlan(ethernet(0x0800, ip(4, 132, inner)))))));
    const outer = frame.data + 34;
    setPartialSctp(frame, frame.tail - inner.length);
    const way = setUdpChecksum(kernels, frame, outer, pseudo(4, UDP, frame.tail - outer));
    expect(way).toBe("partial");
    expect([frame.csumStart, frame.csumNotInet]).toEqual([outer, false]);
    checksumHelp(kernels, frame);
    expect(verifyFrame(bytesOf(frame))).toEqual([
      { protocol: "udp", present: true, verified: true },
      { protocol: "sctp", present: true, verified: true },
    ]);
    setPartialSctp(frame, frame.tail - 4);
    expect(setUdpChecksum(kernels, frame, outer, 0)).toBe("failed");
    expect(setGreChecksum(kernels, frame, outer)).toBe(false);
  });
});

describe("C8 GRE's checksum", () => {
  test("C8 RFC 2784 §2.3: 0 is stored as it is, over a plain payload and by local offload", () => {
    const gre = join([0x80, 0, 0x08, 0, 0, 0, 0, 0], payload(40));
    const missing = 0xffff - naiveSum(gre);
    gre.set([missing >>> 8, missing & 255], 6);
    const frame = lay(gre);
    memory.view.setUint16(frame.data + 4, 0x5555);
    expect(setGreChecksum(kernels, frame, frame.data)).toBe(true);
    expect(memory.view.getUint16(frame.data + 4)).toBe(0);
    expect(naiveSum(bytesOf(frame))).toBe(0xffff);
  });
});
