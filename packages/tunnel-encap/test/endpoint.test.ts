import {
  CHECKSUM_PARTIAL,
  compose,
  dissect,
  ETH_P_IP,
  findField,
  ipv4,
  parseIpv4,
  parseIpv6,
  udp,
  type Packet,
} from "@seville/packet";
import { fold, sum } from "@seville/checksum";
import { describe, expect, test } from "vitest";
import {
  encapsulationLimit,
  geneve,
  gue,
  policyOf,
  sixToFour,
  TunnelEndpoint,
  vxlan,
  type Tunnel,
} from "../src/index.ts";
import { contextOf, drainedPool, finishAndTake, hex, load, received, take } from "./support/packets.ts";
import { A4, A6, B4, B6, frameOf, inner4, inner6, innerFor, SAMPLE_TUNNELS, wrap } from "./support/samples.ts";

const pool = drainedPool();
const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };

function endpointOf(tunnel: Tunnel): TunnelEndpoint {
  return new TunnelEndpoint(tunnel, contextOf(pool));
}

/** Why the tunnel drops the outer packet; `undefined`: it does not. */
function refusal(endpoint: TunnelEndpoint, outer: Uint8Array): string | undefined {
  const packet = received(pool, outer);
  const reason = endpoint.decapsulate(packet);
  packet.release();
  return reason;
}

/** The outer packet with a byte of its UDP payload or GRE header changed, and no UDP checksum. */
function altered(outer: Uint8Array<ArrayBuffer>, at: number, value: number): Uint8Array<ArrayBuffer> {
  const copy = outer.slice();
  copy[at] = value;
  new DataView(copy.buffer).setUint16(26, 0);
  return copy;
}

test.each(Object.entries(SAMPLE_TUNNELS))(
  "what goes in comes out, and the pool is as full as before: %s",
  (_, tunnel) => {
    const inside = innerFor(tunnel);
    const { outer } = wrap(pool, tunnel, inside);
    const endpoint = endpointOf(tunnel);
    const packet = received(pool, outer);
    const at = packet.data;
    expect(endpoint.decapsulate(packet)).toBeUndefined();
    // Without a copy: the bytes are where they were.
    expect(packet.data).toBeGreaterThanOrEqual(at);
    expect([endpoint.info.source, endpoint.info.destination]).toEqual([tunnel.local, tunnel.remote]);
    expect(hex(take(packet))).toBe(hex(inside));
  },
);

