import { millis, seconds } from "@seville/core";
import { parseIp } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { EPOLLIN, EPOLLRDHUP, installTcp, openTcp, SHUT_WR } from "../../src/tcp/index.ts";
import { NF_INET_FORWARD, type Host } from "../../src/index.ts";
import { assign, bytes, chain, codeOf, pair, route, text, World } from "../support/world.ts";
import { connected, pattern, Reader, transfers, until, Writer } from "../support/tcp.ts";
import { wireIsClean } from "../support/wire.ts";

describe("T1 RFC 9293 §3.5, §3.6: connections", () => {
  for (const address of ["10.0.0.2", "2001:db8::2"]) {
    test(`${address}: both ends say something and close in turn`, () => {
      const { world, a, b } = pair();
      const { client, server, listener } = connected(world, a, b, address);
      client.send(bytes("ping"));
      world.runMs(10);
      expect(text(server.recv() as Uint8Array)).toBe("ping");
      server.send(bytes("pong"));
      world.runMs(10);
      expect(text(client.recv() as Uint8Array)).toBe("pong");
      expect(client.recv()).toBeUndefined();
      client.close();
      world.runMs(10);
      expect(server.poll() & (EPOLLIN | EPOLLRDHUP)).toBe(EPOLLIN | EPOLLRDHUP);
      expect(server.recv()).toEqual(new Uint8Array(0));
      expect(server.state).toBe("CLOSE_WAIT");
      server.close();
      world.runMs(10);
      listener.close();
      expect(server.state).toBe("CLOSE");
    });
  }

  test("half close: what the other end says afterwards still comes", () => {
    const { world, a, b } = pair();
    const { client, server } = connected(world, a, b, "10.0.0.2");
    client.send(bytes("question"));
    client.shutdown(SHUT_WR);
    world.runMs(60);
    expect(client.state).toBe("FIN_WAIT2");
    expect(text(server.recv() as Uint8Array)).toBe("question");
    expect(server.recv()?.length).toBe(0);
    server.send(bytes("answer"));
    world.runMs(10);
    expect(text(client.recv() as Uint8Array)).toBe("answer");
    server.close();
    world.runMs(10);
    expect(client.recv()?.length).toBe(0);
    expect(codeOf(() => client.send(bytes("more")))).toBe("EPIPE");
  });

  test("RFC 9293 §3.10.7.1: a closed port refuses", () => {
    const { world, a, b } = pair();
    openTcp(b);
    const client = openTcp(a);
    client.connect({ address: "10.0.0.2", port: 9 });
    world.runMs(10);
    expect(client.getsockopt("SO_ERROR")).toBe("ECONNREFUSED");
    expect(client.getsockopt("SO_ERROR")).toBe(0);
  });

  test("SO_LINGER of 0, and closing with data unread (RFC 2525 §2.17), reset", () => {
    for (const how of ["linger", "unread"] as const) {
      const { world, a, b } = pair();
      const { client, server } = connected(world, a, b, "10.0.0.2");
      if (how === "linger") client.setsockopt("SO_LINGER", { onoff: 1, linger: 0 });
      else {
        server.send(bytes("nobody reads this"));
        world.runMs(10);
      }
      client.close();
      world.runMs(10);
      expect(codeOf(() => server.recv())).toBe("ECONNRESET");
    }
  });

  test("both open at once (RFC 9293 figure 8)", () => {
    const { world, a, b } = pair({ delay: millis(20) });
    const left = openTcp(a);
    const right = openTcp(b);
    left.bind({ port: 1111 });
    right.bind({ port: 2222 });
    left.connect({ address: "10.0.0.2", port: 2222 });
    right.connect({ address: "10.0.0.1", port: 1111 });
    world.run(seconds(3));
    expect([left.state, right.state]).toEqual(["ESTABLISHED", "ESTABLISHED"]);
    transfers(world, left, right, 10_000);
  });

  test("through loopback, and to oneself by the own address", () => {
    const { world, a } = pair();
    for (const address of ["127.0.0.1", "10.0.0.1", "::1"]) {
      const { client, server, listener } = connected(world, a, a, address);
      transfers(world, client, server, 200_000);
      listener.close();
    }
  });

  test("link-local ends need their interface, and keep it", () => {
    const { world, a, b } = pair();
    const target = b.interfaces.named("eth0").v6.addresses.find(({ address }) => address.w0 >>> 22 === 0x3fa)?.address;
    if (target === undefined) throw new Error("the interface has a link-local address");
    const listener = openTcp(b, { family: 6 });
    listener.bind({ port: 5000 });
    listener.listen();
    const client = openTcp(a, { family: 6 });
    expect(codeOf(() => client.connect({ address: target, port: 5000 }))).toBe("EINVAL");
    client.connect({ address: target.withZone("eth0"), port: 5000 });
    until(world, () => (listener.poll() & EPOLLIN) !== 0);
    const server = listener.accept();
    if (server === undefined) throw new Error("a connection waits");
    transfers(world, client, server, 20_000);
    expect(client.remoteAddress().address.toString()).toContain("%eth0");
  });
});

