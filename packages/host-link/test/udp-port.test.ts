import fc from "fast-check";
import { createSocket, type Socket } from "node:dgram";
import { afterEach, describe, expect, test } from "vitest";
import { monotonicNow, openUdpPort, totalDrops, type UdpPort, type UdpPortOptions } from "../src/index.ts";
import { parseUdpDrops } from "../src/udp/proc-net-udp.ts";
import { collect, frame, receiveDrops, send, waitFor } from "./frames.ts";

const open: (UdpPort | Socket)[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function port(options: Partial<UdpPortOptions> = {}): Promise<UdpPort> {
  const made = await openUdpPort({ port: 0, ...options });
  open.push(made);
  return made;
}

/** A plain socket of Node: the other side, which knows nothing of our code. */
async function peer(): Promise<{ socket: Socket; port: number; received: Buffer[] }> {
  const socket = createSocket("udp4");
  const received: Buffer[] = [];
  socket.on("message", (message) => received.push(message));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  open.push(socket);
  return { socket, port: socket.address().port, received };
}

const HEADER = Buffer.from("0003000000000001", "hex");

describe("behaviour 7: frames in UDP datagrams", () => {
  test("bare: the datagram is the frame", async () => {
    const other = await peer();
    const ours = await port({ encapsulation: "bare", peerPort: other.port });
    const collected = collect(ours);
    const before = monotonicNow();
    other.socket.send(frame(60, 5), ours.localPort, "127.0.0.1");
    await collected.until(1);
    expect(collected.frames[0]).toEqual(frame(60, 5));
    expect(collected.arrivals[0]).toBeGreaterThanOrEqual(before);
    expect(collected.arrivals[0]).toBeLessThanOrEqual(monotonicNow());
    send(ours, frame(1514, 9));
    await waitFor(
      () => other.received.length > 0,
      () => "nothing was sent",
    );
    expect(new Uint8Array(other.received[0]!)).toEqual(frame(1514, 9));
    expect(ours.stats()).toMatchObject({
      rxFrames: 1,
      rxBytes: 60,
      txFrames: 1,
      txBytes: 1514,
      rxDrops: {},
      txDrops: {},
    });
  });

  test("behaviour 8: l2tpv3: behind 8 bytes, with a session in each direction", async () => {
    const other = await peer();
    const ours = await port({ peerPort: other.port, session: 5, peerSession: 1 });
    const collected = collect(ours);
    other.socket.send(Buffer.concat([HEADER, frame(60)]), ours.localPort, "127.0.0.1");
    await collected.until(1);
    expect(collected.frames[0]).toEqual(frame(60));
    send(ours, frame(70));
    await waitFor(
      () => other.received.length > 0,
      () => "nothing was sent",
    );
    expect(other.received[0]!.subarray(0, 8).toString("hex")).toBe("0003000000000005");
    expect(new Uint8Array(other.received[0]!.subarray(8))).toEqual(frame(70));
  });

  test("the longest frame passes, both ways between two of ours", async () => {
    const one = await port({ encapsulation: "bare" });
    const two = await port({ encapsulation: "bare", peerPort: one.localPort });
    const [atOne, atTwo] = [collect(one), collect(two)];
    send(two, frame(65_507, 1));
    await atOne.until(1);
    send(one, frame(65_507, 2)); // to the peer that it learned
    await atTwo.until(1);
    expect(atOne.frames[0]).toEqual(frame(65_507, 1));
    expect(atTwo.frames[0]).toEqual(frame(65_507, 2));
  });

  test("learns its peer from the last good frame only, and drops until then", async () => {
    const [one, two] = [await peer(), await peer()];
    const ours = await port({ encapsulation: "l2tpv3" });
    const collected = collect(ours);
    send(ours, frame(60));
    expect(ours.stats().txDrops).toEqual({ DEV_READY: 1 });
    expect(ours.peer).toBeUndefined();
    one.socket.send(Buffer.concat([HEADER, frame(60)]), ours.localPort, "127.0.0.1");
    await collected.until(1);
    expect(ours.peer).toEqual({ address: "127.0.0.1", port: one.port });
    two.socket.send(Buffer.from("garbage that is no L2TPv3"), ours.localPort, "127.0.0.1");
    await waitFor(
      () => receiveDrops(ours) > 0,
      () => "garbage was not counted",
    );
    expect(ours.peer?.port).toBe(one.port);
    two.socket.send(Buffer.concat([HEADER, frame(61)]), ours.localPort, "127.0.0.1");
    await collected.until(2);
    expect(ours.peer?.port).toBe(two.port);
  });

  test("a fixed peer: datagrams from elsewhere are dropped as IP_INVALID_SOURCE", async () => {
    const [friend, stranger] = [await peer(), await peer()];
    const ours = await port({ encapsulation: "bare", peerPort: friend.port });
    const collected = collect(ours);
    stranger.socket.send(frame(60), ours.localPort, "127.0.0.1");
    friend.socket.send(frame(61), ours.localPort, "127.0.0.1");
    await collected.until(1);
    await waitFor(
      () => ours.stats().rxDrops.IP_INVALID_SOURCE === 1,
      () => JSON.stringify(ours.stats()),
    );
    expect(collected.frames.map((bytes) => bytes.length)).toEqual([61]);
  });

  test("frames before the first listener are kept and come first", async () => {
    const other = await peer();
    const ours = await port({ encapsulation: "bare" });
    for (const mark of [1, 2, 3]) other.socket.send(frame(60, mark), ours.localPort, "127.0.0.1");
    await waitFor(
      () => ours.stats().rxFrames === 3,
      () => JSON.stringify(ours.stats()),
    );
    const collected = collect(ours);
    expect(collected.frames).toEqual([frame(60, 1), frame(60, 2), frame(60, 3)]);
    expect(() => collect(ours)).toThrow(/has a listener already/);
  });

  test("behaviour 14: of those, no more than 256", async () => {
    const other = await peer();
    const ours = await port({ encapsulation: "bare" });
    for (let i = 0; i < 300; i++) other.socket.send(frame(60, i), ours.localPort, "127.0.0.1");
    await waitFor(
      () => (ours.stats().rxDrops.FULL_RING ?? 0) === 44,
      () => JSON.stringify(ours.stats()),
    );
    expect(ours.stats().rxFrames).toBe(256);
  });

  test("behaviour 14: what does not fit into the send queue is dropped as FULL_RING, not kept", async () => {
    const other = await peer();
    const ours = await port({ encapsulation: "bare", peerPort: other.port, sendQueueBytes: 100 });
    send(ours, frame(101));
    expect(ours.stats().txDrops).toEqual({ FULL_RING: 1 });
  });

  test("behaviour 3: short and overlong frames are counted and dropped, on both sides", async () => {
    const other = await peer();
    const ours = await port({ peerPort: other.port });
    collect(ours);
    send(ours, frame(13));
    send(ours, frame(65_507 - 7));
    expect(ours.stats().txDrops).toEqual({ PKT_TOO_SMALL: 1, PKT_TOO_BIG: 1 });
    other.socket.send(Buffer.concat([HEADER, frame(13)]), ours.localPort, "127.0.0.1");
    other.socket.send(Buffer.alloc(0), ours.localPort, "127.0.0.1");
    const expected = { PKT_TOO_SMALL: 1, DEV_HDR: 1 };
    await waitFor(
      () => receiveDrops(ours) === 2,
      () => JSON.stringify(ours.stats()),
    );
    expect(ours.stats().rxDrops).toEqual(expected);
  });

  test("behaviour 3: mutated datagrams: every one is delivered or counted, and none throws", async () => {
    const other = await peer();
    const ours = await port({ encapsulation: "l2tpv3" });
    const collected = collect(ours);
    const good = Buffer.concat([HEADER, frame(40)]);
    const mutated = fc.tuple(
      fc.integer({ min: 0, max: 47 }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 48 }),
    );
    const inputs = fc.sample(mutated, { numRuns: 200, seed: 7 });
    for (const [at, value, length] of inputs) {
      const bytes = Buffer.from(good);
      bytes[at] = value;
      other.socket.send(bytes.subarray(0, length), ours.localPort, "127.0.0.1");
    }
    const seen = () => collected.frames.length + receiveDrops(ours);
    await waitFor(
      () => seen() === 200,
      () => `${seen()} of 200`,
    );
    for (const bytes of collected.frames) expect(bytes.length).toBeGreaterThanOrEqual(14);
    expect(collected.failures).toEqual([]);
  });

  test("IPv6 loopback", async () => {
    const one = await port({ address: "::1", encapsulation: "bare" });
    const two = await port({ address: "::1", encapsulation: "bare", peerPort: one.localPort });
    const collected = collect(one);
    send(two, frame(60));
    await collected.until(1);
    expect(one.peer).toEqual({ address: "::1", port: two.localPort });
  });

  test("behaviour 2: a port that is taken: EADDRINUSE, and what to do", async () => {
    const other = await peer();
    await expect(openUdpPort({ port: other.port })).rejects.toMatchObject({
      code: "EADDRINUSE",
      argument: "port",
      message: expect.stringMatching(
        /could not bind UDP 127\.0\.0\.1:\d+: EADDRINUSE \(another program has that address/,
      ) as string,
    });
  });

  test.each([
    [{ port: 70_000 }, "port"],
    [{ port: 0, peerPort: 0 }, "peerPort"],
    [{ port: 0, address: "localhost" }, "address"],
    [{ port: 0, peerAddress: "::1", peerPort: 1 }, "peerAddress"],
    [{ port: 0, session: 0 }, "session"],
    [{ port: 0, peerSession: 2 ** 32 }, "peerSession"],
  ])("behaviour 2: %o names %s", async (options, argument) => {
    await expect(openUdpPort(options)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument });
  });

  test("behaviour 1: after close, frames are dropped and the port is free", async () => {
    const ours = await port({ encapsulation: "bare", peerPort: 9 });
    await ours.close();
    await ours.close();
    send(ours, frame(60));
    expect(ours.stats().txDrops).toEqual({ DEV_READY: 1 });
    const again = await port({ port: ours.localPort });
    expect(again.localPort).toBe(ours.localPort);
  });
});

