import fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openStreamPort, type StreamPort, type StreamPortOptions } from "../src/index.ts";
import { enframe, StreamDeframer } from "../src/stream/framing.ts";
import { collect, frame, send, waitFor } from "./frames.ts";

/** Everything that a deframer makes of `pieces`. */
function deframe(pieces: readonly Uint8Array[], maxFrameBytes = 2000) {
  const frames: Uint8Array[] = [];
  const dropped: string[] = [];
  const deframer = new StreamDeframer(maxFrameBytes, {
    frame: (memory, offset, length) => void frames.push(Uint8Array.from(memory.subarray(offset, offset + length))),
    dropped: (reason) => void dropped.push(reason),
  });
  const understood = pieces.every((piece) => deframer.push(piece));
  return { frames, dropped, understood, pending: deframer.pending };
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const edges = [0, ...at.map((x) => x % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
}

describe("behaviour 9: frames in a byte stream", () => {
  test("each behind its length in 4 bytes, big-endian, as QEMU's net/stream.c", () => {
    expect(Buffer.from(enframe(frame(16), 0, 16)).toString("hex")).toBe(
      "00000010" + Buffer.from(frame(16)).toString("hex"),
    );
  });

  test("however the stream was cut, the frames come out the same", () => {
    const lengths = fc.array(fc.integer({ min: 14, max: 2000 }), { maxLength: 12 });
    fc.assert(
      fc.property(lengths, fc.array(fc.nat(), { maxLength: 40 }), (sizes, at) => {
        const sent = sizes.map((size, i) => frame(size, i));
        const stream = Buffer.concat(sent.map((bytes) => enframe(bytes, 0, bytes.length)));
        expect(deframe(cut(stream, at))).toEqual({ frames: sent, dropped: [], understood: true, pending: 0 });
      }),
    );
  });

  test("byte by byte", () => {
    const stream = Buffer.concat([enframe(frame(60, 1), 0, 60), enframe(frame(1514, 2), 0, 1514)]);
    expect(deframe([...stream].map((byte) => Uint8Array.of(byte))).frames).toEqual([frame(60, 1), frame(1514, 2)]);
  });

  test("behaviour 3: frames of less than 14 bytes, none at all too, are dropped, and the next is found", () => {
    const stream = Buffer.concat([enframe(frame(13), 0, 13), Buffer.alloc(4), enframe(frame(14), 0, 14)]);
    for (const pieces of [[stream], [...stream].map((byte) => Uint8Array.of(byte))]) {
      expect(deframe(pieces)).toMatchObject({ frames: [frame(14)], dropped: ["PKT_TOO_SMALL", "PKT_TOO_SMALL"] });
    }
  });

  test.each([2001, 65_536, 0x7fff_ffff, 0xffff_ffff])(
    "behaviour 10: a length of %d that cannot be ends it, whole or cut",
    (length) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32BE(length);
      const good = enframe(frame(20), 0, 20);
      for (const pieces of [[Buffer.concat([good, prefix])], [good, prefix.subarray(0, 3), prefix.subarray(3)]]) {
        expect(deframe(pieces)).toEqual({
          frames: [frame(20)],
          dropped: ["PKT_TOO_BIG"],
          understood: false,
          pending: 0,
        });
      }
    },
  );

  test("behaviour 3: any bytes at all: no throw, no frame outside the limits", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (pieces) => {
        for (const bytes of deframe(pieces, 100).frames) {
          expect(bytes.length).toBeGreaterThanOrEqual(14);
          expect(bytes.length).toBeLessThanOrEqual(100);
        }
      }),
    );
  });
});

