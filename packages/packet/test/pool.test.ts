import { SevilleError } from "@seville/core";
import { describe, expect, test } from "vitest";
import { DEFAULT_HEADROOM, ETHERNET_HEADROOM, PacketPool, type Packet } from "../src/index.ts";

const SMALL = { small: 8, jumbo: 4, super: 2 };

function take(packet: Packet | undefined): Packet {
  if (packet === undefined) throw new Error("the pool is empty");
  return packet;
}

function bytesOf(count: number, first = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (first + i) & 0xff);
}

describe.each([true, false])("PacketPool, wasm: %s", (wasm) => {
  test("P1 lays slots of three sizes into one memory that never grows", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    expect(pool.memory.wasm !== undefined).toBe(wasm);
    expect(pool.stats).toMatchObject({ capacity: 14, inUse: 0, highWater: 0, failures: 0 });
    const small = take(pool.alloc(2048));
    const jumbo = take(pool.alloc(9000));
    const large = take(pool.alloc(65_536 + 60));
    expect([small.end - small.head, jumbo.end - jumbo.head, large.end - large.head]).toEqual([2176, 9344, 65_920]);
    for (const packet of [small, jumbo, large]) {
      expect(packet.headroom).toBe(DEFAULT_HEADROOM);
      expect(packet.data % 16).toBe(0);
      packet.release();
    }
    pool.assertDrained();
  });

  test("P2 a frame behind ETHERNET_HEADROOM begins at 2 modulo 16, so that its network header is aligned", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const frame = take(pool.from(bytesOf(60), ETHERNET_HEADROOM));
    expect(frame.data % 16).toBe(2);
    expect((frame.data + 14) % 16).toBe(0);
    frame.release();
  });

  test("P3 answers undefined when no slot fits, counts it, and recovers", () => {
    const pool = new PacketPool({ small: 1, jumbo: 1, super: 0, wasm });
    const first = take(pool.alloc(100));
    const second = take(pool.alloc(100));
    expect(second.end - second.head).toBe(9344);
    expect(pool.available(100)).toBe(0);
    expect(pool.alloc(100)).toBeUndefined();
    expect(pool.alloc(65_536)).toBeUndefined();
    expect(pool.stats).toMatchObject({ inUse: 2, highWater: 2, failures: 2 });
    first.release();
    expect(pool.available(100)).toBe(1);
    expect(pool.available(5000)).toBe(0);
    take(pool.alloc(100)).release();
    second.release();
    pool.assertDrained();
  });

  test("P3 many at once are those that come one by one, in the same order, from as many sizes as it takes", () => {
    const [one, many] = [new PacketPool({ ...SMALL, wasm }), new PacketPool({ ...SMALL, wasm })];
    const singly = Array.from({ length: 13 }, () => take(one.alloc(1000, 64)));
    const together = many.allocMany(13, 1000, 64) ?? [];
    const shape = ({ head, end, data, tail, headroom }: Packet): number[] => [head, end, data, tail, headroom];
    expect(together.map(shape)).toEqual(singly.map(shape));
    expect(many.stats).toEqual({ ...one.stats, byteLength: many.stats.byteLength });
    expect(together.every((packet) => many.refCount(packet.head) === 1)).toBe(true);
    for (const packet of [...singly, ...together]) packet.release();
    one.assertDrained();
    many.assertDrained();
  });

  test("P3 all or none: what is too much takes nothing, is one failure, and the slots are still there", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    expect(pool.allocMany(15, 1000)).toBeUndefined();
    expect(pool.allocMany(3, 60_000)).toBeUndefined();
    expect(pool.stats).toMatchObject({ inUse: 0, highWater: 0, failures: 2 });
    const all = pool.allocMany(14, 1000) ?? [];
    expect(new Set(all.map(({ head }) => head)).size).toBe(14);
    expect(pool.alloc(1)).toBeUndefined();
    for (const packet of all) packet.release();
    expect(pool.allocMany(0, 1000)).toEqual([]);
    expect(pool.stats).toMatchObject({ inUse: 0, highWater: 14 });
  });

  test("P3 objects that were used before come with their fields reset", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const used = take(pool.alloc(100));
    Object.assign(used, { gsoSize: 7, ipSummed: 3, vlanTci: 9, mark: 5, networkHeader: 1, fragList: undefined });
    used.release();
    for (const packet of pool.allocMany(8, 100) ?? []) {
      expect(packet).toMatchObject({ gsoSize: 0, ipSummed: 0, vlanTci: -1, mark: 0, networkHeader: -1 });
      packet.release();
    }
  });

  test("P11 a number of packets or bytes that is none", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    for (const count of [-1, 1.5, NaN]) expect(() => pool.allocMany(count, 10)).toThrow(/count must be a whole number/);
    expect(() => pool.allocMany(1, -1)).toThrow(/size must be a number of bytes/);
    expect(() => pool.allocMany(1, 10, NaN)).toThrow(/size must be/);
  });

  test("P4 clones share a slot; it returns with the last of them", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const packet = take(pool.from(bytesOf(10)));
    const clone = packet.clone();
    expect(clone.head).toBe(packet.head);
    expect(packet.isShared && clone.isShared).toBe(true);
    expect(pool.stats.inUse).toBe(1);
    packet.release();
    expect(clone.isShared).toBe(false);
    expect(clone.bytes()).toEqual(bytesOf(10));
    expect(pool.stats.inUse).toBe(1);
    clone.release();
    pool.assertDrained();
  });

  test("P5 a second release throws ERR_PACKET_RELEASED", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const packet = take(pool.from(bytesOf(10)));
    packet.release();
    expect(() => packet.release()).toThrow(SevilleError);
    expect(() => packet.release()).toThrow(expect.objectContaining({ code: "ERR_PACKET_RELEASED" }));
    expect(pool.stats.inUse).toBe(0);
  });

  test("P6 cow moves to a slot of its own and leaves the others' bytes alone", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const packet = take(pool.from(bytesOf(40)));
    packet.macHeader = packet.data;
    packet.pull(14);
    packet.networkHeader = packet.data;
    const clone = packet.clone();
    const mark = clone.data;
    expect(clone.cow()).toBe(true);
    expect(clone.data).not.toBe(mark);
    expect(packet.isShared).toBe(false);
    pool.memory.u8[clone.networkHeader] = 0xee;
    expect(packet.bytes()).toEqual(bytesOf(26, 14));
    expect(clone.bytes().slice(1)).toEqual(bytesOf(25, 15));
    // The Ethernet header lies before the data and was copied with it.
    expect(pool.memory.u8.slice(clone.macHeader, clone.macHeader + 14)).toEqual(bytesOf(14));
    const alone = clone.head;
    expect(clone.cow()).toBe(true);
    expect(clone.head).toBe(alone);
    packet.release();
    clone.release();
    pool.assertDrained();
  });

  test("P6 cow fails without a change when the pool is empty", () => {
    const pool = new PacketPool({ small: 1, jumbo: 0, super: 0, wasm });
    const packet = take(pool.from(bytesOf(40)));
    const clone = packet.clone();
    expect(clone.cow()).toBe(false);
    expect(clone.head).toBe(packet.head);
    expect(clone.bytes()).toEqual(bytesOf(40));
    expect(clone.copy()).toBeUndefined();
    expect(clone.unshare()).toBeUndefined();
    packet.release();
    pool.assertDrained();
  });

  test("P7 a retransmission queue and one clone on its way share a slot, and the clone may write headers", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const queued = take(pool.from(bytesOf(100)));
    queued.releaseHeader();
    const first = queued.clone();
    expect(first.isShared).toBe(true);
    expect(first.isHeaderShared).toBe(false);
    expect(first.cowHead(20)).toBe(true);
    expect(first.head).toBe(queued.head);
    pool.memory.u8.fill(0x11, first.push(20), first.data + 20);

    // While the first is still on the wire, a retransmission may not write over its headers.
    const second = queued.clone();
    expect(second.isHeaderShared).toBe(true);
    expect(second.cowHead(20)).toBe(true);
    expect(second.head).not.toBe(queued.head);
    pool.memory.u8.fill(0x22, second.push(20), second.data + 20);
    expect(first.bytes().slice(0, 20)).toEqual(new Uint8Array(20).fill(0x11));
    expect(second.bytes().slice(20)).toEqual(bytesOf(100));

    first.release();
    const third = queued.clone();
    expect(third.isHeaderShared).toBe(false);
    for (const packet of [second, third, queued]) packet.release();
    pool.assertDrained();
    // The slot starts afresh.
    const fresh = take(pool.alloc(10));
    expect(fresh.clone().isHeaderShared).toBe(true);
  });

  test("P8 linearize brings the fragments into one slot, mayPull only if it must", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const head = take(pool.from(bytesOf(1000)));
    head.fragList = [take(pool.from(bytesOf(1500, 1000))), take(pool.from(bytesOf(500, 2500)))];
    expect([head.length, head.totalLength]).toEqual([1000, 3000]);
    expect(head.mayPull(1000)).toBe(true);
    expect(head.fragList).toBeDefined();
    expect(head.mayPull(3001)).toBe(false);
    expect(head.mayPull(1001)).toBe(true);
    expect(head.fragList).toBeUndefined();
    expect(head.bytes()).toEqual(bytesOf(3000));
    expect(pool.stats.inUse).toBe(1);
    head.release();
    pool.assertDrained();
  });

  test("P8 linearize fails without a change when no slot is large enough", () => {
    const pool = new PacketPool({ small: 2, jumbo: 0, super: 0, wasm });
    const head = take(pool.from(bytesOf(2000)));
    head.fragList = [take(pool.from(bytesOf(2000)))];
    expect(head.linearize()).toBe(false);
    expect(head.totalLength).toBe(4000);
    expect(head.fragList).toHaveLength(1);
    head.release();
    pool.assertDrained();
  });

  test("P8 trim cuts through fragments and releases those behind", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const head = take(pool.from(bytesOf(10)));
    head.fragList = [take(pool.from(bytesOf(10, 10))), take(pool.from(bytesOf(10, 20)))];
    head.trim(40);
    expect(head.totalLength).toBe(30);
    head.trim(15);
    expect(head.totalLength).toBe(15);
    expect(pool.stats.inUse).toBe(2);
    head.trim(4);
    expect(head.fragList).toBeUndefined();
    expect(head.bytes()).toEqual(bytesOf(4));
    head.release();
    pool.assertDrained();
  });

  test("P9 push, pull, put, trim and reserve keep head ≤ data ≤ tail ≤ end", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const packet = take(pool.alloc(64, 0));
    packet.reserve(16);
    expect([packet.headroom, packet.length]).toEqual([16, 0]);
    expect(packet.put(8)).toBe(packet.data);
    expect(packet.push(16)).toBe(packet.head);
    expect(packet.length).toBe(24);
    expect(() => packet.push(1)).toThrow(expect.objectContaining({ code: "ERR_NO_ROOM" }));
    expect(() => packet.put(1 << 20)).toThrow(expect.objectContaining({ code: "ERR_NO_ROOM" }));
    expect(() => packet.pull(25)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    expect(() => packet.reserve(1)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    packet.release();
  });

  test("P9 expandHead gives more room on both sides and moves every offset with it", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    const packet = take(pool.from(bytesOf(100)));
    packet.networkHeader = packet.data;
    packet.transportHeader = packet.data + 20;
    packet.csumStart = packet.data + 20;
    packet.mark = 7;
    expect(packet.expandHead(100, 4000)).toBe(true);
    expect(packet.headroom).toBe(DEFAULT_HEADROOM + 100);
    expect(packet.tailroom).toBeGreaterThanOrEqual(4000);
    expect(packet.networkHeader).toBe(packet.data);
    expect(packet.transportHeader).toBe(packet.data + 20);
    expect(packet.csumStart).toBe(packet.data + 20);
    expect(packet.mark).toBe(7);
    expect(packet.bytes()).toEqual(bytesOf(100));
    packet.release();
    pool.assertDrained();
  });

  test("P10 assertDrained throws ERR_PACKETS_LEAKED with the number of slots", () => {
    const pool = new PacketPool({ ...SMALL, wasm });
    pool.alloc(1);
    pool.alloc(1);
    expect(() => pool.assertDrained()).toThrow(
      expect.objectContaining({
        code: "ERR_PACKETS_LEAKED",
        message: expect.stringMatching(/^2 packet slots/) as string,
      }),
    );
  });

  test("P10 with debug it says where they were allocated, and released objects are never used again", () => {
    const pool = new PacketPool({ ...SMALL, wasm, debug: true });
    function leakHere(): void {
      pool.from(bytesOf(3));
    }
    for (let i = 0; i < 2; i++) leakHere();
    expect(() => pool.assertDrained()).toThrow(/2 × allocated[^]*leakHere/);
    const stale = take(pool.from(bytesOf(4)));
    const at = stale.data;
    stale.release();
    expect(take(pool.alloc(4))).not.toBe(stale);
    expect(() => stale.release()).toThrow(expect.objectContaining({ code: "ERR_PACKET_RELEASED" }));
    expect(pool.memory.u8[at]).toBe(0x6b);
  });

  test("P11 the caller's mistakes throw ERR_INVALID_ARGUMENT", () => {
    expect(() => new PacketPool({ small: -1, wasm })).toThrow(expect.objectContaining({ argument: "small" }));
    expect(() => new PacketPool({ jumbo: 1.5, wasm })).toThrow(expect.objectContaining({ argument: "jumbo" }));
    const pool = new PacketPool({ ...SMALL, wasm });
    expect(() => pool.alloc(-1)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    expect(() => pool.alloc(NaN)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  });
});
