import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  dumpStats,
  EmbeddedSwitch,
  parseStatsFilter,
  QueueStatsKeeper,
  STATS_ALL,
  STATS_DRIVER,
  STATS_ETH_MAC,
  STATS_PORT,
  STATS_QUEUE,
  STATS_RMON,
  createNic,
  type Nic,
} from "../src/index.ts";
import { requestPacket, wireFrames, MAC_A, MAC_B, type Request } from "./support/requests.ts";
import { World } from "./support/world.ts";

const tcp: Request = { inner: 4, protocol: "tcp", payload: 400 };

describe("M1 per-queue statistics", () => {
  test("sum(queues) + base = device, whatever happens to the number of queues (property)", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(5), fc.nat(100))), (steps) => {
        const keeper = new QueueStatsKeeper(["packets", "bytes"], 3);
        let queues = 3;
        let packets = 0;
        for (const [count, queue, more] of steps) {
          keeper.setQueues(count);
          queues = count;
          keeper.of(queue % queues).packets += more;
          packets += more;
          const view = keeper.view();
          expect(view.queues).toHaveLength(queues);
          expect(view.total.packets).toBe(packets);
          expect(view.queues.reduce((sum, one) => sum + one.packets, view.base.packets)).toBe(packets);
        }
      }),
    );
  });

  test("totals survive down, up, and a new number of queues", () => {
    const world = new World();
    const nic = world.nic("a", { maxQueues: 4 });
    const send = (count: number): void => {
      for (let i = 0; i < count; i++) world.send(nic, requestPacket(world.pool, { ...tcp, sourcePort: 1 + i }));
    };
    send(20);
    nic.setQueues(2, world.now);
    send(10);
    nic.stop(world.now);
    nic.open(world.now);
    nic.setQueues(3, world.now);
    send(5);
    const { base, queues, total } = nic.device.txQueueStats;
    expect(total.packets).toBe(35);
    expect(base.packets).toBeGreaterThan(0);
    expect(queues).toHaveLength(3);
    expect(world.wire).toHaveLength(35);
    expect(nic.hardware.counters.mac.FramesTransmittedOK).toBe(35);
  });

  test("a super-packet counts as what was on the wire, and apart as what the stack sent", () => {
    const world = new World();
    const nic = world.nic("a");
    const request: Request = { ...tcp, payload: 10_000, mss: 1000 };
    world.send(nic, requestPacket(world.pool, request));
    const bytes = wireFrames(request).reduce((sum, frame) => sum + frame.length, 0);
    expect(nic.device.txQueueStats.total).toMatchObject({
      packets: 10,
      bytes,
      hw_gso_packets: 1,
      hw_gso_bytes: 10_054,
      hw_gso_wire_packets: 10,
      hw_gso_wire_bytes: bytes,
      needs_csum: 1,
      csum_none: 0,
    });
  });
});

describe("M2 filters: a dump carries what was asked for, and nothing else is read", () => {
  test("only the readers of the groups asked for are called", () => {
    const calls: string[] = [];
    const reader = (name: string) => () => {
      calls.push(name);
      return [["x", 1]] as const;
    };
    const readers = new Map([
      [STATS_ETH_MAC, reader("mac")],
      [STATS_RMON, reader("rmon")],
      [STATS_DRIVER, reader("driver")],
    ]);
    expect([...dumpStats(readers, STATS_RMON).entries()]).toEqual([["rmon-x", 1]]);
    expect(calls).toEqual(["rmon"]);
    expect(dumpStats(readers, 0).size).toBe(0);
    expect([...dumpStats(readers, STATS_ALL).keys()]).toEqual(["eth-mac-x", "rmon-x", "x"]);
    expect(() => dumpStats(readers, 1 << 30)).toThrow(/filter must be bits of STATS_/);
  });

  test("names of groups, as ethtool -S --groups takes them", () => {
    expect(parseStatsFilter("eth-mac", "rmon")).toBe(STATS_ETH_MAC | STATS_RMON);
    expect(() => parseStatsFilter("eth-foo")).toThrow(/eth-phy, eth-mac/);
  });

  test("what a NIC counts", () => {
    const world = new World();
    const nic = world.nic("a", { maxQueues: 2 });
    world.nic("b");
    world.send(nic, requestPacket(world.pool, tcp), requestPacket(world.pool, { ...tcp, payload: 0 }));
    const mac = nic.device.stats(STATS_ETH_MAC);
    expect(mac.get("eth-mac-FramesTransmittedOK")).toBe(2);
    // 454 and 54 bytes, the second padded to 60, each with 4 bytes of check sequence.
    expect(mac.get("eth-mac-OctetsTransmittedOK")).toBe(458 + 64);
    expect([...mac.keys()].every((name) => name.startsWith("eth-mac-"))).toBe(true);
    const rmon = nic.device.stats(STATS_RMON);
    expect(rmon.get("rmon-tx-pktsNtoM-64to64")).toBe(1);
    expect(rmon.get("rmon-tx-pktsNtoM-256to511")).toBe(1);
    const queue = nic.device.stats(STATS_QUEUE);
    expect((queue.get("tx-0.packets") ?? 0) + (queue.get("tx-1.packets") ?? 0)).toBe(2);
    expect(nic.device.stats(STATS_ALL).size).toBeGreaterThan(mac.size + rmon.size + queue.size);
  });
});

