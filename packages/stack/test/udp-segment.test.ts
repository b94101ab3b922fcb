import { FeatureSet, profileOf } from "@seville/netdev";
import { Link } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { IP_PMTUDISC_DO, openUdp, type Host, type NetInterface, type UdpSocket } from "../src/index.ts";
import { createOffloadNic, installSegmenter, setFeature } from "../src/offload/index.ts";
import { wireIsClean } from "./support/wire.ts";
import { assign, codeOf, pair, World } from "./support/world.ts";

/*
 * S11: the table of the kernel's tools/testing/selftests/net/udpgso.c, under its descriptions, through sockets: what each `send` gives
 * on the other side, or that it fails. The sockets have DF set, as there.
 */

interface Case {
  readonly name: string;
  readonly length: (mss: number) => number;
  readonly segment?: (mss: number) => number;
  /** Full segments that arrive, and what the last one has; `undefined`: it fails. */
  readonly full?: number | ((mss: number) => number);
  readonly last?: number | ((mss: number) => number);
  readonly fails?: "EMSGSIZE" | "EINVAL";
}

const most = (mss: number): number => (mss === 1472 ? 65_507 : 65_527);
const CASES: readonly Case[] = [
  { name: "no GSO: send a single byte", length: () => 1, last: 1 },
  { name: "no GSO: send a single MSS", length: (mss) => mss, last: (mss) => mss },
  { name: "no GSO: send a single MSS + 1B: fail", length: (mss) => mss + 1, fails: "EMSGSIZE" },
  { name: "send a single MSS: will fall back to no GSO", length: (m) => m, segment: (m) => m, last: (m) => m },
  {
    name: "datalen <= MSS < gso_len: will fall back to no GSO",
    length: (m) => m,
    segment: (m) => m + 1,
    last: (m) => m,
  },
  { name: "MSS < datalen < gso_len: fail", length: (m) => m + 1, segment: (m) => m + 2, fails: "EMSGSIZE" },
  { name: "send a single MSS + 1B", length: (m) => m + 1, segment: (m) => m, full: 1, last: 1 },
  { name: "send exactly 2 MSS", length: (m) => 2 * m, segment: (m) => m, full: 2 },
  { name: "send 2 MSS + 1B", length: (m) => 2 * m + 1, segment: (m) => m, full: 2, last: 1 },
  {
    name: "send MAX segs",
    length: (m) => Math.floor(most(m) / m) * m,
    segment: (m) => m,
    full: (m) => Math.floor(most(m) / m),
  },
  {
    name: "send MAX bytes",
    length: most,
    segment: (m) => m,
    full: (m) => Math.floor(most(m) / m),
    last: (m) => most(m) % m,
  },
  { name: "send MAX + 1: fail", length: (m) => most(m) + 1, segment: (m) => m, fails: "EMSGSIZE" },
  { name: "send a single 1B MSS: will fall back to no GSO", length: () => 1, segment: () => 1, last: 1 },
  { name: "send 2 1B segments", length: () => 2, segment: () => 1, full: 2 },
  { name: "send 2B + 2B + 1B segments", length: () => 5, segment: () => 2, full: 2, last: 1 },
  { name: "send max number of min sized segments", length: () => 128, segment: () => 1, full: 128 },
  { name: "send max number + 1 of min sized segments: fail", length: () => 129, segment: () => 1, fails: "EINVAL" },
];

const payloadOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31) & 255);
const valueOf = (value: number | ((mss: number) => number) | undefined, mss: number): number =>
  typeof value === "function" ? value(mss) : (value ?? 0);

function receiver(host: Host): UdpSocket {
  const socket = openUdp(host, { family: 6 });
  socket.set("SO_RCVBUF", 212_992);
  socket.bind({ port: 7000 });
  return socket;
}

