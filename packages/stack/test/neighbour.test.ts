import fc from "fast-check";
import { formatMac, parseIpv4, parseIpv6, parseMac } from "@seville/packet";
import { describe, expect, test } from "vitest";
import type { Neighbour } from "../src/neighbour/neighbour.ts";
import {
  NEIGH_UPDATE_ADMIN,
  NEIGH_UPDATE_EXT_LEARNED,
  NEIGH_UPDATE_OVERRIDE,
  NUD_INCOMPLETE,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
  nudStateName,
  nudStateOf,
} from "../src/neighbour/nud-state.ts";
import { neighbourLine } from "../src/neighbour/table.ts";
import {
  arpFrame,
  HOST_MAC,
  icmp6Frame,
  icmp6Of,
  LinkWorld,
  OTHER_MAC,
  PEER_MAC,
  recorded,
  toHex,
} from "./link-world.ts";

const BROADCAST = "ff:ff:ff:ff:ff:ff";
const PEER = parseMac(PEER_MAC);

interface Timeline {
  readonly requests?: readonly { readonly ms: number; readonly frame: string }[];
  readonly solicitations?: readonly { readonly ms: number; readonly frame: string }[];
  readonly states?: readonly { readonly ms: number; readonly state: string }[];
  readonly end?: { readonly state: string };
  readonly unreachable?: boolean;
}

function arpWorld(options: ConstructorParameters<typeof LinkWorld>[0] = {}): LinkWorld {
  const world = new LinkWorld({ ...options, sysctls: { "net.ipv6.conf.eth0.disable_ipv6": 1, ...options.sysctls } });
  world.addV4("10.9.0.1/16");
  world.run(1);
  world.take();
  return world;
}

function v4(world: LinkWorld, key: string): Neighbour<number> | undefined {
  return world.layers.arp.of(world.iface)?.device.entries.get(parseIpv4(key));
}

function stateOf(world: LinkWorld, key: string): string | null {
  const neighbour = v4(world, key);
  return neighbour === undefined ? null : nudStateName(neighbour.nudState);
}

/** Brings the entry of `key` into the state `name`, as kernel/record.py does with `ip neigh` and a packet. */
function put(world: LinkWorld, key: string, name: string): void {
  const table = world.layers.arp.table;
  const device = world.layers.arp.of(world.iface)?.device;
  if (device === undefined || name === "NONE") return;
  if (name === "INCOMPLETE") {
    world.sendV4(key);
    return;
  }
  const neighbour = table.create(device, parseIpv4(key), name === "PERMANENT") as Neighbour<number>;
  const state = name === "DELAY" ? NUD_STALE : (nudStateOf(name) as number);
  table.update(neighbour, PEER, state, NEIGH_UPDATE_ADMIN | NEIGH_UPDATE_OVERRIDE);
  if (name === "DELAY") world.sendV4(key);
}

