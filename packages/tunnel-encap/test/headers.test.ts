import fc from "fast-check";
import { parseIpv4, parseIpv6 } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { encapsulationLimit, erspan, geneve, gre, gue, nvgre, sixToFour, vxlan } from "../src/index.ts";
import { inner6 } from "./support/samples.ts";

const bytes24 = fc.integer({ min: 0, max: 0xff_ffff });
const word = fc.integer({ min: 0, max: 0xffff_ffff });

function viewOf(length = 300): DataView {
  return new DataView(new ArrayBuffer(length));
}

describe("round trips: what is written is read", () => {
  test("T1 VXLAN (RFC 7348 §5)", () => {
    const view = viewOf();
    fc.assert(
      fc.property(bytes24, (vni) => {
        expect(vxlan.write(view, 3, { vni })).toBe(8);
        expect(vxlan.parse(view, 3, 11)).toEqual({ vni, flags: 0x0800_0000, reserved: 0 });
      }),
    );
  });

  test("T1 VXLAN with group policy, next protocol and remote checksum", () => {
    const view = viewOf();
    vxlan.write(view, 0, { vni: 5, gbp: { id: 0x1234, dontLearn: true, policyApplied: true } });
    expect(vxlan.flags(view, 0)).toBe(0x8848_1234);
    expect(vxlan.groupPolicy(view, 0)).toEqual({ id: 0x1234, dontLearn: true, policyApplied: true });
    vxlan.write(view, 0, { vni: 5, gbp: { id: 0 } });
    expect(vxlan.flags(view, 0)).toBe(vxlan.FLAG_VNI);
    vxlan.write(view, 0, { vni: 5, nextProtocol: vxlan.GPE_NP_IPV6 });
    expect([vxlan.flags(view, 0), vxlan.nextProtocol(view, 0)]).toEqual([0x0c00_0002, 2]);
    vxlan.write(view, 0, { vni: 0xabcdef, rco: 0x91 });
    expect([vxlan.flags(view, 0), vxlan.reserved(view, 0), vxlan.vni(view, 0)]).toEqual([0x0820_0000, 0x91, 0xabcdef]);
    vxlan.setVni(view, 0, 1);
    vxlan.setReserved(view, 0, 2);
    expect([vxlan.vni(view, 0), vxlan.reserved(view, 0)]).toEqual([1, 2]);
  });

  test("T3 GRE: fields stand in the order C, K, S, and absent ones take no room (RFC 2890 §2)", () => {
    const view = viewOf();
    const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
      fc.option(arbitrary, { nil: undefined });
    fc.assert(
      fc.property(
        optional(fc.nat(0xffff)),
        optional(word),
        optional(word),
        fc.nat(0xffff),
        (checksum, key, sequence, protocol) => {
          const fields = { protocol, checksum, key, sequence };
          const length = gre.write(view, 1, fields);
          const present = [checksum, key, sequence].filter((field) => field !== undefined).length;
          expect(length).toBe(4 + 4 * present);
          expect(gre.parse(view, 1, 1 + length)).toEqual(fields);
          expect(gre.check(view, 1, length)).toBe("truncated");
        },
      ),
    );
  });

  test("T3 NVGRE: the key is VSID and FlowID (RFC 7637 §3.2)", () => {
    const view = viewOf();
    fc.assert(
      fc.property(bytes24, fc.nat(255), (vsid, flowId) => {
        expect(nvgre.write(view, 0, { vsid, flowId })).toBe(8);
        expect(nvgre.parse(view, 0, 8)).toEqual({ vsid, flowId });
        expect(gre.key(view, 0)).toBe(nvgre.keyOf(vsid, flowId));
      }),
    );
  });

  test("T3 ERSPAN II and III, with and without a subheader", () => {
    const view = viewOf();
    const common = { vlan: 100, cos: 5, encapsulation: 3, truncated: true, sessionId: 1023 };
    const two: erspan.ErspanHeader = { version: erspan.VERSION_II, ...common, index: 0xf_fffe };
    expect(erspan.write(view, 0, two)).toBe(8);
    expect(erspan.parse(view, 0, 8)).toEqual(two);
    const three: erspan.ErspanHeader = {
      version: erspan.VERSION_III,
      ...common,
      timestamp: 0xdead_beef,
      sgt: 7,
      isEthernet: true,
      frameType: 2,
      hwId: 63,
      egress: true,
      granularity: erspan.GRANULARITY_IEEE1588,
      subheader: undefined,
    };
    expect(erspan.write(view, 0, three)).toBe(12);
    expect(erspan.parse(view, 0, 12)).toEqual(three);
    const platform = { ...three, subheader: Uint8Array.of(4, 1, 2, 3, 4, 5, 6, 7) };
    expect(erspan.write(view, 0, platform)).toBe(erspan.lengthOf(platform));
    expect(erspan.parse(view, 0, 20)).toEqual(platform);
    expect(erspan.check(view, 0, 19)).toBe("truncated");
  });

  test("T2 Geneve with options (RFC 8926 §3.4, §3.5): C is set if an option is critical", () => {
    const view = viewOf();
    const option = fc.record({
      class: fc.nat(0xffff),
      type: fc.nat(127),
      critical: fc.boolean(),
      data: fc.nat(3).chain((words) => fc.uint8Array({ minLength: words * 4, maxLength: words * 4 })),
    });
    fc.assert(
      fc.property(bytes24, fc.boolean(), fc.array(option, { maxLength: 8 }), (vni, control, options) => {
        const length = geneve.write(view, 0, { vni, control, options });
        expect(length).toBe(geneve.lengthOf({ options }));
        const critical = options.some((one) => one.critical);
        expect(geneve.parse(view, 0, length)).toEqual({
          vni,
          control,
          critical,
          protocol: 0x6558,
          optionsLength: length - 8,
        });
        expect(geneve.parseOptions(view, 8, length)).toEqual(options);
      }),
    );
  });

  test("T2 options that no header can hold are the caller's mistake", () => {
    const of = (length: number, count = 1) => ({
      options: Array.from({ length: count }, () => ({
        class: 1,
        type: 1,
        critical: false,
        data: new Uint8Array(length),
      })),
    });
    for (const bad of [of(3), of(128), of(124, 2)]) {
      expect(() => geneve.lengthOf(bad)).toThrow(expect.objectContaining({ argument: "options" }));
    }
    expect(geneve.lengthOf(of(120, 2))).toBe(256);
  });

  test("T4 GUE variant 0, with remote checksum offload", () => {
    const view = viewOf();
    expect(gue.write(view, 0, { protocol: 47 })).toBe(4);
    expect(gue.parse(view, 0, 4)).toEqual({ control: false, protocol: 47, remoteChecksum: undefined });
    const remoteChecksum = { start: 20, offset: 26 };
    expect(gue.write(view, 0, { protocol: 4, control: true, remoteChecksum })).toBe(12);
    expect(gue.parse(view, 0, 12)).toEqual({ control: true, protocol: 4, remoteChecksum });
  });

  test("T5 6to4 addresses name their router (RFC 3056 §2)", () => {
    const router = parseIpv4("192.0.2.1");
    expect(sixToFour.addressOf(router, 1)).toBe(parseIpv6("2002:c000:201::1"));
    expect(sixToFour.embedded(parseIpv6("2002:c000:201:ffff::9"))).toBe(router);
    expect(sixToFour.embedded(parseIpv6("2001:db8::1"))).toBeUndefined();
  });

  test("T5 the encapsulation limit is found behind other options (RFC 2473 §4.1.1)", () => {
    const view = viewOf();
    expect(encapsulationLimit.write(view, 40, 4, 9)).toBe(8);
    view.setUint8(0, 0x60);
    view.setUint8(6, 60);
    const option = encapsulationLimit.find(view, 0, 60);
    expect(option).toBe(42);
    expect(encapsulationLimit.limit(view, option)).toBe(9);
    expect(encapsulationLimit.find(view, 0, 44)).toBe(-1);
    const plain = inner6();
    expect(encapsulationLimit.find(new DataView(plain.buffer), 0, plain.length)).toBe(-1);
  });
});

