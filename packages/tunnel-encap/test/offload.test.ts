import { checksumHelp, finish, fold, sum } from "@seville/checksum";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  dissect,
  fieldValues,
  udp,
  type Packet,
  type PacketPool,
} from "@seville/packet";
import { describe, expect, test } from "vitest";
import { TUNNEL_DISSECTORS, TunnelEndpoint, type Tunnel } from "../src/index.ts";
import { contextOf, drainedPool, finishAndTake, hex, load, received, take } from "./support/packets.ts";
import { A4, B4, frameOf, inner4, innerFor, SAMPLE_TUNNELS, wrap } from "./support/samples.ts";

const pool = drainedPool();
/** The same with kernels of plain TypeScript. */
const twinPool = drainedPool(false);
const v4 = { local: A4, remote: B4 };

/** A packet for `tunnel` with the UDP checksum of its own left to a device. */
function partial(from: PacketPool, tunnel: Tunnel): Packet {
  const endpoint = new TunnelEndpoint(tunnel, contextOf(from));
  const bytes = innerFor(tunnel);
  const packet = load(from, bytes, endpoint.isEthernet);
  const network = packet.data + (endpoint.isEthernet ? 14 : 0);
  const { view, u8 } = from.memory;
  const isV4 = u8[network]! >>> 4 === 4;
  const at = network + (isV4 ? 20 : 40);
  const addresses = u8.subarray(network + (isV4 ? 12 : 8), at);
  view.setUint16(at + 6, fold(sum(addresses, 17 + udp.length(view, at))));
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = at;
  packet.csumOffset = 6;
  return packet;
}

/** Every checksum in the frame that is there is right. */
function expectGood(frame: Uint8Array, udpLayers: number): void {
  const tree = dissect(frame, { dissectors: TUNNEL_DISSECTORS });
  const all = ["udp", "gre", "ip"].flatMap((name) => fieldValues(tree, `${name}.checksum.status`));
  // 1: good, 3: not there.
  expect(all.filter((status) => status !== 1 && status !== 3)).toEqual([]);
  expect(fieldValues(tree, "udp.checksum.status")).toHaveLength(udpLayers);
}

describe.each(Object.entries(SAMPLE_TUNNELS))(
  "C16-C25 an inner checksum that is left to the device: %s",
  (name, tunnel) => {
    const layers = tunnel.kind === "vxlan" || tunnel.kind === "geneve" || "encap" in tunnel ? 2 : 1;

    test("is finished by software, and all are right", () => {
      for (const target of [pool, twinPool]) {
        const endpoint = new TunnelEndpoint(tunnel, contextOf(target));
        const packet = partial(target, tunnel);
        expect(endpoint.encapsulate(packet)).toBe("ok");
        expectGood(frameOf(finishAndTake(packet, endpoint.context)), layers);
      }
    });

    test("is finished by a device that sums what it is told, and gives the same bytes", () => {
      const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
      const packet = partial(pool, tunnel);
      expect(endpoint.encapsulate(packet)).toBe("ok");
      pool.memory.u8.set(frameOf(Uint8Array.of(pool.memory.u8[packet.data]!)).subarray(0, 14), packet.push(14));
      // What NETIF_F_HW_CSUM is: it sums from `csumStart`, the field included, and stores the complement (C16).
      const { csumStart, csumOffset, tail } = packet;
      expect(packet.ipSummed).toBe(CHECKSUM_PARTIAL);
      const { view } = pool.memory;
      view.setUint16(
        csumStart + csumOffset,
        finish(endpoint.context.kernels.sum(csumStart, tail - csumStart)) || 0xffff,
      );
      const frame = take(packet);
      expectGood(frame, layers);
      const again = new TunnelEndpoint(tunnel, contextOf(pool));
      const software = partial(pool, tunnel);
      expect(again.encapsulate(software)).toBe("ok");
      expect(hex(frame.subarray(14))).toBe(hex(finishAndTake(software, again.context)));
    });

    test(`the inner headers are those of the packet that was wrapped: ${name}`, () => {
      const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
      const packet = partial(pool, tunnel);
      const [network, transport] = [packet.tail - packet.csumStart + 20, packet.tail - packet.csumStart];
      expect(endpoint.encapsulate(packet)).toBe("ok");
      expect(packet.tail - packet.innerTransportHeader).toBe(transport);
      if (tunnel.kind !== "sit") expect(packet.tail - packet.innerNetworkHeader).toBe(network);
      expect(packet.transportHeader).toBeGreaterThan(packet.networkHeader);
      packet.release();
    });
  },
);