describe("N2 resolution, as the recorded kernel", () => {
  test("N2 RFC 1122 §2.3.2.1, arp_unresolved: three broadcasts a second apart, then FAILED and the packet is reported", () => {
    const kernel = recorded("arp_unresolved") as Timeline;
    const world = arpWorld();
    const start = world.now / 1e6;
    world.sendV4("10.9.0.2");
    world.run(6000);
    const requests = world.take();
    expect(requests.map(({ bytes }) => toHex(bytes))).toEqual(kernel.requests?.map(({ frame }) => frame.slice(0, 84)));
    for (const [i, { ms }] of requests.entries()) {
      // The kernel counts in ticks and is woken late; we are on time.
      expect(ms - start).toBe(i * 1000);
      const late = (kernel.requests?.[i]?.ms ?? 0) - (ms - start);
      expect(late).toBeGreaterThan(-20);
      expect(late).toBeLessThan(250);
    }
    expect(stateOf(world, "10.9.0.2")).toBe(kernel.end?.state);
    expect(kernel.unreachable).toBe(true);
    expect(world.unreachable).toEqual([60]);
    expect(world.inUse).toBe(0);
  });

  test("N2 RFC 4861 §7.2.2, nd_unresolved: the same for neighbour solicitations to the solicited-node group", () => {
    const kernel = recorded("nd_unresolved") as Timeline;
    const world = new LinkWorld({ sysctls: { "net.ipv6.conf.eth0.router_solicitations": 0 } });
    world.addV6("2001:db8::1/64");
    world.run(5000);
    world.take();
    world.sendV6("2001:db8::2");
    world.run(6000);
    const asked = world.take().map(({ bytes }) => icmp6Of(bytes));
    expect(asked).toEqual(
      kernel.solicitations?.map(({ frame }) => icmp6Of(Uint8Array.from(Buffer.from(frame, "hex")))),
    );
    expect(asked).toHaveLength(3);
    expect(world.unreachable).toEqual([60]);
  });

  for (const [name, family] of [
    ["arp_probe", 4],
    ["nd_probe", 6],
  ] as const) {
    test(`N3 RFC 4861 §7.3.3, ${name}: STALE, a packet, five seconds of DELAY, three unicast probes, FAILED`, () => {
      const kernel = recorded(name) as Timeline;
      const world = new LinkWorld({
        sysctls: { "net.ipv6.conf.eth0.router_solicitations": 0, "net.ipv6.conf.eth0.dad_transmits": 0 },
      });
      world.addV4("10.9.0.1/24");
      world.addV6("2001:db8::1/64");
      world.run(4000);
      const { arp, nd } = world.layers;
      const table = family === 4 ? arp.table : nd.table;
      const states: string[] = [];
      const entry = (): Neighbour<never> | undefined =>
        (family === 4
          ? arp.of(world.iface)?.device.entries.get(parseIpv4("10.9.0.2"))
          : nd.of(world.iface)?.neighbours.device.entries.get(parseIpv6("2001:db8::2"))) as
          Neighbour<never> | undefined;
      if (family === 4) {
        const made = arp.table.create(arp.of(world.iface)!.device, parseIpv4("10.9.0.2"));
        arp.table.update(made!, PEER, NUD_STALE, NEIGH_UPDATE_ADMIN);
      } else {
        const made = nd.table.create(nd.of(world.iface)!.neighbours.device, parseIpv6("2001:db8::2"));
        nd.table.update(made!, PEER, NUD_STALE, NEIGH_UPDATE_ADMIN);
      }
      world.take();
      const start = world.now / 1e6;
      if (family === 4) world.sendV4("10.9.0.2");
      else world.sendV6("2001:db8::2");
      const times: number[] = [];
      for (let ms = 0; ms < 9500; ms += 10) {
        const state = nudStateName(entry()?.nudState ?? 0);
        if (states.at(-1) !== state) {
          states.push(state);
          times.push(ms);
        }
        world.run(10);
      }
      expect(states).toEqual(kernel.states?.map(({ state }) => state));
      expect(times.map((ms) => Math.round(ms / 1000))).toEqual([0, 5, 8]);
      for (const [i, { ms }] of (kernel.states ?? []).entries()) {
        expect(Math.abs(ms - (times[i] as number))).toBeLessThan(500);
      }
      const probes = world.take().slice(1);
      const theirs = kernel.requests ?? kernel.solicitations ?? [];
      expect(probes.map(({ ms }) => Math.round((ms - start) / 1000))).toEqual([5, 6, 7]);
      if (family === 4) {
        expect(probes.map(({ bytes }) => toHex(bytes))).toEqual(theirs.map(({ frame }) => frame.slice(0, 84)));
      } else {
        expect(probes.map(({ bytes }) => icmp6Of(bytes))).toEqual(
          theirs.map(({ frame }) => icmp6Of(Uint8Array.from(Buffer.from(frame, "hex")))),
        );
      }
      expect(table.statistics.resFailed).toBe(1);
      expect(world.inUse).toBe(0);
    });
  }
});

interface ArpRow {
  readonly age: "fresh" | "aged";
  readonly from: string;
  readonly message: string;
  readonly state: string | null;
  readonly lladdr?: string | null;
}

function arpMessage(label: string, ip: string): Uint8Array {
  const sha = label.endsWith("other") ? OTHER_MAC : PEER_MAC;
  const zero = "00:00:00:00:00:00";
  const kind = label.slice(0, label.lastIndexOf("-"));
  switch (kind) {
    case "reply-unicast":
      return arpFrame(2, sha, ip, HOST_MAC, "10.9.0.1", HOST_MAC);
    case "reply-broadcast":
      return arpFrame(2, sha, ip, HOST_MAC, "10.9.0.1", BROADCAST);
    case "request-for-us":
      return arpFrame(1, sha, ip, zero, "10.9.0.1", BROADCAST);
    case "request-for-another":
      return arpFrame(1, sha, ip, zero, "10.9.99.99", BROADCAST);
    case "gratuitous-request":
      return arpFrame(1, sha, ip, zero, ip, BROADCAST);
    case "gratuitous-reply":
      return arpFrame(2, sha, ip, sha, ip, BROADCAST);
    default:
      throw new Error(label);
  }
}

