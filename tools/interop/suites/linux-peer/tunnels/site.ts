import { join } from "node:path";
import type { Host } from "../../../../../packages/stack/src/index.ts";
import type { Scenario, World } from "../../../../../packages/scenario/src/index.ts";
import { GuestSession } from "../../../../linux-peer/session.ts";
import type { Engine } from "../../../../linux-peer/settings.ts";
import { startLive, type LiveScenario } from "../../../lib/live-scenario.ts";
import { UNDERLAY, UNDERLAY_MTU } from "./addresses.ts";
import { Sink, startGuestSink } from "./sink.ts";
import { Wire } from "./wire.ts";

/** Ports of this machine that one site takes. */
export const PORTS_PER_SITE = 4;

/** A guest, our router before its two links, and the wires between them. */
export interface Site {
  readonly engine: Engine;
  readonly live: LiveScenario;
  readonly world: World;
  readonly host: Host;
  readonly guest: GuestSession;
  readonly wire: Wire;
  /** Datagrams that reached our sockets. */
  readonly sink: Sink;
  readonly captures: { readonly finished: string; readonly unfinished: string };
}

/** near ══ ours ══ far: two links of one guest, of which the second is in a namespace of its own. */
function topology(base: number): Scenario {
  const guest = (port: number) => ({ udp: { bind: `127.0.0.1:${port + 1}`, to: `127.0.0.1:${port}`, l2tpv3: {} } });
  const { near, far } = UNDERLAY;
  return {
    name: "linux-peer-tunnels",
    duration: "2h",
    realtime: true,
    defaults: "linux-exact",
    hosts: {
      ours: {
        kind: "router",
        // Autoconfiguration has tests elsewhere; here nothing shall pass but tunnels.
        sysctls: {
          "net.ipv6.conf.all.accept_dad": 0,
          "net.ipv6.conf.default.accept_dad": 0,
          "net.ipv6.conf.default.router_solicitations": 0,
          "net.ipv4.icmp_ratelimit": 0,
          "net.ipv6.icmp.ratelimit": 0,
        },
        interfaces: {
          eth0: { addresses: [`${near.ours[4]}/24`, `${near.ours[6]}/64`], mtu: UNDERLAY_MTU.near },
          eth1: { addresses: [`${far.ours[4]}/24`, `${far.ours[6]}/64`], mtu: UNDERLAY_MTU.far },
        },
      },
    },
    attachments: { near: guest(base), far: guest(base + 2) },
    links: {
      near: { between: ["near", "ours:eth0"], mtu: UNDERLAY_MTU.near },
      far: { between: ["ours:eth1", "far"], mtu: UNDERLAY_MTU.far },
    },
  };
}

/** Boots a guest of `engine` and joins it to our router. */
export async function startSite(engine: Engine, base: number, directory: string): Promise<Site> {
  const live = await startLive(topology(base));
  const { world } = live;
  const host = world.hosts.get("ours");
  if (host === undefined) throw new Error("the topology has no host called ours");
  const captures = {
    finished: join(directory, `linux-peer-tunnels-${engine}.pcapng`),
    unfinished: join(directory, `linux-peer-tunnels-${engine}-remcsum.pcapng`),
  };
  const wire = new Wire(world, captures);
  try {
    const guest = await GuestSession.start({
      engine,
      id: engine === "uml" ? 3 : 4,
      links: [
        `udp:${base}:${base + 1},mtu=${UNDERLAY_MTU.near}`,
        `udp:${base + 2}:${base + 3},mtu=${UNDERLAY_MTU.far}`,
      ],
      timeoutSeconds: 1800,
      nice: -15,
    });
    await configure(guest);
    await startGuestSink(guest);
    const sink = await inWorld(world, () => new Sink(host));
    return { engine, live, world, host, guest, wire, sink, captures };
  } catch (error) {
    await live.stop();
    throw error;
  }
}

/** Ends the guest and the world. Returns how many packets of the pool were free before and after. */
export async function stopSite({ guest, wire, live, world, sink }: Site): Promise<{ before: number; after: number }> {
  await guest.close();
  await inWorld(world, () => sink.close());
  const { pool } = await live.stop();
  wire.close();
  return pool;
}

/** Runs `call` in its turn of the simulation: what it schedules begins with the next event. */
export function inWorld<T>(world: World, call: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    world.simulator.scheduleCall(world.simulator.now, () => {
      try {
        resolve(call());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}

const QUIET =
  "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0 " +
  "net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0";

async function configure(guest: GuestSession): Promise<void> {
  const { near, far } = UNDERLAY;
  // Modules that nothing loads by itself, where the kernel has them.
  await guest.expect(
    `modprobe ipv6 2>/dev/null; modprobe fou 2>/dev/null; ip netns add far && ip link set lo up && ip -n far link set lo up`,
  );
  await guest.expect(`${QUIET}; ip netns exec far ${QUIET}`);
  await guest.expect(
    `ip link set eth1 netns far; ip link set eth0 mtu ${UNDERLAY_MTU.near}; ip -n far link set eth1 mtu ${UNDERLAY_MTU.far}; ` +
      `ethtool -K eth0 gro off; ip netns exec far ethtool -K eth1 gro off; ` +
      `ip link set eth0 up; ip -n far link set eth1 up`,
  );
  await guest.expect(
    `ip addr add ${near.guest[4]}/24 dev eth0; ip addr add ${near.guest[6]}/64 dev eth0 nodad; ` +
      `ip -n far addr add ${far.guest[4]}/24 dev eth1; ip -n far addr add ${far.guest[6]}/64 dev eth1 nodad; ` +
      `head -c 400000 /dev/urandom >/run/blob`,
  );
}
