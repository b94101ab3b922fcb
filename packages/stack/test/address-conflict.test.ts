import { createRandom } from "@seville/core";
import { arp, parseIpv4 } from "@seville/packet";
import { Simulator } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { AddressConflictDetection } from "../src/neighbour/address-conflict.ts";

const OURS = 0x0200_0000_0001;
const THEIRS = 0x0200_0000_0099;
const ADDRESS = parseIpv4("10.9.0.5");

function setup(seed = 1): { sim: Simulator; acd: AddressConflictDetection; log: string[]; times: number[] } {
  const sim = new Simulator();
  const log: string[] = [];
  const times: number[] = [];
  const note = (what: string) => () => {
    log.push(what);
    times.push(sim.now / 1e9);
  };
  const acd = new AddressConflictDetection(sim, createRandom(seed), () => OURS, {
    probe: note("probe"),
    announce: note("announce"),
    free: note("free"),
    conflict: note("conflict"),
  });
  return { sim, acd, log, times };
}

function message(given: Partial<arp.ArpPacket>): arp.ArpPacket {
  return { operation: arp.REQUEST, senderMac: THEIRS, senderIp: 0, targetMac: 0, targetIp: ADDRESS, ...given };
}

describe("N12 IPv4 address conflict detection (RFC 5227)", () => {
  test("N12 §2.1.1, §2.3: three probes one to two seconds apart, two seconds of waiting, two announcements two seconds apart", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { sim, acd, log, times } = setup(seed);
      acd.claim(ADDRESS);
      sim.run();
      expect(log).toEqual(["probe", "probe", "probe", "free", "announce", "announce"]);
      const [a, b, c, free, first, second] = times as [number, number, number, number, number, number];
      expect(a).toBeLessThan(1);
      for (const gap of [b - a, c - b]) {
        expect(gap).toBeGreaterThanOrEqual(1);
        expect(gap).toBeLessThanOrEqual(2);
      }
      expect([free - c, first - free, second - first].map((gap) => Math.round(gap * 1000))).toEqual([2000, 0, 2000]);
    }
  });

  test("N12 §2.1.1: an answer, or another's probe for the same address, is a conflict; our own echo is not", () => {
    for (const [received, conflicts] of [
      [message({ operation: arp.REPLY, senderIp: ADDRESS }), true],
      [message({ senderIp: ADDRESS, targetIp: parseIpv4("10.9.0.1") }), true],
      [message({}), true],
      [message({ senderMac: OURS }), false],
      [message({ targetIp: parseIpv4("10.9.0.6") }), false],
      [message({ senderIp: parseIpv4("10.9.0.9") }), false],
    ] as const) {
      const { sim, acd, log } = setup();
      acd.claim(ADDRESS);
      sim.run({ until: 1.5e9 });
      acd.received(received);
      expect(log.includes("conflict")).toBe(conflicts);
      sim.run();
      expect(log.includes("free")).toBe(!conflicts);
    }
  });

  test("N12 §2.4 b: an address in use is defended once in ten seconds, and given up when it is taken again", () => {
    const { sim, acd, log } = setup();
    acd.claim(ADDRESS);
    sim.run();
    log.length = 0;
    acd.received(message({ senderIp: ADDRESS }));
    expect(log).toEqual(["announce"]);
    sim.run({ until: sim.now + 11e9 });
    acd.received(message({ senderIp: ADDRESS }));
    expect(log).toEqual(["announce", "announce"]);
    // A probe for it is answered by ARP itself and is no conflict.
    acd.received(message({}));
    acd.received(message({ senderIp: ADDRESS }));
    expect(log).toEqual(["announce", "announce", "conflict"]);
    acd.received(message({ senderIp: ADDRESS }));
    expect(log).toHaveLength(3);
  });

  test("N12 §2.1.1: after ten conflicts a new address is probed once a minute", () => {
    const { sim, acd, log, times } = setup();
    for (let i = 0; i < 10; i++) {
      acd.claim(ADDRESS + i);
      acd.received(message({ senderIp: ADDRESS + i }));
    }
    log.length = 0;
    times.length = 0;
    acd.claim(ADDRESS + 10);
    sim.run({ until: 70e9 });
    expect(log[0]).toBe("probe");
    expect(times[0]).toBeGreaterThanOrEqual(60);
  });
});
