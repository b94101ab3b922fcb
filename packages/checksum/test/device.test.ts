import { describe, expect, test } from "vitest";
import {
  applyInHardware,
  CHECKSUM_NONE,
  DEFAULT_PARSER,
  finishChecksum,
  hwCsum,
  ipCsum,
  ipv6Csum,
  parsing,
  recognise,
  resolveChecksum,
  setPartialSctp,
  type ChecksumDevice,
  type NetdevFeature,
  type TransmitFrame,
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
  TCP,
  tcp,
  UDP,
  udp,
  vxlan,
  withPseudo,
} from "./helpers/frames.ts";
import { CASES, plain, tunnelled } from "./helpers/transmit.ts";
import { verifyFrame } from "./helpers/naive.ts";

const view = memory.view;
const resolve = (frame: TransmitFrame, nic: ChecksumDevice): string => resolveChecksum(view, frame, nic);
const none: ReadonlySet<NetdevFeature> = new Set();
const allVerify = (frame: { data: number; tail: number }): boolean =>
  verifyFrame(bytesOf(frame)).every(({ verified }) => verified);

describe("C20 C21 who finishes the checksum of a plain frame", () => {
  test.each(CASES)("C20 IPv%i %s: HW_CSUM always; IP_CSUM IPv4 only; IPV6_CSUM IPv6 only", (family, protocol) => {
    const frame = plain(family, protocol);
    expect(resolve(frame, hwCsum())).toBe("device");
    expect(resolve(frame, ipCsum())).toBe(family === 4 ? "device" : "software");
    expect(resolve(frame, ipv6Csum())).toBe(family === 6 ? "device" : "software");
  });

  test("C20 IPv4 options do not matter to IP_CSUM", () => {
    expect(resolve(plain(4, "udp", { extra: true }), ipCsum())).toBe("device");
  });

  test("C21 an IPv6 header that is not exactly 40 bytes is for software (Monin 2024), except with HW_CSUM", () => {
    const frame = plain(6, "tcp", { extra: true });
    expect(resolve(frame, ipv6Csum())).toBe("software");
    expect(resolve(frame, hwCsum())).toBe("device");
  });

  test("C21 a checksum that is neither at TCP's nor at UDP's offset is for software (Long 2021), except with HW_CSUM", () => {
    const frame = { ...plain(4, "udp"), csumOffset: 2 };
    expect(resolve(frame, ipCsum())).toBe("software");
    expect(resolve(frame, hwCsum())).toBe("device");
  });

  test("C21 another EtherType is for software, except with HW_CSUM", () => {
    const frame = { ...plain(4, "udp"), protocol: 0x1234 };
    expect(resolve(frame, ipCsum())).toBe("software");
    expect(resolve(frame, hwCsum())).toBe("device");
  });

  test("C21 SCTP needs the CRC feature, whatever else there is", () => {
    const frame = lay(ethernet(0x0800, ip(4, 132, payload(100))), { networkHeader: 14, transportHeader: 34 });
    setPartialSctp(frame, frame.data + 34);
    expect(resolve(frame, hwCsum())).toBe("software");
    expect(resolve(frame, { ...hwCsum(), features: new Set(["SCTP_CRC"]) })).toBe("device");
    const crc = new Set<NetdevFeature>(["HW_CSUM", "SCTP_CRC"]);
    const nic = { ...hwCsum(), features: crc, hwEncFeatures: crc, vlanFeatures: crc };
    expect(resolve(frame, nic)).toBe("device");
    expect(finishChecksum(kernels, frame, nic)).toBe(true);
    expect(allVerify(frame)).toBe(true);
  });

  test("C21 nothing is left to do: none", () => {
    expect(resolve({ ...plain(4, "udp"), ipSummed: CHECKSUM_NONE }, hwCsum())).toBe("none");
  });

  test("C22 VLAN tags, MPLS labels and encapsulation have masks of their own", () => {
    expect(resolve(plain(4, "tcp", { vlan: true }), ipCsum())).toBe("device");
    expect(resolve(plain(4, "tcp", { vlan: true }), ipCsum({ vlanFeatures: none }))).toBe("software");
    expect(resolve(plain(4, "tcp"), ipCsum({ vlanFeatures: none }))).toBe("device");
    expect(resolve(tunnelled(4, 4), hwCsum())).toBe("device");
    expect(resolve(tunnelled(4, 4), hwCsum({ hwEncFeatures: none }))).toBe("software");
    const mpls = { ...plain(4, "tcp"), protocol: 0x8847 };
    expect(resolve(mpls, hwCsum())).toBe("device");
    expect(resolve(mpls, hwCsum({ mplsFeatures: none }))).toBe("software");
  });
});

