import { millis, seconds } from "@seville/core";
import { parseIpv4 } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { startPing, type Host, type NetInterface } from "../src/index.ts";
import { createVxlan, type VxlanNetwork } from "../src/tunnel/index.ts";
import { frames } from "./support/captures.ts";
import { dropsOf, sniff } from "./support/packets.ts";
import { tunnelComplaints } from "./support/tunnels.ts";
import { assign, codeOf, pair, route, World } from "./support/world.ts";

interface Site {
  readonly host: Host;
  readonly vx: NetInterface;
  readonly device: VxlanNetwork;
  readonly outer: Uint8Array[];
}

/** Three hosts behind a router, on one VXLAN with ingress replication: 192.168.0.1 to .3. */
function star(ageing = seconds(300)) {
  const world = new World();
  const r = world.router("r");
  const addresses = [1, 2, 3].map((i) => parseIpv4(`10.0.${i}.1`));
  const sites = addresses.map((local, i): Site => {
    const host = world.host(`h${i + 1}`);
    const net = `10.0.${i + 1}`;
    world.link([host, "eth0", `${net}.1/24`], [r, `eth${i + 1}`, `${net}.254/24`]);
    route(host, "0.0.0.0/0", `${net}.254`);
    const remotes = addresses.filter((address) => address !== local).map((ip) => ({ ip }));
    const device = createVxlan(host, { id: 7, local, remotes, ageing });
    const vx = host.interfaces.add(device, { name: "vx0", up: true, mtu: 1450 });
    assign(vx, [`192.168.0.${i + 1}/24`]);
    return { host, vx, device, outer: sniff(host, host.interfaces.named("eth0")) };
  });
  world.runMs(20);
  for (const site of sites) site.outer.length = 0;
  return { world, sites: sites as [Site, Site, Site] };
}

/** To whom a host's outer datagrams went, by the last but one byte of the address. */
const targets = ({ outer }: Site): number[] => outer.filter((packet) => packet[9] === 17).map((packet) => packet[18]!);

describe("U9 VXLAN with a forwarding database (T2)", () => {
  test("what is for all goes to every end, and then each station is known", () => {
    const { world, sites } = star();
    const [one, two, three] = sites;
    const ping = startPing(one.host, "192.168.0.2", { count: 3, interval: millis(10) });
    world.runMs(50);
    expect(ping.report()).toMatchObject({ transmitted: 3, received: 3 });
    // The ARP request to both, the three pings to the one that answered.
    expect(targets(one)).toEqual([2, 3, 2, 2, 2]);
    expect(targets(two)).toEqual([1, 1, 1, 1]);
    expect(targets(three)).toEqual([]);
    expect(one.device.engine.fdb.find(two.vx.mac, world.simulator.now)?.remotes).toMatchObject([
      { ip: parseIpv4("10.0.2.1") },
    ]);
  });

  test("every pair reaches each other, and an entry that is not used ages", () => {
    const { world, sites } = star(seconds(2));
    const pings = sites.flatMap(({ host }, i) =>
      [1, 2, 3].filter((to) => to !== i + 1).map((to) => startPing(host, `192.168.0.${to}`, { count: 1 })),
    );
    world.runMs(50);
    for (const ping of pings) expect(ping.report().received).toBe(1);
    const [one, two] = sites;
    world.run(seconds(10));
    one.device.engine.handleTimeout(world.simulator.now);
    expect(one.device.engine.fdb.find(two.vx.mac, world.simulator.now)).toBeUndefined();
  });

  test("a group in the underlay replicates", () => {
    const { world, a, b } = pair();
    const group = parseIpv4("239.1.1.1");
    const vx = [a, b].map((host, i) => {
      const config = { id: 7, local: parseIpv4(`10.0.0.${i + 1}`), remotes: [{ ip: group }] };
      const iface = host.interfaces.add(createVxlan(host, config, { dev: "eth0" }), { name: "vx0", up: true });
      assign(iface, [`192.168.0.${i + 1}/24`]);
      return iface;
    });
    world.runMs(20);
    const out = sniff(a, a.interfaces.named("eth0"));
    const ping = startPing(a, "192.168.0.2", { count: 2, interval: millis(10) });
    world.runMs(50);
    expect(ping.report().received).toBe(2);
    const to = out.filter((packet) => packet[9] === 17).map((packet) => packet.subarray(16, 20).join("."));
    expect(to).toEqual(["239.1.1.1", "10.0.0.2", "10.0.0.2"]);
    expect(b.interfaces.named("eth0").v4.groups.accepts(group, 0)).toBe(true);
    b.interfaces.setDown(vx[1] as NetInterface);
    expect(b.interfaces.named("eth0").v4.groups.accepts(group, 0)).toBe(false);
  });

  test("without ends frames for nobody known are dropped; a group needs a way", () => {
    const { world, a } = pair();
    const vx = a.interfaces.add(createVxlan(a, { id: 7, local: parseIpv4("10.0.0.1") }), { name: "vx0", up: true });
    assign(vx, ["192.168.0.1/24"]);
    const drops = dropsOf(a);
    startPing(a, "192.168.0.2", { count: 1 });
    world.runMs(20);
    expect(new Set(drops)).toEqual(new Set(["VXLAN_NO_REMOTE"]));
    expect(vx.stats.tx_dropped).toBeGreaterThan(0);
    expect(codeOf(() => createVxlan(a, { id: 8, local: parseIpv4("10.0.0.1") }, { dev: "eth9" }))).toBe("ENODEV");
  });

  test("down and up again: what was learned is gone, what was configured is not (vxlan_stop)", () => {
    const { world, sites } = star();
    const [one, two] = sites;
    const first = startPing(one.host, "192.168.0.2", { count: 1 });
    world.runMs(20);
    one.host.interfaces.setDown(one.vx);
    expect(one.device.engine.fdb.find(two.vx.mac, world.simulator.now)).toBeUndefined();
    one.host.interfaces.setUp(one.vx);
    const second = startPing(one.host, "192.168.0.3", { count: 1 });
    world.runMs(20);
    expect([first.report().received, second.report().received]).toEqual([1, 1]);
  });

  test("a frame that comes back from the overlay with our own address is dropped (LOCAL_MAC)", () => {
    const { world, sites } = star();
    const [one, two] = sites;
    two.host.interfaces.setMac(two.vx, one.vx.mac);
    const drops = dropsOf(one.host);
    startPing(two.host, "192.168.0.1", { count: 1 });
    world.runMs(20);
    expect(drops).toContain("LOCAL_MAC");
    expect(one.vx.stats.rx_dropped).toBeGreaterThan(0);
  });
});

testWith(["tshark"], "the wire: tshark finds nothing wrong at any level", () => {
  expect(frames.length).toBeGreaterThan(50);
  expect(tunnelComplaints(frames)).toEqual([]);
});
