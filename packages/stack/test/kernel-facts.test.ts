import { readFileSync } from "node:fs";
import { formatIp, parseIp } from "@seville/packet";
import { millis, seconds } from "@seville/core";
import { describe, expect, test } from "vitest";
import { openUdp, type UdpSocket } from "../src/index.ts";
import { sniff } from "./support/packets.ts";
import { assign, chain, codeOf } from "./support/world.ts";
import { wireIsClean } from "./support/wire.ts";

interface ErrorFact {
  readonly case: string;
  readonly family: 4 | 6;
  readonly to: string;
  readonly size: number;
  readonly ttl?: number;
  readonly tos?: number;
  readonly df?: number;
  readonly got: readonly {
    type: number;
    code: number;
    length: number;
    tos?: number;
    rest: number;
    source: string;
    ttl?: number;
    hops?: number;
  }[];
}

interface FragmentFact {
  readonly family: 4 | 6;
  readonly to: string;
  readonly size: number;
  readonly got: readonly Record<string, number | boolean>[];
}

/** Made by test/kernel/record-facts.py on the kernel that it names. */
const facts = JSON.parse(readFileSync(new URL("fixtures/kernel-facts.json", import.meta.url), "utf8")) as {
  readonly kernel: string;
  readonly errors: readonly ErrorFact[];
  readonly burst: readonly { family: 4 | 6; sent: number; got: number }[];
  readonly fragments: readonly FragmentFact[];
  readonly errnos: readonly { case: string; code: string }[];
};

function world() {
  const it = chain();
  for (const [net, type] of [
    [1, "blackhole"],
    [2, "unreachable"],
    [3, "prohibit"],
  ] as const) {
    it.a.ipv4.fib.add({ destination: parseIp(`192.0.${net}.0`), prefixLength: 24, type });
    it.a.ipv6.fib.add({ destination: parseIp(`2001:db8:f${net}::`), prefixLength: 48, type });
    it.r.ipv4.fib.add({ destination: parseIp(`198.51.${net}.0`), prefixLength: 24, type });
    it.r.ipv6.fib.add({ destination: parseIp(`2001:db8:e${net}::`), prefixLength: 48, type });
  }
  return it;
}

/** The ICMP errors that come in at `a`, as the recorder writes them. */
function errorsAt(it: ReturnType<typeof world>): unknown[] {
  const errors: unknown[] = [];
  it.a.taps.add((packet, _iface, direction) => {
    if (direction !== "in") return;
    const p = packet.bytes().slice(14);
    const view = new DataView(p.buffer);
    if (p[0]! >>> 4 === 4 && p[9] === 1 && p[20] !== 0 && p[20] !== 8) {
      const source = formatIp(view.getUint32(12));
      errors.push({
        type: p[20],
        code: p[21],
        length: view.getUint16(2),
        tos: p[1],
        rest: view.getUint32(24),
        source,
        ttl: p[8],
      });
    } else if (p[0]! >>> 4 === 6 && p[6] === 58 && p[40]! < 128) {
      const source = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i).toString(16)).join(":");
      errors.push({
        type: p[40],
        code: p[41],
        length: view.getUint16(4),
        rest: view.getUint32(44),
        source: formatIp(parseIp(source)),
        hops: p[7],
      });
    }
  }, it.a.interfaces.named("eth0"));
  return errors;
}

describe(`H10 ICMP errors are those of Linux ${facts.kernel}`, () => {
  for (const fact of facts.errors) {
    test(`IPv${fact.family} ${fact.case}`, () => {
      const it = world();
      if (fact.case.startsWith("too big")) {
        it.r.interfaces.setMtu(it.r.interfaces.named("eth1"), 1300);
        it.b.interfaces.setMtu(it.b.interfaces.named("eth0"), 1300);
      }
      const errors = errorsAt(it);
      const socket = openUdp(it.a, { family: fact.family });
      if (fact.ttl !== undefined) socket.set(fact.family === 4 ? "IP_TTL" : "IPV6_UNICAST_HOPS", fact.ttl);
      if (fact.tos !== undefined) socket.set("IP_TOS", fact.tos);
      if (fact.df !== undefined) socket.set("IP_MTU_DISCOVER", fact.df);
      socket.send(new Uint8Array(fact.size), { address: fact.to, port: 9 });
      it.world.run(seconds(1));
      expect(errors).toEqual(fact.got);
    });
  }

  for (const fact of facts.burst) {
    test(`IPv${fact.family} of ${fact.sent} at once, ${fact.got} are answered (icmp_ratelimit)`, () => {
      const it = world();
      const errors = errorsAt(it);
      const socket = openUdp(it.a, { family: fact.family });
      const address = fact.family === 4 ? "10.0.2.1" : "2001:db8:2::1";
      for (let i = 0; i < fact.sent; i++) socket.send(new Uint8Array(1), { address, port: 2000 + i });
      it.world.run(millis(500));
      expect(errors).toHaveLength(fact.got);
      const count = fact.family === 4 ? it.b.mib.icmp.OutRateLimitHost : it.b.mib.icmp6.OutRateLimitHost;
      expect(count).toBe(fact.sent - fact.got);
    });
  }
});