describe("C22 a NIC that parses and ignores csum_start", () => {
  test.each(CASES)("C22 IPv%i %s plain: it agrees, and the frame is right", (family, protocol) => {
    const frame = plain(family, protocol);
    expect(resolve(frame, parsing())).toBe("device");
    expect(finishChecksum(kernels, frame, parsing())).toBe(true);
    expect(allVerify(frame)).toBe(true);
  });

  test.each([
    [4, 4],
    [4, 6],
    [6, 4],
  ] as const)("C22 TCP in VXLAN on a port it knows, IPv%i around IPv%i: it looks inside", (outer, inner) => {
    const frame = tunnelled(outer, inner);
    expect(resolve(frame, parsing())).toBe("device");
    expect(finishChecksum(kernels, frame, parsing())).toBe(true);
    expect(allVerify(frame)).toBe(true);
  });

  test("C22 VXLAN on a port it does not know: it would sum the outer UDP; software must", () => {
    const frame = tunnelled(4, 4, 8472);
    expect(resolve(frame, parsing())).toBe("software");
    expect(resolve(frame, parsing({ vxlanPorts: [4789, 8472] }))).toBe("device");
    expect(finishChecksum(kernels, frame, parsing())).toBe(true);
  });

  test("C22 a driver that does not compare corrupts exactly that frame: both checksums are wrong", () => {
    const frame = tunnelled(4, 4, 8472);
    const before = bytesOf(frame);
    applyInHardware(kernels, frame, parsing());
    const after = bytesOf(frame);
    const changed = [...after.keys()].filter((i) => after[i] !== before[i]);
    expect(changed.every((i) => i === 40 || i === 41)).toBe(true);
    // Read as VXLAN, its inner TCP still holds the pseudo-header's sum.
    after.set([0x12, 0xb5], 36);
    expect(verifyFrame(after).map(({ protocol, verified }) => [protocol, verified])).toEqual([
      ["udp", false],
      ["tcp", false],
    ]);
  });

  test("C22 too deep, too long, a tag too many, an extension header, a fragment: for software", () => {
    expect(resolve(tunnelled(4, 4), parsing({ tunnelDepth: 0 }))).toBe("software");
    expect(resolve(tunnelled(4, 4), parsing({ maxHeaderBytes: 101 }))).toBe("software");
    expect(resolve(tunnelled(4, 4), parsing({ maxHeaderBytes: 102 }))).toBe("device");
    expect(resolve(plain(4, "tcp", { vlan: true }), parsing({ vlanTags: 0 }))).toBe("software");
    expect(resolve(plain(6, "udp", { extra: true }), parsing())).toBe("software");
    const fragment = plain(4, "udp");
    view.setUint16(fragment.data + 14 + 6, 0x2000);
    expect(resolve(fragment, parsing())).toBe("software");
  });

  test("C22 what it does not recognise leaves as it is", () => {
    const frame = lay(ethernet(0x9999, payload(60)), { ipSummed: 3, csumStart: 20, csumOffset: 2 });
    const before = bytesOf(frame);
    applyInHardware(kernels, frame, parsing());
    expect(bytesOf(frame)).toEqual(before);
    expect(frame.ipSummed).toBe(CHECKSUM_NONE);
    applyInHardware(kernels, frame, parsing());
    expect(bytesOf(frame)).toEqual(before);
  });
});

test("C16 a device refuses what is not within the frame, as software does", () => {
  for (const nic of [hwCsum(), ipCsum()]) {
    const frame = plain(4, "tcp");
    frame.csumStart = frame.tail;
    expect(finishChecksum(kernels, frame, nic)).toBe(false);
  }
});

