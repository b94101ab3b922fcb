import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { geneve, gue, vxlan } from "../src/index.ts";
import { FrameQueue } from "../src/node/frame-queue.ts";
import { listenGeneve, listenGue, listenVxlan, type TunnelFrame, type TunnelListener } from "../src/node/index.ts";
import { hex } from "./support/packets.ts";
import { frameOf, inner4, inner6 } from "./support/samples.ts";

/** Sends `payloads` to the listener and waits until it has read them all. */
async function send(listener: TunnelListener, payloads: readonly Uint8Array[], host = "127.0.0.1"): Promise<void> {
  const { port } = await listener.listening;
  const socket = createSocket("udp4");
  const before = listener.stats.datagrams;
  for (const payload of payloads) {
    await new Promise((resolve) => socket.send(payload, port, host, resolve));
  }
  while (listener.stats.datagrams < before + payloads.length) await new Promise((resolve) => setTimeout(resolve, 5));
  socket.close();
}

async function readAll(listener: TunnelListener): Promise<TunnelFrame[]> {
  listener.close();
  const frames: TunnelFrame[] = [];
  for await (const frame of listener) frames.push(frame);
  return frames;
}

function behind(length: number, write: (view: DataView) => void, inner: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(length + inner.length);
  write(new DataView(bytes.buffer));
  bytes.set(inner, length);
  return bytes;
}

const inVxlan = (fields: vxlan.VxlanFields, inner: Uint8Array): Uint8Array =>
  behind(8, (view) => vxlan.write(view, 0, fields), inner);
const FRAME = frameOf(inner4());

describe("N1 VXLAN", () => {
  test("N1 frames come with VNI and sender, each once and in order", async () => {
    const listener = listenVxlan({ port: 0, host: "127.0.0.1" });
    const other = frameOf(inner6());
    await send(listener, [inVxlan({ vni: 7 }, FRAME), inVxlan({ vni: 8, gbp: { id: 3 } }, other)]);
    const frames = await readAll(listener);
    expect(frames.map(({ vni, data, linkType, address }) => [vni, hex(data), linkType, address])).toEqual([
      [7, hex(FRAME), 1, "127.0.0.1"],
      [8, hex(other), 1, "127.0.0.1"],
    ]);
    expect(frames[1]!.gbp).toMatchObject({ id: 3 });
    expect(frames[0]!.port).toBeGreaterThan(0);
    expect(Math.abs(frames[0]!.time - Date.now())).toBeLessThan(60_000);
  });

  test("N1 reserved bits are ignored (RFC 7348 §5): mirrors set them", async () => {
    const listener = listenVxlan({ port: 0 });
    const payload = inVxlan({ vni: 7 }, FRAME);
    payload[1] = 0x10;
    payload[7] = 0xff;
    await send(listener, [payload]);
    expect(await readAll(listener)).toMatchObject([{ vni: 7, address: "127.0.0.1" }]);
  });

  test("N1 GPE tells frames from packets", async () => {
    const listener = listenVxlan({ port: 0, gpe: true });
    const of = (nextProtocol: number, inner: Uint8Array): Uint8Array => inVxlan({ vni: 1, nextProtocol }, inner);
    await send(listener, [of(1, inner4()), of(2, inner6()), of(3, FRAME), of(4, FRAME), of(1, inner6())]);
    expect((await readAll(listener)).map(({ linkType }) => linkType)).toEqual([101, 101, 1]);
    expect(listener.stats.malformed).toBe(2);
  });
});

test("N2 Geneve: options come along; an unknown critical one is refused, a known one is not (RFC 8926 §3.5)", async () => {
  const option = { class: 0x0108, type: 1, critical: true, data: Uint8Array.of(1, 2, 3, 4) };
  const payload = behind(16, (view) => geneve.write(view, 0, { vni: 5, options: [option] }), FRAME);
  const strict = listenGeneve({ port: 0 });
  await send(strict, [payload]);
  expect(await readAll(strict)).toEqual([]);
  expect(strict.stats.malformed).toBe(1);
  const knowing = listenGeneve({ port: 0, knownOptions: [option] });
  await send(knowing, [payload]);
  expect(await readAll(knowing)).toMatchObject([{ vni: 5, linkType: 1, options: [option] }]);
});

