import { CHECKSUM_COMPLETE, ECN_CE, ECN_ECT_0, ECN_ECT_1, ECN_NOT_ECT, ipv4, ipv6 } from "@seville/packet";
import { fold, sum } from "@seville/checksum";
import { describe, expect, test } from "vitest";
import { decapsulateEcn, encapsulateEcn, TunnelEndpoint, type EcnMode, type Tunnel } from "../src/index.ts";
import { contextOf, drainedPool, hex, received, take } from "./support/packets.ts";
import { A4, A6, B4, B6, inner4, inner6, wrap } from "./support/samples.ts";

const pool = drainedPool();

describe("T8 ECN at the ingress", () => {
  // inner: Not-ECT, ECT(1), ECT(0), CE
  test.each([
    ["linux", "RFC 3168 §9.1.1: CE is not shown to the path", [0, 1, 2, 2]],
    ["rfc6040", "RFC 6040 §4.1 normal mode: the inner field", [0, 1, 2, 3]],
    ["compatibility", "RFC 6040 §4.1 compatibility mode: Not-ECT", [0, 0, 0, 0]],
    ["tos", "nothing is combined (the kernel's ip6gre)", [0, 0, 0, 0]],
  ] as const)("T8 %s: %s", (mode, _why, outer) => {
    expect([0, 1, 2, 3].map((inner) => encapsulateEcn(mode, inner))).toEqual(outer);
  });

  test.each(["linux", "rfc6040", "compatibility"] as const)("T8 %s is what the outer header says", (ecn) => {
    for (const inner of [0, 1, 2, 3]) {
      const { outer } = wrap(pool, { kind: "ipip", local: A4, remote: B4, ecn }, inner4({ ecn: inner, dscp: 10 }));
      expect(ipv4.ecn(new DataView(outer.buffer), 0)).toBe(encapsulateEcn(ecn, inner));
      expect(ipv4.dscp(new DataView(outer.buffer), 0)).toBe(0);
    }
  });
});

const NOT = ECN_NOT_ECT;
const ECT0 = ECN_ECT_0;
const ECT1 = ECN_ECT_1;
const CE = ECN_CE;

/** RFC 6040 §4.2, figure 4, cell by cell: inner, outer, what leaves, whether it is marked (!) in the figure. */
const FIGURE_4 = [
  [NOT, NOT, NOT, false],
  [NOT, ECT0, NOT, true],
  [NOT, ECT1, NOT, true],
  [NOT, CE, "drop", true],
  [ECT0, NOT, ECT0, false],
  [ECT0, ECT0, ECT0, false],
  [ECT0, ECT1, ECT1, false],
  [ECT0, CE, CE, false],
  [ECT1, NOT, ECT1, false],
  [ECT1, ECT0, ECT1, true],
  [ECT1, ECT1, ECT1, false],
  [ECT1, CE, CE, false],
  [CE, NOT, CE, false],
  [CE, ECT0, CE, false],
  [CE, ECT1, CE, true],
  [CE, CE, CE, false],
] as const;

describe("T8 ECN at the egress (RFC 6040 §4.2, figure 4)", () => {
  test.each(FIGURE_4)("T8 inner %i, outer %i: %s", (inner, outer, leaves, log) => {
    expect(decapsulateEcn(outer, inner)).toEqual({ ecn: leaves, log });
  });

  /** The tunnel's outer header with its ECN field overwritten on the way. */
  function marked(tunnel: Tunnel, inside: Uint8Array, ecn: number): Uint8Array<ArrayBuffer> {
    const { outer } = wrap(pool, tunnel, inside);
    const view = new DataView(outer.buffer);
    if (ipv4.version(view, 0) === 4) {
      ipv4.setTos(view, 0, (ipv4.tos(view, 0) & ~3) | ecn);
      ipv4.updateChecksum(view, 0);
    } else ipv6.setTrafficClass(view, 0, (ipv6.trafficClass(view, 0) & ~3) | ecn);
    return outer;
  }

  test.each(FIGURE_4)("T8 what a packet leaves with: inner %i, outer %i: %s", (inner, ecn, leaves, log) => {
    const tunnels: readonly Tunnel[] = [
      { kind: "ipip", local: A4, remote: B4 },
      { kind: "ip6tnl", local: A6, remote: B6 },
    ];
    for (const tunnel of tunnels) {
      const inside = inner4({ ecn: inner });
      const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
      const packet = received(pool, marked(tunnel, inside, ecn));
      const reason = endpoint.decapsulate(packet);
      expect(endpoint.info.ecnLog).toBe(log);
      if (leaves === "drop") {
        expect(reason).toBe("IP_TUNNEL_ECN");
        expect(endpoint.stats).toMatchObject({ rxErrors: 1, rxFrameErrors: 1, rxPackets: 0 });
        packet.release();
        continue;
      }
      expect(reason).toBeUndefined();
      const left = take(packet);
      const view = new DataView(left.buffer);
      expect(ipv4.ecn(view, 0)).toBe(leaves);
      expect(ipv4.isChecksumValid(view, 0)).toBe(true);
      expect(hex(left.subarray(20))).toBe(hex(inside.subarray(20)));
    }
  });

  test("T8 in IPv6 the packet's COMPLETE sum follows the change", () => {
    const tunnel: Tunnel = { kind: "ip6tnl", local: A6, remote: B6 };
    const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
    const packet = received(pool, marked(tunnel, inner6({ ecn: ECT0 }), CE));
    packet.ipSummed = CHECKSUM_COMPLETE;
    packet.csum = sum(packet.bytes());
    expect(endpoint.decapsulate(packet)).toBeUndefined();
    expect(ipv6.ecn(pool.memory.view, packet.data)).toBe(CE);
    expect(fold(packet.csum)).toBe(fold(sum(packet.bytes())));
    packet.release();
  });

  test("T8 a shared packet is not written to: the other keeps its field", () => {
    const tunnel: Tunnel = { kind: "ipip", local: A4, remote: B4 };
    const packet = received(pool, marked(tunnel, inner4({ ecn: ECT0 }), CE));
    const twin = packet.clone();
    expect(new TunnelEndpoint(tunnel, contextOf(pool)).decapsulate(packet)).toBeUndefined();
    expect(ipv4.ecn(pool.memory.view, twin.data)).toBe(ECT0);
    expect(ipv4.ecn(pool.memory.view, packet.data)).toBe(CE);
    packet.release();
    twin.release();
  });
});

test("T8 presets: linux is RFC 3168, rfc is RFC 6040", () => {
  const modes = (["linux", "rfc"] as const).map(
    (preset): EcnMode =>
      new TunnelEndpoint({ kind: "ipip", local: A4, remote: B4 }, contextOf(pool), preset).policy.ecn,
  );
  expect(modes).toEqual(["linux", "rfc6040"]);
});
