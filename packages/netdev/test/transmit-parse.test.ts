import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recognise, TUNNEL_PARSER, type FoundTransport, type ParserLimits } from "../src/index.ts";
import { wireFrames, type Request } from "./support/requests.ts";

/*
 * The parser of a NIC that ignores `csumStart` (C22): where it finds the innermost transport header, and what stops it.
 * Frames are laid out by hand here; which of them a NIC gets wrong is in traps.test.ts.
 */

const EVERYTHING: ParserLimits = { ...TUNNEL_PARSER, tunnelDepth: 3, ipv6Extensions: true, vlanTags: 2 };

/** Where the header is found, counted from the frame's first byte. */
function look(bytes: Uint8Array, limits = EVERYTHING): FoundTransport | undefined {
  // Not at the beginning of the buffer, so that an offset taken for absolute shows.
  const home = new Uint8Array(bytes.length + 32).fill(0xee);
  home.set(bytes, 6);
  const found = recognise(new DataView(home.buffer), 6, 6 + bytes.length, limits);
  return found && { ...found, start: found.start - 6 };
}

function join(...parts: readonly Iterable<number>[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
const be16 = (value: number): number[] => [value >>> 8, value & 0xff];
const macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

function ethernet(type: number, payload: Iterable<number>): Uint8Array {
  return join(macs, be16(type), payload);
}
function ip4(protocol: number, payload: Uint8Array, fragment = 0): Uint8Array {
  return join(
    [0x45, 0],
    be16(20 + payload.length),
    [0, 1],
    be16(fragment),
    [64, protocol, 0, 0],
    new Uint8Array(8),
    payload,
  );
}
function ip6(next: number, payload: Uint8Array): Uint8Array {
  return join([0x60, 0, 0, 0], be16(payload.length), [next, 64], new Uint8Array(32), payload);
}
function udp(port: number, payload: Uint8Array): Uint8Array {
  return join(be16(9), be16(port), be16(8 + payload.length), [0, 0], payload);
}
function vxlan(frame: Uint8Array): Uint8Array {
  return join([8, 0, 0, 0, 0, 0, 42, 0], frame);
}
function geneve(options: number, payload: Uint8Array, type = 0x6558): Uint8Array {
  return join([options / 4, 0], be16(type), [0, 0, 7, 0], new Uint8Array(options), payload);
}
const inner = ip4(6, join(new Uint8Array(12), [0x50, 0x10], new Uint8Array(46)));

describe("C22 what the parser finds in ordinary frames", () => {
  const rows: readonly (readonly [what: string, request: Request, start: number, csumOffset: number, depth: number])[] =
    [
      ["TCP over IPv4", { inner: 4, protocol: "tcp", payload: 10 }, 34, 16, 0],
      ["UDP over IPv6", { inner: 6, protocol: "udp", payload: 10 }, 54, 6, 0],
      ["behind a tag", { inner: 4, protocol: "tcp", payload: 10, vlan: 5 }, 38, 16, 0],
      ["in VXLAN", { inner: 4, protocol: "tcp", payload: 10, tunnel: "vxlan" }, 84, 16, 1],
      ["in VXLAN over IPv6", { inner: 6, protocol: "udp", payload: 10, tunnel: "vxlan", outer: 6 }, 124, 6, 1],
      ["in Geneve", { inner: 4, protocol: "udp", payload: 10, tunnel: "geneve" }, 84, 6, 1],
      ["in GRE", { inner: 4, protocol: "tcp", payload: 10, tunnel: "gre" }, 58, 16, 1],
      [
        "in GRE with a checksum",
        { inner: 6, protocol: "tcp", payload: 10, tunnel: "gretap", outerCsum: true },
        96,
        16,
        1,
      ],
    ];

  test.each(rows)("C22 %s", (_what, request, start, csumOffset, depth) => {
    const [frame] = wireFrames(request);
    expect(look(frame as Uint8Array)).toMatchObject({ start, csumOffset, depth });
  });

  test("C22 a tunnel on a port that it does not know is an ordinary datagram to it", () => {
    const [frame] = wireFrames({ inner: 4, protocol: "tcp", payload: 10, tunnel: "vxlan", tunnelPort: 8472 });
    expect(look(frame as Uint8Array)).toMatchObject({ start: 34, csumOffset: 6, depth: 0 });
    const wide = { ...EVERYTHING, vxlanPorts: [4789, 8472] };
    expect(look(frame as Uint8Array, wide)).toMatchObject({ start: 84, csumOffset: 16, depth: 1 });
  });
});

describe("C22 what stops it", () => {
  test("C22 Geneve with options, carrying Ethernet or IP", () => {
    const found = look(ethernet(0x0800, ip4(17, udp(6081, geneve(12, ethernet(0x0800, inner))))));
    expect(found).toMatchObject({ start: 14 + 20 + 8 + 8 + 12 + 14 + 20, csumOffset: 16, depth: 1, ipVersion: 4 });
    expect(look(ethernet(0x0800, ip4(17, udp(6081, geneve(0, inner, 0x0800)))))).toMatchObject({
      start: 14 + 20 + 16 + 20,
    });
  });

  test.each([
    [0x0000, 0],
    [0x8000, 1],
    [0x2000, 1],
    [0xb000, 3],
  ])("C22 GRE with flags 0x%s: checksum, key and sequence are passed over", (flags, words) => {
    const gre = join(be16(flags), [0x08, 0x00], new Uint8Array(words * 4), inner);
    expect(look(ethernet(0x0800, ip4(47, gre)))).toMatchObject({ start: 14 + 20 + 4 + words * 4 + 20, depth: 1 });
    expect(look(ethernet(0x0800, ip4(47, gre)), { ...EVERYTHING, gre: false })).toBeUndefined();
  });

  test.each([0x4000, 0x0001])("C22 GRE with routing or of another version (0x%s) is not for it", (flags) => {
    expect(look(ethernet(0x0800, ip4(47, join(be16(flags), [0x08, 0x00], inner))))).toBeUndefined();
  });

  test("C22 two tags and an IPv6 extension header, where the limits allow", () => {
    const packet = ip6(60, join([17, 0, 1, 4, 0, 0, 0, 0], udp(2, new Uint8Array(8))));
    const tagged = ethernet(0x88a8, join([0, 1, 0x81, 0, 0, 2, 0x86, 0xdd], packet));
    expect(look(tagged)).toMatchObject({ start: 14 + 8 + 48, csumOffset: 6, networkHeaderBytes: 48, ipVersion: 6 });
    expect(look(tagged, { ...EVERYTHING, vlanTags: 1 })).toBeUndefined();
    expect(look(tagged, { ...EVERYTHING, ipv6Extensions: false })).toBeUndefined();
  });

  test("C22 VXLAN in VXLAN: as deep as it goes; beyond, the innermost that it recognises", () => {
    const once = ethernet(0x0800, ip4(17, udp(4789, vxlan(ethernet(0x0800, inner)))));
    const twice = ethernet(0x86dd, ip6(17, udp(4789, vxlan(once))));
    expect(look(twice)).toMatchObject({ depth: 2, csumOffset: 16 });
    expect(look(twice, { ...EVERYTHING, tunnelDepth: 1 })).toMatchObject({ depth: 1, csumOffset: 6 });
    expect(look(twice, { ...EVERYTHING, tunnelDepth: 0 })).toMatchObject({ depth: 0, csumOffset: 6 });
  });

  test("C22 the checksum field must lie within its header buffer, to the byte", () => {
    const [frame] = wireFrames({ inner: 4, protocol: "tcp", payload: 10, tunnel: "vxlan" });
    expect(look(frame as Uint8Array, { ...EVERYTHING, maxHeaderBytes: 84 + 18 })).toBeDefined();
    expect(look(frame as Uint8Array, { ...EVERYTHING, maxHeaderBytes: 84 + 17 })).toBeUndefined();
  });

  test.each([0x2000, 0x0001, 0x3fff])("C22 a fragment (0x%s) has no transport header that it could sum", (fragment) => {
    expect(look(ethernet(0x0800, ip4(17, udp(2, new Uint8Array(20)), fragment)))).toBeUndefined();
    expect(look(ethernet(0x0800, ip4(17, udp(2, new Uint8Array(20)), 0x4000)))).toMatchObject({ csumOffset: 6 });
  });

  test("C22 what is neither TCP nor UDP, and what is no IP, it does not know", () => {
    for (const protocol of [1, 50, 58, 132]) {
      expect(look(ethernet(0x0800, ip4(protocol, new Uint8Array(40))))).toBeUndefined();
    }
    for (const type of [0x0806, 0x8847, 0x9999]) expect(look(ethernet(type, new Uint8Array(60)))).toBeUndefined();
  });
});

describe("C22 bytes from anywhere", () => {
  const frame = ethernet(0x86dd, ip6(17, udp(6081, geneve(8, ethernet(0x0800, inner)))));

  test("C22 cut anywhere, it finds nothing beyond the end", () => {
    for (let length = 0; length <= frame.length; length++) {
      const found = look(frame.subarray(0, length));
      if (found !== undefined) expect(found.start + 8).toBeLessThanOrEqual(length);
    }
  });

  test("C22 with any bytes changed it never throws, and never reads outside of the frame", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(frame.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(frame.length),
        (edits, end) => {
          const mutated = Uint8Array.from(frame);
          for (const [at, value] of edits) mutated[at] = value;
          // Exactly the frame's bytes: a read beyond them would throw.
          const view = new DataView(mutated.slice(0, end).buffer);
          const found = recognise(view, 0, end, EVERYTHING);
          if (found !== undefined) expect(found.start + found.csumOffset + 2).toBeLessThanOrEqual(end);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
