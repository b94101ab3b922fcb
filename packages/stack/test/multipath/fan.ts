import { parseInterfaceAddress, parseIp, type IpAddress } from "@seville/packet";
import { Link, type LinkOptions } from "@seville/sim";
import { createDummy, createEthernet, openUdp, type Host, type HopSelection, type NewRoute } from "../../src/index.ts";
import { assign, route, World } from "../support/world.ts";

/** a — r ═ b: links between r and b; b's address 10.9.0.1 (2001:db8:9::1) is reached by any of them. */
export interface Fan {
  readonly world: World;
  readonly a: Host;
  readonly r: Host;
  readonly b: Host;
  readonly links: readonly Link[];
  /** Long frames put on each link towards b since the last call. */
  taken(): number[];
}

export interface FanOptions {
  readonly weights?: readonly number[];
  readonly link?: Partial<LinkOptions>;
}

export function fan(paths: number, selection?: HopSelection, { weights = [], link = {} }: FanOptions = {}): Fan {
  const world = new World();
  const a = world.host("a");
  const r = world.router("r");
  const b = world.host("b");
  world.link([a, "eth0", "10.0.0.1/24", "2001:db8::1/64"], [r, "eth0", "10.0.0.254/24", "2001:db8::fe/64"]);
  const links = Array.from({ length: paths }, (_, i) => {
    const name = `path${i}`;
    const options = { scheduler: world.simulator, random: world.random, name, rate: 10_000_000, ...link };
    const path = new Link(options);
    for (const [host, end, own] of [
      [r, path.a, 1],
      [b, path.b, 2],
    ] as const) {
      const iface = host.interfaces.add(createEthernet(end), { name: `p${i}`, up: true });
      assign(iface, [`10.1.${i}.${own}/24`, `2001:db8:1:${i}::${own}/64`]);
    }
    return path;
  });
  assign(b.interfaces.add(createDummy(), { name: "d0", up: true }), ["10.9.0.1/32", "2001:db8:9::1/128"]);
  openUdp(b, { family: 6 }).bind({ port: 7000 });
  route(a, "0.0.0.0/0", "10.0.0.254");
  route(a, "::/0", "2001:db8::fe");
  r.ipv4.fib.add(fanRoute("10.9.0.0/16", paths, selection, weights));
  r.ipv6.fib.add(fanRoute("2001:db8:9::/64", paths, selection, weights));
  // Everybody knows everybody: no packet waits for an address.
  for (let i = 0; i < paths; i++) for (const to of [`10.1.${i}.2`, `2001:db8:1:${i}::2`]) probe(r, to);
  world.runMs(50);
  const counts = links.map(() => 0);
  for (const [i, each] of links.entries()) {
    each.tap({
      frame: (direction, point, frame) => {
        // Reports of groups and neighbours are shorter than what the tests send.
        if (direction === "aToB" && point === "sent" && frame.length > 300) counts[i]!++;
      },
    });
  }
  const taken = (): number[] => {
    world.runMs(200);
    return counts.splice(0, counts.length, ...links.map(() => 0));
  };
  return { world, a, r, b, links, taken };
}

/** A route by all paths. */
export function fanRoute(
  prefix: string,
  paths: number,
  selection?: HopSelection,
  weights: readonly number[] = [],
): NewRoute {
  const gateway = (i: number): IpAddress => parseIp(prefix.includes(":") ? `2001:db8:1:${i}::2` : `10.1.${i}.2`);
  const hops = Array.from({ length: paths }, (_, i) => ({ gateway: gateway(i), weight: weights[i] ?? 1 }));
  return { ...to(prefix), hops, ...(selection === undefined ? {} : { selection }) };
}

export function to(text: string): { destination: IpAddress; prefixLength: number } {
  const { address, prefixLength } = parseInterfaceAddress(text);
  return { destination: address, prefixLength };
}

/** One datagram, so that the neighbour is known. */
function probe(host: Host, address: string): void {
  const socket = openUdp(host, { family: address.includes(":") ? 6 : 4 });
  socket.send(new Uint8Array(1), { address, port: 9 });
  socket.close();
}