describe("N4 what ARP messages make of an entry, row by row as the recorded kernel (arp_updates)", () => {
  const rows = recorded("arp_updates") as readonly ArpRow[];
  test("N4 the recording has every state, message and age", () => {
    expect(rows).toHaveLength(192);
    expect(new Set(rows.map(({ from }) => from)).size).toBe(8);
  });
  for (const { age, from, message, state, lladdr } of rows) {
    test(`N4 ${age} ${from} + ${message} → ${state ?? "nothing"} ${lladdr ?? ""}`, () => {
      const world = arpWorld({
        sysctls: { "net.ipv4.neigh.eth0.ucast_solicit": 9, "net.ipv4.neigh.eth0.mcast_solicit": 9 },
      });
      put(world, "10.9.10.1", from);
      world.run(age === "aged" ? 1150 : 40);
      expect(stateOf(world, "10.9.10.1") ?? "NONE").toBe(from);
      world.receive(arpMessage(message, "10.9.10.1"));
      expect(stateOf(world, "10.9.10.1")).toBe(state);
      const entry = v4(world, "10.9.10.1");
      if (state !== null) expect(formatMac(entry?.lladdr ?? 0)).toBe(lladdr);
      world.down();
      expect(world.inUse).toBe(0);
    });
  }
});

interface NaRow {
  readonly from: string;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  readonly tllao: "none" | "same" | "other";
  readonly after: { readonly state: string | null; readonly lladdr?: string | null; readonly router?: boolean };
}

describe("N5 what advertisements make of an entry: RFC 4861 §7.2.5 and App. C, as the recorded kernel (na_updates)", () => {
  const rows = recorded("na_updates") as readonly NaRow[];
  test("N5 the recording has every state, flag and option", () => {
    expect(rows).toHaveLength(192);
  });
  for (const { from, router, solicited, override, tllao, after } of rows) {
    const flags = `${router ? "R" : "-"}${solicited ? "S" : "-"}${override ? "O" : "-"}`;
    test(`N5 ${from} + NA ${flags} tllao ${tllao} → ${after.state ?? "nothing"}`, () => {
      const world = new LinkWorld({
        sysctls: {
          "net.ipv6.conf.eth0.router_solicitations": 0,
          "net.ipv6.conf.eth0.dad_transmits": 0,
          "net.ipv6.neigh.eth0.ucast_solicit": 9,
          "net.ipv6.neigh.eth0.mcast_solicit": 9,
        },
      });
      world.addV6("2001:db8::1/64");
      world.run(10);
      const key = parseIpv6("2001:db8::9:1");
      const { table } = world.layers.nd;
      const { device } = world.layers.nd.of(world.iface)!.neighbours;
      if (from === "INCOMPLETE") world.sendV6(key.toString());
      else if (from !== "NONE") {
        const made = table.create(device, key, from === "PERMANENT")!;
        const state = from === "DELAY" ? NUD_STALE : (nudStateOf(from) as number);
        table.update(made, PEER, state, NEIGH_UPDATE_ADMIN | NEIGH_UPDATE_OVERRIDE);
        if (from === "DELAY") world.sendV6(key.toString());
      }
      world.run(1);
      const body = new Uint8Array(tllao === "none" ? 24 : 32);
      const view = new DataView(body.buffer);
      body[0] = 136;
      body[4] = (router ? 0x80 : 0) | (solicited ? 0x40 : 0) | (override ? 0x20 : 0);
      for (const [i, word] of [key.w0, key.w1, key.w2, key.w3].entries()) view.setUint32(8 + i * 4, word);
      if (tllao !== "none") {
        const mac = parseMac(tllao === "same" ? PEER_MAC : OTHER_MAC);
        body.set([2, 1], 24);
        view.setUint16(26, Math.floor(mac / 2 ** 32));
        view.setUint32(28, mac % 2 ** 32);
      }
      const destination = solicited ? "2001:db8::1" : "ff02::1";
      world.receive(icmp6Frame({ source: key.toString(), destination, body }));
      const entry = device.entries.get(key);
      expect(entry === undefined ? null : nudStateName(entry.nudState)).toBe(after.state);
      if (after.state !== null) {
        expect(entry?.isRouter).toBe(after.router);
        if (after.lladdr !== null) expect(formatMac(entry?.lladdr ?? 0)).toBe(after.lladdr);
      }
      world.down();
      expect(world.inUse).toBe(0);
    });
  }
});

