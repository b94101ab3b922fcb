import { millis, NS_PER_SEC, seconds } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tcp } from "@seville/packet";
import { installTcp, MSG_MORE, openTcp, type TcpSocket } from "../../src/tcp/index.ts";
import { settingOf, valueOf, type TcpOption } from "../../src/tcp/socket-options.ts";
import { bytes, codeOf, pair } from "../support/world.ts";
import { connected, pattern, transfers } from "../support/tcp.ts";
import { wireIsClean } from "../support/wire.ts";

/** Payload lengths of the data segments that `host` puts on the wire from now on. */
function segments(host: ReturnType<typeof pair>["a"]): number[] {
  const lengths: number[] = [];
  host.taps.add((packet, _iface, direction) => {
    if (direction !== "out") return;
    const at = packet.transportHeader;
    const length = packet.tail - at - tcp.headerLength(host.memory.view, at);
    if (length > 0) lengths.push(length);
  });
  return lengths;
}

describe("T30 options read back what was set, in the kernel's units and limits (do_tcp_setsockopt)", () => {
  const fresh = (): TcpSocket => openTcp(pair().a);

  test.each([
    ["TCP_NODELAY", 1, 1],
    ["TCP_CORK", 1, 1],
    ["TCP_MAXSEG", 1000, 1000],
    ["TCP_KEEPIDLE", 30, 30],
    ["TCP_KEEPINTVL", 5, 5],
    ["TCP_KEEPCNT", 4, 4],
    ["TCP_SYNCNT", 2, 2],
    ["TCP_LINGER2", 10, 10],
    ["TCP_LINGER2", -7, -1],
    ["TCP_LINGER2", 1000, 120],
    ["TCP_DEFER_ACCEPT", 1, 1],
    ["TCP_DEFER_ACCEPT", 10, 15],
    ["TCP_WINDOW_CLAMP", 100, 1152],
    ["TCP_USER_TIMEOUT", 3000, 3000],
    ["TCP_FASTOPEN", 5, 5],
    ["TCP_FASTOPEN_NO_COOKIE", 1, 1],
    ["TCP_NOTSENT_LOWAT", 4096, 4096],
    ["TCP_SAVE_SYN", 1, 1],
    ["TCP_THIN_LINEAR_TIMEOUTS", 1, 1],
    ["TCP_RTO_MAX_MS", 5000, 5000],
    ["SO_KEEPALIVE", 1, 1],
    ["SO_OOBINLINE", 1, 1],
    ["SO_RCVLOWAT", 0, 1],
    ["SO_RCVLOWAT", 100, 100],
    ["SO_MAX_PACING_RATE", 1_000_000, 1_000_000],
    ["SO_MAX_PACING_RATE", 0xffff_ffff, 0xffff_ffff],
    ["SO_RCVBUF", 10_000, 20_000],
    ["SO_SNDBUF", 10_000, 20_000],
    ["SO_REUSEADDR", 1, 1],
    ["IP_MINTTL", 5, 5],
  ] as const)("%s %i is %i", (name, value, expected) => {
    const socket = fresh();
    socket.setsockopt(name, value);
    expect(socket.getsockopt(name)).toBe(expected);
  });

  test.each([
    ["TCP_MAXSEG", 87],
    ["TCP_MAXSEG", 40_000],
    ["TCP_KEEPIDLE", 0],
    ["TCP_KEEPIDLE", 32_768],
    ["TCP_KEEPCNT", 128],
    ["TCP_SYNCNT", 0],
    ["TCP_SYNCNT", 128],
    ["TCP_USER_TIMEOUT", -1],
    ["TCP_FASTOPEN", -1],
    ["TCP_FASTOPEN_CONNECT", 2],
    ["TCP_SAVE_SYN", 3],
    ["TCP_RTO_MAX_MS", 999],
    ["TCP_NODELAY", 1.5],
    ["SO_LINGER", 1],
    ["TCP_CONGESTION", 1],
  ] as const)("%s %i is refused", (name, value) => {
    expect(codeOf(() => fresh().setsockopt(name, value))).toMatch(/^(EINVAL|ENOPROTOOPT)$/);
  });

  test("what was not set reads as the sysctl says", () => {
    const socket = fresh();
    const names = ["TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_SYNCNT", "TCP_LINGER2"];
    expect(names.map((name) => socket.getsockopt(name))).toEqual([7200, 75, 9, 6, 60]);
    expect(socket.getsockopt("TCP_MAXSEG")).toBe(536);
    expect(
      ["SO_TYPE", "SO_PROTOCOL", "SO_DOMAIN", "SO_ACCEPTCONN", "SO_ERROR"].map((name) => socket.getsockopt(name)),
    ).toEqual([1, 6, 2, 0, 0]);
    expect(socket.getsockopt("TCP_INFO")).toBeUndefined();
    expect(codeOf(() => socket.getsockopt("TCP_NONSENSE"))).toBe("ENOPROTOOPT");
    expect(codeOf(() => socket.setsockopt("TCP_NONSENSE", 1))).toBe("ENOPROTOOPT");
  });

  test("SO_LINGER, TCP_CONGESTION", () => {
    const socket = fresh();
    expect(socket.getsockopt("SO_LINGER")).toEqual({ onoff: 0, linger: 0 });
    socket.setsockopt("SO_LINGER", { onoff: 1, linger: 5 });
    expect(socket.getsockopt("SO_LINGER")).toEqual({ onoff: 1, linger: 5 });
    expect(codeOf(() => socket.setsockopt("TCP_CONGESTION", "vegas"))).toBe("ENOENT");
    socket.setsockopt("TCP_CONGESTION", "bbr");
    expect(socket.getsockopt("TCP_CONGESTION")).toBe("bbr");
  });

  test("TCP_DEFER_ACCEPT counts in SYN/ACKs: 1, 3, 7, 15, 31, 63, 127 s, then 120 more each", () => {
    for (const [given, read] of [
      [0, 0],
      [1, 1],
      [2, 3],
      [63, 63],
      [64, 127],
      [128, 247],
    ] as const) {
      const settings = { deferAccept: 0, ...settingOf("TCP_DEFER_ACCEPT", given) };
      expect(valueOf("TCP_DEFER_ACCEPT", settings as never)).toBe(read);
    }
  });

  test("whatever a number option takes, it gives back or lifts to its least", () => {
    const names: readonly TcpOption[] = [
      "TCP_KEEPIDLE",
      "TCP_KEEPCNT",
      "TCP_SYNCNT",
      "TCP_USER_TIMEOUT",
      "TCP_RTO_MAX_MS",
    ];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.integer({ min: -10, max: 200_000 }), (name, value) => {
        const socket = fresh();
        const code = codeOf(() => socket.setsockopt(name, value));
        if (code === undefined && value !== 0) expect(socket.getsockopt(name)).toBe(value);
        else expect(code ?? "EINVAL").toBe("EINVAL");
      }),
      { numRuns: 40 },
    );
  });
});

