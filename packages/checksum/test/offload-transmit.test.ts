import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  checksumHelp,
  crc32c,
  mayOmitSctpChecksum,
  protocolReplace,
  readSctpChecksum,
  sctpChecksum,
  setPartial,
  setPartialSctp,
  sub,
  verifySctp,
  writeSctpChecksum,
  type IpSummed,
} from "@seville/checksum";
import {
  bytesOf,
  ip,
  join,
  kernels,
  lay,
  memory,
  payload,
  TCP,
  tcp,
  UDP,
  udp,
  withChecksum,
  withPseudo,
  type Family,
} from "./helpers/frames.ts";
import { naiveCrc32c, naiveSum } from "./helpers/naive.ts";

const FAMILIES: readonly Family[] = [4, 6];

/** 12 bytes of common header with a checksum of 0, a DATA chunk of `length` bytes. */
function sctp(length: number): Uint8Array {
  return join([0x0b, 0x59, 0x0b, 0x59, 0, 0, 0x0e, 0x50, 0, 0, 0, 0], payload(length));
}

describe("C6 a changed field, by what is known of the packet", () => {
  const field = 16;
  const view = memory.view;

  function changed(ipSummed: IpSummed, pseudoHeader: boolean, addressInSum = false) {
    const segment = tcp(payload(60));
    const bytes = ipSummed === CHECKSUM_PARTIAL ? withPseudo(4, TCP, segment) : withChecksum(4, TCP, segment);
    const frame = lay(bytes, { ipSummed });
    frame.csum = kernels.sum(frame.data, bytes.length);
    const difference = sub(0x1234, 0x9999);
    protocolReplace(view, frame.data + field, frame, difference, { pseudoHeader, addressInSum });
    return { frame, before: new DataView(bytes.buffer).getUint16(field), after: view.getUint16(frame.data + field) };
  }

  test.each([
    ["NONE", CHECKSUM_NONE],
    ["UNNECESSARY", CHECKSUM_UNNECESSARY],
  ] as const)("C6 %s: the field is patched, in the pseudo-header or not", (_, ipSummed) => {
    for (const pseudoHeader of [true, false]) {
      const { frame, before, after } = changed(ipSummed, pseudoHeader);
      expect(naiveSum([after >>> 8, after & 255, 0x12, 0x34])).toBe(naiveSum([before >>> 8, before & 255, 0x99, 0x99]));
      expect(frame.csum).toBe(kernels.sum(frame.data, 0, frame.csum));
    }
  });

  test("C6 COMPLETE: a change in the pseudo-header changes the data by the field alone; the sum stays true", () => {
    const { frame } = changed(CHECKSUM_COMPLETE, true);
    expect(frame.csum % 0xffff).toBe(naiveSum(bytesOf(frame)) % 0xffff);
  });

  test("C6 COMPLETE: a change in the data itself cancels out with the field's; the sum is left alone", () => {
    const segment = withChecksum(4, TCP, tcp(payload(60)));
    const frame = lay(segment, { ipSummed: CHECKSUM_COMPLETE });
    frame.csum = kernels.sum(frame.data, segment.length);
    const { csum } = frame;
    const port = view.getUint16(frame.data);
    view.setUint16(frame.data, 4242);
    protocolReplace(view, frame.data + field, frame, sub(4242, port), { pseudoHeader: false });
    expect(frame.csum).toBe(csum);
    expect(frame.csum % 0xffff).toBe(naiveSum(bytesOf(frame)) % 0xffff);
  });

  test("C6 COMPLETE, IPv6 addresses within the sum (Linux 189c9b1e9422): nothing makes up for them but the field", () => {
    const packet = ip(6, TCP, withChecksum(6, TCP, tcp(payload(60))));
    const frame = lay(packet, { ipSummed: CHECKSUM_COMPLETE });
    frame.csum = kernels.sum(frame.data, packet.length);
    const before = view.getUint32(frame.data + 8);
    view.setUint32(frame.data + 8, 0xfd00_1234);
    const options = { pseudoHeader: true, addressInSum: true };
    protocolReplace(view, frame.data + 40 + field, frame, sub(0xfd00_1234, before), options);
    expect(frame.csum % 0xffff).toBe(naiveSum(bytesOf(frame)) % 0xffff);
  });

  test("C6 PARTIAL: only the pseudo-header's change is applied, to the uncomplemented sum", () => {
    const { frame, before, after } = changed(CHECKSUM_PARTIAL, true);
    expect(after).toBe(naiveSum([before >>> 8, before & 255, 0x12, 0x34, 0xff - 0x99, 0xff - 0x99]));
    expect(changed(CHECKSUM_PARTIAL, false).after).toBe(before);
    expect(frame.ipSummed).toBe(CHECKSUM_PARTIAL);
  });

  test("C6 C7 UDP without a checksum stays so; one that becomes 0 is stored as 0xffff", () => {
    const none = lay(udp(1, 2, payload(9)));
    protocolReplace(view, none.data + 6, none, 0x1234, { pseudoHeader: true, udp: true });
    expect(view.getUint16(none.data + 6)).toBe(0);
    const becomes = lay(udp(1, 2, payload(9), 0x1234));
    protocolReplace(view, becomes.data + 6, becomes, 0x1234, { pseudoHeader: true, udp: true });
    expect(view.getUint16(becomes.data + 6)).toBe(0xffff);
  });
});

