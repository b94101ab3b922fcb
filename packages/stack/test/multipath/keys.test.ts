import { compose, parseIpv4, parseIpv6, PacketPool, type Layer } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFlow4, createFlow6 } from "../../src/index.ts";
import { hashPacket } from "../../src/route/multipath-keys.ts";
import { multipathHash } from "../../src/route/multipath.ts";

const pool = new PacketPool({ small: 4, jumbo: 0, super: 0 });
const SEED = 0x1234;
const ALL_FIELDS = 0xfff;

function hash(layers: readonly Layer[], policy: number, fields = 7): number {
  return hashBytes(compose(layers), policy, fields);
}

function hashBytes(bytes: Uint8Array, policy: number, fields = 7): number {
  const packet = pool.from(bytes)!;
  const family = bytes[0]! >> 4 === 6 ? 6 : 4;
  const found = hashPacket(pool.memory, packet.data, packet.tail, family, policy, fields, SEED);
  packet.release();
  return found;
}

interface Ends {
  readonly source?: string;
  readonly destination?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly label?: number;
}

function udp4({ source = "10.0.0.1", destination = "10.0.0.2", sourcePort = 1, destinationPort = 2 }: Ends = {}) {
  return [
    { ipv4: { source: parseIpv4(source), destination: parseIpv4(destination) } },
    { udp: { sourcePort, destinationPort } },
    new Uint8Array(4),
  ] satisfies Layer[];
}

function udp6({
  source = "2001:db8::1",
  destination = "2001:db8::2",
  sourcePort = 1,
  destinationPort = 2,
  label = 0,
}: Ends = {}) {
  return [
    { ipv6: { source: parseIpv6(source), destination: parseIpv6(destination), flowLabel: label } },
    { udp: { sourcePort, destinationPort } },
    new Uint8Array(4),
  ] satisfies Layer[];
}

/** Around a packet: a tunnel between two routers. */
const OUTER: Layer = { ipv4: { source: parseIpv4("192.0.2.1"), destination: parseIpv4("192.0.2.2") } };
/** The protocol number is that of what follows, but for bytes: they need it said. */
const OUTER_GRE: Layer = {
  ipv4: { source: parseIpv4("192.0.2.1"), destination: parseIpv4("192.0.2.2"), protocol: 47 },
};
const GRE = Uint8Array.of(0, 0, 8, 0);
const GRE_WITH_KEY = Uint8Array.of(0x20, 0, 8, 0, 0, 0, 0, 77);
/** NVGRE: a key, and an Ethernet header inside. */
const GRE_TEB = Uint8Array.of(0x20, 0, 0x65, 0x58, 0, 0, 0, 77, ...new Array<number>(12).fill(2), 8, 0);

describe("H90 what a policy of fib_multipath_hash_policy looks at (ip-sysctl)", () => {
  const changes: readonly (readonly [name: string, change: Ends, policies: readonly number[]])[] = [
    ["source address", { source: "10.0.0.9" }, [0, 1, 2, 3]],
    ["destination address", { destination: "10.0.0.9" }, [0, 1, 2, 3]],
    ["source port", { sourcePort: 99 }, [1]],
    ["destination port", { destinationPort: 99 }, [1]],
  ];
  test.each(changes)("IPv4: another %s", (_, change, policies) => {
    for (const policy of [0, 1, 2, 3]) {
      const same = hash(udp4(), policy) === hash(udp4(change), policy);
      expect(same, `policy ${policy}`).toBe(!policies.includes(policy));
    }
  });

  const changes6: readonly (readonly [name: string, change: Ends, policies: readonly number[]])[] = [
    ["source address", { source: "2001:db8::9" }, [0, 1, 2, 3]],
    ["destination address", { destination: "2001:db9::2" }, [0, 1, 2, 3]],
    ["source port", { sourcePort: 99 }, [1]],
    ["flow label", { label: 0xabcde }, [0, 2]],
  ];
  test.each(changes6)("IPv6: another %s", (_, change, policies) => {
    for (const policy of [0, 1, 2, 3]) {
      const same = hash(udp6(), policy) === hash(udp6(change), policy);
      expect(same, `policy ${policy}`).toBe(!policies.includes(policy));
    }
  });

  test("policy 3 looks at the fields of fib_multipath_hash_fields and at no others", () => {
    const fields: readonly (readonly [bit: number, change: Ends])[] = [
      [1, { source: "2001:db8::9" }],
      [2, { destination: "2001:db8::9" }],
      [8, { label: 7 }],
      [16, { sourcePort: 99 }],
      [32, { destinationPort: 99 }],
    ];
    for (const [bit, change] of fields) {
      expect(hash(udp6(), 3, bit) === hash(udp6(change), 3, bit), `field ${bit}`).toBe(false);
      expect(hash(udp6(), 3, 63 - bit) === hash(udp6(change), 3, 63 - bit), `all but ${bit}`).toBe(true);
    }
    const tcp = [
      udp4()[0]!,
      { tcp: { sourcePort: 1, destinationPort: 2, sequence: 1, flags: 0x10, window: 1000 } },
    ] satisfies Layer[];
    expect(hash(udp4(), 3, 4)).not.toBe(hash(tcp, 3, 4));
    expect(hash(udp4(), 3, 3)).toBe(hash(tcp, 3, 3));
  });

  test("policy 2 looks at the addresses inside IPIP, SIT and GRE, policy 1 does not", () => {
    const tunnels: readonly (readonly Layer[])[] = [
      [OUTER],
      [OUTER_GRE, GRE],
      [OUTER_GRE, GRE_WITH_KEY],
      [OUTER_GRE, GRE_TEB],
    ];
    for (const tunnel of tunnels) {
      const one = [...tunnel, ...udp4()];
      const other = [...tunnel, ...udp4({ source: "10.0.0.77" })];
      expect(hash(one, 2)).toBe(hash(udp4(), 2));
      expect(hash(one, 2)).not.toBe(hash(other, 2));
      expect(hash(one, 1)).toBe(hash(other, 1));
      expect(hash(one, 0)).toBe(hash(other, 0));
    }
    expect(hash([OUTER, ...udp6({ label: 5 })], 2)).toBe(hash(udp6({ label: 5 }), 2));
    expect(hash([OUTER, ...udp6({ label: 5 })], 2)).not.toBe(hash(udp6(), 2));
  });

  test("policy 3 sees the packet inside through the inner fields", () => {
    const one = [OUTER, ...udp4()];
    const other = [OUTER, ...udp4({ sourcePort: 99 })];
    const INNER_SRC_PORT = 16 << 6;
    expect(hash(one, 3, 3)).toBe(hash(other, 3, 3));
    expect(hash(one, 3, 3 | INNER_SRC_PORT)).not.toBe(hash(other, 3, 3 | INNER_SRC_PORT));
  });
});