describe("T31 options do what they say", () => {
  test("TCP_NODELAY: small writes go at once; without they wait for the acknowledgment (RFC 896)", () => {
    for (const [nodelay, expected] of [
      [1, [1, 1, 1, 1]],
      [0, [1, 3]],
    ] as const) {
      const { world, a, b } = pair({ delay: millis(20) });
      const { client } = connected(world, a, b, "10.0.0.2");
      client.setsockopt("TCP_NODELAY", nodelay);
      const lengths = segments(a);
      for (let i = 0; i < 4; i++) client.send(bytes("x"));
      world.runMs(200);
      expect(lengths).toEqual(expected);
    }
  });

  test("TCP_CORK and MSG_MORE: only full segments, until it is taken away or 200 ms have passed", () => {
    const { world, a, b } = pair();
    const { client } = connected(world, a, b, "10.0.0.2");
    const lengths = segments(a);
    client.setsockopt("TCP_CORK", 1);
    client.send(pattern(1000));
    client.send(pattern(1000));
    world.runMs(20);
    expect(lengths).toEqual([1448]);
    client.setsockopt("TCP_CORK", 0);
    world.runMs(20);
    expect(lengths).toEqual([1448, 552]);
    client.send(pattern(10), MSG_MORE);
    world.runMs(20);
    expect(lengths.length).toBe(2);
    client.send(pattern(10));
    world.runMs(20);
    expect(lengths).toEqual([1448, 552, 20]);
  });

  test("TCP_MAXSEG limits both directions", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2", {
      prepare: (socket) => socket.setsockopt("TCP_MAXSEG", 500),
    });
    const there = segments(a);
    const back = segments(b);
    client.send(pattern(3000));
    server.send(pattern(3000));
    world.runMs(100);
    expect(Math.max(...there, ...back)).toBe(500 - 12);
  });

  test("SO_KEEPALIVE: probes after TCP_KEEPIDLE, and the end after TCP_KEEPCNT (RFC 1122 §4.2.3.6)", () => {
    const { world, a, b, link } = pair();
    const { client } = connected(world, a, b, "10.0.0.2");
    client.setsockopt("SO_KEEPALIVE", 1);
    client.setsockopt("TCP_KEEPIDLE", 10);
    client.setsockopt("TCP_KEEPINTVL", 2);
    client.setsockopt("TCP_KEEPCNT", 3);
    world.run(seconds(60));
    expect(client.state).toBe("ESTABLISHED");
    link.set({ loss: 1 });
    world.run(seconds(9));
    expect(client.state).toBe("ESTABLISHED");
    world.run(seconds(10));
    expect(client.getsockopt("SO_ERROR")).toBe("ETIMEDOUT");
  });

  test("TCP_USER_TIMEOUT: data that nobody acknowledges ends the connection (RFC 5482)", () => {
    const { world, a, b, link } = pair();
    const { client } = connected(world, a, b, "10.0.0.2");
    client.setsockopt("TCP_USER_TIMEOUT", 3000);
    link.set({ loss: 1 });
    const begun = world.simulator.now;
    client.send(bytes("lost"));
    let endedAt = 0;
    client.onReady = () => {
      if (client.state === "CLOSE") endedAt ||= world.simulator.now;
    };
    world.run(seconds(30));
    expect(client.getsockopt("SO_ERROR")).toBe("ETIMEDOUT");
    expect((endedAt - begun) / NS_PER_SEC).toBeGreaterThan(2.9);
    expect((endedAt - begun) / NS_PER_SEC).toBeLessThan(6);
  });

  test("TCP_SYNCNT: how often a SYN is repeated", () => {
    const { world, a, link } = pair();
    installTcp(a);
    const client = openTcp(a);
    client.setsockopt("TCP_SYNCNT", 1);
    // The neighbour is known, and nothing passes.
    openTcp(a).connect({ address: "10.0.0.2", port: 1 });
    world.runMs(10);
    link.set({ loss: 1 });
    client.connect({ address: "10.0.0.2", port: 80 });
    world.run(seconds(4));
    expect(client.getsockopt("SO_ERROR")).toBe("ETIMEDOUT");
  });

  test("TCP_SAVE_SYN: the headers of the SYN", () => {
    const { world, a, b } = pair();
    const { server } = connected(world, a, b, "10.0.0.2", {
      prepare: (_client, listener) => listener.setsockopt("TCP_SAVE_SYN", 1),
    });
    expect((server.getsockopt("TCP_SAVED_SYN") as Uint8Array).length).toBeGreaterThanOrEqual(40);
  });

  test("SO_MAX_PACING_RATE holds the sender to it", () => {
    const { world, a, b } = pair({ delay: millis(5) });
    const { client, server } = connected(world, a, b, "10.0.0.2");
    client.setsockopt("SO_MAX_PACING_RATE", 100_000);
    const begun = world.simulator.now;
    transfers(world, client, server, 200_000);
    const rate = 200_000 / ((world.simulator.now - begun) / NS_PER_SEC);
    expect(rate).toBeLessThan(125_000);
    expect(rate).toBeGreaterThan(60_000);
  });

  test.each(["reno", "cubic", "bbr", "bbr3", "dctcp"])("TCP_CONGESTION %s carries data over a lossy link", (name) => {
    const { world, a, b } = pair({ delay: millis(5), rate: 20e6, loss: 0.005 });
    const { client, server } = connected(world, a, b, "10.0.0.2", {
      prepare: (socket) => socket.setsockopt("TCP_CONGESTION", name),
    });
    transfers(world, client, server, 300_000);
    expect(client.getsockopt("TCP_CONGESTION")).toBe(name);
  });

  test("IP_TOS, IP_TTL, IPV6_TCLASS stand in the headers", () => {
    const { world, a, b } = pair();
    const seen: number[] = [];
    const { client } = connected(world, a, b, "10.0.0.2");
    a.taps.add((packet, _iface, direction) => {
      if (direction === "out")
        seen.push(a.memory.view.getUint8(packet.networkHeader + 1), a.memory.view.getUint8(packet.networkHeader + 8));
    });
    client.set("IP_TOS", 0xb8);
    client.set("IP_TTL", 7);
    client.send(bytes("x"));
    world.runMs(5);
    expect(seen.slice(0, 2)).toEqual([0xb8, 7]);
  });
});

wireIsClean();
