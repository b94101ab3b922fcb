import { ETH_P_TEB, compose, type Layer } from "@seville/packet";
import { parseIpv6 } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { innerHash, policyOf, type Tunnel, type TunnelPolicy } from "../src/index.ts";
import * as erspan from "@seville/tunnel-encap/erspan";
import * as fou from "@seville/tunnel-encap/fou";
import * as geneve from "@seville/tunnel-encap/geneve";
import * as gre from "@seville/tunnel-encap/gre";
import * as gue from "@seville/tunnel-encap/gue";
import * as ip6tnl from "@seville/tunnel-encap/ip6tnl";
import * as ipip from "@seville/tunnel-encap/ipip";
import * as nvgre from "@seville/tunnel-encap/nvgre";
import * as sit from "@seville/tunnel-encap/sit";
import * as sixToFour from "@seville/tunnel-encap/6to4";
import * as vxlan from "@seville/tunnel-encap/vxlan";
import * as vxlanDevice from "@seville/tunnel-encap/vxlan-device";
import * as dissectors from "@seville/tunnel-encap/dissect";
import { drainedPool, load } from "./support/packets.ts";
import { A4, A6, B4, B6, ETHERNET, frameOf, inner4 } from "./support/samples.ts";

const pool = drainedPool();
const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };

describe("T6-T9 what the presets fill in", () => {
  const cases: readonly (readonly [string, Tunnel, Partial<TunnelPolicy>, Partial<TunnelPolicy>])[] = [
    [
      "vxlan over IPv4",
      { kind: "vxlan", id: 1, ...v4 },
      { ttl: "auto", df: "unset", ecn: "linux", udpChecksum: true, destinationPort: 4789, zeroChecksumAccepted: true },
      { ttl: "auto", df: "set", ecn: "rfc6040", udpChecksum: false, destinationPort: 4789, zeroChecksumAccepted: true },
    ],
    [
      "vxlan over IPv6",
      { kind: "vxlan", id: 1, ...v6 },
      { flowlabel: 0, udpChecksum: true, zeroChecksumAccepted: false },
      { flowlabel: "auto", udpChecksum: true, zeroChecksumAccepted: false },
    ],
    ["vxlan-gpe", { kind: "vxlan", id: 1, ...v4, gpe: true }, { destinationPort: 4790 }, { destinationPort: 4790 }],
    ["geneve", { kind: "geneve", id: 1, ...v4 }, { udpChecksum: false, destinationPort: 6081 }, { udpChecksum: false }],
    ["gre", { kind: "gre", ...v4 }, { ttl: "inherit", df: "set", encapsulationLimit: undefined }, { ttl: "auto" }],
    ["ip6gre", { kind: "gre", ...v6 }, { ttl: 64, ecn: "tos", encapsulationLimit: 4 }, { ecn: "rfc6040" }],
    ["ip6tnl", { kind: "ip6tnl", ...v6 }, { ecn: "linux", encapsulationLimit: 4 }, { encapsulationLimit: 4 }],
    ["ip6tnl none", { kind: "ip6tnl", ...v6, encaplimit: "none" }, { encapsulationLimit: undefined }, {}],
    [
      "fou",
      { kind: "ipip", ...v4, encap: { type: "fou", dport: 99 } },
      { destinationPort: 99, udpChecksum: false },
      {},
    ],
    ["gue csum", { kind: "sit", ...v4, encap: { type: "gue", dport: 9, csum: true } }, { udpChecksum: true }, {}],
  ];

  test.each(cases)("T9 %s", (_name, tunnel, linux, rfc) => {
    expect(policyOf(tunnel, "linux")).toMatchObject(linux);
    expect(policyOf(tunnel, "rfc")).toMatchObject(rfc);
    expect(policyOf(tunnel)).toEqual(policyOf(tunnel, "linux"));
  });

  test("T9 what is said wins over any preset", () => {
    const said = { ttl: 7, tos: "inherit", df: "inherit", flowlabel: 5, ecn: "compatibility" } as const;
    for (const preset of ["linux", "rfc"] as const) {
      expect(policyOf({ kind: "vxlan", id: 1, ...v4, ...said, udpcsum: true }, preset)).toMatchObject({
        ...said,
        udpChecksum: true,
      });
    }
  });
});