describe("C16 TX PARTIAL", () => {
  test.each(FAMILIES)(
    "C16 IPv%i: from start to end with what the field holds, the complement at the offset",
    (family) => {
      for (const [protocol, segment] of [
        [TCP, tcp(payload(1001))],
        [UDP, udp(5, 6, payload(77))],
      ] as const) {
        const frame = lay(join([1, 2, 3], withPseudo(family, protocol, segment)));
        setPartial(frame, frame.data + 3, protocol === TCP ? 16 : 6);
        expect(checksumHelp(kernels, frame)).toBe(true);
        expect(bytesOf(frame).slice(3)).toEqual(withChecksum(family, protocol, segment));
        expect(frame.ipSummed).toBe(CHECKSUM_NONE);
      }
    },
  );

  test.each([CHECKSUM_COMPLETE, CHECKSUM_UNNECESSARY] as const)("C16 on the way out %i means NONE", (ipSummed) => {
    const bytes = payload(50);
    const frame = lay(bytes, { ipSummed, csum: 5 });
    expect(checksumHelp(kernels, frame)).toBe(true);
    expect(frame.ipSummed).toBe(CHECKSUM_NONE);
    expect(bytesOf(frame)).toEqual(bytes);
  });
});

describe("C17 the software resolve", () => {
  test.each([
    ["start before the data", -2, 16],
    ["start behind the data", 101, 16],
    ["field ends behind the data", 90, 9],
    ["field before the data", 4, -6],
  ])("C17 %s is refused and nothing is written", (_, csumStart, csumOffset) => {
    const bytes = payload(100);
    const frame = lay(bytes, { ipSummed: CHECKSUM_PARTIAL });
    frame.csumStart = frame.data + csumStart;
    frame.csumOffset = csumOffset;
    expect(checksumHelp(kernels, frame)).toBe(false);
    expect(frame.ipSummed).toBe(CHECKSUM_PARTIAL);
    expect(bytesOf(frame)).toEqual(bytes);
  });

  test("C17 the last two bytes may be the field", () => {
    const frame = lay(payload(100), { ipSummed: CHECKSUM_PARTIAL, csumStart: 90, csumOffset: 8 });
    expect(checksumHelp(kernels, frame)).toBe(true);
    // The sum of what was there is the complement of what was stored.
    expect(memory.view.getUint16(frame.data + 98)).toBe(0xffff - naiveSum(payload(100).subarray(90)));
  });

  test("C17 a field in a fragment, or a super-packet, is refused", () => {
    const frame = lay(payload(20), { ipSummed: CHECKSUM_PARTIAL, csumStart: 10, csumOffset: 16 });
    frame.fragList = [lay(payload(100), {}, frame.data + 4096)];
    expect(checksumHelp(kernels, frame)).toBe(false);
    const large = lay(payload(100), { ipSummed: CHECKSUM_PARTIAL, csumStart: 10, csumOffset: 16, gsoSize: 40 });
    expect(checksumHelp(kernels, large)).toBe(false);
  });

  test("C17 fragments are summed in their place", () => {
    const segment = tcp(payload(500));
    const partial = withPseudo(4, TCP, segment);
    const frame = lay(partial.subarray(0, 101), { ipSummed: CHECKSUM_PARTIAL, csumStart: 0, csumOffset: 16 });
    frame.fragList = [
      lay(partial.subarray(101, 202), {}, frame.data + 4096),
      lay(partial.subarray(202), {}, frame.data + 8192),
    ];
    expect(checksumHelp(kernels, frame)).toBe(true);
    expect(bytesOf(frame)).toEqual(withChecksum(4, TCP, segment).slice(0, 101));
  });

  test("C17 headers are made writable first; if that cannot be, nothing is written", () => {
    const bytes = payload(100);
    const partial = { ipSummed: CHECKSUM_PARTIAL, csumStart: 20, csumOffset: 16 } as const;
    const stuck = lay(bytes, { ...partial, cowHead: () => false });
    expect(checksumHelp(kernels, stuck)).toBe(false);
    expect(bytesOf(stuck)).toEqual(bytes);
    // A packet that moves: the checksum goes where its bytes have gone.
    const moving = lay(bytes, partial);
    moving.cowHead = () => {
      memory.u8.copyWithin(moving.data + 4096, moving.data, moving.tail);
      moving.data += 4096;
      moving.tail += 4096;
      moving.csumStart += 4096;
      return true;
    };
    expect(checksumHelp(kernels, moving)).toBe(true);
    const moved = bytesOf(moving);
    expect(moved).not.toEqual(bytes);
    expect(memory.u8.slice(moving.data - 4096, moving.tail - 4096)).toEqual(bytes);
  });

  test("C17 a sum of 0 is stored as 0xffff, for whatever protocol", () => {
    const frame = lay(Uint8Array.of(0xff, 0xff, 0, 0), { ipSummed: CHECKSUM_PARTIAL, csumStart: 0, csumOffset: 2 });
    expect(checksumHelp(kernels, frame)).toBe(true);
    expect(memory.view.getUint16(frame.data + 2)).toBe(0xffff);
  });
});

