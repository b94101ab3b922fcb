import http from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { lookup } from "node:dns/promises";
import { text } from "node:stream/consumers";
import { createHash } from "node:crypto";
import { describe, expect } from "vitest";
import { currentHost } from "@seville/stack/node";
import { test, World } from "@seville/stack/vitest";

/** An HTTP server that nobody wrote for a simulation. */
function serve(port = 80): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    response.setHeader("x-peer", request.socket.remoteAddress ?? "");
    if (request.method === "POST") {
      const hash = createHash("sha256");
      request.on("data", (chunk: Buffer) => hash.update(chunk)).on("end", () => response.end(hash.digest("hex")));
    } else response.end(`hello from ${request.headers.host ?? ""}${request.url ?? ""}`);
  });
  return new Promise((resolve) => server.listen(port, () => resolve(server)));
}

/** And a client. */
function get(
  url: string,
  options: http.RequestOptions = {},
): Promise<{ body: string; headers: http.IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    http
      .get(url, options, (response) => {
        text(response).then((body) => {
          resolve({ body, headers: response.headers });
        }, reject);
      })
      .on("error", reject);
  });
}

function post(url: string, body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: "POST" }, (response) => {
      text(response).then(resolve, reject);
    });
    request.on("error", reject).end(body);
  });
}

describe("unmodified http across a simulated network", () => {
  test("W1: names, addresses and the time of a round trip are the world's", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server, "delay=20ms");
    await server.run(() => serve());
    const before = world.now;
    const { body, headers } = await client.run(() => get("http://server/index.html"));
    expect(body).toBe("hello from server/index.html");
    expect(headers["x-peer"]).toBe("10.0.0.1");
    // ARP, handshake, request and answer: three round trips.
    expect((world.now - before) / 1e6).toBeGreaterThanOrEqual(120);
    expect((world.now - before) / 1e6).toBeLessThan(125);
  });

  test("W2: a megabyte arrives whole in spite of loss, reordering and corruption", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server, "delay=10ms jitter=2ms loss=3% corrupt=1% duplicate=1% rate=20mbit");
    await server.run(() => serve());
    const body = Buffer.alloc(1 << 20, "seville");
    const expected = createHash("sha256").update(body).digest("hex");
    expect(await client.run(() => post("http://server/", body))).toBe(expected);
  });

  test("W3: fetch works too", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server, "delay=5ms");
    await server.run(() => serve(8080));
    const answer = await client.run(async () => (await fetch("http://server:8080/fetched")).text());
    expect(answer).toBe("hello from server:8080/fetched");
  });

  test("W4: through routers, and back", async ({ world }) => {
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => world.host(name)) as [never, never, never, never];
    world.link(a, b, "delay=1ms");
    world.link(b, c, "delay=1ms");
    world.link(c, d, "delay=1ms");
    const server = world.get("d");
    await server.run(() => serve());
    expect((await world.get("a").run(() => get("http://d/far"))).body).toBe("hello from d/far");
  });

  test("W5: kept-alive connections of a shared agent stay on their host", async ({ world }) => {
    const [one, two, server] = [world.host("one"), world.host("two"), world.host("server")];
    world.link(one, server);
    world.link(two, server);
    await server.run(() => serve());
    const agent = new http.Agent({ keepAlive: true });
    const peers = [];
    for (const host of [one, two, one, two]) {
      peers.push(
        (await host.run(() => get("http://10.0.0.2/", { agent }).catch(() => get("http://10.0.1.2/", { agent }))))
          .headers["x-peer"],
      );
    }
    agent.destroy();
    expect(peers[0]).toBe("10.0.0.1");
    expect(new Set(peers).size).toBe(2);
  });
});