describe("T2 every byte arrives once and in order", () => {
  test.each([
    ["a clean link", {}],
    ["2 % loss", { loss: 0.02 }],
    ["duplicates", { duplicate: 0.05 }],
    ["jitter that reorders", { jitter: millis(3) }],
  ] as const)("over a link with %s", (_name, faults) => {
    const { world, a, b } = pair({ delay: millis(5), rate: 50e6, ...faults });
    const { client, server } = connected(world, a, b, "10.0.0.2");
    transfers(world, client, server, 500_000);
  });

  test("in both directions at once", () => {
    const { world, a, b } = pair({ delay: millis(5), rate: 20e6 });
    const { client, server } = connected(world, a, b, "2001:db8::2");
    const readers = [new Reader(client), new Reader(server)];
    const there = pattern(150_000, 1);
    const back = pattern(150_000, 2);
    const writers = [new Writer(client, there), new Writer(server, back)];
    client.onReady = () => (writers[0]?.write(), readers[0]?.read());
    server.onReady = () => (writers[1]?.write(), readers[1]?.read());
    until(world, () => readers.every(({ ended }) => ended));
    expect(Buffer.compare(readers[1]?.bytes() as Uint8Array, there)).toBe(0);
    expect(Buffer.compare(readers[0]?.bytes() as Uint8Array, back)).toBe(0);
  });

  test("while the reader takes its time: the window closes and opens again", () => {
    const { world, a, b } = pair({ delay: millis(2) });
    const { client, server } = connected(world, a, b, "10.0.0.2", {
      prepare: (_client, listener) => listener.set("SO_RCVBUF", 8192),
    });
    const sent = pattern(200_000);
    const writer = new Writer(client, sent);
    const got: Uint8Array[] = [];
    let length = 0;
    for (let turn = 0; turn < 400 && length < sent.length; turn++) {
      world.runMs(50);
      const part = server.recv(3000);
      if (part !== undefined) {
        got.push(part);
        length += part.length;
      }
    }
    expect(writer.at).toBe(sent.length);
    expect(Buffer.compare(Buffer.concat(got), sent)).toBe(0);
  });
});

