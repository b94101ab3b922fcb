import { millis, seconds } from "@seville/core";
import { PROFILES, profileOf } from "@seville/netdev";
import { parseIp } from "@seville/packet";
import { Link } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { NF_INET_PRE_ROUTING, type Host } from "../../src/index.ts";
import { createOffloadNic, installSegmenter } from "../../src/offload/index.ts";
import { installTcp, MSG_FASTOPEN, openTcp } from "../../src/tcp/index.ts";
import { recordFrame } from "../support/captures.ts";
import { inner, tunnelPair, TUNNELS } from "../support/tunnels.ts";
import { assign, bytes, codeOf, pair, text, World } from "../support/world.ts";
import { connected, transfers, until } from "../support/tcp.ts";
import { wireIsClean } from "../support/wire.ts";

/** Longest IP packets that `host` hands down and that it takes, without their link headers. */
function longest(host: Host): { out: number; in: number } {
  const seen = { out: 0, in: 0 };
  host.taps.add((packet, _iface, direction) => {
    seen[direction] = Math.max(seen[direction], packet.length);
  });
  return seen;
}

describe("T20 super-packets", () => {
  test.each(PROFILES.map(({ name }) => name))("down to a NIC of profile %s, and up from its GRO", (profile) => {
    const world = new World();
    const link = new Link({
      scheduler: world.simulator,
      random: world.random,
      name: "wire",
      rate: 1e9,
      delay: millis(2),
    });
    const hosts = [world.host("a"), world.host("b")] as const;
    for (const [i, host] of hosts.entries()) {
      installSegmenter(host);
      const nic = createOffloadNic(host, i === 0 ? link.a : link.b, { profile: profileOf(profile) });
      host.interfaces.add(nic, { name: "eth0", up: true });
      assign(host.interfaces.named("eth0"), [`10.0.0.${i + 1}/24`, `2001:db8::${i + 1}/64`]);
    }
    link.tap({
      frame(_direction, point, frame) {
        if (point === "sent") recordFrame(frame);
      },
    });
    world.runMs(10);
    const [a, b] = hosts;
    const seen = longest(a);
    for (const address of ["10.0.0.2", "2001:db8::2"]) {
      const { client, server, listener } = connected(world, a, b, address);
      transfers(world, client, server, 200_000);
      listener.close();
    }
    // Above a NIC that cannot, the host has cut them before they are seen.
    if (profile !== "none") expect(seen.out).toBeGreaterThan(10_000);
    expect(b.drops.counts.size).toBe(0);
  });

  test("the host's segmenter cuts them for a device that cannot, behind a loss too", () => {
    const { world, a, b } = pair({ loss: 0.01, delay: millis(3), rate: 100e6 });
    for (const host of [a, b]) installSegmenter(host);
    const { client, server } = connected(world, a, b, "10.0.0.2");
    transfers(world, client, server, 500_000);
    expect(a.drops.counts.get("PKT_TOO_BIG")).toBeUndefined();
  });

  test("without one there are none", () => {
    const { world, a, b } = pair();
    const seen = longest(a);
    const { client, server } = connected(world, a, b, "10.0.0.2");
    transfers(world, client, server, 100_000);
    expect(seen.out).toBeLessThanOrEqual(1514);
  });

  test("through loopback: whole, and with no checksum made", () => {
    const { world, a } = pair();
    installTcp(a, { gso: true });
    const seen = longest(a);
    const { client, server } = connected(world, a, a, "127.0.0.1");
    transfers(world, client, server, 500_000);
    expect(seen.out).toBeGreaterThan(30_000);
  });
});

describe("T21 through tunnels", () => {
  for (const name of ["vxlan", "geneve", "gre", "sit", "ipip"] as const) {
    const kind = TUNNELS[name];
    test.runIf(kind !== undefined).each([false, true])(`${name}, super-packets: %s`, (gso) => {
      if (kind === undefined) return;
      const { world, a, b } = tunnelPair(kind.make, 4);
      for (const host of [a, b]) {
        if (gso) installSegmenter(host);
      }
      const family = name === "sit" ? 6 : 4;
      const { client, server } = connected(world, a, b, inner(family, "b"), {});
      transfers(world, client, server, 200_000);
      expect(client.info()?.snd_mss).toBeLessThan(1448);
    });
  }
});