describe("C22 the header recogniser", () => {
  const inner = ip(4, TCP, withPseudo(4, TCP, tcp(payload(40))));
  const everything = { ...DEFAULT_PARSER, gre: true, tunnelDepth: 3, ipv6Extensions: true, vlanTags: 2 };
  const look = (bytes: Uint8Array, limits = everything) => {
    const { data, tail } = lay(bytes);
    const found = recognise(view, data, tail, limits);
    return found && { ...found, start: found.start - data };
  };
  const geneve = (options: number, payload: Uint8Array, type = 0x6558) =>
    join([options / 4, 0, type >>> 8, type & 255, 0, 0, 7, 0], new Uint8Array(options), payload);

  test("C22 Geneve with options, carrying Ethernet or IP", () => {
    const found = look(ethernet(0x0800, ip(4, UDP, udp(9, 6081, geneve(12, ethernet(0x0800, inner))))));
    expect(found).toMatchObject({ start: 14 + 20 + 8 + 8 + 12 + 14 + 20, csumOffset: 16, depth: 1, ipVersion: 4 });
    expect(look(ethernet(0x0800, ip(4, UDP, udp(9, 6081, geneve(0, inner, 0x0800)))))).toMatchObject({
      start: 14 + 20 + 16 + 20,
    });
  });

  test("C22 GRE with checksum, key and sequence; not with routing or version 1", () => {
    for (const [flags, words] of [
      [0x0000, 0],
      [0x8000, 1],
      [0x2000, 1],
      [0xb000, 3],
    ] as const) {
      const gre = join([flags >>> 8, flags & 255, 0x08, 0x00], new Uint8Array(words * 4), inner);
      expect(look(ethernet(0x0800, ip(4, 47, gre)))).toMatchObject({ start: 14 + 20 + 4 + words * 4 + 20, depth: 1 });
      expect(look(ethernet(0x0800, ip(4, 47, gre)), { ...everything, gre: false })).toBeUndefined();
    }
    for (const flags of [0x4000, 0x0001]) {
      const gre = join([flags >>> 8, flags & 255, 0x08, 0x00], inner);
      expect(look(ethernet(0x0800, ip(4, 47, gre)))).toBeUndefined();
    }
  });

  test("C22 two VLAN tags and an IPv6 extension header, where the limits allow", () => {
    const segment = udp(1, 2, payload(8));
    const packet = ip(6, 60, join([UDP, 0, 1, 4, 0, 0, 0, 0], segment));
    const tagged = ethernet(0x88a8, join([0, 1, 0x81, 0, 0, 2, 0x86, 0xdd], packet));
    expect(look(tagged)).toMatchObject({ start: 14 + 8 + 48, csumOffset: 6, networkHeaderBytes: 48, ipVersion: 6 });
    expect(look(tagged, { ...everything, vlanTags: 1 })).toBeUndefined();
  });

  test("C22 VXLAN in VXLAN, to the depth that it has", () => {
    const once = ethernet(0x0800, ip(4, UDP, udp(9, 4789, vxlan(ethernet(0x0800, inner)))));
    const twice = ethernet(ETHER_TYPE[6], ip(6, UDP, udp(9, 4789, vxlan(once))));
    expect(look(twice)).toMatchObject({ depth: 2, csumOffset: 16 });
    // Not deep enough: the innermost that it recognises is the inner UDP.
    expect(look(twice, { ...everything, tunnelDepth: 1 })).toMatchObject({ depth: 1, csumOffset: 6 });
  });

  test("C22 cut anywhere, or with any byte changed, it never reads beyond the end nor throws", () => {
    const frame = ethernet(ETHER_TYPE[6], ip(6, UDP, udp(9, 6081, geneve(8, ethernet(0x0800, inner)))));
    const alone = (bytes: Uint8Array) => recognise(new DataView(bytes.slice().buffer), 0, bytes.length, everything);
    for (let length = 0; length <= frame.length; length++) {
      const found = alone(frame.subarray(0, length));
      if (found !== undefined) expect(found.start + 8).toBeLessThanOrEqual(length);
    }
    for (let at = 0; at < frame.length; at++) {
      for (const value of [0, 1, 6, 17, 47, 60, 0x45, 0x60, 0x7f, 0x80, 0xff]) {
        const mutated = Uint8Array.from(frame);
        mutated[at] = value;
        expect(() => alone(mutated)).not.toThrow();
      }
    }
  });
});