describe("behaviour 4: what the kernel dropped", () => {
  test("counts as its own FULL_RING in the total of several parties", () => {
    const none = { rxFrames: 0, rxBytes: 0, txFrames: 0, txBytes: 0, rxDrops: {}, txDrops: {}, kernelDrops: 0 };
    expect(totalDrops([none, none])).toEqual({});
    expect(
      totalDrops([
        { ...none, rxDrops: { NOMEM: 1, DEV_HDR: 2 }, kernelDrops: 5 },
        { ...none, rxDrops: { NOMEM: 10 }, txDrops: { FULL_RING: 3 } },
      ]),
    ).toEqual({ NOMEM: 11, DEV_HDR: 2, FULL_RING: 8 });
  });

  const TEXT = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  155: 0100007F:13ED 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 30812 2 ffff8880 42
 2000: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 ffff8881 0
`;

  test("the drops column of the socket's line in /proc/net/udp", () => {
    expect(parseUdpDrops(TEXT, 0x13ed)).toBe(42);
    expect(parseUdpDrops(TEXT, 67)).toBe(0);
    expect(parseUdpDrops(TEXT, 68)).toBeUndefined();
    expect(parseUdpDrops("", 68)).toBeUndefined();
  });

  test.skipIf(process.platform !== "linux")("is what overflowed the socket's buffer while nobody read", async () => {
    const other = await peer();
    const ours = await port({ encapsulation: "bare", receiveBufferBytes: 4096 });
    collect(ours);
    // The bytes go out at once; this thread reads only afterwards.
    for (let i = 0; i < 200; i++) other.socket.send(frame(1000), ours.localPort, "127.0.0.1");
    const total = () => ours.stats().rxFrames + ours.stats().kernelDrops;
    await waitFor(
      () => total() === 200,
      () => JSON.stringify(ours.stats()),
    );
    expect(ours.stats().kernelDrops).toBeGreaterThan(0);
  });
});
