import { createRandom, millis, seconds, type Nanos } from "@seville/core";
import { PacketPool, parseInterfaceAddress, parseIp } from "@seville/packet";
import { Link, Simulator, type LinkOptions } from "@seville/sim";
import { afterEach, expect } from "vitest";
import {
  addAddress4,
  addAddress6,
  closeHost,
  createEthernet,
  createHost,
  createVethPair,
  type Host,
  type HostOptions,
  type NetInterface,
} from "../../src/index.ts";
import { recordFrame } from "./captures.ts";

/** A small world with a virtual clock. At the end of each test its pool must be as full as before. */
export class World {
  readonly simulator = new Simulator();
  readonly pool = new PacketPool({ small: 1024, jumbo: 64, super: 8 });
  readonly random = createRandom(1);
  readonly hosts: Host[] = [];

  constructor() {
    worlds.push(this);
  }

  host(name: string, sysctls: HostOptions["sysctls"] = {}): Host {
    const host = createHost({
      name,
      scheduler: this.simulator,
      pool: this.pool,
      random: this.random,
      // Autoconfiguration has tests of its own; here the wire shall be quiet.
      sysctls: {
        "net.ipv6.conf.all.accept_dad": 0,
        "net.ipv6.conf.default.accept_dad": 0,
        "net.ipv6.conf.default.router_solicitations": 0,
        ...sysctls,
      },
    });
    this.hosts.push(host);
    return host;
  }

  router(name: string, sysctls: HostOptions["sysctls"] = {}): Host {
    return this.host(name, { "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1, ...sysctls });
  }

  /** Joins two hosts by a link; every frame on it is checked by tshark in the end. */
  link(a: [Host, string, ...string[]], b: [Host, string, ...string[]], options: Partial<LinkOptions> = {}): Link {
    const [hostA, nameA, ...addressesA] = a;
    const [hostB, nameB, ...addressesB] = b;
    const link = new Link({
      scheduler: this.simulator,
      random: this.random,
      name: `${hostA.name}-${hostB.name}`,
      ...options,
    });
    const ifaceA = hostA.interfaces.add(createEthernet(link.a), { name: nameA, up: true });
    const ifaceB = hostB.interfaces.add(createEthernet(link.b), { name: nameB, up: true });
    for (const [host, iface] of [
      [hostA, ifaceA],
      [hostB, ifaceB],
    ] as const) {
      host.taps.add((packet, _iface, direction) => {
        if (direction === "out") recordFrame(packet);
      }, iface);
    }
    assign(ifaceA, addressesA);
    assign(ifaceB, addressesB);
    return link;
  }

  veth(a: [Host, string, ...string[]], b: [Host, string, ...string[]]): [NetInterface, NetInterface] {
    const [deviceA, deviceB] = createVethPair();
    const ifaceA = a[0].interfaces.add(deviceA, { name: a[1], up: true });
    const ifaceB = b[0].interfaces.add(deviceB, { name: b[1], up: true });
    assign(ifaceA, a.slice(2) as string[]);
    assign(ifaceB, b.slice(2) as string[]);
    return [ifaceA, ifaceB];
  }

  /** Lets time pass. */
  run(duration: Nanos = seconds(1)): void {
    this.simulator.run({ until: this.simulator.now + duration });
  }

  runMs(ms: number): void {
    this.run(millis(ms));
  }

  close(): void {
    for (const host of this.hosts) closeHost(host);
    // Frames on the links arrive and are given back.
    this.simulator.run({ until: this.simulator.now + seconds(1) });
  }
}

const worlds: World[] = [];

afterEach(() => {
  for (const world of worlds.splice(0)) {
    world.close();
    expect(world.pool.stats.inUse, "packets that nobody gave back").toBe(0);
  }
});

export function assign(iface: NetInterface, addresses: readonly string[]): void {
  for (const text of addresses) {
    const { address, prefixLength } = parseInterfaceAddress(text);
    if (typeof address === "number") addAddress4(iface, { address, prefixLength });
    else addAddress6(iface, { address, prefixLength });
  }
}

/** `ip route add TO via VIA`. */
export function route(host: Host, to: string, via: string): void {
  const { address, prefixLength } = parseInterfaceAddress(to);
  const gateway = parseIp(via);
  if (typeof address === "number") host.ipv4.fib.add({ destination: address, prefixLength, gateway });
  else host.ipv6.fib.add({ destination: address, prefixLength, gateway });
}

/** Two hosts on one link: 10.0.0.1 and 10.0.0.2, 2001:db8::1 and 2001:db8::2. */
export interface Pair {
  readonly world: World;
  readonly a: Host;
  readonly b: Host;
  readonly link: Link;
}

export function pair(options: Partial<LinkOptions> = {}): Pair {
  const world = new World();
  const a = world.host("a");
  const b = world.host("b");
  const link = world.link(
    [a, "eth0", "10.0.0.1/24", "2001:db8::1/64"],
    [b, "eth0", "10.0.0.2/24", "2001:db8::2/64"],
    options,
  );
  world.runMs(10);
  return { world, a, b, link };
}

export interface Chain {
  readonly world: World;
  readonly a: Host;
  readonly r: Host;
  readonly b: Host;
  readonly left: Link;
  readonly right: Link;
}

/** a — r — b: 10.0.1.0/24 and 10.0.2.0/24, 2001:db8:1::/64 and 2001:db8:2::/64; the router is .254 and ::fe. */
export function chain(
  options: { left?: Partial<LinkOptions>; right?: Partial<LinkOptions>; router?: HostOptions["sysctls"] } = {},
): Chain {
  const world = new World();
  const a = world.host("a");
  const r = world.router("r", options.router);
  const b = world.host("b");
  const left = world.link(
    [a, "eth0", "10.0.1.1/24", "2001:db8:1::1/64"],
    [r, "eth0", "10.0.1.254/24", "2001:db8:1::fe/64"],
    options.left,
  );
  const right = world.link(
    [r, "eth1", "10.0.2.254/24", "2001:db8:2::fe/64"],
    [b, "eth0", "10.0.2.1/24", "2001:db8:2::1/64"],
    options.right,
  );
  route(a, "0.0.0.0/0", "10.0.1.254");
  route(a, "::/0", "2001:db8:1::fe");
  route(b, "0.0.0.0/0", "10.0.2.254");
  route(b, "::/0", "2001:db8:2::fe");
  world.runMs(10);
  return { world, a, r, b, left, right };
}

/** The error code that `call` fails with, or `undefined`. */
export function codeOf(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const bytes = (textual: string): Uint8Array => new TextEncoder().encode(textual);