describe("T22 TCP Fast Open (RFC 7413) between two hosts", () => {
  const ready = () => {
    const it = pair({ delay: millis(25) });
    for (const host of [it.a, it.b]) installTcp(host);
    it.b.sysctls.set("net.ipv4.tcp_fastopen", 3);
    const listener = openTcp(it.b, { family: 6 });
    listener.setsockopt("TCP_FASTOPEN", 16);
    listener.bind({ port: 80 });
    listener.listen();
    listener.onReady = () => {
      for (let socket = listener.accept(); socket !== undefined; socket = listener.accept()) {
        const server = socket;
        const answer = (): void => {
          const part = server.recv();
          if (part === undefined) return;
          if (part.length > 0) server.send(part);
          server.close();
        };
        server.onReady = answer;
        answer();
      }
    };
    return { ...it, listener };
  };

  /** How long a question takes to be answered. */
  const ask = ({ world, a }: ReturnType<typeof ready>, address: string): number => {
    const begun = world.simulator.now;
    const client = openTcp(a, { family: address.includes(":") ? 6 : 4 });
    let sent = client.send(bytes("question"), MSG_FASTOPEN, { address, port: 80 });
    until(world, () => {
      if (sent === 0 && client.state === "ESTABLISHED") sent = client.send(bytes("question"));
      return client.inq() > 0;
    });
    expect(text(client.recv() as Uint8Array)).toBe("question");
    client.close();
    return world.simulator.now - begun;
  };

  test.each(["10.0.0.2", "2001:db8::2"])(
    "%s: the first asks for a cookie, the second saves a round trip",
    (address) => {
      const it = ready();
      expect(ask(it, address)).toBeGreaterThanOrEqual(millis(100));
      const second = ask(it, address);
      expect(second).toBeGreaterThanOrEqual(millis(50));
      expect(second).toBeLessThan(millis(75));
      expect(it.a.mib.extra.get("TcpExt")).toMatchObject({ TCPFastOpenActive: 1 });
      expect(it.b.mib.extra.get("TcpExt")).toMatchObject({ TCPFastOpenPassive: 1, TCPFastOpenCookieReqd: 1 });
    },
  );

  test("TCP_FASTOPEN_CONNECT: connect waits for the first write", () => {
    const it = ready();
    ask(it, "10.0.0.2");
    const client = openTcp(it.a);
    client.setsockopt("TCP_FASTOPEN_CONNECT", 1);
    client.connect({ address: "10.0.0.2", port: 80 });
    const begun = it.world.simulator.now;
    expect(client.send(bytes("question"))).toBe(8);
    until(it.world, () => client.inq() > 0);
    expect(it.world.simulator.now - begun).toBeLessThan(millis(75));
  });

  test("new keys at the server: the old cookie is refused, the data is sent again", () => {
    const it = ready();
    ask(it, "10.0.0.2");
    it.listener.setsockopt("TCP_FASTOPEN_KEY", new Uint8Array(16).fill(7));
    expect(ask(it, "10.0.0.2")).toBeGreaterThanOrEqual(millis(100));
    expect(ask(it, "10.0.0.2")).toBeLessThan(millis(75));
    expect(codeOf(() => it.listener.setsockopt("TCP_FASTOPEN_KEY", new Uint8Array(15)))).toBe("EINVAL");
  });
});

test("T23 a device that is bound: SO_BINDTODEVICE holds for listener, connection and answers", () => {
  const world = new World();
  const [a, b] = [world.host("a"), world.host("b")];
  world.link([a, "eth0", "10.0.0.1/24"], [b, "eth0", "10.0.0.2/24"]);
  world.link([a, "eth1", "10.0.1.1/24"], [b, "eth1", "10.0.1.2/24"]);
  world.runMs(10);
  const listener = openTcp(b);
  listener.setsockopt("SO_BINDTODEVICE", "eth1");
  listener.bind({ port: 80 });
  listener.listen();
  const wrong = openTcp(a);
  wrong.connect({ address: "10.0.0.2", port: 80 });
  const right = openTcp(a);
  right.connect({ address: "10.0.1.2", port: 80 });
  world.runMs(20);
  expect(wrong.getsockopt("SO_ERROR")).toBe("ECONNREFUSED");
  expect(right.state).toBe("ESTABLISHED");
  const server = listener.accept();
  if (server === undefined) throw new Error("a connection waits");
  transfers(world, right, server, 20_000);
});

test("T24 segments that a router damages are counted and dropped, and the transfer goes on", () => {
  const { world, a, b } = pair({ corrupt: { probability: 0.01, detect: "after-fcs" }, delay: millis(2) });
  const { client, server } = connected(world, a, b, "10.0.0.2");
  transfers(world, client, server, 200_000);
  const errors = (b.mib.extra.get("Tcp")?.InCsumErrors ?? 0) + b.mib.ip.InHdrErrors;
  expect(errors).toBeGreaterThan(0);
});

test("T25 a segment to a group or a broadcast address is not answered (RFC 1122 §4.2.3.10)", () => {
  const { world, a, b } = pair();
  installTcp(b);
  let sent = 0;
  a.hooks.register(4, NF_INET_PRE_ROUTING, () => {
    sent++;
    return "accept";
  });
  const client = openTcp(a);
  expect(codeOf(() => client.connect({ address: parseIp("255.255.255.255"), port: 80 }))).toBe("ENETUNREACH");
  world.run(seconds(2));
  expect(sent).toBe(0);
});

wireIsClean();