describe("C18 CRC32c PARTIAL", () => {
  test("C18 RFC 9260 §6.8, Appendix A: over the packet with a field of zeros, stored low byte first", () => {
    for (const length of [0, 1, 4, 100, 1452]) {
      const packet = sctp(length);
      const expected = naiveCrc32c(packet);
      packet.set([9, 9, 9, 9], 8); // what the field held does not matter
      const frame = lay(join([7, 7], packet));
      setPartialSctp(frame, frame.data + 2);
      expect([frame.ipSummed, frame.csumNotInet, frame.csumOffset]).toEqual([CHECKSUM_PARTIAL, true, 8]);
      expect(checksumHelp(kernels, frame)).toBe(true);
      expect(readSctpChecksum(memory.view, frame.data + 2 + 8)).toBe(expected);
      expect([frame.ipSummed, frame.csumNotInet]).toEqual([CHECKSUM_NONE, false]);
      expect(sctpChecksum(kernels, frame.data + 2, packet.length)).toBe(expected);
      expect(verifySctp(kernels, frame.data + 2, packet.length)).toBe(true);
      memory.u8[frame.data + 2]! ^= 1;
      expect(verifySctp(kernels, frame.data + 2, packet.length)).toBe(false);
    }
  });

  test("C18 across fragments, and bounds of its four bytes", () => {
    const packet = sctp(700);
    const frame = lay(packet.subarray(0, 33));
    frame.fragList = [lay(packet.subarray(33), {}, frame.data + 4096)];
    setPartialSctp(frame, frame.data);
    expect(checksumHelp(kernels, frame)).toBe(true);
    expect(readSctpChecksum(memory.view, frame.data + 8)).toBe(naiveCrc32c(packet));
    const short = lay(packet.subarray(0, 11));
    setPartialSctp(short, short.data);
    expect(checksumHelp(kernels, short)).toBe(false);
  });

  test("C18 the CRC of four zeros, by which the field is skipped, is what the one-shot gives", () => {
    expect(crc32c(new Uint8Array(4))).toBe(0x48674bc7);
  });
});