describe("C10, C11, T13 levels of verified checksums, tunnel by tunnel", () => {
  const checked: readonly Tunnel[] = [
    { kind: "vxlan", id: 1, ...v4, udpcsum: true },
    { kind: "gretap", ...v4, icsum: true, ocsum: true },
    { kind: "geneve", id: 1, ...v4, udpcsum: true },
  ];
  const unchecked: readonly Tunnel[] = [
    { kind: "gretap", ...v4 },
    { kind: "nvgre", ...v4, vsid: 1 },
  ];

  test.each([0, 1, 2, 3])("UNNECESSARY/%i: a checksum uses up one level, a tunnel without one none", (level) => {
    for (const tunnel of checked) {
      const packet = received(pool, wrap(pool, tunnel, frameOf(inner4())).outer);
      Object.assign(packet, { ipSummed: CHECKSUM_UNNECESSARY, csumLevel: level });
      expect(new TunnelEndpoint(tunnel, contextOf(pool)).decapsulate(packet)).toBeUndefined();
      if (level > 0) expect([packet.ipSummed, packet.csumLevel]).toEqual([CHECKSUM_UNNECESSARY, level - 1]);
      else expect(packet.ipSummed).toBe(CHECKSUM_COMPLETE);
      packet.release();
    }
    for (const tunnel of unchecked) {
      const packet = received(pool, wrap(pool, tunnel, frameOf(inner4())).outer);
      Object.assign(packet, { ipSummed: CHECKSUM_UNNECESSARY, csumLevel: level });
      expect(new TunnelEndpoint(tunnel, contextOf(pool)).decapsulate(packet)).toBeUndefined();
      expect([packet.ipSummed, packet.csumLevel]).toEqual([CHECKSUM_UNNECESSARY, level]);
      packet.release();
    }
  });

  test("C13 a device whose sum is wrong: the packet is taken, and the verdict says so", () => {
    for (const tunnel of checked.slice(0, 2)) {
      const packet = received(pool, wrap(pool, tunnel, frameOf(inner4())).outer);
      Object.assign(packet, { ipSummed: CHECKSUM_COMPLETE, csum: 0x1234 });
      const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
      expect(endpoint.decapsulate(packet)).toBeUndefined();
      expect(endpoint.info.checksum).toBe("fault");
      expect(fold(packet.csum)).toBe(fold(sum(packet.bytes())));
      packet.release();
    }
  });

  test("C15 an outer checksum that never crossed a wire is not verified", () => {
    const tunnel = checked[0]!;
    const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
    const packet = load(pool, frameOf(inner4()), true);
    expect(endpoint.encapsulate(packet)).toBe("ok");
    expect(packet.ipSummed).toBe(CHECKSUM_PARTIAL);
    packet.pull(20);
    expect(endpoint.decapsulate(packet)).toBeUndefined();
    expect([endpoint.info.checksum, packet.ipSummed]).toEqual(["unnecessary", CHECKSUM_NONE]);
    packet.release();
  });
});

describe("C26 remote checksum offload in VXLAN", () => {
  const tunnel: Tunnel = { kind: "vxlan", id: 1, ...v4, udpcsum: true, remcsumtx: true, remcsumrx: true };

  /** A frame whose checksum is left to the receiver, as it crosses the wire. */
  function onWire(): Uint8Array<ArrayBuffer> {
    const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
    const packet = partial(pool, tunnel);
    expect(endpoint.encapsulate(packet)).toBe("ok");
    // Nothing inside is left to offload: the outer checksum covers the packet as it is.
    expect([packet.csumStart, packet.encapsulation]).toEqual([packet.transportHeader, false]);
    return finishAndTake(packet, endpoint.context);
  }

  test.each([
    ["keeps it PARTIAL", false, CHECKSUM_PARTIAL],
    ["writes it where nopartial is asked for", true, CHECKSUM_COMPLETE],
  ])("the receiver %s; either way it is right in the end", (_name, remcsumNopartial, summed) => {
    const receiver = new TunnelEndpoint({ ...tunnel, remcsumNopartial }, contextOf(pool));
    const packet = received(pool, onWire());
    expect(receiver.decapsulate(packet)).toBeUndefined();
    expect(packet.ipSummed).toBe(summed);
    if (summed === CHECKSUM_COMPLETE) expect(fold(packet.csum)).toBe(fold(sum(packet.bytes())));
    expect(checksumHelp(receiver.context.kernels, packet)).toBe(true);
    expect(hex(take(packet))).toBe(hex(frameOf(inner4())));
  });

  test("a checksum that VXLAN's byte cannot name is done here", () => {
    const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
    const packet = partial(pool, tunnel);
    packet.csumOffset = 2;
    pool.memory.view.setUint16(packet.csumStart + 2, 0);
    expect(endpoint.encapsulate(packet)).toBe("ok");
    const vni = packet.transportHeader + 8 + 7;
    expect([pool.memory.u8[vni], packet.ipSummed, packet.csumOffset]).toEqual([0, CHECKSUM_PARTIAL, 2]);
    packet.release();
  });
});
