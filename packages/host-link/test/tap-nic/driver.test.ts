import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  PacketPool,
  SKB_GSO_DODGY,
  SKB_GSO_SCTP,
  SKB_GSO_TCPV4,
  SKB_GSO_UDP_L4,
  type Packet,
} from "@seville/packet";
import { parseFeature, STATS_DRIVER, STATS_QUEUE } from "@seville/netdev";
import { virtioNetHdr } from "@seville/tso";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Bench, GRANT_5_10, type BenchOptions } from "./fake-hardware.ts";
import { L4_AT, packetOf, TCP_CSUM_OFFSET, tcpFrame, UDP_CSUM_OFFSET, udpFrame, unfinished } from "./frames.ts";

const TCP_SUPER = { flags: virtioNetHdr.NEEDS_CSUM, gsoType: virtioNetHdr.GSO_TCPV4, gsoSize: 1460, hdrLen: 54 };
const TCP_CSUM = { csumStart: L4_AT, csumOffset: TCP_CSUM_OFFSET };

const smallPool = (): PacketPool => new PacketPool({ small: 128, jumbo: 16, super: 2, debug: true });

/** GRO, the device's or the stack's, verifies what nobody did, and says so. */
function withoutGro(options: BenchOptions = {}): Bench {
  const bench = new Bench(options);
  for (const word of ["gro", "rx-gro-hw"]) bench.device.features.set(parseFeature(word), false);
  return bench;
}

/** The one frame that came up. */
function only(bench: Bench): Packet {
  expect(bench.received).toHaveLength(1);
  return bench.received[0] as Packet;
}

describe("behaviour 24 (S16): what the kernel left unfinished comes in as the header says", () => {
  test("a super-packet comes in whole, with its segment size and its checksum PARTIAL", () => {
    const bench = new Bench();
    const frame = unfinished(tcpFrame(60_000), 6);
    bench.offer(frame, { ...TCP_SUPER, ...TCP_CSUM });
    bench.settle();
    const packet = only(bench);
    expect(packet.bytes()).toEqual(frame);
    expect(packet).toMatchObject({ gsoSize: 1460, gsoType: SKB_GSO_TCPV4 | SKB_GSO_DODGY, ipSummed: CHECKSUM_PARTIAL });
    expect(packet.gsoSegs).toBe(Math.ceil(60_000 / 1460));
    expect(packet.csumStart - packet.data).toBe(L4_AT);
    expect(packet.csumOffset).toBe(TCP_CSUM_OFFSET);
    expect(packet.fragList).toBeUndefined();
    expect(bench.statistic("rx_gso_packets")).toBe(1);
    expect(bench.statistic("rx_gso_bytes")).toBe(frame.length);
    bench.release();
  });

  test("datagrams that are yet to be split (USO)", () => {
    const bench = new Bench();
    const header = { flags: virtioNetHdr.NEEDS_CSUM, gsoType: virtioNetHdr.GSO_UDP_L4, gsoSize: 1200 };
    bench.offer(unfinished(udpFrame(48_000), 17), { ...header, csumStart: L4_AT, csumOffset: UDP_CSUM_OFFSET });
    bench.settle();
    expect(only(bench)).toMatchObject({ gsoSize: 1200, gsoType: SKB_GSO_UDP_L4 | SKB_GSO_DODGY });
    bench.release();
  });

  test("NEEDS_CSUM is PARTIAL, DATA_VALID is UNNECESSARY, neither is NONE: to be verified", () => {
    const bench = withoutGro();
    const frame = udpFrame(100);
    bench.offer(unfinished(frame, 17), {
      flags: virtioNetHdr.NEEDS_CSUM,
      csumStart: L4_AT,
      csumOffset: UDP_CSUM_OFFSET,
    });
    bench.settle();
    bench.offer(frame, { flags: virtioNetHdr.DATA_VALID });
    bench.settle();
    bench.offer(frame);
    bench.settle();
    const states = bench.received.map(({ ipSummed }) => ipSummed);
    expect(states).toEqual([CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY, CHECKSUM_NONE]);
    expect(bench.device.rxQueueStats.total).toMatchObject({ packets: 3, csum_unnecessary: 2, csum_none: 1 });
    bench.release();
  });

  test("a header of 12 bytes, of kernels before 6.17", () => {
    const bench = new Bench({ grant: GRANT_5_10 });
    bench.offer(unfinished(tcpFrame(5000), 6), { ...TCP_SUPER, ...TCP_CSUM }, 0, 12);
    bench.settle();
    expect(only(bench).gsoSize).toBe(1460);
    bench.release();
  });

  test("bare frames, without a header", () => {
    const bench = withoutGro({ grant: undefined });
    const frame = tcpFrame(200);
    bench.offer(frame, {}, 0, 0);
    bench.settle();
    expect(only(bench).bytes()).toEqual(frame);
    expect(only(bench)).toMatchObject({ gsoSize: 0, ipSummed: CHECKSUM_NONE });
    bench.release();
  });

  test("the network header lies on a multiple of 4, and there is room in front for a tunnel and the next header", () => {
    const bench = new Bench();
    bench.offer(tcpFrame(10));
    bench.settle();
    expect((only(bench).data + 14) % 4).toBe(0);
    expect(only(bench).headroom).toBeGreaterThanOrEqual(14 + 40 + 8 + 8 + 24);
    bench.release();
  });
});

