import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { EXIT } from "@seville/cli";
import { parseLink } from "@seville/sim";
import { endpoint } from "../src/commands/proxy.ts";
import { TcpProxy, type ProxiedConnection } from "../src/proxy/tcp-proxy.ts";
import { seville } from "./capture-output.ts";

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A server at a free port of this machine. */
async function serve(answer: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    answer(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endings.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

interface Running {
  readonly proxy: TcpProxy;
  readonly port: number;
  readonly told: ProxiedConnection[];
}

async function start(to: number, link: string): Promise<Running> {
  const told: ProxiedConnection[] = [];
  const proxy = new TcpProxy({
    listen: { host: "127.0.0.1", port: 0 },
    to: { host: "127.0.0.1", port: to },
    link: parseLink(link),
    seed: 1,
    onConnection: (one) => told.push(one),
  });
  const { port } = await proxy.listen();
  const stop = new AbortController();
  const running = proxy.run(stop.signal);
  endings.push(() => {
    stop.abort();
    return running;
  });
  return { proxy, port, told };
}

/** Echoes until the client has finished, and then says how much it was. */
function echo(socket: Socket): void {
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (!socket.write(chunk)) socket.pause();
  });
  socket.on("drain", () => socket.resume());
  socket.on("end", () => socket.end(`\n${bytes}`));
}

describe("a proxy", () => {
  test("carries bytes both ways, whole, over loss", async () => {
    const { port } = await start(await serve(echo), "delay=2ms loss=2%");
    const body = Buffer.alloc(300_000, "seville");
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    client.end(body);
    const answer = await buffer(client);
    const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    expect(hash(answer.subarray(0, body.length))).toBe(hash(body));
    expect(answer.subarray(body.length).toString()).toBe("\n300000");
  });

  test("takes the time of the link: a round trip for the handshake, one for the answer", async () => {
    const { port } = await start(await serve(echo), "delay=50ms");
    const client = connect(port, "127.0.0.1");
    const before = performance.now();
    client.write("x");
    await once(client, "data");
    expect(performance.now() - before).toBeGreaterThan(199);
    client.destroy();
  });

  test("tells of connections, with what they carried", async () => {
    const { port, told, proxy } = await start(await serve(echo), "delay=1ms");
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    client.end("four");
    await buffer(client);
    await once(client, "close");
    await expect.poll(() => told.length).toBe(2);
    expect(told[0]).toMatchObject({ number: 1, state: "open" });
    expect(told[1]).toMatchObject({ number: 1, state: "closed", up: 4, down: 6 });
    expect([proxy.connections, proxy.failed]).toEqual([1, 0]);
  });

  test("a server that refuses is a reset at the client, as through a NAT", async () => {
    const { port, told } = await start(1, "delay=1ms");
    const client = connect(port, "127.0.0.1");
    client.write("anyone?");
    const [error] = (await once(client, "error").catch((thrown: unknown) => [thrown])) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
    await expect.poll(() => told.at(-1)?.state).toBe("closed");
    expect(told.at(-1)?.error).toBe("ECONNRESET");
  });

  test("a reset by the server passes", async () => {
    const { port } = await start(
      await serve((socket) => socket.once("data", () => socket.resetAndDestroy())),
      "delay=1ms",
    );
    const client = connect(port, "127.0.0.1");
    client.write("go away");
    const [error] = (await once(client, "error").catch((thrown: unknown) => [thrown])) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
  });

  test("the link changes while it runs", async () => {
    const { port, proxy } = await start(await serve(echo), "delay=1ms");
    const client = connect(port, "127.0.0.1");
    client.write("a");
    await once(client, "data");
    proxy.command("partition");
    client.write("b");
    const early = await Promise.race([
      once(client, "data"),
      new Promise((resolve) => setTimeout(resolve, 150, "nothing")),
    ]);
    expect(early).toBe("nothing");
    proxy.command("heal");
    proxy.command("delay=2ms loss=0%");
    await once(client, "data");
    expect(() => {
      proxy.command("lag=2ms");
    }).toThrow("says nothing about a link");
    client.destroy();
  });
});

describe("seville proxy", () => {
  test("says where it listens and ends after --duration, with statistics as JSON", async () => {
    const { code, stdout } = await seville(
      "proxy",
      "--listen",
      "0",
      "--to",
      "127.0.0.1:9",
      "--duration",
      "1",
      "--json",
    );
    expect(code).toBe(EXIT.OK);
    expect(JSON.parse(stdout)).toMatchObject({ connections: 0, failed: 0, link: { up: {}, down: {} } });
  });

  test.each([
    [["--listen", "nowhere", "--to", "1"], "--listen takes HOST:PORT"],
    [["--listen", "0", "--to", "127.0.0.1:99999"], "--to takes HOST:PORT"],
    [["--listen", "0", "--to", "1", "--link", "lag=3"], '"lag=3" says nothing about a link: write delay=…'],
    [["--to", "1"], "--listen"],
  ])("%j is refused with what to write", async (given, message) => {
    const { code, stderr } = await seville("proxy", ...given);
    expect(code).not.toBe(EXIT.OK);
    expect(stderr).toContain(message);
  });

  test.each([
    ["5432", { host: "127.0.0.1", port: 5432 }],
    ["db:5432", { host: "db", port: 5432 }],
    ["[::1]:80", { host: "::1", port: 80 }],
  ])("the endpoint %s", (text, expected) => {
    expect(endpoint(text, "--to")).toEqual(expected);
  });
});