describe("what is no header is said", () => {
  const of = (...values: number[]): [DataView, number] => [new DataView(Uint8Array.from(values).buffer), values.length];

  test.each([
    ["T1 VXLAN without the I flag", vxlan, [0, 0, 0, 0, 0, 0, 1, 0], "bad-value"],
    ["T1 VXLAN cut", vxlan, [8, 0, 0, 0, 0, 0, 1], "truncated"],
    ["T3 GRE with a source route (RFC 1701)", gre, [0x40, 0, 8, 0], "bad-value"],
    ["T3 GRE version 1 is PPTP", gre, [0x20, 1, 0x88, 0x0b, 0, 0, 0, 0], "bad-version"],
    ["T3 GRE with reserved bits that must be 0 (RFC 2784 §2.3)", gre, [0x08, 0, 8, 0], "bad-value"],
    ["T3 GRE cut within its key", gre, [0x20, 0, 8, 0, 1], "truncated"],
    ["T3 NVGRE without K", nvgre, [0, 0, 0x65, 0x58], "bad-value"],
    ["T3 NVGRE with S", nvgre, [0x30, 0, 0x65, 0x58, 0, 0, 0, 0, 0, 0, 0, 0], "bad-value"],
    ["T3 NVGRE with another payload", nvgre, [0x20, 0, 8, 0, 0, 0, 0, 0], "bad-value"],
    ["T3 ERSPAN of version 3", erspan, [0x30, 0, 0, 0, 0, 0, 0, 0], "bad-version"],
    ["T3 ERSPAN III cut", erspan, [0x20, 0, 0, 0, 0, 0, 0, 0], "truncated"],
    ["T2 Geneve of version 1", geneve, [0x40, 0, 0x65, 0x58, 0, 0, 1, 0], "bad-version"],
    ["T2 Geneve whose options go past the end", geneve, [1, 0, 0x65, 0x58, 0, 0, 1, 0], "truncated"],
    [
      "T2 Geneve with an option that is longer than all",
      geneve,
      [1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 1, 1, 1],
      "bad-option",
    ],
    ["T4 GUE of variant 2", gue, [0x80, 4, 0, 0], "bad-version"],
    ["T4 GUE with an unknown flag", gue, [0, 4, 0x80, 0], "bad-option"],
    ["T4 GUE with private flags but no room for them", gue, [0, 4, 0, 1], "bad-length"],
    ["T4 GUE with an unknown private flag", gue, [1, 4, 0, 1, 0x40, 0, 0, 0], "bad-option"],
    ["T4 GUE whose remote checksum has no room", gue, [1, 4, 0, 1, 0x80, 0, 0, 0], "bad-length"],
    ["T4 GUE that is longer than the packet", gue, [5, 4, 0, 0], "truncated"],
  ] as const)("%s", (_name, codec, values, fault) => {
    const [view, length] = of(...values);
    expect(codec.check(view, 0, length)).toBe(fault);
    expect(codec.parse(view, 0, length)).toBeUndefined();
  });

  test.each([
    ["0.0.0.1", false],
    ["10.1.2.3", false],
    ["127.0.0.1", false],
    ["169.254.9.9", false],
    ["172.16.0.1", false],
    ["172.32.0.1", true],
    ["192.168.1.1", false],
    ["224.0.0.1", false],
    ["255.255.255.255", false],
    ["192.0.2.1", true],
    ["8.8.8.8", true],
  ])("T5 whether a 6to4 router may be at %s (RFC 3964 §5.3.1): %s", (address, usable) => {
    expect(sixToFour.isUsable(parseIpv4(address))).toBe(usable);
  });
});

