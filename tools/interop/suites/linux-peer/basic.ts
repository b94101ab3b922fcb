import { GuestSession } from "../../../linux-peer/session.ts";
import { hostFault } from "../../../linux-peer/build/debian.ts";
import { build } from "../../../linux-peer/build/build.ts";
import { isBuilt, readSettings } from "../../../linux-peer/settings.ts";
import { readUdpDrops } from "../../../../packages/host-link/src/udp/proc-net-udp.ts";
import type { World } from "../../../../packages/scenario/src/index.ts";
import { startLive } from "../../lib/live-scenario.ts";
import { check, type Suite } from "../../lib/suite.ts";
import { errorCases } from "./basic/errors.ts";
import { fragmentCases } from "./basic/fragments.ts";
import { hostCases } from "./basic/hosts.ts";
import { neighbourCases } from "./basic/neighbours.ts";
import { pathCases } from "./basic/paths.ts";
import { transferCases } from "./basic/transfers.ts";
import type { TwoGuests } from "./basic/two-guests.ts";
import { openUdpService } from "./basic/udp-echo.ts";
import { lastCases } from "./basic/last.ts";
import { LEFT, PORTS_PER_LINK, RIGHT, topology } from "./basic/topology.ts";

/**
 * Two real Linux guests, joined through two simulated routers and a link between them of 50 Mbit/s, 10 ms and an MTU of 1400;
 * and a simulated host beside the second router.
 */
export const suite: Suite<TwoGuests> = {
  missing: () => (isBuilt("uml", readSettings()) ? undefined : hostFault()),
  async start({ say }) {
    if (!isBuilt("uml", readSettings())) say("building the guests, once (a quarter of a minute) …");
    build("uml", readSettings());
    // Ports that no other run of this machine uses at the same time.
    const base = 21_000 + (process.pid % 5000) * PORTS_PER_LINK * 2;
    const ports = { left: base, right: base + PORTS_PER_LINK };
    const live = await startLive(topology(ports), (world: World) => openUdpService(world));
    const guest = (id: number, port: number): Promise<GuestSession> =>
      GuestSession.start({ id, links: [`udp:${port}:${port + 1}`], timeoutSeconds: 900, nice: -15 });
    try {
      const [left, right] = await Promise.all([guest(1, ports.left), guest(2, ports.right)]);
      await Promise.all([configure(left, LEFT), configure(right, RIGHT)]);
      const sockets = [ports.left, ports.left + 1, ports.right, ports.right + 1];
      const lostByMachine = (): number => sockets.reduce((sum, port) => sum + (readUdpDrops(port) ?? 0), 0);
      return { live, world: live.world, left, right, lostByMachine };
    } catch (error) {
      await live.stop();
      throw error;
    }
  },
  cases: [
    ...neighbourCases,
    ...pathCases,
    ...fragmentCases,
    ...hostCases,
    ...errorCases,
    ...transferCases,
    ...lastCases,
  ],
  async stop({ live, left, right }) {
    await Promise.allSettled([left.close(), right.close()]);
    const { pool } = await live.stop();
    check(
      pool.before === pool.after,
      "every packet comes back to the pool",
      `${pool.before} before, ${pool.after} after`,
    );
  },
};

/** Static addresses and default routes; the left one gets more by SLAAC. */
async function configure(guest: GuestSession, side: typeof LEFT): Promise<void> {
  // IPv6 is a module there, which adding an address does not load.
  await guest.expect(
    `modprobe ipv6; sysctl -qw net.ipv6.conf.eth0.accept_ra=${side === LEFT ? 1 : 0}; ip link set eth0 up; ethtool -K eth0 gro off`,
  );
  await guest.expect(`ip addr add ${side.ipv4}/24 dev eth0; ip addr add ${side.ipv6}/64 dev eth0 nodad`);
  await guest.expect(
    `ip route add default via ${side.router4}; ip -6 route add default via ${side.router6} metric 2000`,
  );
}