describe("N6 the queue of what waits", () => {
  test("N6 RFC 1122 §2.3.2.2: packets wait and leave in their order when the answer comes", () => {
    const world = arpWorld();
    for (const bytes of [60, 61, 62]) world.sendV4("10.9.0.2", "10.9.0.1", bytes);
    expect(world.take()).toHaveLength(1);
    world.receive(arpFrame(2, PEER_MAC, "10.9.0.2", HOST_MAC, "10.9.0.1", HOST_MAC));
    const sent = world.take();
    expect(sent.map(({ bytes }) => bytes.length - 14)).toEqual([60, 61, 62]);
    expect(sent.every(({ bytes }) => toHex(bytes).startsWith("020000000099020000000001"))).toBe(true);
    expect(stateOf(world, "10.9.0.2")).toBe("REACHABLE");
    expect(world.inUse).toBe(0);
  });

  test("N6 unres_qlen_bytes: the oldest make room, NEIGH_QUEUEFULL", () => {
    // A slot of 2 KiB and its headroom is what a small packet keeps.
    const world = arpWorld({ sysctls: { "net.ipv4.neigh.eth0.unres_qlen_bytes": 3 * 2176 } });
    for (let i = 0; i < 5; i++) world.sendV4("10.9.0.2", "10.9.0.1", 60 + i);
    expect(world.drops).toEqual(["NEIGH_QUEUEFULL", "NEIGH_QUEUEFULL"]);
    expect(world.layers.arp.table.statistics.unresDiscards).toBe(2);
    world.take();
    world.receive(arpFrame(2, PEER_MAC, "10.9.0.2", HOST_MAC, "10.9.0.1", HOST_MAC));
    expect(world.take().map(({ bytes }) => bytes.length - 14)).toEqual([62, 63, 64]);
  });

  test("N6 a failed resolution reports every packet that waited, and a later packet begins a new one", () => {
    const world = arpWorld();
    for (const bytes of [60, 61]) world.sendV4("10.9.0.2", "10.9.0.1", bytes);
    world.run(3000);
    expect(world.unreachable).toEqual([60, 61]);
    expect(stateOf(world, "10.9.0.2")).toBe("FAILED");
    world.sendV4("10.9.0.2");
    expect(stateOf(world, "10.9.0.2")).toBe("INCOMPLETE");
    world.down();
    expect(world.drops.filter((reason) => reason === "NEIGH_DEAD")).toHaveLength(1);
    expect(world.inUse).toBe(0);
  });

  test("N6 with mcast_solicit and app_solicit 0 nobody is asked: NEIGH_FAILED at once", () => {
    const world = arpWorld({ sysctls: { "net.ipv4.neigh.eth0.mcast_solicit": 0 } });
    world.sendV4("10.9.0.2");
    expect(world.take()).toEqual([]);
    expect(world.drops).toEqual(["NEIGH_FAILED"]);
  });
});

describe("N7 reachable time and confirmation", () => {
  test("N7 RFC 4861 §6.3.2: REACHABLE lasts from half to one and a half times base_reachable_time_ms, then STALE", () => {
    const times = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      const world = arpWorld({ seed });
      world.sendV4("10.9.0.2");
      world.receive(arpFrame(2, PEER_MAC, "10.9.0.2", HOST_MAC, "10.9.0.1", HOST_MAC));
      const { reachableTime } = world.layers.arp.of(world.iface)!.device;
      expect(reachableTime).toBeGreaterThanOrEqual(15e9);
      expect(reachableTime).toBeLessThan(45e9);
      times.add(reachableTime);
      world.run(reachableTime / 1e6 - 1);
      expect(stateOf(world, "10.9.0.2")).toBe("REACHABLE");
      // A packet used the entry lately: it goes through DELAY first (net/core/neighbour.c).
      world.run(5002);
      expect(["STALE", "DELAY", "PROBE"]).toContain(stateOf(world, "10.9.0.2"));
    }
    expect(times.size).toBeGreaterThan(15);
  });

  test("N7 RFC 4861 §7.3.1: a confirmation from above keeps an entry REACHABLE, and turns DELAY into REACHABLE", () => {
    const world = arpWorld();
    put(world, "10.9.0.2", "STALE");
    world.sendV4("10.9.0.2");
    expect(stateOf(world, "10.9.0.2")).toBe("DELAY");
    world.run(1000);
    world.iface.v4.neighbours?.confirm(parseIpv4("10.9.0.2"), world.now);
    world.take();
    world.run(4001);
    expect(stateOf(world, "10.9.0.2")).toBe("REACHABLE");
    expect(world.take()).toEqual([]);
  });

  test("N7 base_reachable_time_ms acts when it is written", () => {
    const world = arpWorld();
    world.host.sysctls.setText("net.ipv4.neigh.eth0.base_reachable_time_ms", "1000");
    const { reachableTime } = world.layers.arp.of(world.iface)!.device;
    expect(reachableTime).toBeGreaterThanOrEqual(5e8);
    expect(reachableTime).toBeLessThan(15e8);
  });
});