function drain(socket: UdpSocket): { readonly lengths: number[]; readonly bytes: number[]; readonly sizes: number[] } {
  const got = { lengths: [] as number[], bytes: [] as number[], sizes: [] as number[] };
  for (let one = socket.recv(); one !== undefined; one = socket.recv()) {
    got.lengths.push(one.data.length);
    got.bytes.push(...one.data);
    got.sizes.push(one.gsoSize);
  }
  return got;
}

describe.each([
  [4, "10.0.0.2", 1472],
  [6, "2001:db8::2", 1452],
] as const)("S11 udpgso over IPv%i", (family, address, mss) => {
  describe.each(["setsockopt", "cmsg"])("%s", (way) => {
    describe.each(["connected", "unconnected"])("%s", (mode) => {
      test.each(CASES)("$name", ({ length, segment, full, last, fails }) => {
        const { world, a, b } = pair();
        installSegmenter(a);
        const server = receiver(b);
        const client = openUdp(a, { family });
        client.set(family === 4 ? "IP_MTU_DISCOVER" : "IPV6_MTU_DISCOVER", IP_PMTUDISC_DO);
        if (mode === "connected") client.connect({ address, port: 7000 });
        const size = segment?.(mss);
        if (way === "setsockopt" && size !== undefined) client.set("UDP_SEGMENT", size);
        const payload = payloadOf(length(mss));
        const to = mode === "connected" ? undefined : { address, port: 7000 };
        const control = way === "cmsg" && size !== undefined ? { segment: size } : {};
        expect(codeOf(() => client.send(payload, to, control))).toBe(fails);
        world.runMs(100);
        const got = drain(server);
        const unit = size ?? mss;
        const rest = valueOf(last, mss);
        const expected = Array.from({ length: valueOf(full, mss) }, () => unit);
        expect(got.lengths).toEqual(rest === 0 ? expected : [...expected, rest]);
        if (fails === undefined) expect(got.bytes).toEqual([...payload]);
      });
    });
  });
});

/** Two hosts with NICs that segment UDP; those of `b` merge it (rx-udp-gro-forwarding). */
function nics(profile = "tunnel-offload"): {
  readonly world: World;
  readonly a: Host;
  readonly b: Host;
  readonly peer: NetInterface;
} {
  const world = new World();
  const link = new Link({ scheduler: world.simulator, random: world.random, name: "wire" });
  const [a, b] = [world.host("a"), world.host("b")];
  const [, peer] = ([a, b] as const).map((host, i) => {
    installSegmenter(host);
    const nic = createOffloadNic(host, i === 0 ? link.a : link.b, { profile: profileOf(profile) });
    nic.setCoalesce({ usecs: 50, frames: 0 });
    const iface = host.interfaces.add(nic, { name: "eth0", up: true });
    assign(iface, [`10.0.0.${i + 1}/24`, `2001:db8::${i + 1}/64`]);
    return iface;
  }) as [NetInterface, NetInterface];
  expect(setFeature(peer, "rx-udp-gro-forwarding", true).refused).toEqual(FeatureSet.NONE.names());
  openUdp(a).send(Uint8Array.of(0), { address: "10.0.0.2", port: 9 });
  openUdp(a, { family: 6 }).send(Uint8Array.of(0), { address: "2001:db8::2", port: 9 });
  world.runMs(100);
  return { world, a, b, peer };
}