test("every codec prints what it wrote in one line", () => {
  const view = viewOf();
  vxlan.write(view, 0, { vni: 7 });
  expect(vxlan.print(view, 0)).toBe("VXLAN, flags [0x08000000], vni 7");
  gre.write(view, 0, { protocol: 0x0800, checksum: 1, key: 0xff, sequence: 3 });
  expect(gre.print(view, 0)).toBe("GREv0, checksum present, key=0xff, seq 3, proto 0x0800");
  nvgre.write(view, 0, { vsid: 9, flowId: 1 });
  expect(nvgre.print(view, 0)).toBe("NVGRE, vsid 9, flow 1");
  erspan.write(view, 0, { version: 1, sessionId: 2, index: 3 });
  expect(erspan.print(view, 0)).toBe("ERSPAN type II, session 2, vlan 0, index 3");
  geneve.write(view, 0, { vni: 7, control: true });
  expect(geneve.print(view, 0)).toBe("Geneve, Flags [O], vni 7, proto 0x6558");
  gue.write(view, 0, { protocol: 4 });
  expect(gue.print(view, 0)).toBe("GUE variant 0, proto 4, hlen 4");
  view.setUint8(0, 0x45);
  expect(gue.print(view, 0)).toBe("GUE variant 1, IPv4");
  encapsulationLimit.write(view, 0, 4, 3);
  expect(encapsulationLimit.print(view, 0)).toBe("tunnel encapsulation limit 3");
});
