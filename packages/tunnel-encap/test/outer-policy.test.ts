import { compose, ETH_P_ARP, parseIpv4, parseIpv6, type Packet } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decapsulateEcn, encapsulateEcn, LINUX_PORTS, portOfHash, sourcePort, type OuterPolicy } from "../src/index.ts";
import { locateHeaders } from "../src/tunnel/offload.ts";
import { outerDf, outerFlowLabel, outerTos, outerTtl } from "../src/policy/outer.ts";
import { checkPortRange } from "../src/policy/source-port.ts";
import { drainedPool, load } from "./support/packets.ts";
import { A4, B4, frameOf, inner4, inner6, MAC_A, MAC_B } from "./support/samples.ts";

/* The fields of the outer header one by one, against tables that are written down here. */

const pool = drainedPool();

const policy = (more: Partial<OuterPolicy>): OuterPolicy => ({
  ttl: "auto",
  tos: 0,
  df: "unset",
  flowlabel: 0,
  ecn: "linux",
  ...more,
});

/** Runs `read` on a packet whose headers are located, as before it is wrapped. */
function on<T>(bytes: Uint8Array, isEthernet: boolean, read: (packet: Packet) => T): T {
  const packet = load(pool, bytes, isEthernet);
  locateHeaders(packet, isEthernet);
  try {
    return read(packet);
  } finally {
    packet.release();
  }
}

const ARP = compose([
  { ethernet: { destination: MAC_B, source: MAC_A, etherType: ETH_P_ARP } },
  { arp: { operation: 1, senderMac: MAC_A, senderIp: A4, targetMac: 0, targetIp: B4 } },
]);

const PACKETS = {
  "IPv4, TTL 9, DF": { bytes: inner4({ ttl: 9, dontFragment: true }), isEthernet: false },
  "IPv4, TTL 200": { bytes: inner4({ ttl: 200, dontFragment: false }), isEthernet: false },
  "IPv6, hop limit 9": { bytes: inner6({ ttl: 9, flowLabel: 0xabcde }), isEthernet: false },
  "a frame of IPv4, TTL 9, DF": { bytes: frameOf(inner4({ ttl: 9, dontFragment: true })), isEthernet: true },
  "a frame of IPv6, hop limit 9": { bytes: frameOf(inner6({ ttl: 9, flowLabel: 0xabcde })), isEthernet: true },
  "a frame that is not IP": { bytes: ARP, isEthernet: true },
} as const;
type Name = keyof typeof PACKETS;

describe("T9 the outer TTL", () => {
  const unicast = B4;
  const group = parseIpv4("239.1.1.1");
  const group6 = parseIpv6("ff0e::1");
  test.each<[Name, OuterPolicy["ttl"], number, number, number]>([
    // The packet, the setting: to a station, to a group, to a group over IPv6; the route says 33.
    ["IPv4, TTL 9, DF", 77, 77, 77, 77],
    ["IPv4, TTL 9, DF", "inherit", 9, 9, 9],
    ["IPv4, TTL 9, DF", "auto", 33, 1, 1],
    ["IPv6, hop limit 9", "inherit", 9, 9, 9],
    ["IPv6, hop limit 9", "auto", 33, 1, 1],
    ["a frame of IPv4, TTL 9, DF", "inherit", 9, 9, 9],
    ["a frame of IPv6, hop limit 9", "inherit", 9, 9, 9],
    ["a frame that is not IP", "inherit", 33, 33, 33],
    ["a frame that is not IP", "auto", 33, 1, 1],
    ["a frame that is not IP", 255, 255, 255, 255],
  ])("T9 of %s with ttl %s: %i to a station, %i and %i to groups", (name, ttl, station, toGroup, toGroup6) => {
    const { bytes, isEthernet } = PACKETS[name];
    const seen = [unicast, group, group6].map((remote) =>
      on(bytes, isEthernet, (packet) => outerTtl(policy({ ttl }), packet, remote, 33)),
    );
    expect(seen).toEqual([station, toGroup, toGroup6]);
  });
});

describe("T9 the outer DF", () => {
  test.each<[Name, Record<OuterPolicy["df"], boolean>]>([
    ["IPv4, TTL 9, DF", { unset: false, set: true, inherit: true, copy: true }],
    ["IPv4, TTL 200", { unset: false, set: true, inherit: false, copy: false }],
    ["IPv6, hop limit 9", { unset: false, set: true, inherit: true, copy: false }],
    ["a frame of IPv4, TTL 9, DF", { unset: false, set: true, inherit: true, copy: true }],
    ["a frame of IPv6, hop limit 9", { unset: false, set: true, inherit: true, copy: false }],
    ["a frame that is not IP", { unset: false, set: true, inherit: false, copy: false }],
  ])("T9 of %s", (name, wanted) => {
    const { bytes, isEthernet } = PACKETS[name];
    for (const [df, set] of Object.entries(wanted)) {
      const mode = df as OuterPolicy["df"];
      expect([df, on(bytes, isEthernet, (packet) => outerDf(policy({ df: mode }), packet))]).toEqual([df, set]);
    }
  });
});