describe("T6 the flow hash of what is inside", () => {
  const hashOf = (frame: Uint8Array, seed = 5): number => {
    const packet = load(pool, frame, true);
    const hash = innerHash(packet, true, ETH_P_TEB, seed);
    packet.release();
    return hash;
  };
  const with6 = (...layers: Layer[]): Uint8Array =>
    compose([ETHERNET, { ipv6: { source: parseIpv6("fd00::1"), destination: parseIpv6("fd00::2") } }, ...layers]);
  const ports: Layer = { udp: { sourcePort: 3, destinationPort: 4 } };

  test("T6 is kept by the packet, depends on the seed, and is 0 for what is not IP", () => {
    expect(hashOf(frameOf(inner4()))).toBe(hashOf(frameOf(inner4())));
    expect(hashOf(frameOf(inner4()), 6)).not.toBe(hashOf(frameOf(inner4()), 5));
    const packet = load(pool, frameOf(inner4()), true);
    packet.hash = 77;
    expect(innerHash(packet, true, ETH_P_TEB, 1)).toBe(77);
    packet.release();
    expect(hashOf(compose([{ ethernet: { destination: 1, source: 2, etherType: 0x88b5 } }, "x"]))).toBe(0);
    expect(hashOf(frameOf(inner4()).slice(0, 20))).toBe(0);
    expect(hashOf(Uint8Array.of(1, 2, 3))).toBe(0);
  });

  test("T6 sees through VLAN tags and IPv6 extension headers to the ports", () => {
    const tagged = (...ids: number[]): Uint8Array =>
      compose([
        ETHERNET,
        ...ids.map((id): Layer => ({ vlan: { id } })),
        { ipv4: { source: 1, destination: 2 } },
        ports,
      ]);
    expect(hashOf(tagged(5))).toBe(hashOf(tagged()));
    expect(hashOf(tagged(5, 6))).toBe(hashOf(tagged()));
    const padding: Layer = { destinationOptions: { options: [{ kind: "padn", length: 6 }] } };
    expect(hashOf(with6(padding, ports))).toBe(hashOf(with6(ports)));
    expect(hashOf(with6(padding, { udp: { sourcePort: 4, destinationPort: 4 } }))).not.toBe(hashOf(with6(ports)));
  });

  test("T6 both directions of a flow hash alike", () => {
    const of = (source: number, destination: number, sourcePort: number, destinationPort: number): number =>
      hashOf(compose([ETHERNET, { ipv4: { source, destination } }, { udp: { sourcePort, destinationPort } }]));
    expect(of(1, 2, 30, 40)).toBe(of(2, 1, 40, 30));
    expect(of(1, 2, 30, 40)).not.toBe(of(1, 2, 40, 30));
  });
});

test("each protocol can be had alone, by its subpath", () => {
  const codecs = [vxlan, gre, nvgre, erspan, geneve, gue];
  for (const codec of codecs)
    for (const name of ["check", "parse", "write", "print"] as const) expect(codec[name]).toBeTypeOf("function");
  expect(vxlan.vxlanEncapsulation.headerLength({ kind: "vxlan", id: 1, ...v4 })).toBe(8);
  expect(gre.greEncapsulation.isEthernet({ kind: "gretap", ...v4 })).toBe(true);
  expect(nvgre.nvgreEncapsulation.ipProtocol(ETH_P_TEB)).toBe(47);
  expect(erspan.erspanEncapsulation.headerLength({ kind: "erspan", ...v4, erspanVer: 2 })).toBe(20);
  expect(geneve.geneveEncapsulation.headerLength({ kind: "geneve", id: 1, ...v4 })).toBe(8);
  expect(fou.secondaryLength({ type: "fou", dport: 1 })).toBe(8);
  expect(ipip.ipipEncapsulation.ipProtocol(0x0800)).toBe(4);
  expect(sit.sitEncapsulation.ipProtocol(0x86dd)).toBe(41);
  expect(ip6tnl.ip6tnlEncapsulation.ipProtocol(0x0800)).toBe(4);
  expect(sixToFour.isUsable(A4)).toBe(true);
  expect(vxlanDevice.VxlanDevice).toBeTypeOf("function");
  expect(Object.keys(dissectors.TUNNEL_DISSECTORS.udpPort!)).toEqual(["4789", "4790", "6080", "6081", "8472"]);
});