describe("M3 the switch in a NIC", () => {
  const MAC_C = 0x0200_0000_0003;

  interface Bench {
    readonly world: World;
    readonly parent: EmbeddedSwitch;
    readonly functions: readonly Nic[];
    readonly received: string[];
  }

  function bench(mode: "veb" | "vepa" = "veb", spoofCheck = false): Bench {
    const world = new World();
    const parent = new EmbeddedSwitch({ uplink: world.link.a, ports: 3, mode, spoofCheck }, () => world.now);
    const received: string[] = [];
    const functions = parent.ports.slice(0, 2).map((port, index) => {
      const nic = createNic({
        scheduler: world.simulation.simulator,
        pool: world.pool,
        link: port,
        receive: (packet) => {
          received.push(`vf${index}`);
          packet.release();
        },
      });
      nic.setFeature("gro", false);
      nic.open(0);
      return nic;
    });
    parent.ports[0]!.mac = MAC_A;
    parent.ports[1]!.mac = MAC_B;
    world.link.b.attach({
      receiveFrame: (frame) => {
        received.push("wire");
        frame.release();
      },
    });
    return { world, parent, functions, received };
  }

  function to(mac: number): (bytes: Uint8Array) => Uint8Array {
    return (bytes) => {
      new DataView(bytes.buffer, bytes.byteOffset).setUint16(0, Math.floor(mac / 0x1_0000_0000));
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(2, mac % 0x1_0000_0000);
      return bytes;
    };
  }

  test("functions talk to each other without the wire, and only the ports' statistics tell", () => {
    const { world, parent, functions, received } = bench();
    world.send(functions[0]!, requestPacket(world.pool, tcp));
    expect(received).toEqual(["vf1"]);
    expect(world.wire).toEqual([]);
    expect(parent.ports[0]!.stats).toMatchObject({ rx_unicast: 1, local: 1, tx_unicast: 0 });
    expect(parent.ports[1]!.stats).toMatchObject({ rx_unicast: 0, tx_unicast: 1, tx_bytes: 454 });
    expect(parent.uplinkStats).toMatchObject({ tx_unicast: 0, rx_unicast: 0 });
  });

  test("what nobody inside has goes to the wire; from the wire it goes to its function, or nowhere", () => {
    const { world, parent, functions, received } = bench();
    const packet = requestPacket(world.pool, tcp);
    to(MAC_C)(packet.bytes());
    world.send(functions[0]!, packet);
    expect(received).toEqual(["wire"]);
    for (const mac of [MAC_B, MAC_C]) world.link.b.send(world.pool.from(to(mac)(wireFrames(tcp)[0]!))!);
    world.run();
    expect(received).toEqual(["wire", "vf1"]);
    expect(parent.uplinkStats).toMatchObject({ tx_unicast: 1, rx_unicast: 2 });
  });

  test("groups go to everybody else and to the wire; a port without a function drops", () => {
    const { world, parent, functions, received } = bench();
    const packet = requestPacket(world.pool, tcp);
    to(0xffff_ffff_ffff)(packet.bytes());
    world.send(functions[0]!, packet);
    expect(received.toSorted()).toEqual(["vf1", "wire"]);
    expect(parent.ports[2]!.stats.tx_dropped).toBe(1);
    expect(parent.ports[0]!.stats.rx_multicast).toBe(1);
  });

  test("VEPA: everything goes to the wire, and what comes back is delivered (IEEE 802.1Qbg)", () => {
    const { world, functions, received } = bench("vepa");
    world.link.b.attach({ receiveFrame: (frame) => world.link.b.send(frame) });
    world.send(functions[0]!, requestPacket(world.pool, tcp));
    expect(world.wire).toHaveLength(1);
    expect(received).toEqual(["vf1"]);
  });

  test("a function that uses another's address is stopped by the spoof check, and counted", () => {
    const { world, parent, functions, received } = bench("veb", true);
    world.send(functions[1]!, requestPacket(world.pool, tcp));
    expect(received).toEqual([]);
    expect(parent.ports[1]!.stats.spoofed).toBe(1);
  });

  test("one group of statistics for all ports", () => {
    const { world, parent, functions } = bench();
    world.send(functions[0]!, requestPacket(world.pool, tcp));
    const dump = dumpStats(new Map([[STATS_PORT, () => parent.statistics()]]), STATS_PORT);
    expect(dump.get("port-0.rx_unicast")).toBe(1);
    expect(dump.get("port-1.tx_bytes")).toBe(454);
    expect(dump.get("uplink.tx_unicast")).toBe(0);
  });

  test("the carrier of the wire is everybody's", () => {
    const { world, functions } = bench();
    const seen: boolean[] = [];
    functions[1]!.hardware.onCarrier((up) => seen.push(up));
    world.link.setUp(false);
    world.link.setUp(true);
    expect(seen).toEqual([false, true]);
    expect(functions[0]!.carrier).toBe(true);
  });
});