describe("faults", () => {
  test("W6: a partition lasts until it is healed, and TCP goes on where it was", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server, "delay=10ms");
    await server.run(() => serve());
    await client.run(() => get("http://server/"));
    world.partition([client]);
    const asked = client.start(() => get("http://server/later"));
    await world.sleep("3s");
    world.heal();
    expect((await world.run(asked)).body).toBe("hello from server/later");
    expect(world.now).toBeGreaterThan(3e9);
  });

  test("W7: nobody listens: the error is Node's", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server);
    await expect(client.run(() => get("http://server:81/"))).rejects.toMatchObject({
      code: "ECONNREFUSED",
      syscall: "connect",
      address: "10.0.0.2",
      port: 81,
      message: "connect ECONNREFUSED 10.0.0.2:81",
    });
  });

  test("W8: a name that the world does not know", async ({ world }) => {
    const client = world.host("client");
    await expect(client.run(() => get("http://nowhere/"))).rejects.toMatchObject({
      code: "ENOTFOUND",
      message: "getaddrinfo ENOTFOUND nowhere",
    });
  });

  test("W9: a connection attempt times out in the world's time, not in ours", async ({ world }) => {
    const [client, router, server] = [world.host("client"), world.host("router"), world.host("server")];
    world.link(client, router);
    const wire = world.link(router, server);
    await server.run(() => serve());
    await client.run(() => get("http://server/"));
    // Beyond the router nobody says that nothing arrives: the router's neighbour entry is still good for a while.
    wire.link.set({ loss: 1 }, "both");
    const attempt = client.run(() => get("http://server/", { agent: false }));
    await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/^E(TIMEDOUT|HOSTUNREACH)$/) as string });
    expect(world.now).toBeGreaterThan(2e9);
  });

  test("W10: an RST ends the other side with ECONNRESET", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server, "delay=1ms");
    server.start(() => {
      net.createServer((socket) => void setTimeout(() => socket.resetAndDestroy(), 100)).listen(7);
    });
    const error = await client.run(
      () =>
        new Promise((resolve) => {
          net.connect(7, "server").on("error", resolve);
        }),
    );
    expect(error).toMatchObject({ code: "ECONNRESET", syscall: "read" });
  });
});

describe("net", () => {
  test("W11: half close, addresses, byte counts", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server, "delay=1ms");
    const listener = server.net.createServer({ allowHalfOpen: true }, (socket) => {
      let asked = "";
      socket
        .on("data", (chunk: Buffer) => (asked += chunk.toString()))
        .on("end", () => socket.end(asked.toUpperCase()));
    });
    listener.listen(9000, "10.0.0.2");
    const answer = await client.run(async () => {
      const socket = net.connect({ port: 9000, host: "server", allowHalfOpen: true });
      expect(socket.connecting).toBe(true);
      socket.end("quietly");
      const said = await text(socket);
      expect(socket).toMatchObject({
        remoteAddress: "10.0.0.2",
        remotePort: 9000,
        remoteFamily: "IPv4",
        localAddress: "10.0.0.1",
      });
      expect([socket.bytesRead, socket.bytesWritten]).toEqual([7, 7]);
      return said;
    });
    expect(answer).toBe("QUIETLY");
    expect(listener.address()).toEqual({ address: "10.0.0.2", family: "IPv4", port: 9000 });
    expect(client.net.connect(9000, "10.0.0.2")).toBeInstanceOf(net.Socket);
  });

  test("W12: a slow reader holds the writer up", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server, "delay=1ms");
    server.start(() => {
      net
        .createServer((socket) => {
          socket.pause();
          setTimeout(() => socket.resume(), 5000);
        })
        .listen(9);
    });
    const blocked = await client.run(
      () =>
        new Promise<number>((resolve) => {
          const socket = net.connect(9, "server");
          const chunk = Buffer.alloc(65_536);
          const fill = (): void => {
            while (socket.write(chunk));
          };
          socket.on("connect", fill);
          socket.on("drain", fill);
          setTimeout(() => {
            resolve(socket.bytesWritten);
          }, 4000);
        }),
    );
    // Both buffers are full, and nothing more goes.
    expect(blocked).toBeGreaterThan(100_000);
    expect(blocked).toBeLessThan(20_000_000);
  });

  test("W13: a port is taken once", async ({ world }) => {
    const server = world.host("server");
    await server.run(() => serve());
    await expect(
      server.run(
        () =>
          new Promise((_, reject) => {
            http.createServer().on("error", reject).listen(80);
          }),
      ),
    ).rejects.toMatchObject({ code: "EADDRINUSE", message: "listen EADDRINUSE: address already in use :::80" });
  });

  test("W14: an idle socket's timeout is the world's", async ({ world }) => {
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server);
    server.start(() => net.createServer(() => undefined).listen(7));
    await client.run(
      () =>
        new Promise<void>((resolve) => {
          const socket = net.connect(7, "server");
          socket.setTimeout(30_000, () => {
            socket.destroy();
            resolve();
          });
        }),
    );
    expect(world.now / 1e9).toBeCloseTo(30, 1);
  });
});