describe("behaviour 9: ports over TCP and Unix sockets", () => {
  const open: { close(): unknown }[] = [];
  const directory = mkdtempSync(join(tmpdir(), "stream-"));
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });
  afterEach(() => rmSync(join(directory, "s"), { force: true }));

  async function port(options: StreamPortOptions): Promise<StreamPort> {
    const made = await openStreamPort(options);
    open.push(made);
    return made;
  }

  /** A plain client of Node's. */
  async function client(to: number): Promise<Socket> {
    const socket = createConnection({ port: to, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once("connect", resolve));
    open.push({ close: () => socket.destroy() });
    return socket;
  }

  test("client and server, both ways, over a Unix socket", async () => {
    const server = await port({ role: "server", address: { path: join(directory, "s") } });
    const other = await port({ role: "client", address: { path: join(directory, "s") } });
    const [atServer, atClient] = [collect(server), collect(other)];
    send(other, frame(65_000, 1));
    await atServer.until(1);
    send(server, frame(60, 2));
    await atClient.until(1);
    expect(atServer.frames).toEqual([frame(65_000, 1)]);
    expect(atClient.frames).toEqual([frame(60, 2)]);
    expect(server.localPort).toBeUndefined();
  });

  test("a server serves one connection, turns others away, and takes the next when it ends", async () => {
    const server = await port({ role: "server", address: { port: 0 } });
    const collected = collect(server);
    const first = await client(server.localPort!);
    await waitFor(
      () => server.connected,
      () => "not connected",
    );
    const second = await client(server.localPort!);
    await new Promise((resolve) => second.once("close", resolve));
    expect(server.refused).toBe(1);
    first.destroy();
    await waitFor(
      () => !server.connected,
      () => "still connected",
    );
    expect(collected.failures).toEqual([]);
    send(server, frame(60));
    expect(server.stats().txDrops).toEqual({ DEV_READY: 1 });
    const third = await client(server.localPort!);
    third.write(enframe(frame(99), 0, 99));
    await collected.until(1);
    expect(collected.frames).toEqual([frame(99)]);
  });

  test("behaviour 10: a lying length closes the connection, and is counted", async () => {
    const server = await port({ role: "server", address: { port: 0 }, maxFrameBytes: 1514 });
    const collected = collect(server);
    const liar = await client(server.localPort!);
    liar.write(Buffer.concat([enframe(frame(60), 0, 60), Buffer.from("000005eb", "hex"), frame(60)]));
    await new Promise((resolve) => liar.once("close", resolve));
    expect(server.protocolErrors).toBe(1);
    expect(server.stats()).toMatchObject({ rxFrames: 1, rxDrops: { PKT_TOO_BIG: 1 } });
    expect(collected.frames).toEqual([frame(60)]);
  });

  test("a connection that ends within a frame counts it as HDR_TRUNC", async () => {
    const server = await port({ role: "server", address: { port: 0 } });
    collect(server);
    const socket = await client(server.localPort!);
    socket.end(enframe(frame(60), 0, 60).subarray(0, 50));
    await waitFor(
      () => server.stats().rxDrops.HDR_TRUNC === 1,
      () => JSON.stringify(server.stats()),
    );
  });

  test("a client's port fails when the other side goes, also for a listener that comes later", async () => {
    const server = await port({ role: "server", address: { port: 0 } });
    const other = await port({ role: "client", address: { port: server.localPort! } });
    await waitFor(
      () => server.connected,
      () => "not connected",
    );
    await server.close();
    await waitFor(
      () => !other.connected,
      () => "still connected",
    );
    const error = await collect(other).failed();
    expect(error).toMatchObject({ code: "ECONNRESET" });
    expect(error.message).toMatch(/the other side closed the connection/);
  });

  test("behaviour 14: a reader that does not read: FULL_RING beyond the send queue", async () => {
    const server = await port({ role: "server", address: { port: 0 }, sendQueueBytes: 100_000 });
    collect(server);
    const sleeper = await client(server.localPort!);
    sleeper.pause();
    await waitFor(
      () => server.connected,
      () => "not connected",
    );
    for (let i = 0; i < 2000; i++) send(server, frame(10_000));
    const { txFrames, txDrops } = server.stats();
    expect(txDrops.FULL_RING).toBeGreaterThan(0);
    expect(txFrames + txDrops.FULL_RING!).toBe(2000);
  });

  test("a client waits for a server that comes later", async () => {
    const path = join(directory, "s");
    const waiting = openStreamPort({ role: "client", address: { path }, connectTimeoutMs: 5000 });
    await new Promise((resolve) => setTimeout(resolve, 120));
    const server: Server = createServer();
    server.listen(path);
    open.push({ close: () => server.close() }, await waiting);
  });

  test("behaviour 2: nobody there, a taken address, a path that cannot be", async () => {
    const path = join(directory, "nobody");
    const nobody = openStreamPort({ role: "client", address: { path }, connectTimeoutMs: 60 });
    await expect(nobody).rejects.toMatchObject({ code: "ENOENT", argument: "address" });
    const refused = openStreamPort({ role: "client", address: { port: 1 }, connectTimeoutMs: 0 });
    await expect(refused).rejects.toThrow(/ECONNREFUSED \(nothing listens there: start the other side first\)/);
    const server = await port({ role: "server", address: { port: 0 } });
    const taken = openStreamPort({ role: "server", address: { port: server.localPort! } });
    await expect(taken).rejects.toMatchObject({ code: "EADDRINUSE" });
    const tooLong = openStreamPort({ role: "server", address: { port: 0 }, maxFrameBytes: 1 });
    await expect(tooLong).rejects.toMatchObject({ argument: "maxFrameBytes" });
  });
});
