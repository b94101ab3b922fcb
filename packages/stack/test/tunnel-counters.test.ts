import { millis } from "@seville/core";
import { describe, expect, test } from "vitest";
import { startPing } from "../src/index.ts";
import { dropsOf, fixHeader, inject, sniff } from "./support/packets.ts";
import { inner, innerFamilies, tunnelPair, TUNNELS, type TunnelCase } from "./support/tunnels.ts";
import { unrecorded } from "./support/captures.ts";

/*
 * What a kernel's tunnel devices count of packets that they drop, as `pnpm interop linux-peer tunnels` found it with Linux 6.1 (its check
 * `drops`), for our devices alone: each line is a packet with something wrong, the reason of ours, and the counters that move.
 */

interface Line {
  readonly tunnel: string;
  readonly wrong: string;
  /** Changes the outer IPv4 packet; the tunnel's headers begin at 20. */
  readonly change: (packet: Uint8Array) => Uint8Array;
  readonly reason: string;
  readonly counted: Readonly<Record<string, number>>;
}

const set =
  (at: number, value: number) =>
  (packet: Uint8Array): Uint8Array => {
    packet[at] = value;
    return packet;
  };
const flip =
  (at: number, bits: number) =>
  (packet: Uint8Array): Uint8Array => {
    packet[at]! ^= bits;
    return packet;
  };
const cut =
  (length: number) =>
  (packet: Uint8Array): Uint8Array =>
    packet.slice(0, length);
/** Changes a byte behind the UDP header and takes the UDP checksum away. */
const inUdp =
  (at: number, bits: number) =>
  (packet: Uint8Array): Uint8Array => {
    packet.fill(0, 26, 28);
    return flip(at, bits)(packet);
  };

const COUNTERS = [
  "rx_errors",
  "rx_dropped",
  "rx_length_errors",
  "rx_crc_errors",
  "rx_frame_errors",
  "rx_fifo_errors",
] as const;

const gre = TUNNELS.gre!.make;
const ALL = "gre key csum seq";

const LINES: readonly Line[] = [
  { tunnel: "gre", wrong: "version 1", change: flip(21, 1), reason: "DEV_HDR", counted: {} },
  { tunnel: "gre", wrong: "a source route", change: flip(20, 0x40), reason: "DEV_HDR", counted: {} },
  { tunnel: ALL, wrong: "a wrong checksum", change: flip(60, 1), reason: "GRE_CSUM", counted: {} },
  {
    tunnel: ALL,
    wrong: "the last packet once more",
    change: (packet) => packet,
    reason: "GRE_SEQ_OLD",
    counted: { rx_errors: 1, rx_fifo_errors: 1 },
  },
  {
    tunnel: "gre",
    wrong: "an inner header that is cut",
    change: cut(24 + 11),
    reason: "HDR_TRUNC",
    counted: { rx_errors: 1, rx_length_errors: 1 },
  },
  { tunnel: "ipip", wrong: "an inner header that is cut", change: cut(20 + 11), reason: "HDR_TRUNC", counted: {} },
  {
    tunnel: "ipip",
    wrong: "an inner version that is none",
    change: set(20, 0x95),
    reason: "UNHANDLED_PROTO",
    counted: {},
  },
  {
    tunnel: "erspan II",
    wrong: "an ERSPAN header that is cut",
    change: (packet) => cut(20 + 12)(set(26, 1)(packet)),
    reason: "DEV_HDR",
    counted: {},
  },
  {
    tunnel: "vxlan",
    wrong: "no I flag",
    change: inUdp(28, 0x08),
    reason: "VXLAN_INVALID_HDR",
    counted: {},
  },
  {
    tunnel: "geneve",
    wrong: "version 1",
    change: inUdp(28, 0x40),
    reason: "DEV_HDR",
    counted: {},
  },
  {
    tunnel: "geneve",
    wrong: "options beyond the packet",
    change: inUdp(28, 0x3f),
    reason: "HDR_TRUNC",
    counted: { rx_dropped: 1 },
  },
  {
    tunnel: "geneve",
    wrong: "another EtherType",
    change: inUdp(30, 0xff),
    reason: "UNHANDLED_PROTO",
    counted: {},
  },
  {
    tunnel: "geneve",
    wrong: "an unknown critical option",
    change: (packet) => {
      const longer = Uint8Array.from([...packet.subarray(0, 36), 1, 2, 0x85, 0, ...packet.subarray(36)]);
      longer[28] = 1;
      longer[29]! |= 0x40;
      new DataView(longer.buffer).setUint16(24, longer.length - 20);
      longer.fill(0, 26, 28);
      return longer;
    },
    reason: "GENEVE_CRITICAL_OPTION",
    counted: { rx_errors: 1, rx_frame_errors: 1 },
  },
  {
    tunnel: "vxlan",
    wrong: "congestion experienced around what is not capable of it",
    change: flip(1, 3),
    reason: "IP_TUNNEL_ECN",
    counted: { rx_errors: 1, rx_frame_errors: 1 },
  },
  { tunnel: "vxlan", wrong: "a wrong UDP checksum", change: flip(60, 1), reason: "UDP_CSUM", counted: {} },
];