describe("T9 the outer flow label", () => {
  test("T9 a fixed one, the inner one, and 0 where the inner packet has none", () => {
    const label = (name: Name, flowlabel: OuterPolicy["flowlabel"]): number => {
      const { bytes, isEthernet } = PACKETS[name];
      return on(bytes, isEthernet, (packet) => outerFlowLabel(policy({ flowlabel }), packet, isEthernet, 1));
    };
    expect(label("IPv4, TTL 200", 0x12345)).toBe(0x12345);
    expect(label("IPv6, hop limit 9", "inherit")).toBe(0xabcde);
    expect(label("a frame of IPv6, hop limit 9", "inherit")).toBe(0xabcde);
    expect(label("IPv4, TTL 200", "inherit")).toBe(0);
    expect(label("a frame that is not IP", "inherit")).toBe(0);
  });

  test("T6 by the flow: the same for its packets, 20 bits wide, and others for other flows (RFC 6438)", () => {
    const labels = Array.from({ length: 200 }, (_, i) =>
      on(inner4({ sourcePort: 1000 + i }), false, (packet) =>
        outerFlowLabel(policy({ flowlabel: "auto" }), packet, false, 1),
      ),
    );
    const again = on(inner4({ sourcePort: 1000, payload: "another packet of it" }), false, (packet) =>
      outerFlowLabel(policy({ flowlabel: "auto" }), packet, false, 1),
    );
    expect(again).toBe(labels[0]);
    expect(new Set(labels).size).toBeGreaterThan(195);
    for (const label of labels) expect(label >>> 20).toBe(0);
  });
});

describe("T8 T9 TOS and ECN", () => {
  test("T8 T9 DSCP is the tunnel's or the inner one's; of ECN never more than the mode allows", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constant("inherit" as const)),
        fc.constantFrom("linux", "rfc6040", "compatibility", "tos"),
        (inner, tos, ecn) => {
          const outer = outerTos(policy({ tos, ecn }), inner);
          const base = tos === "inherit" ? inner : tos;
          expect(outer >>> 2).toBe(base >>> 2);
          const field = inner & 3;
          const wanted = { linux: field === 3 ? 2 : field, rfc6040: field, compatibility: 0, tos: base & 3 }[ecn];
          expect(outer & 3).toBe(wanted);
          expect(encapsulateEcn(ecn, field, base)).toBe(wanted);
        },
      ),
    );
  });

  test("T8 through a tunnel and nothing on the way, every inner field comes out as it went in, in every mode", () => {
    for (const mode of ["linux", "rfc6040", "compatibility"] as const) {
      for (const inner of [0, 1, 2, 3]) {
        expect(decapsulateEcn(encapsulateEcn(mode, inner, 0), inner).ecn).toBe(inner);
      }
    }
  });
});

describe("T6 source ports", () => {
  test("T6 by udp_flow_src_port's arithmetic in 64 bits", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.integer({ min: 0, max: 65_535 }),
        fc.integer({ min: 1, max: 65_536 }),
        (hash, min, span) => {
          const max = Math.min(65_536, min + span);
          const mixed = (BigInt(hash) ^ (BigInt(hash) << 16n)) & 0xffff_ffffn;
          const wanted = Number((mixed * BigInt(max - min)) >> 32n) + min;
          expect(portOfHash(hash, { min, max })).toBe(wanted);
        },
      ),
    );
  });

  test("T6 a range is two ports, the first below the second", () => {
    for (const range of [
      { min: 5, max: 5 },
      { min: 6, max: 5 },
      { min: -1, max: 5 },
      { min: 0, max: 65_537 },
      { min: 0.5, max: 5 },
      { min: 0, max: Number.NaN },
    ]) {
      expect(() => checkPortRange(range)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    }
    expect(() => checkPortRange({ min: 0, max: 65_536 })).not.toThrow();
  });

  test("T6 flows spread over the whole range, evenly", () => {
    const buckets = new Array<number>(8).fill(0);
    for (let i = 0; i < 1000; i++) {
      const port = on(inner4({ sourcePort: 1 + i }), false, (packet) =>
        sourcePort(packet, false, 0x0800, { ports: LINUX_PORTS, hashSeed: 7, fallbackHash: 1 }),
      );
      const { min, max } = LINUX_PORTS;
      buckets[Math.floor(((port - min) * 8) / (max - min))]!++;
    }
    // 125 each; four standard deviations are 42.
    for (const count of buckets) expect(Math.abs(count - 125)).toBeLessThan(42);
  });

  test("T6 what is of no flow and no frame takes the constant one", () => {
    const raw = new Uint8Array(8);
    const entropy = { ports: LINUX_PORTS, hashSeed: 7, fallbackHash: 0x1234_5678 };
    const packet = pool.from(raw)!;
    expect(sourcePort(packet, false, 0x9999, entropy)).toBe(portOfHash(0x1234_5678, LINUX_PORTS));
    packet.release();
  });
});