describe("time and names on a host", () => {
  test("W15: timers, Date and performance tell the world's time", async ({ world }) => {
    const host = world.host("a");
    const wall = Date.now();
    const told = await host.run(async () => {
      const [date, stamp] = [Date.now(), performance.now()];
      await sleep(3_600_000 / 2);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return [Date.now() - date, performance.now() - stamp, new Date().getUTCFullYear()];
    });
    expect(told).toEqual([1_801_000, 1_801_000, 2016]);
    expect(Date.now() - wall).toBeLessThan(60_000);
    expect(new Date(0).getTime()).toBe(0);
  });

  test("W16: dns.lookup answers by the world's names", async ({ world }) => {
    const [a, b] = [world.host("a"), world.host("b")];
    world.link(a, b);
    expect(await a.run(() => lookup("b"))).toEqual({ address: "10.0.0.2", family: 4 });
    expect(await a.run(() => lookup("b", { all: true }))).toEqual([{ address: "10.0.0.2", family: 4 }]);
    await expect(a.run(() => lookup("c"))).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  test("W17: code knows on which host it runs, and outside on none", async ({ world }) => {
    const [a, b] = [world.host("a"), world.host("b")];
    expect(await a.run(async () => (await Promise.resolve(currentHost()))?.name)).toBe("a");
    expect(await b.run(() => new Promise((resolve) => void setTimeout(() => resolve(currentHost()?.name), 5)))).toBe(
      "b",
    );
    expect(currentHost()).toBeUndefined();
  });

  test("W18: an interval goes on until it is cleared", async ({ world }) => {
    const beats = await world.host("a").run(
      () =>
        new Promise<number[]>((resolve) => {
          const seen: number[] = [];
          const timer = setInterval(() => {
            seen.push(performance.now());
            if (seen.length === 3) {
              clearInterval(timer);
              resolve(seen);
            }
          }, 250);
        }),
    );
    expect(beats).toEqual([250, 500, 750]);
  });
});

describe("a world", () => {
  test("W19: the same seed gives the same run, another one another", async () => {
    const run = async (seed: number): Promise<number> => {
      const world = new World({ seed });
      const [client, server] = [world.host("client"), world.host("server")];
      world.link(client, server, "delay=10ms jitter=3ms loss=5% rate=10mbit");
      await server.run(() => serve());
      await client.run(() => post("http://server/", Buffer.alloc(200_000)));
      const { now } = world;
      await world.close();
      return now;
    };
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test("W20: work that can never end is given up with the seed and what escaped", async ({ world }) => {
    const host = world.host("a");
    const endless = host.run(() => new Promise(() => undefined));
    await expect(endless).rejects.toThrow(/nothing is left that could happen; seed .*, time/);
  }, 20_000);

  test("W21: what programs leave open ends with the world, and real code never noticed", async () => {
    const before = patched();
    const world = new World();
    const [client, server] = [world.host("client"), world.host("server")];
    world.link(client, server);
    await server.run(() => serve());
    client.start(() => net.connect(80, "server").on("error", () => undefined));
    client.start(() => setInterval(() => undefined, 1000));
    await world.sleep(1e9);
    await world.close();
    expect(patched()).toEqual(before);
  });
});

/** What a world replaces while it lives. */
function patched(): unknown[] {
  return [
    Reflect.get(net.Socket.prototype, "connect"),
    Reflect.get(net.Server.prototype, "listen"),
    globalThis.setTimeout,
    globalThis.Date,
  ];
}