describe("behaviour 25 (S17): what a header cannot say is counted and dropped", () => {
  const frame = unfinished(tcpFrame(5000), 6);
  test.each<[string, Partial<virtioNetHdr.Header>, Uint8Array]>([
    ["gso_type", { ...TCP_SUPER, ...TCP_CSUM, gsoType: 9 }, frame],
    ["gso_size", { ...TCP_SUPER, ...TCP_CSUM, gsoSize: 0 }, frame],
    ["gso_size", { ...TCP_SUPER, ...TCP_CSUM, gsoSize: 0xffff }, frame],
    ["csum_range", { ...TCP_SUPER, csumStart: 6000, csumOffset: 16 }, frame],
    ["csum_range", { ...TCP_SUPER, csumStart: 0xffff, csumOffset: 0xffff }, frame],
    ["csum_range", { flags: virtioNetHdr.NEEDS_CSUM, csumStart: L4_AT, csumOffset: 5030 }, frame],
    ["csum_offset", { ...TCP_SUPER, csumStart: L4_AT, csumOffset: 6 }, frame],
    ["protocol", { ...TCP_SUPER, flags: 0, gsoType: virtioNetHdr.GSO_TCPV6 }, frame],
    ["needs_csum", { gsoType: virtioNetHdr.GSO_UDP_L4, gsoSize: 100 }, udpFrame(1000)],
    [
      "tunnel",
      { ...TCP_SUPER, ...TCP_CSUM, gsoType: virtioNetHdr.GSO_TCPV4 | virtioNetHdr.GSO_UDP_TUNNEL_IPV4 },
      frame,
    ],
    [
      "too_many",
      { flags: 1, gsoType: virtioNetHdr.GSO_UDP_L4, gsoSize: 1, csumStart: L4_AT, csumOffset: 6 },
      udpFrame(500),
    ],
  ])("rx_vnet_%s: %j", (fault, header, bytes) => {
    const bench = new Bench();
    bench.offer(bytes, header);
    bench.settle();
    expect(bench.received).toHaveLength(0);
    expect(bench.statistic(`rx_vnet_${fault}`)).toBe(1);
    expect(bench.statistic("rx_drop_DEV_HDR")).toBe(1);
    expect(bench.drops).toEqual(["DEV_HDR"]);
    expect(bench.device.rxQueueStats.total.hw_drops).toBe(1);
  });

  test("records that end within their header or within Ethernet's, and frames that are too long", () => {
    const bench = new Bench();
    for (const bytes of [0, 1, 23, 24, 37, 65_578]) bench.offerRaw(new Uint8Array(bytes));
    bench.settle();
    expect(bench.received).toHaveLength(0);
    expect(bench.statistic("rx_drop_PKT_TOO_SMALL")).toBe(5);
    expect(bench.statistic("rx_drop_PKT_TOO_BIG")).toBe(1);
  });

  test("no bytes throw, whatever they are, and every packet comes back", () => {
    const pool = smallPool();
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 24, maxLength: 3000 })), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.boolean(),
        (records, tunnels) => {
          const bench = new Bench(tunnels ? { pool } : { grant: GRANT_5_10, pool });
          for (const record of records) bench.offerRaw(record);
          bench.settle();
          const refused = [...bench.driver.counters.entries()].filter(([name]) => name.startsWith("rx_drop_"));
          const dropped = refused.reduce((sum, [, count]) => sum + count, 0);
          expect(dropped + bench.received.length).toBe(records.length);
          bench.release();
        },
      ),
      { seed: 24, numRuns: 300 },
    );
  });

  test("good frames with any header: what comes up is sound enough to go out again", () => {
    const u16 = fc.oneof(
      fc.constantFrom(0, 1, 6, 14, 16, L4_AT, 54, 1460, 0xffff),
      fc.integer({ min: 0, max: 0xffff }),
    );
    const pool = smallPool();
    fc.assert(
      fc.property(
        fc.record({
          flags: fc.integer({ min: 0, max: 15 }),
          gsoType: fc.constantFrom(0, 1, 3, 4, 5, 0x21, 0x24, 0x41, 0x81),
          gsoSize: u16,
          csumStart: u16,
          csumOffset: u16,
          outerThOffset: u16,
          innerNhOffset: u16,
        }),
        fc.constantFrom(unfinished(tcpFrame(4000), 6), unfinished(udpFrame(4000), 17)),
        (header, bytes) => {
          const bench = new Bench({ pool });
          bench.offer(bytes, header);
          bench.settle();
          for (const packet of bench.received.splice(0)) bench.send(packet);
          bench.settle();
        },
      ),
      { seed: 25, numRuns: 500 },
    );
  });

  test("a pool that is empty: NOMEM, and the queue goes on when there is room again", () => {
    const bench = new Bench({ pool: new PacketPool({ small: 1, jumbo: 0, super: 0, debug: true }) });
    for (let i = 0; i < 3; i++) bench.offer(tcpFrame(10));
    bench.settle();
    expect(only(bench)).toBeDefined();
    expect(bench.statistic("rx_drop_NOMEM")).toBe(2);
    expect(bench.device.rxQueueStats.total.alloc_fail).toBe(2);
    bench.release();
    bench.offer(tcpFrame(10));
    bench.settle();
    expect(only(bench)).toBeDefined();
    bench.release();
  });
});