describe("T3 paths", () => {
  test("through a router, in both families", () => {
    const { world, a, b } = chain({ right: { delay: millis(10), rate: 10e6 } });
    for (const address of ["10.0.2.1", "2001:db8:2::1"]) {
      const { client, server, listener } = connected(world, a, b, address);
      transfers(world, client, server, 300_000);
      expect(client.info()?.rtt).toBeGreaterThan(10_000);
      listener.close();
    }
  });

  for (const address of ["10.0.2.1", "2001:db8:2::1"]) {
    test(`${address}: RFC 1191, RFC 8201: a smaller MTU behind the router is learned and used`, () => {
      const { world, a, r, b } = chain();
      setMtu(r, "eth1", 1300);
      setMtu(b, "eth0", 1300);
      const { client, server } = connected(world, a, b, address);
      transfers(world, client, server, 100_000);
      expect(client.info()?.snd_mss).toBeLessThanOrEqual(1300 - 52);
    });

    test(`${address}: an MTU that shrinks while data is on its way`, () => {
      const { world, a, r, b } = chain({ right: { delay: millis(5), rate: 10e6 } });
      const { client, server } = connected(world, a, b, address);
      const reader = new Reader(server);
      const writer = new Writer(client, pattern(400_000));
      world.runMs(100);
      setMtu(r, "eth1", 1280);
      until(world, () => reader.ended);
      expect(Buffer.compare(reader.bytes(), writer.bytes)).toBe(0);
      expect(client.info()?.pmtu).toBe(1280);
    });
  }

  test("RFC 4821 §7.7: a black hole that tells nothing is found with tcp_mtu_probing 1", () => {
    const { world, a, r, b } = chain();
    installTcp(a);
    a.sysctls.setText("net.ipv4.tcp_mtu_probing", "1");
    r.hooks.register(4, NF_INET_FORWARD, (packet) => (packet.length > 1200 ? "drop" : "accept"));
    const { client, server } = connected(world, a, b, "10.0.2.1");
    transfers(world, client, server, 50_000, seconds(300));
    expect(client.info()?.snd_mss).toBeLessThanOrEqual(1160);
  });

  test("a route that changes takes the connection along", () => {
    const world = new World();
    const [a, b] = [world.host("a"), world.host("b")];
    const [r1, r2] = [world.router("r1"), world.router("r2")];
    world.veth([a, "eth1", "10.1.0.1/24"], [r1, "eth0", "10.1.0.254/24"]);
    world.veth([a, "eth2", "10.2.0.1/24"], [r2, "eth0", "10.2.0.254/24"]);
    world.veth([r1, "eth1", "10.3.0.254/24"], [b, "eth1", "10.3.0.1/24"]);
    world.veth([r2, "eth1", "10.4.0.254/24"], [b, "eth2", "10.4.0.1/24"]);
    route(a, "10.9.0.0/24", "10.1.0.254");
    route(r1, "10.9.0.1/32", "10.3.0.1");
    route(r2, "10.9.0.1/32", "10.4.0.1");
    route(b, "10.1.0.0/24", "10.3.0.254");
    route(r2, "10.1.0.0/24", "10.2.0.1");
    assign(b.loopback, ["10.9.0.1/32"]);
    const { client, server } = connected(world, a, b, "10.9.0.1");
    transfersWithout(world, client, server);
    r1.interfaces.setDown(r1.interfaces.named("eth1"));
    a.ipv4.fib.remove({ destination: parseIp("10.9.0.0"), prefixLength: 24 });
    route(a, "10.9.0.0/24", "10.2.0.254");
    b.ipv4.fib.remove({ destination: parseIp("10.1.0.0"), prefixLength: 24 });
    route(b, "10.1.0.0/24", "10.4.0.254");
    transfersWithout(world, client, server);
  });
});

/** Some bytes, without closing. */
function transfersWithout(world: World, client: ReturnType<typeof openTcp>, server: ReturnType<typeof openTcp>): void {
  const sent = pattern(5000);
  client.send(sent);
  let got = new Uint8Array(0);
  until(world, () => {
    const part = server.recv();
    if (part !== undefined) got = Uint8Array.from([...got, ...part]);
    return got.length >= sent.length;
  });
  expect(Buffer.compare(got, sent)).toBe(0);
}

function setMtu(host: Host, name: string, mtu: number): void {
  host.interfaces.setMtu(host.interfaces.named(name), mtu);
}

wireIsClean();

describe("T5 tcp_limit_output_bytes: a connection's own host does not hold its whole window", () => {
  /** How long the queue of the sender's link got, and how long the transfer took. */
  function upload(smallQueues: boolean): { readonly queued: number; readonly took: number } {
    const { world, a, b, link } = pair({ delay: millis(10), rate: 10_000_000 });
    installTcp(a, { smallQueues });
    const { client, server } = connected(world, a, b, "10.0.0.2");
    const began = world.simulator.now;
    transfers(world, client, server, 2_000_000);
    return { queued: link.stats("aToB").maxQueuedBytes, took: world.simulator.now - began };
  }

  test("the link's queue stays short, and the transfer is no slower", () => {
    const without = upload(false);
    const held = upload(true);
    expect(without.queued).toBeGreaterThan(100_000);
    expect(held.queued).toBeLessThan(20_000);
    expect(held.took).toBeLessThan(without.took * 1.1);
  });

  test("what is lost in the host's own queue counts as gone: the transfer goes on", () => {
    const { world, a, b } = pair({ delay: millis(10), rate: 10_000_000, queue: { kind: "fifo", limitPackets: 4 } });
    installTcp(a, { smallQueues: true });
    const { client, server } = connected(world, a, b, "10.0.0.2");
    transfers(world, client, server, 1_000_000);
  });
});