describe("N8 collection", () => {
  function fill(world: LinkWorld, count: number, from = 0): void {
    const { table } = world.layers.arp;
    const { device } = world.layers.arp.of(world.iface)!;
    for (let i = from; i < from + count; i++) {
      const made = table.create(device, parseIpv4("10.9.1.0") + i);
      if (made !== undefined) table.update(made, PEER, NUD_STALE, NEIGH_UPDATE_ADMIN);
    }
  }

  test("N8 below gc_thresh1 nothing is collected, and a quiet host has no events", () => {
    const world = arpWorld();
    fill(world, 100);
    world.run(600_000);
    expect(world.layers.arp.of(world.iface)?.device.entries.size).toBe(100);
    expect(world.sim.pending).toBe(0);
  });

  test("N8 above gc_thresh1 what was not used for gc_stale_time goes", () => {
    const world = arpWorld();
    fill(world, 150);
    world.run(50_000);
    expect(world.layers.arp.of(world.iface)?.device.entries.size).toBe(150);
    world.run(40_000);
    expect(world.layers.arp.of(world.iface)?.device.entries.size).toBe(0);
  });

  test("N8 what was confirmed lately counts as used", () => {
    const world = arpWorld();
    fill(world, 150);
    world.run(50_000);
    world.iface.v4.neighbours?.confirm(parseIpv4("10.9.1.7"), world.now);
    world.run(40_000);
    const { entries } = world.layers.arp.of(world.iface)!.device;
    expect([...entries.keys()]).toEqual([parseIpv4("10.9.1.7")]);
  });

  test("N8 gc_thresh3: a full table of fresh entries refuses, NEIGH_CREATEFAIL; five seconds later old ones make room", () => {
    const world = arpWorld({
      sysctls: {
        "net.ipv4.neigh.default.gc_thresh1": 1000,
        "net.ipv4.neigh.default.gc_thresh2": 4,
        "net.ipv4.neigh.default.gc_thresh3": 8,
      },
    });
    fill(world, 8);
    world.sendV4("10.9.0.2");
    expect(world.drops).toEqual(["NEIGH_CREATEFAIL"]);
    expect(world.layers.arp.table.statistics.tableFulls).toBe(1);
    world.run(5100);
    world.sendV4("10.9.0.2");
    expect(stateOf(world, "10.9.0.2")).toBe("INCOMPLETE");
    expect(world.layers.arp.of(world.iface)?.device.entries.size).toBeLessThan(8);
    world.down();
    expect(world.inUse).toBe(0);
  });

  test("N8 PERMANENT entries neither count nor go", () => {
    const world = arpWorld({
      sysctls: { "net.ipv4.neigh.default.gc_thresh3": 2, "net.ipv4.neigh.default.gc_thresh2": 1 },
    });
    for (let i = 1; i < 9; i++) put(world, `10.9.2.${i}`, "PERMANENT");
    expect(world.layers.arp.table.collectable).toBe(0);
    world.sendV4("10.9.0.2");
    expect(stateOf(world, "10.9.0.2")).toBe("INCOMPLETE");
  });
});