describe("behaviour 26 (S16): what we leave unfinished goes out as it is, and its header says what is to be done", () => {
  test("a TCP super-packet in one write", () => {
    const bench = new Bench();
    const frame = tcpFrame(60_000);
    bench.send(packetOf(bench.pool, frame, 6, 1448));
    const { header, frame: sent } = bench.written(0);
    expect(sent).toEqual(unfinished(frame, 6));
    expect(header).toMatchObject({ ...TCP_SUPER, ...TCP_CSUM, gsoSize: 1448 });
    expect(bench.device.txQueueStats.total).toMatchObject({
      packets: 1,
      bytes: frame.length,
      hw_gso_packets: 1,
      hw_gso_bytes: frame.length,
      needs_csum: 1,
    });
  });

  test("fragments are gathered: nothing is copied together", () => {
    const bench = new Bench();
    const frame = tcpFrame(3000);
    const packet = packetOf(bench.pool, frame, 6, 1000);
    const tail = bench.pool.from(packet.bytes().slice(1054)) as Packet;
    packet.trim(1054);
    packet.fragList = [tail];
    bench.send(packet);
    expect(bench.queues[0]?.pieces).toEqual([2]);
    expect(bench.written(0).frame).toEqual(unfinished(frame, 6));
  });

  test("a packet whose bytes others look at is not written to", () => {
    const bench = new Bench();
    const packet = packetOf(bench.pool, tcpFrame(100), 6);
    const twin = packet.clone();
    const before = bench.pool.memory.u8.slice(packet.head, packet.tail);
    bench.send(packet);
    expect(bench.pool.memory.u8.slice(twin.head, twin.tail)).toEqual(before);
    expect(bench.written(0).frame).toEqual(twin.bytes());
    twin.release();
  });

  test("a tag goes into the frame, and offsets count it", () => {
    const bench = new Bench();
    const packet = packetOf(bench.pool, tcpFrame(100), 6);
    packet.vlanTci = 7;
    bench.send(packet);
    const { header, frame } = bench.written(0);
    expect([...frame.subarray(12, 16)]).toEqual([0x81, 0, 0, 7]);
    expect(header.csumStart).toBe(L4_AT + 4);
  });

  test("datagrams are split in software for a kernel before 6.2, and their checksums left to it", () => {
    const bench = new Bench({ grant: GRANT_5_10 });
    bench.send(packetOf(bench.pool, udpFrame(3000), 17, 1000));
    expect(bench.queues[0]?.written).toHaveLength(3);
    for (const i of [0, 1, 2]) {
      expect(bench.written(i, 12).header).toMatchObject({ flags: virtioNetHdr.NEEDS_CSUM, gsoType: 0 });
    }
  });

  test("without a header everything is finished", () => {
    const bench = new Bench({ grant: undefined });
    const frame = udpFrame(100);
    bench.send(packetOf(bench.pool, frame, 17));
    bench.send(packetOf(bench.pool, tcpFrame(2000), 6, 1000));
    const [first, ...segments] = bench.queues[0]?.written ?? [];
    expect(first).toEqual(frame);
    expect(segments.map(({ length }) => length)).toEqual([1054, 1054]);
  });

  test("what no header can say, and a super-packet that is too long, is split first", () => {
    const bench = new Bench();
    const packet = packetOf(bench.pool, tcpFrame(2000), 6, 1000);
    packet.gsoType = SKB_GSO_SCTP;
    bench.send(packet);
    // A TCP frame is no SCTP: software refuses it too.
    expect(bench.queues[0]?.written).toHaveLength(0);
    expect(bench.drops).toHaveLength(1);
  });

  test.each([
    ["EIO", "DEV_READY"],
    ["EBADFD", "DEV_READY"],
    ["EAGAIN", "FULL_RING"],
    ["ENOBUFS", "FULL_RING"],
    ["ENOMEM", "NOMEM"],
    ["EINVAL", "DEV_HDR"],
    ["EXDEV", "NOT_SPECIFIED"],
  ])("the kernel refuses a write with %s: %s, and counted by both names", (errno, reason) => {
    const bench = new Bench();
    for (const queue of bench.queues) queue.errno = errno;
    bench.send(packetOf(bench.pool, tcpFrame(10), 6));
    expect(bench.drops).toEqual([reason]);
    expect(bench.statistic(`tx_errno_${errno}`)).toBe(1);
    expect(bench.statistic(`tx_drop_${reason}`)).toBe(1);
    expect(bench.device.txQueueStats.total).toMatchObject({ packets: 0, hw_drops: 1, hw_drop_errors: 1 });
  });
});