describe("H91 what belongs together hashes alike", () => {
  test("the two directions of a flow, in every policy", () => {
    const there: Ends = { sourcePort: 1000, destinationPort: 80 };
    const back4: Ends = { source: "10.0.0.2", destination: "10.0.0.1", sourcePort: 80, destinationPort: 1000 };
    const back6: Ends = { source: "2001:db8::2", destination: "2001:db8::1", sourcePort: 80, destinationPort: 1000 };
    for (const policy of [0, 1, 2, 3]) {
      expect(hash(udp4(there), policy)).toBe(hash(udp4(back4), policy));
      expect(hash(udp6(there), policy)).toBe(hash(udp6(back6), policy));
    }
  });

  test("a packet, and the flow that a socket asks for", () => {
    const four = {
      ...createFlow4(),
      source: parseIpv4("10.0.0.1"),
      destination: parseIpv4("10.0.0.2"),
      protocol: 17,
      sourcePort: 1,
      destinationPort: 2,
    };
    const six = {
      ...createFlow6(),
      source: parseIpv6("2001:db8::1"),
      destination: parseIpv6("2001:db8::2"),
      protocol: 17,
      sourcePort: 1,
      destinationPort: 2,
      flowLabel: 9,
    };
    for (const policy of [0, 1, 2, 3]) {
      expect(multipathHash(four, policy, SEED, 63)).toBe(hash(udp4(), policy, 63));
      expect(multipathHash(six, policy, SEED, 63)).toBe(hash(udp6({ label: 9 }), policy, 63));
    }
  });

  test("an ICMP error, and the flow that it is about (policy 0)", () => {
    const inner = compose(udp4());
    const error = [
      { ipv4: { source: parseIpv4("172.16.0.9"), destination: parseIpv4("10.0.0.1") } },
      { icmp: { type: 11, code: 0 } },
      inner,
    ] satisfies Layer[];
    expect(hash(error, 0)).toBe(hash(udp4(), 0));
    const echo = [error[0]!, { icmp: { type: 8, code: 0 } }, inner] satisfies Layer[];
    expect(hash(echo, 0)).not.toBe(hash(udp4(), 0));
    const inner6 = compose(udp6({ label: 3 }));
    const error6 = [
      { ipv6: { source: parseIpv6("2001:db8:9::1"), destination: parseIpv6("2001:db8::1") } },
      { icmpv6: { type: 2, code: 0 } },
      inner6,
    ] satisfies Layer[];
    expect(hash(error6, 0)).toBe(hash(udp6({ label: 3 }), 0));
  });

  test("all fragments of a datagram: none has ports", () => {
    const base = { source: parseIpv4("10.0.0.1"), destination: parseIpv4("10.0.0.2"), protocol: 17 };
    const first = [{ ipv4: { ...base, moreFragments: true } }, Uint8Array.of(0, 1, 0, 2, 0, 8, 0, 0)] satisfies Layer[];
    const later = [{ ipv4: { ...base, fragmentOffset: 8 } }, Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9)] satisfies Layer[];
    expect(hash(first, 1)).toBe(hash(later, 1));
    expect(hash(first, 1)).not.toBe(hash(udp4(), 1));
  });
});

test("H92 whatever bytes come, hashing reads no further than the packet and says the same twice", () => {
  const good = [udp4(), udp6(), [OUTER, ...udp4()], [OUTER_GRE, GRE, ...udp4()]];
  const bytes = good.map((layers) => compose(layers));
  fc.assert(
    fc.property(
      fc.nat(bytes.length - 1),
      fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { maxLength: 8 }),
      fc.integer({ min: 20, max: 120 }),
      fc.nat(3),
      (which, mutations, length, policy) => {
        const mutated = Uint8Array.from(bytes[which]!.subarray(0, length));
        for (const [at, value] of mutations) if (at > 0 && at < mutated.length) mutated[at] = value;
        const junk = pool.from(new Uint8Array(200).fill(0xee))!;
        junk.release();
        const once = hashBytes(mutated, policy, ALL_FIELDS);
        const other = pool.from(new Uint8Array(200).fill(0x11))!;
        other.release();
        expect(hashBytes(mutated, policy, ALL_FIELDS)).toBe(once);
      },
    ),
    { numRuns: 500 },
  );
});