describe("N9 ARP policies", () => {
  test("N9 arp_ignore 1 answers for addresses of the receiving interface only, 8 for none", () => {
    const world = arpWorld();
    const ask = (): number => {
      world.receive(arpFrame(1, PEER_MAC, "10.9.0.7", "00:00:00:00:00:00", "10.9.0.1", BROADCAST));
      return world.take().length;
    };
    expect(ask()).toBe(1);
    world.host.sysctls.setText("net.ipv4.conf.eth0.arp_ignore", "1");
    expect(ask()).toBe(1);
    world.host.sysctls.setText("net.ipv4.conf.all.arp_ignore", "8");
    expect(ask()).toBe(0);
  });

  test("N9 arp_ignore 2 stays silent to a sender of another subnet", () => {
    const world = arpWorld({ sysctls: { "net.ipv4.conf.all.arp_ignore": 2 } });
    world.receive(arpFrame(1, PEER_MAC, "192.0.2.7", "00:00:00:00:00:00", "10.9.0.1", BROADCAST));
    expect(world.take()).toEqual([]);
    world.receive(arpFrame(1, PEER_MAC, "10.9.0.7", "00:00:00:00:00:00", "10.9.0.1", BROADCAST));
    expect(world.take()).toHaveLength(1);
  });

  test("N9 arp_announce: 0 asks from the packet's source, 2 from the best address for the target", () => {
    const world = arpWorld();
    world.addV4("192.0.2.1/24");
    const senderOf = (frame: Uint8Array | undefined): string => toHex((frame ?? new Uint8Array()).subarray(28, 32));
    world.sendV4("10.9.0.5", "192.0.2.1");
    expect(senderOf(world.take()[0]?.bytes)).toBe("c0000201");
    world.host.sysctls.setText("net.ipv4.conf.all.arp_announce", "2");
    world.sendV4("10.9.0.6", "192.0.2.1");
    expect(senderOf(world.take()[0]?.bytes)).toBe("0a090001");
    world.host.sysctls.setText("net.ipv4.conf.all.arp_announce", "1");
    world.sendV4("10.9.0.8", "192.0.2.1");
    expect(senderOf(world.take()[0]?.bytes)).toBe("0a090001");
  });

  test("N9 arp_accept 1 learns strangers from announcements, 2 only in a subnet of the interface", () => {
    const world = arpWorld({ sysctls: { "net.ipv4.conf.eth0.arp_accept": 1 } });
    world.receive(arpMessage("gratuitous-request-same", "10.9.0.5"));
    expect(stateOf(world, "10.9.0.5")).toBe("STALE");
    world.host.sysctls.setText("net.ipv4.conf.eth0.arp_accept", "2");
    world.receive(arpMessage("gratuitous-request-same", "172.16.0.5"));
    expect(stateOf(world, "172.16.0.5")).toBeNull();
    world.receive(arpMessage("gratuitous-request-same", "10.9.0.6"));
    expect(stateOf(world, "10.9.0.6")).toBe("STALE");
  });

  test("N9 drop_gratuitous_arp drops announcements, ARP_INVALID", () => {
    const world = arpWorld({ sysctls: { "net.ipv4.conf.eth0.drop_gratuitous_arp": 1 } });
    put(world, "10.9.0.5", "STALE");
    world.receive(arpMessage("gratuitous-request-other", "10.9.0.5"));
    expect(formatMac(v4(world, "10.9.0.5")?.lladdr ?? 0)).toBe(PEER_MAC);
    expect(world.drops).toEqual(["ARP_INVALID"]);
  });

  test("N9 RFC 5227 §2.1.1: a probe for our address is answered to the prober, who is not learned", () => {
    const world = arpWorld();
    world.receive(arpFrame(1, PEER_MAC, "0.0.0.0", "00:00:00:00:00:00", "10.9.0.1", BROADCAST));
    const [reply] = world.take();
    expect(toHex(reply?.bytes ?? new Uint8Array())).toBe(
      "020000000099" +
        "020000000001" +
        "0806" +
        "0001080006040002" +
        "020000000001" +
        "0a090001" +
        "020000000099" +
        "00000000",
    );
    expect(stateOf(world, "0.0.0.0")).toBeNull();
  });

  test("N9 RFC 1027: proxy_arp answers for what is reached through another interface, after a random delay", () => {
    const world = arpWorld({
      sysctls: { "net.ipv4.ip_forward": 1, "net.ipv4.conf.eth0.proxy_arp": 1, "net.ipv4.conf.eth0.forwarding": 1 },
    });
    const other = world.host.interfaces.add(
      { ...world.iface.device, transmit: (p) => p.release(), attach: () => undefined },
      { name: "eth1", mac: 0x0200_0000_0002 },
    );
    world.host.interfaces.setUp(other);
    world.host.ipv4.fib.add({ destination: parseIpv4("192.0.2.0"), prefixLength: 24, dev: other });
    world.take();
    world.receive(arpFrame(1, PEER_MAC, "10.9.0.7", "00:00:00:00:00:00", "192.0.2.9", BROADCAST));
    expect(world.take()).toEqual([]);
    world.run(800);
    const replies = world.take().filter(({ bytes }) => bytes[13] === 6);
    expect(replies).toHaveLength(1);
    expect(toHex(replies[0]!.bytes.subarray(28, 32))).toBe("c0000209");
  });

  test("N9 an entry of `ip neigh add proxy` answers for one address; a full proxy queue drops", () => {
    const world = arpWorld({ sysctls: { "net.ipv4.conf.eth0.forwarding": 1, "net.ipv4.neigh.eth0.proxy_delay": 0 } });
    const other = world.host.interfaces.add(
      { ...world.iface.device, transmit: (p) => p.release(), attach: () => undefined },
      { name: "eth1", mac: 0x0200_0000_0002 },
    );
    world.host.interfaces.setUp(other);
    world.host.ipv4.fib.add({ destination: parseIpv4("192.0.2.0"), prefixLength: 24, dev: other });
    world.take();
    const ask = (target: string): number => {
      world.receive(arpFrame(1, PEER_MAC, "10.9.0.7", "00:00:00:00:00:00", target, BROADCAST));
      return world.take().filter(({ bytes }) => bytes[13] === 6).length;
    };
    expect(ask("192.0.2.9")).toBe(0);
    world.layers.arp.proxies.add(parseIpv4("192.0.2.9"), world.iface.ifindex);
    expect(ask("192.0.2.9")).toBe(1);
    expect(ask("192.0.2.10")).toBe(0);
    expect(world.layers.arp.proxies.remove(parseIpv4("192.0.2.9"), world.iface.ifindex)).toBe(true);
    expect(ask("192.0.2.9")).toBe(0);
  });

  test("N9 arp_notify announces every address when the interface comes up", () => {
    const world = arpWorld({ sysctls: { "net.ipv4.conf.eth0.arp_notify": 1 } });
    world.down();
    world.up();
    const [frame] = world.take(({ bytes }) => bytes[13] === 6);
    expect(toHex(frame!.bytes)).toBe(
      "ffffffffffff" +
        "020000000001" +
        "0806" +
        "0001080006040001" +
        "020000000001" +
        "0a090001" +
        "000000000000" +
        "0a090001",
    );
  });

  test("N9 mangled ARP never throws, and never changes what is known", () => {
    const world = arpWorld();
    put(world, "10.9.0.5", "REACHABLE");
    const good = arpMessage("reply-unicast-same", "10.9.0.5");
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(41), fc.nat(255)), { maxLength: 4 }), fc.nat(60), (edits, length) => {
        const bytes = good.slice(0, length);
        for (const [at, value] of edits) if (at >= 12 && at < bytes.length) bytes[at] = value;
        world.receive(bytes);
      }),
      { numRuns: 500 },
    );
    world.down();
    expect(world.inUse).toBe(0);
  });
});