/** A tunnel over IPv4 through which a ping has gone, and the outer packet of the last request. */
function pinged(make: TunnelCase) {
  const pair = tunnelPair(make, 4);
  const { world, a } = pair;
  const outer = sniff(a, a.interfaces.named("eth0"));
  const [family = 4] = innerFamilies(make({ local: 1, remote: 2 }));
  const ping = startPing(a, inner(family, "b"), { count: 2, interval: millis(10) });
  world.runMs(50);
  expect(ping.report().received).toBe(2);
  return { ...pair, request: outer.at(-1)! };
}

describe("U14 what a tunnel drops, and what its device counts of it (ip -s -s link)", () => {
  test.each(LINES.map((line) => [line.tunnel, line.wrong, line] as const))("%s: %s", (tunnel, _wrong, line) => {
    const { b, tunnelB, request } = pinged(TUNNELS[tunnel]!.make);
    const drops = dropsOf(b);
    const before = COUNTERS.map((name) => tunnelB.stats[name]);
    const packet = line.change(request.slice());
    new DataView(packet.buffer).setUint16(2, packet.length);
    fixHeader(packet);
    unrecorded(() => inject(b, b.interfaces.named("eth0"), packet));
    expect(drops).toEqual([line.reason]);
    const moved = COUNTERS.map((name, i): [string, number] => [name, tunnelB.stats[name] - (before[i] as number)]);
    expect(moved.filter(([, count]) => count !== 0)).toEqual(Object.entries(line.counted));
  });

  test("a wrong UDP checksum, and a length that is not there, are UDP's to count", () => {
    const { b, request } = pinged(TUNNELS.vxlan!.make);
    const eth0 = b.interfaces.named("eth0");
    const { InDatagrams } = b.mib.udp;
    unrecorded(() => {
      inject(b, eth0, flip(60, 1)(request.slice()));
      const beyond = request.slice();
      new DataView(beyond.buffer).setUint16(24, beyond.length - 19);
      inject(b, eth0, beyond);
    });
    expect(b.mib.udp).toMatchObject({ InCsumErrors: 1, InErrors: 2, InDatagrams });
  });

  test.each([
    ["checksum", { icsum: true }, "GRE_CSUM_MISSING", { rx_crc_errors: 1 }],
    ["sequence number", { iseq: true }, "GRE_SEQ_MISSING", { rx_fifo_errors: 1 }],
  ] as const)("a GRE packet without the %s that is expected", (_name, more, reason, counted) => {
    const { world, a, b, tunnelB } = tunnelPair((it) => ({ ...gre(it), ...(it.local === 0x0a00_0002 ? more : {}) }), 4);
    const drops = dropsOf(b);
    startPing(a, inner(4, "b"), { count: 1 });
    world.runMs(20);
    expect(drops).toEqual([reason]);
    expect(tunnelB.stats).toMatchObject({ rx_errors: 1, ...counted, rx_packets: 0 });
  });

  test("and one with a checksum that is not", () => {
    const { world, a, b, tunnelB } = tunnelPair(
      (it) => ({ ...gre(it), ...(it.local === 0x0a00_0001 ? { ocsum: true } : {}) }),
      4,
    );
    const drops = dropsOf(b);
    startPing(a, inner(4, "b"), { count: 1 });
    world.runMs(20);
    expect(drops).toEqual(["GRE_CSUM_UNEXPECTED"]);
    expect(tunnelB.stats).toMatchObject({ rx_errors: 1, rx_crc_errors: 1, rx_fifo_errors: 0 });
  });
});