describe.each([
  [4, "10.0.0.2"],
  [6, "2001:db8::2"],
] as const)("S14 what is merged, over IPv%i", (family, address) => {
  const payload = payloadOf(10_500);

  test("UDP_GRO: the socket gets it in one piece, and is told how long the datagrams were", () => {
    const { world, a, b } = nics();
    const server = receiver(b);
    server.set("UDP_GRO", 1);
    openUdp(a, { family }).send(payload, { address, port: 7000 }, { segment: 1000 });
    world.runMs(100);
    const got = drain(server);
    expect(got.lengths).toEqual([10_500]);
    expect(got.sizes).toEqual([1000]);
    expect(got.bytes).toEqual([...payload]);
  });

  test("without UDP_GRO it gets the datagrams one by one (udp_unexpected_gso), each with its source", () => {
    const { world, a, b } = nics();
    const server = receiver(b);
    const client = openUdp(a, { family });
    client.bind({ port: 4000 });
    client.send(payload, { address, port: 7000 }, { segment: 1000 });
    world.runMs(100);
    const first = server.recv();
    expect([first?.port, first?.data.length, first?.gsoSize]).toEqual([4000, 1000, 0]);
    const got = drain(server);
    expect(got.lengths).toEqual([...Array.from({ length: 9 }, () => 1000), 500]);
    expect([...(first?.data ?? []), ...got.bytes]).toEqual([...payload]);
    const { InDatagrams } = family === 4 ? b.mib.udp : b.mib.udp6;
    expect(InDatagrams).toBe(11);
  });

  test("without rx-udp-gro-forwarding nothing is merged, whatever the socket takes", () => {
    const { world, a, b, peer } = nics();
    setFeature(peer, "rx-udp-gro-forwarding", false);
    const server = receiver(b);
    server.set("UDP_GRO", 1);
    openUdp(a, { family }).send(payload, { address, port: 7000 }, { segment: 1000 });
    world.runMs(100);
    const { lengths, sizes } = drain(server);
    expect(lengths).toHaveLength(11);
    expect(new Set(sizes)).toEqual(new Set([0]));
  });

  test.each(["hw-csum", "none", "tunnel-offload"])(
    "a list of datagrams (rx-gro-list) of a %s NIC is taken apart for the socket",
    (profile) => {
      const { world, a, b, peer } = nics(profile);
      setFeature(peer, "rx-gro-list", true);
      const server = receiver(b);
      openUdp(a, { family }).send(payload, { address, port: 7000 }, { segment: 1000 });
      world.runMs(100);
      const got = drain(server);
      expect(got.lengths).toEqual([...Array.from({ length: 10 }, () => 1000), 500]);
      expect(got.bytes).toEqual([...payload]);
    },
  );

  test("over loopback a super-packet comes whole, and is split for the socket all the same", () => {
    const { world, a } = nics();
    const server = receiver(a);
    const own = family === 4 ? "10.0.0.1" : "2001:db8::1";
    openUdp(a, { family }).send(payload, { address: own, port: 7000 }, { segment: 1000 });
    world.runMs(10);
    expect(drain(server).lengths).toHaveLength(11);
  });

  test("a full receive buffer takes some datagrams of a super-packet and counts the others", () => {
    const { world, a, b } = nics();
    const server = receiver(b);
    server.set("SO_RCVBUF", 0);
    openUdp(a, { family }).send(payload, { address, port: 7000 }, { segment: 1000 });
    world.runMs(100);
    const { lengths } = drain(server);
    const mib = family === 4 ? b.mib.udp : b.mib.udp6;
    expect(lengths.length).toBeGreaterThan(0);
    expect(lengths.length + mib.RcvbufErrors).toBe(11);
    expect(mib.RcvbufErrors).toBeGreaterThan(0);
  });

  test("segments need checksums, a size that is one, and somebody who splits", () => {
    const { a } = pair();
    const client = openUdp(a, { family });
    const to = { address: family === 4 ? "10.0.0.2" : "2001:db8::2", port: 7000 };
    expect(codeOf(() => client.set("UDP_SEGMENT", 65_536))).toBe("EINVAL");
    expect(codeOf(() => client.send(payload, to, { segment: -1 }))).toBe("EINVAL");
    expect(codeOf(() => client.send(payload, to, { segment: 1000 }))).toBe("ERR_UNSUPPORTED");
    client.set(family === 4 ? "SO_NO_CHECK" : "UDP_NO_CHECK6_TX", 1);
    expect(codeOf(() => client.send(payload, to, { segment: 1000 }))).toBe("EINVAL");
  });
});

wireIsClean();