describe("N3 without a packet", () => {
  test("N3 `ip neigh … use` begins to resolve, or to verify, and leaves connected entries alone", () => {
    const world = arpWorld();
    const { table } = world.layers.arp;
    const { device } = world.layers.arp.of(world.iface)!;
    const unknown = table.create(device, parseIpv4("10.9.0.5"))!;
    table.use(unknown);
    expect(nudStateName(unknown.nudState)).toBe("INCOMPLETE");
    put(world, "10.9.0.6", "STALE");
    table.use(v4(world, "10.9.0.6")!);
    expect(stateOf(world, "10.9.0.6")).toBe("DELAY");
    put(world, "10.9.0.7", "REACHABLE");
    table.use(v4(world, "10.9.0.7")!);
    expect(stateOf(world, "10.9.0.7")).toBe("REACHABLE");
    expect(world.inUse).toBe(0);
  });

  test("N3 what is learned from outside (NTF_EXT_LEARNED) is not collected", () => {
    const world = arpWorld({ sysctls: { "net.ipv4.neigh.default.gc_thresh1": 0 } });
    put(world, "10.9.0.6", "STALE");
    const kept = v4(world, "10.9.0.6")!;
    world.layers.arp.table.update(kept, PEER, NUD_STALE, NEIGH_UPDATE_ADMIN | NEIGH_UPDATE_EXT_LEARNED);
    put(world, "10.9.0.7", "STALE");
    world.run(200_000);
    expect([stateOf(world, "10.9.0.6"), stateOf(world, "10.9.0.7")]).toEqual(["STALE", null]);
  });
});