describe("C19 the zero checksum of RFC 9653", () => {
  const packet = sctp(200);

  test("C19 RFC 9653 §5.3: 0 passes only where it was agreed on and DTLS has checked the packet", () => {
    const { data } = lay(packet);
    expect(verifySctp(kernels, data, packet.length)).toBe(false);
    expect(verifySctp(kernels, data, packet.length, { acceptable: false })).toBe(false);
    expect(verifySctp(kernels, data, packet.length, { acceptable: true })).toBe(true);
  });

  test("C19 a right CRC passes all the same, a wrong one never, a packet too short for a header neither", () => {
    const { data } = lay(packet);
    writeSctpChecksum(memory.view, data + 8, naiveCrc32c(packet));
    expect(verifySctp(kernels, data, packet.length, { acceptable: true })).toBe(true);
    writeSctpChecksum(memory.view, data + 8, 1);
    expect(verifySctp(kernels, data, packet.length, { acceptable: true })).toBe(false);
    expect(verifySctp(kernels, data, 11, { acceptable: true })).toBe(false);
  });

  const [DATA, INIT, INIT_ACK, SACK, ABORT, COOKIE_ECHO, COOKIE_ACK, ASCONF_ACK, ASCONF] = [
    0, 1, 2, 3, 6, 10, 11, 128, 193,
  ];

  test.each([DATA, INIT_ACK, SACK, ABORT, COOKIE_ACK, ASCONF_ACK])(
    "C19 RFC 9653 §5.2: chunk %i may go without a CRC once the peer accepts that, and not before",
    (type) => {
      expect(mayOmitSctpChecksum(true, type)).toBe(true);
      expect(mayOmitSctpChecksum(false, type)).toBe(false);
    },
  );

  test.each([INIT, COOKIE_ECHO, ASCONF])("C19 RFC 9653 §5.2: a packet with chunk %i has its CRC", (type) => {
    expect(mayOmitSctpChecksum(true, type)).toBe(false);
    // Wherever in the packet it is.
    expect(mayOmitSctpChecksum(true, [type, DATA])).toBe(false);
    expect(mayOmitSctpChecksum(true, [SACK, type])).toBe(false);
    expect(mayOmitSctpChecksum(true, [SACK, DATA])).toBe(true);
  });

  test("C19 RFC 9653 §5.2: an answer to a packet out of the blue has its CRC", () => {
    expect(mayOmitSctpChecksum(true, ABORT, true)).toBe(false);
  });
});

test("PARTIAL and resolve equal the whole sum for any start, offset and content", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 40, maxLength: 300 }), fc.nat(19), fc.nat(9), (bytes, start, half) => {
      const frame = lay(bytes, { ipSummed: CHECKSUM_PARTIAL, csumStart: start, csumOffset: half * 2 });
      checksumHelp(kernels, frame);
      const expected = 0xffff - naiveSum(bytes.subarray(start));
      const stored = memory.view.getUint16(frame.data + start + half * 2);
      expect(stored).toBe(expected === 0 ? 0xffff : expected);
    }),
  );
});