describe("T1 VXLAN", () => {
  const tunnel: Tunnel = { kind: "vxlan", id: 7, ...v4, udpcsum: false };
  const { outer } = wrap(pool, tunnel, frameOf(inner4()));

  test.each([
    ["without the I flag", 28, 0x00],
    ["with a flag that nobody knows", 28, 0x48],
    ["with the G bit where group policy is off", 28, 0x88],
    ["with the RCO bit where it is off", 29, 0x20],
    ["with something behind the VNI", 35, 1],
  ])("T1 a header %s is dropped, as by Linux", (_name, at, value) => {
    const endpoint = endpointOf(tunnel);
    expect(refusal(endpoint, altered(outer, at, value))).toBe("VXLAN_INVALID_HDR");
    expect(endpoint.stats).toMatchObject({ rxErrors: 1, rxFrameErrors: 1, rxPackets: 0 });
  });

  test("T1 group policy is handed up, also when a packet has none", () => {
    const receiver = endpointOf({ ...tunnel, gbp: true });
    const sent = wrap(pool, { ...tunnel, gbp: { id: 3, policyApplied: true } }, frameOf(inner4())).outer;
    expect(refusal(receiver, sent)).toBeUndefined();
    expect(receiver.info.gbp).toEqual({ id: 3, dontLearn: false, policyApplied: true });
    expect(refusal(receiver, outer)).toBeUndefined();
    expect(receiver.info.gbp).toBeUndefined();
  });

  test("T1 GPE: version, O bit, missing P bit and unknown next protocols are dropped", () => {
    const gpe: Tunnel = { ...tunnel, gpe: true };
    const sent = wrap(pool, gpe, inner6()).outer;
    expect(new DataView(sent.buffer).getUint16(22)).toBe(vxlan.GPE_PORT);
    const receiver = endpointOf(gpe);
    expect(refusal(receiver, sent)).toBeUndefined();
    for (const flags of [0x1c, 0x0d, 0x08])
      expect(refusal(receiver, altered(sent, 28, flags))).toBe("VXLAN_INVALID_HDR");
    expect(refusal(receiver, altered(sent, 31, vxlan.GPE_NP_NSH))).toBe("UNHANDLED_PROTO");
  });

  test("T1 GPE excludes group policy and remote checksum offload", () => {
    for (const more of [{ gbp: true }, { remcsumtx: true }, { remcsumrx: true }]) {
      expect(() => policyOf({ ...tunnel, gpe: true, ...more })).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
  });

  test("T1 a VNI and a port can be the path's", () => {
    const { outer: other } = wrap(pool, tunnel, frameOf(inner4()), { id: 0xabcdef, dstport: 8472 });
    const view = new DataView(other.buffer);
    expect([vxlan.vni(view, 28), udp.destinationPort(view, 20)]).toEqual([0xabcdef, 8472]);
  });
});

describe("T2 Geneve", () => {
  const option = { class: 1, type: 5, critical: true, data: new Uint8Array(4) };
  const tunnel: Tunnel = { kind: "geneve", id: 7, ...v4, options: [option] };
  const { outer } = wrap(pool, tunnel, frameOf(inner4()));

  test("T2 an unknown critical option drops the packet, a known one does not (RFC 8926 §3.5)", () => {
    expect(refusal(endpointOf(tunnel), outer)).toBe("GENEVE_CRITICAL_OPTION");
    const knowing = endpointOf({ ...tunnel, knownOptions: [{ class: 1, type: 5 }] });
    const packet = received(pool, outer);
    expect(knowing.decapsulate(packet)).toBeUndefined();
    const { optionsAt, optionsEnd } = knowing.info;
    expect(geneve.parseOptions(pool.memory.view, optionsAt, optionsEnd)).toEqual([option]);
    packet.release();
    expect(refusal(endpointOf({ ...tunnel, knownOptions: [{ class: 2, type: 5 }] }), outer)).toBe(
      "GENEVE_CRITICAL_OPTION",
    );
  });

  test("T2 without the C bit an unknown critical option is still not skipped", () => {
    expect(refusal(endpointOf(tunnel), altered(outer, 29, 0))).toBe("GENEVE_CRITICAL_OPTION");
  });

  test("T2 an unknown option that is not critical is skipped", () => {
    const mild = wrap(pool, { ...tunnel, options: [{ ...option, critical: false }] }, frameOf(inner4())).outer;
    expect(refusal(endpointOf(tunnel), mild)).toBeUndefined();
  });

  test("T2 options that do not add up, and another version, are dropped", () => {
    expect(refusal(endpointOf(tunnel), altered(outer, 39, 2))).toBe("DEV_HDR");
    expect(refusal(endpointOf(tunnel), altered(outer, 28, 0x42))).toBe("DEV_HDR");
  });
});

describe("T3 GRE", () => {
  const tunnel: Tunnel = { kind: "gre", ...v4, ikey: 9, okey: 9, icsum: true, ocsum: true, iseq: true, oseq: true };
  const sender = endpointOf(tunnel);
  const next = (): Uint8Array<ArrayBuffer> => {
    const packet = load(pool, inner4(), false);
    expect(sender.encapsulate(packet)).toBe("ok");
    return finishAndTake(packet, sender.context);
  };
  const frames = [next(), next(), next(), next()];

  test("T3 sequence numbers: what is older than the last is dropped, a gap is not (RFC 2890 §2.2)", () => {
    const receiver = endpointOf(tunnel);
    const verdicts = [0, 2, 1, 2, 3].map((i) => refusal(receiver, frames[i]!));
    expect(verdicts).toEqual([undefined, undefined, "GRE_SEQ_OLD", "GRE_SEQ_OLD", undefined]);
    expect(receiver.stats).toMatchObject({ rxPackets: 3, rxErrors: 2, rxFifoErrors: 2 });
  });

  test("T3 sequence numbers wrap", () => {
    const receiver = endpointOf(tunnel);
    sender.state.oSeqno = 0xffff_ffff;
    expect(refusal(receiver, next())).toBeUndefined();
    expect(refusal(receiver, next())).toBeUndefined();
    expect(receiver.info.sequence).toBe(0);
  });

  test("T3 a wrong or missing checksum is dropped and counted (rx_crc_errors)", () => {
    const receiver = endpointOf(tunnel);
    const broken = frames[0]!.slice();
    broken[broken.length - 1]! ^= 1;
    expect(refusal(receiver, broken)).toBe("GRE_CSUM");
    const none = wrap(pool, { ...tunnel, ocsum: false }, inner4()).outer;
    expect(refusal(receiver, none)).toBe("GRE_CSUM_MISSING");
    expect(receiver.stats.rxCrcErrors).toBe(2);
  });

  test("T3 each thing that is not as this end expects has a reason of its own", () => {
    const plain: Tunnel = { kind: "gre", ...v4 };
    const wants = (more: Partial<typeof tunnel>): ReturnType<typeof endpointOf> => endpointOf({ ...plain, ...more });
    const sent = (more: Partial<typeof tunnel>): Uint8Array<ArrayBuffer> =>
      wrap(pool, { ...plain, ...more }, inner4()).outer;
    const sequenced = wants({ iseq: true });
    expect(refusal(sequenced, sent({}))).toBe("GRE_SEQ_MISSING");
    expect(sequenced.stats).toMatchObject({ rxErrors: 1, rxFifoErrors: 1, rxCrcErrors: 0 });
    const unsummed = wants({});
    expect(refusal(unsummed, sent({ ocsum: true }))).toBe("GRE_CSUM_UNEXPECTED");
    expect(unsummed.stats).toMatchObject({ rxErrors: 1, rxCrcErrors: 1, rxFifoErrors: 0 });
    const summed = wants({ icsum: true });
    expect(refusal(summed, sent({}))).toBe("GRE_CSUM_MISSING");
    expect(summed.stats).toMatchObject({ rxErrors: 1, rxCrcErrors: 1, rxFifoErrors: 0 });
    // A number where none is asked for is no fault.
    expect(refusal(wants({}), sent({ oseq: true }))).toBeUndefined();
  });

  test("T3 another key, none, or one that is not expected is not ours", () => {
    for (const okey of [8, undefined])
      expect(refusal(endpointOf(tunnel), wrap(pool, { ...tunnel, okey }, inner4()).outer)).toBe("NO_SOCKET");
    expect(refusal(endpointOf({ ...tunnel, ikey: undefined }), frames[0]!)).toBe("NO_SOCKET");
  });

  test("T3 source routes (RFC 1701) and version 1 (PPTP) are not ours", () => {
    const plain: Tunnel = { kind: "gre", ...v4 };
    const { outer } = wrap(pool, plain, inner4());
    for (const [at, value] of [
      [20, 0x40],
      [21, 1],
    ] as const) {
      const copy = outer.slice();
      copy[at] = value;
      expect(refusal(endpointOf(plain), copy)).toBe("DEV_HDR");
    }
  });

  test("T3 a frame is not for gre, and a packet not for gretap", () => {
    expect(
      refusal(endpointOf({ kind: "gre", ...v4 }), wrap(pool, { kind: "gretap", ...v4 }, frameOf(inner4())).outer),
    ).toBe("UNHANDLED_PROTO");
    expect(refusal(endpointOf({ kind: "gretap", ...v4 }), wrap(pool, { kind: "gre", ...v4 }, inner4()).outer)).toBe(
      "UNHANDLED_PROTO",
    );
  });

  test("T3 ERSPAN: sessions and versions are told apart, and long frames are cut and marked", () => {
    const two: Tunnel = { kind: "erspan", ...v4, erspanVer: 1, key: 5 };
    const inside = frameOf(inner4({ payload: new Uint8Array(300) }));
    const { outer } = wrap(pool, { ...two, mtu: 100 }, inside);
    const receiver = endpointOf(two);
    const packet = received(pool, outer);
    expect(receiver.decapsulate(packet)).toBeUndefined();
    expect(hex(take(packet))).toBe(hex(inside.slice(0, 114)));
    expect(outer[30]! & 0x04).toBe(0x04);
    expect(refusal(endpointOf({ ...two, key: 6 }), outer)).toBe("NO_SOCKET");
    expect(refusal(endpointOf({ ...two, erspanVer: 2 }), outer)).toBe("UNHANDLED_PROTO");
    expect(refusal(endpointOf({ ...two, erspanVer: 0 }), outer)).toBe("UNHANDLED_PROTO");
  });

  test("T3 NVGRE: another VSID is not ours; flows get flow ids of their own", () => {
    const tenant: Tunnel = { kind: "nvgre", ...v4, vsid: 0x5000 };
    const ids = [1, 2, 3, 4].map((port) => wrap(pool, tenant, frameOf(inner4({ sourcePort: port }))).outer[27]);
    expect(new Set(ids).size).toBeGreaterThan(1);
    expect(refusal(endpointOf({ ...tenant, vsid: 0x5001 }), wrap(pool, tenant, frameOf(inner4())).outer)).toBe(
      "NO_SOCKET",
    );
  });
});

describe("T4 FOU and GUE", () => {
  const tunnel: Tunnel = { kind: "ipip", ...v4, encap: { type: "gue", dport: 6080 } };
  const { outer } = wrap(pool, tunnel, inner4());

  test("T4 GUE says what it carries; another protocol and control messages are dropped", () => {
    expect(gue.protocol(new DataView(outer.buffer), 28)).toBe(4);
    expect(refusal(endpointOf(tunnel), altered(outer, 29, 41))).toBe("UNHANDLED_PROTO");
    expect(refusal(endpointOf(tunnel), altered(outer, 28, 0x20))).toBe("UNHANDLED_PROTO");
    expect(refusal(endpointOf(tunnel), altered(outer, 31, 0x02))).toBe("DEV_HDR");
    expect(refusal(endpointOf(tunnel), altered(outer, 28, 0x80))).toBe("DEV_HDR");
  });

  test("T4 variant 1 has no header, and either variant is understood", () => {
    const direct: Tunnel = { ...tunnel, encap: { type: "gue", dport: 6080, direct: true } };
    const short = wrap(pool, direct, inner4()).outer;
    expect(short.length).toBe(outer.length - 4);
    expect(refusal(endpointOf(tunnel), short)).toBeUndefined();
    expect(refusal(endpointOf(direct), outer)).toBeUndefined();
  });

  test("T4 a remote checksum is dropped unless it is turned on", () => {
    const sender: Tunnel = { ...tunnel, encap: { type: "gue", dport: 6080, csum: true, remcsum: true } };
    const packet = partialUdp(inner4(), false);
    const endpoint = endpointOf(sender);
    expect(endpoint.encapsulate(packet)).toBe("ok");
    const bytes = finishAndTake(packet, endpoint.context);
    expect(refusal(endpointOf({ ...tunnel, encap: { type: "gue", dport: 6080, csum: true } }), bytes)).toBe("DEV_HDR");
    const arrived = received(pool, bytes);
    expect(endpointOf(sender).decapsulate(arrived)).toBeUndefined();
    expect([arrived.ipSummed, arrived.csumOffset, arrived.csumStart - arrived.data]).toEqual([CHECKSUM_PARTIAL, 6, 20]);
    const inside = finishAndTake(arrived, endpoint.context);
    expect(findField(dissect(frameOf(inside)), "udp.checksum.status")?.value).toBe(1);
  });

  test("T4 what contradicts itself is refused", () => {
    const encaps = [
      { type: "fou", dport: 1, remcsum: true },
      { type: "fou", dport: 1, direct: true },
      { type: "gue", dport: 0 },
    ] as const;
    for (const encap of encaps)
      expect(() => policyOf({ ...tunnel, encap })).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    const direct = { type: "gue", dport: 1, direct: true } as const;
    expect(() => policyOf({ kind: "gre", ...v4, encap: direct })).toThrow(
      expect.objectContaining({ argument: "encap.direct" }),
    );
  });
});

/** A UDP packet or frame whose checksum is left to a device. */
function partialUdp(bytes: Uint8Array, isEthernet: boolean): Packet {
  const packet = load(pool, bytes, isEthernet, 300);
  const network = isEthernet ? 14 : 0;
  const isV4 = bytes[network]! >>> 4 === 4;
  const at = packet.data + network + (isV4 ? 20 : 40);
  const { view } = pool.memory;
  const addresses = pool.memory.u8.subarray(packet.data + network + (isV4 ? 12 : 8), at);
  view.setUint16(at + 6, fold(sum(addresses, 17 + udp.length(view, at))));
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = at;
  packet.csumOffset = 6;
  return packet;
}

describe("T5 IP in IP", () => {
  test("T5 each tunnel carries what it is for", () => {
    const cases: [Tunnel, Uint8Array, string][] = [
      [{ kind: "ipip", ...v4 }, inner6(), "UNHANDLED_PROTO"],
      [{ kind: "sit", ...v4 }, inner4(), "ok"],
      [{ kind: "ip6tnl", ...v6, mode: "ip6ip6" }, inner4(), "UNHANDLED_PROTO"],
      [{ kind: "ip6tnl", ...v6, mode: "ipip6" }, inner6(), "UNHANDLED_PROTO"],
      [{ kind: "ip6tnl", ...v6 }, inner6(), "ok"],
    ];
    for (const [tunnel, inside, expected] of cases) {
      const packet = load(pool, inside, false);
      expect(endpointOf(tunnel).encapsulate(packet)).toBe(expected);
      packet.release();
    }
  });

  test("T5 ip6tnl: a limit in the packet is lowered, and 0 is the end (RFC 2473 §4.1.1)", () => {
    const endpoint = endpointOf({ kind: "ip6tnl", ...v6, encaplimit: "none" });
    const inside = wrap(pool, { kind: "ip6tnl", ...v6, encaplimit: 3 }, inner6()).outer;
    const packet = load(pool, inside, false);
    expect(endpoint.encapsulate(packet)).toBe("ok");
    const { view } = pool.memory;
    expect(encapsulationLimit.limit(view, encapsulationLimit.find(view, packet.data, packet.tail))).toBe(2);
    packet.release();
    const last = load(pool, wrap(pool, { kind: "ip6tnl", ...v6, encaplimit: 0 }, inner6()).outer, false);
    expect(endpoint.encapsulate(last)).toBe("RECURSION_LIMIT");
    expect(endpoint.stats.collisions).toBe(1);
    last.release();
  });

  const to = (source: string, destination: string): Uint8Array<ArrayBuffer> =>
    compose([{ ipv6: { source: parseIpv6(source), destination: parseIpv6(destination), nextHeader: 59 } }]);
  const here = { kind: "6to4", local: A4 } as const;

  test("T5 6to4: the packet's destination names the router (RFC 3056 §5.1)", () => {
    const { outer } = wrap(pool, here, to("2002:c000:201::1", "2002:c000:202::1"));
    expect(ipv4.destination(new DataView(outer.buffer), 0)).toBe(B4);
  });

  test("T5 6to4: native destinations go to the relay, or nowhere", () => {
    const relay = parseIpv4("192.88.99.1");
    const native = to("2002:c000:201::1", "2001:db8::1");
    expect(ipv4.destination(new DataView(wrap(pool, { ...here, remote: relay }, native).outer.buffer), 0)).toBe(relay);
    expect(() => wrap(pool, here, native)).toThrow("IP_INVALID_DEST");
    expect(() => wrap(pool, here, to("2002:c000:201::1", "2002:a00:1::1"))).toThrow("IP_INVALID_DEST");
  });

  test.each([
    ["a good one", B4, "2002:c000:202::1", "2002:c000:201::1", undefined],
    ["from a relay (RFC 3964 §5.2)", parseIpv4("192.88.99.1"), "2001:db8::9", "2002:c000:201::1", undefined],
    [
      "a source that is not the sender's (RFC 3964 §5.2)",
      B4,
      "2002:c000:203::1",
      "2002:c000:201::1",
      "IP_INVALID_SOURCE",
    ],
    [
      "a sender with a private address (RFC 3964 §5.3.1)",
      0x0a00_0001,
      "2002:a00:1::1",
      "2002:c000:201::1",
      "IP_INVALID_SOURCE",
    ],
    ["to a site that cannot be", B4, "2002:c000:202::1", "2002:7f00:1::1", "IP_INVALID_DEST"],
    ["of which neither end is 6to4", B4, "2001:db8::1", "2001:db8::2", "IP_INVALID_SOURCE"],
  ] as const)("T5 6to4 receives %s", (_name, sender, source, destination, reason) => {
    const outer = compose([{ ipv4: { source: sender, destination: A4, protocol: 41 } }, to(source, destination)]);
    expect(refusal(endpointOf(here), outer)).toBe(reason);
    expect(sixToFour.PREFIX).toBe(0x2002);
  });
});

test("an endpoint knows its packets by their addresses", () => {
  const endpoint = endpointOf({ kind: "ipip", ...v4 });
  expect([endpoint.accepts(B4, A4), endpoint.accepts(A4, A4), endpoint.accepts(B4, B4)]).toEqual([true, false, false]);
  expect(endpointOf({ kind: "ipip", local: A4 }).accepts(7, A4)).toBe(true);
  const lost = load(pool, inner4(), false);
  expect(() => endpointOf({ kind: "ipip", local: A4 }).encapsulate(lost)).toThrow(
    expect.objectContaining({ argument: "path.remote" }),
  );
  expect(() => endpointOf({ kind: "ipip", local: A4 }).encapsulate(lost, { remote: B6 })).toThrow(
    expect.objectContaining({ argument: "path.remote" }),
  );
  expect(lost.protocol).toBe(ETH_P_IP);
  lost.release();
});