describe("N10 listing, interfaces going down", () => {
  test("N10 the words of `ip neigh`", () => {
    const world = arpWorld();
    put(world, "10.9.0.5", "REACHABLE");
    put(world, "10.9.0.6", "INCOMPLETE");
    const lines = [...world.layers.arp.table.entries()].map((entry) => neighbourLine(entry, formatMac));
    expect(lines).toEqual([`dev eth0 lladdr ${PEER_MAC} REACHABLE`, "dev eth0 INCOMPLETE"]);
    expect(nudStateOf("permanent")).toBe(NUD_PERMANENT);
    expect(nudStateOf("unheard of")).toBeUndefined();
  });

  test("N10 multicast and broadcast need no question: NOARP with their own address", () => {
    const world = arpWorld();
    world.sendV4("224.1.2.3");
    world.sendV4("10.9.255.255");
    const sent = world.take().map(({ bytes }) => toHex(bytes.subarray(0, 6)));
    expect(sent).toEqual(["01005e010203", "ffffffffffff"]);
    expect(v4(world, "224.1.2.3")?.nudState).toBe(NUD_NOARP);
  });

  test("N10 going down forgets all, loss of carrier all but PERMANENT ones (arp_evict_nocarrier)", () => {
    const world = arpWorld();
    put(world, "10.9.0.5", "REACHABLE");
    put(world, "10.9.0.6", "PERMANENT");
    world.carrier = false;
    world.host.interfaces.setCarrier(world.iface, false);
    expect(stateOf(world, "10.9.0.5")).toBeNull();
    expect(stateOf(world, "10.9.0.6")).toBe("PERMANENT");
    world.down();
    expect(stateOf(world, "10.9.0.6")).toBeNull();
  });

  test("N10 a remembered neighbour that was removed says so", () => {
    const world = arpWorld();
    put(world, "10.9.0.5", "REACHABLE");
    const kept = v4(world, "10.9.0.5")!;
    world.down();
    expect(kept.dead).toBe(true);
  });
});

/** RFC 4861 App. C: state × event → state, for hosts that ask, and what is sent. */
describe("N11 the state machine against the table of RFC 4861 App. C", () => {
  type Event =
    "packet" | "na-solicited" | "na-unsolicited-same" | "na-unsolicited-override-other" | "ns-other" | "wait";
  const STEPS: Event[] = [
    "packet",
    "na-solicited",
    "na-unsolicited-same",
    "na-unsolicited-override-other",
    "ns-other",
    "wait",
  ];

  /** The appendix, written down as a table; waiting is modelled by the caller. */
  function next(state: string, event: Event): string {
    if (state === "NONE") return event === "packet" ? "INCOMPLETE" : event === "ns-other" ? "STALE" : "NONE";
    if (state === "INCOMPLETE") {
      if (event === "na-solicited") return "REACHABLE";
      // The packet that waited is sent at once, which makes DELAY of STALE.
      return event === "packet" ? "INCOMPLETE" : "DELAY";
    }
    if (event === "na-solicited") return "REACHABLE";
    if (event === "na-unsolicited-override-other" || event === "ns-other") return "STALE";
    if (event === "packet") return state === "STALE" ? "DELAY" : state;
    return state;
  }

  test("N11 property: random stories end in the state that the appendix says", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STEPS), { maxLength: 25 }), (events) => {
        const world = new LinkWorld({
          sysctls: { "net.ipv6.conf.eth0.router_solicitations": 0, "net.ipv6.conf.eth0.dad_transmits": 0 },
        });
        world.addV6("2001:db8::1/64");
        world.run(10);
        const key = parseIpv6("2001:db8::2");
        const { table } = world.layers.nd;
        const { device } = world.layers.nd.of(world.iface)!.neighbours;
        let model = "NONE";
        let mac = 0x0200_0000_1000;
        for (const event of events) {
          const entry = device.entries.get(key);
          switch (event) {
            case "packet":
              world.sendV6(key.toString());
              break;
            case "na-solicited":
              if (entry !== undefined)
                table.update(entry, entry.valid ? undefined : mac, NUD_REACHABLE, NEIGH_UPDATE_OVERRIDE);
              break;
            case "na-unsolicited-same":
              if (entry !== undefined)
                table.update(entry, entry.valid ? entry.lladdr : mac, NUD_STALE, NEIGH_UPDATE_OVERRIDE);
              break;
            case "na-unsolicited-override-other":
              if (entry !== undefined) table.update(entry, ++mac, NUD_STALE, NEIGH_UPDATE_OVERRIDE);
              break;
            case "ns-other":
              table.update(table.create(device, key)!, ++mac, NUD_STALE, NEIGH_UPDATE_OVERRIDE);
              break;
            case "wait":
              // Shorter than every timer: nothing may happen.
              world.run(10);
          }
          model = event === "wait" ? model : next(model, event);
          expect(nudStateName(device.entries.get(key)?.nudState ?? 0)).toBe(model);
          if (world.now > 8e8) break;
        }
        world.down();
        expect(world.inUse).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("N11 bits: the states are those of include/uapi/linux/neighbour.h", () => {
    expect([NUD_INCOMPLETE, NUD_REACHABLE, NUD_STALE, NUD_PROBE, NUD_NOARP, NUD_PERMANENT]).toEqual([
      1, 2, 4, 16, 64, 128,
    ]);
  });
});