test("N3 GUE: both variants; control messages and other protocols are not for us", async () => {
  const listener = listenGue({ port: 0 });
  const of = (fields: gue.GueFields, inner: Uint8Array): Uint8Array =>
    behind(4, (view) => gue.write(view, 0, fields), inner);
  const good = [of({ protocol: 4 }, inner4()), of({ protocol: 41 }, inner6()), inner4(), inner6()];
  await send(listener, [...good, of({ protocol: 1, control: true }, FRAME), of({ protocol: 47 }, FRAME)]);
  const frames = await readAll(listener);
  expect(frames.map(({ data }) => hex(data))).toEqual([inner4(), inner6(), inner4(), inner6()].map(hex));
  expect(listener.stats).toMatchObject({ malformed: 2, frames: 4 });
});

describe("N4 limits", () => {
  test("N4 only the VNIs that are wanted", async () => {
    const listener = listenVxlan({ port: 0, vni: [1, 3] });
    await send(
      listener,
      [1, 2, 3].map((vni) => inVxlan({ vni }, FRAME)),
    );
    expect((await readAll(listener)).map(({ vni }) => vni)).toEqual([1, 3]);
    expect(listener.stats.filtered).toBe(1);
  });

  test("N4 a slow reader loses the newest, counted", async () => {
    const listener = listenVxlan({ port: 0, capacity: 2 });
    await send(
      listener,
      [1, 2, 3, 4, 5].map((vni) => inVxlan({ vni }, FRAME)),
    );
    expect((await readAll(listener)).map(({ vni }) => vni)).toEqual([1, 2]);
    expect(listener.stats).toMatchObject({ datagrams: 5, frames: 2, overflowed: 3 });
  });

  test("N4 what is cut short or of another protocol is counted and dropped", async () => {
    const listener = listenVxlan({ port: 0 });
    const noFlag = inVxlan({ vni: 1 }, FRAME);
    noFlag[0] = 0;
    await send(listener, [new Uint8Array(0), new Uint8Array(7), inVxlan({ vni: 1 }, FRAME.slice(0, 13)), noFlag]);
    expect(await readAll(listener)).toEqual([]);
    expect(listener.stats).toMatchObject({ datagrams: 4, malformed: 4 });
  });

  test("N4 settings that make no sense are refused", () => {
    expect(() => listenVxlan({ vni: 1 << 24 })).toThrow(expect.objectContaining({ argument: "vni" }));
    expect(() => listenVxlan({ capacity: 0 })).toThrow(expect.objectContaining({ argument: "capacity" }));
    expect(() => listenVxlan({ port: -1 })).toThrow(expect.objectContaining({ argument: "port" }));
  });
});

describe("N5 the end", () => {
  test("N5 leaving the loop closes the socket: the port is free again", async () => {
    const listener = listenVxlan({ port: 0, host: "127.0.0.1" });
    const { port } = await listener.listening;
    const sent = send(listener, [inVxlan({ vni: 1 }, FRAME)]);
    for await (const frame of listener) {
      expect(frame.vni).toBe(1);
      break;
    }
    await sent;
    const again = listenVxlan({ port, host: "127.0.0.1" });
    await again.listening;
    again.close();
    expect(await again.next()).toEqual({ done: true, value: undefined });
  });

  test("N5 a signal ends a loop that waits", async () => {
    const stop = new AbortController();
    const listener = listenVxlan({ port: 0, signal: stop.signal });
    await listener.listening;
    const waiting = listener.next();
    stop.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    const late = listenVxlan({ port: 0, signal: stop.signal });
    expect(await late.next()).toEqual({ done: true, value: undefined });
    await expect(late.listening).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("N5 a port that is taken fails the loop and `listening`", async () => {
    const first = createSocket("udp4");
    first.bind(0, "127.0.0.1");
    await once(first, "listening");
    const listener = listenVxlan({ port: first.address().port, host: "127.0.0.1" });
    await expect(listener.listening).rejects.toMatchObject({ code: "EADDRINUSE" });
    await expect(listener.next()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(await listener.next()).toEqual({ done: true, value: undefined });
    first.close();
  });
});

test("N4 the buffer keeps order over thousands and holds no more than its capacity", async () => {
  const queue = new FrameQueue<number>(1000);
  let read = 0;
  let written = 0;
  for (let round = 0; round < 20; round++) {
    while (queue.push(written)) written++;
    expect(queue.size).toBe(1000);
    for (let i = 0; i < 700; i++) expect(await queue.next()).toEqual({ done: false, value: read++ });
  }
  queue.close();
  expect(queue.push(0)).toBe(false);
  while (read < written) expect(await queue.next()).toEqual({ done: false, value: read++ });
  expect(await queue.next()).toEqual({ done: true, value: undefined });
});