describe(`H11 fragments are those of Linux ${facts.kernel}`, () => {
  for (const fact of facts.fragments) {
    test(`IPv${fact.family}, ${fact.size} bytes of UDP payload (RFC 791 §3.2, RFC 8200 §4.5)`, () => {
      const it = world();
      const sent = sniff(it.a, it.a.interfaces.named("eth0"));
      openUdp(it.a, { family: fact.family }).send(new Uint8Array(fact.size), { address: fact.to, port: 9 });
      it.world.run(seconds(1));
      const fragments = sent.map((p) => {
        const view = new DataView(p.buffer);
        if (fact.family === 4) {
          const word = view.getUint16(6);
          return {
            length: view.getUint16(2),
            offset: (word & 0x1fff) * 8,
            more: (word & 0x2000) !== 0,
            df: (word & 0x4000) !== 0,
          };
        }
        const word = view.getUint16(42);
        return { length: view.getUint16(4), offset: word & 0xfff8, more: (word & 1) !== 0, next: p[40] };
      });
      expect(fragments).toEqual(fact.got);
      const identifications = new Set(
        sent.map((p) => new DataView(p.buffer).getUint32(fact.family === 4 ? 4 : 44) >>> (fact.family === 4 ? 16 : 0)),
      );
      expect(identifications.size).toBe(1);
    });
  }
});

type Run = (it: ReturnType<typeof world>) => void;