describe("behaviour 27: interrupts, polls and turns", () => {
  test("one interrupt for all that comes before the poll; none is lost, and order is kept", () => {
    const bench = new Bench();
    for (let i = 0; i < 200; i++) bench.offer(udpFrame(i));
    bench.settle();
    expect(bench.received.map(({ length }) => length)).toEqual(Array.from({ length: 200 }, (_, i) => 42 + i));
    expect(bench.queues[0]?.isMasked).toBe(false);
    bench.release();
  });

  test("a poll takes its budget, and what is left waits for another moment: simulated time can go on", () => {
    const bench = new Bench({ device: { weight: 16 } });
    for (let i = 0; i < 40; i++) bench.offer(udpFrame(20));
    bench.simulation.run();
    expect(bench.received).toHaveLength(16);
    expect(bench.putOff).toBe(1);
    bench.settle();
    expect(bench.received).toHaveLength(40);
    bench.release();
  });

  test.each(["DEV_READY", "END_OF_RUN"] as const)(
    "outside of the run (%s) frames are counted and do not grow old",
    (reason) => {
      const bench = new Bench();
      bench.refusal = reason;
      for (let i = 0; i < 100; i++) bench.offer(udpFrame(20));
      bench.settle();
      expect(bench.statistic(`rx_drop_${reason}`)).toBe(100);
      bench.refusal = undefined;
      bench.offer(udpFrame(20));
      bench.settle();
      expect(only(bench).length).toBe(62);
      bench.release();
    },
  );

  test("a device that is down takes nothing, and works again when it is up, even if it went down in the middle", () => {
    const bench = new Bench({ device: { weight: 4 } });
    for (let i = 0; i < 10; i++) bench.offer(udpFrame(20));
    bench.device.stop(bench.now);
    bench.offer(udpFrame(20));
    bench.settle();
    expect(bench.received).toHaveLength(0);
    expect(bench.statistic("rx_drop_DEV_READY")).toBe(11);
    bench.device.open(bench.now);
    bench.offer(udpFrame(20));
    bench.settle();
    expect(only(bench).length).toBe(62);
    bench.release();
  });

  test("the interface's filter: what is for nobody here never takes a slot", () => {
    const bench = new Bench({ accepts: (mac) => mac !== 0x020000000002 });
    bench.offer(udpFrame(20));
    bench.settle();
    expect(bench.received).toHaveLength(0);
    expect(bench.statistic("rx_drop_OTHERHOST")).toBe(1);
  });

  test("several queues: each has its interrupt and its statistics, and their sum is the device's", () => {
    const bench = new Bench({ queues: 3 });
    for (const [queue, count] of [3, 0, 5].entries()) {
      for (let i = 0; i < count; i++) bench.offer(udpFrame(20), {}, queue);
    }
    bench.settle();
    const { queues, total } = bench.device.rxQueueStats;
    expect(queues.map(({ packets }) => packets)).toEqual([3, 0, 5]);
    expect(total.packets).toBe(8);
    expect(bench.received.map(({ queueMapping }) => queueMapping).sort()).toEqual([0, 0, 0, 2, 2, 2, 2, 2]);
    for (let port = 0; port < 30; port++) {
      const packet = packetOf(bench.pool, udpFrame(20), 17);
      packet.pool.memory.view.setUint16(packet.data + L4_AT, 1000 + port);
      bench.send(packet);
    }
    const sent = bench.device.txQueueStats.queues.map(({ packets }) => packets);
    expect(sent.reduce((sum, count) => sum + count)).toBe(30);
    expect(sent.filter((count) => count > 0).length).toBeGreaterThan(1);
    expect(bench.queues.map(({ written }) => written.length)).toEqual(sent);
    bench.release();
  });

  test("statistics by group: nothing but what is asked for", () => {
    const bench = new Bench();
    bench.offer(unfinished(tcpFrame(5000), 6), { ...TCP_SUPER, ...TCP_CSUM });
    bench.settle();
    expect([...bench.device.stats(STATS_DRIVER)]).toEqual([
      ["rx_gso_packets", 1],
      ["rx_gso_bytes", 5054],
    ]);
    expect(bench.device.stats(STATS_QUEUE).get("rx-0.packets")).toBe(1);
    bench.release();
  });
});