/** The calls of the recorder's errno rows, in our words. */
function errnoCalls(): Record<string, Run> {
  const udp = (it: ReturnType<typeof world>, family: 4 | 6 = 4, set: Record<string, number> = {}): UdpSocket => {
    const socket = openUdp(it.a, { family });
    for (const [name, value] of Object.entries(set)) socket.set(name as "IP_TTL", value);
    return socket;
  };
  const send = (address: string, port = 9, size = 1, set: Record<string, number> = {}): Run => {
    const family = address.includes(":") ? 6 : 4;
    return (it) => udp(it, family, set).send(new Uint8Array(size), { address, port });
  };
  const connect =
    (address: string): Run =>
    (it) =>
      udp(it, address.includes(":") ? 6 : 4).connect({ address, port: 9 });
  const bind =
    (address: string, port = 0, set: Record<string, number> = {}): Run =>
    (it) =>
      udp(it, address.includes(":") ? 6 : 4, set).bind({ address, port });
  const setting =
    (family: 4 | 6, name: string, value: number): Run =>
    (it) =>
      udp(it, family).set(name as "IP_TTL", value);
  const twice =
    (first: [string, Record<string, number>?], second: [string, Record<string, number>?]): Run =>
    (it) => {
      bind(first[0], 7000, first[1])(it);
      bind(second[0], 7000, second[1])(it);
    };
  const again =
    (family: 4 | 6, address: string, connected: boolean): Run =>
    (it) => {
      const socket = udp(it, family);
      if (connected) socket.connect({ address, port: 9 });
      const to = connected ? undefined : { address, port: 9 };
      socket.send(new Uint8Array(1), to);
      it.world.run(millis(300));
      socket.send(new Uint8Array(1), to);
    };
  const calls: Record<string, Run> = {};
  for (const [net, kind] of [
    [1, "blackhole"],
    [2, "unreachable"],
    [3, "prohibit"],
  ] as const) {
    calls[`v4 send by ${kind} route`] = send(`192.0.${net}.1`);
    calls[`v4 connect by ${kind} route`] = connect(`192.0.${net}.1`);
    calls[`v6 send by ${kind} route`] = send(`2001:db8:f${net}::1`);
    calls[`v6 connect by ${kind} route`] = connect(`2001:db8:f${net}::1`);
  }
  const REUSE = { SO_REUSEADDR: 1 };
  const PORT = { SO_REUSEPORT: 1 };
  const V6ONLY = { IPV6_V6ONLY: 1 };
  const gateway4 = "10.0.1.254";
  const gateway6 = "2001:db8:1::fe";
  return {
    ...calls,
    "v4 broadcast without SO_BROADCAST": send("10.0.1.255"),
    "v4 broadcast with SO_BROADCAST": send("10.0.1.255", 9, 1, { SO_BROADCAST: 1 }),
    "v4 limited broadcast without SO_BROADCAST": send("255.255.255.255"),
    "v4 connect to broadcast without SO_BROADCAST": connect("10.0.1.255"),
    "v4 send unconnected": (it) => udp(it).send(new Uint8Array(1)),
    "v4 send to port 0": send("10.0.2.1", 0),
    "v4 65508 bytes": send(gateway4, 9, 65_508),
    "v4 65507 bytes": send(gateway4, 9, 65_507),
    "v4 1473 bytes, PMTUDISC_DO": send(gateway4, 9, 1473, { IP_MTU_DISCOVER: 2 }),
    "v4 1472 bytes, PMTUDISC_DO": send(gateway4, 9, 1472, { IP_MTU_DISCOVER: 2 }),
    "v4 1473 bytes, PMTUDISC_PROBE": send(gateway4, 9, 1473, { IP_MTU_DISCOVER: 3 }),
    "v6 1453 bytes, DONTFRAG": send(gateway6, 9, 1453, { IPV6_DONTFRAG: 1 }),
    "v6 1453 bytes, PMTUDISC_DO": send(gateway6, 9, 1453, { IPV6_MTU_DISCOVER: 2 }),
    "v4 bind to a foreign address": bind("10.9.9.9"),
    "v4 bind to a foreign address, IP_FREEBIND": bind("10.9.9.9", 0, { IP_FREEBIND: 1 }),
    "v4 bind to a group": bind("224.1.2.3", 5001),
    "v4 bind to the subnet's broadcast address": bind("10.0.1.255", 5001),
    "v6 bind to a foreign address": bind("2001:db8:9::9"),
    "v6 bind to link-local without interface": bind("fe80::1"),
    "v6 send to link-local without interface": send("fe80::1"),
    "v6 connect to link-local without interface": connect("fe80::1"),
    "v6 send to a mapped address": send("::ffff:10.0.2.1"),
    "v6only send to a mapped address": send("::ffff:10.0.2.1", 9, 1, V6ONLY),
    "v6only bind to a mapped address": bind("::ffff:10.0.1.1", 0, V6ONLY),
    "v4 TTL 0": setting(4, "IP_TTL", 0),
    "v4 TTL 256": setting(4, "IP_TTL", 256),
    "v4 MTU_DISCOVER 6": setting(4, "IP_MTU_DISCOVER", 6),
    "v6 hops 256": setting(6, "IPV6_UNICAST_HOPS", 256),
    "bind any:7000, any:7000": twice(["0.0.0.0"], ["0.0.0.0"]),
    "bind any:7000, 10.0.1.1:7000": twice(["0.0.0.0"], ["10.0.1.1"]),
    "bind 127.0.0.1:7000, 10.0.1.1:7000": twice(["127.0.0.1"], ["10.0.1.1"]),
    "bind any:7000 twice, both REUSEADDR": twice(["0.0.0.0", REUSE], ["0.0.0.0", REUSE]),
    "bind any:7000 twice, one REUSEADDR": twice(["0.0.0.0", REUSE], ["0.0.0.0"]),
    "bind any:7000 twice, both REUSEPORT": twice(["0.0.0.0", PORT], ["0.0.0.0", PORT]),
    "bind any:7000 twice, one REUSEPORT": twice(["0.0.0.0", PORT], ["0.0.0.0"]),
    "bind [::]:7000, 0.0.0.0:7000": twice(["::"], ["0.0.0.0"]),
    "bind [::]:7000 v6only, 0.0.0.0:7000": twice(["::", V6ONLY], ["0.0.0.0"]),
    "bind [::]:7000, 10.0.1.1:7000": twice(["::"], ["10.0.1.1"]),
    "bind [2001:db8:1::1]:7000, 0.0.0.0:7000": twice(["2001:db8:1::1"], ["0.0.0.0"]),
    "bind [2001:db8:1::1]:7000, [::]:7000": twice(["2001:db8:1::1"], ["::"]),
    "v4 join": (it) => udp(it).join({ group: "224.1.2.3", interface: "eth0" }),
    "v4 join twice": (it) => {
      const socket = udp(it);
      socket.join({ group: "224.1.2.3", interface: "eth0" });
      socket.join({ group: "224.1.2.3", interface: "eth0" });
    },
    "v4 join a unicast address": (it) => udp(it).join({ group: "10.1.2.3" }),
    "v4 leave a group not joined": (it) => udp(it).leave({ group: "224.1.2.3", interface: "eth0" }),
    "v4 connected, port closed: next send": again(4, "10.0.2.1", true),
    "v6 connected, port closed: next send": again(6, "2001:db8:2::1", true),
    "v4 unconnected, port closed: next send": again(4, "10.0.2.1", false),
  };
}

describe(`H12 errno by errno as Linux ${facts.kernel}`, () => {
  const calls = errnoCalls();
  test.each(facts.errnos.map(({ case: what, code }) => [what, code] as const))("%s: %s", (what, code) => {
    const call = calls[what];
    if (call === undefined) throw new Error(`the fixture has a case that this test does not know: ${what}`);
    const it = world();
    assign(it.a.interfaces.named("eth0"), []);
    expect(codeOf(() => call(it)) ?? "ok").toBe(code);
  });
});

wireIsClean();
