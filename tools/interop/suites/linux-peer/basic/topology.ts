import type { Scenario } from "../../../../../packages/scenario/src/index.ts";

/** A guest's UDP port and ours. */
export const PORTS_PER_LINK = 2;

/** One way over the link between the routers, ms. */
export const WAN_DELAY_MS = 10;
/** Its rate, bit/s. */
export const WAN_RATE = 50e6;
export const WAN_MTU = 1400;

export const LEFT = { ipv4: "10.82.1.2", ipv6: "2001:db8:82:1::2", router4: "10.82.1.1", router6: "2001:db8:82:1::1" };
export const RIGHT = { ipv4: "10.82.2.2", ipv6: "2001:db8:82:2::2", router4: "10.82.2.1", router6: "2001:db8:82:2::1" };
/** The far side of the link between the routers. */
export const FAR_ROUTER = { ipv4: "10.82.9.2", ipv6: "2001:db8:82:9::2" };
/** A host of ours, on the second router's third link. */
export const SERVER = { ipv4: "10.82.3.2", ipv6: "2001:db8:82:3::2" };

/** left ── r1 ══ wan ══ r2 ── right, and a simulated host `server` at r2. */
export function topology(ports: { readonly left: number; readonly right: number }): Scenario {
  const guest = (port: number) => ({ udp: { bind: `127.0.0.1:${port + 1}`, to: `127.0.0.1:${port}`, l2tpv3: {} } });
  return {
    name: "linux-peer-basic",
    duration: "1h",
    realtime: true,
    defaults: "linux-exact",
    hosts: {
      r1: {
        kind: "router",
        interfaces: {
          eth0: {
            addresses: [`${LEFT.router4}/24`, `${LEFT.router6}/64`],
            mac: "02:00:00:00:01:01",
            // RFC 4861 §6.2.1: an interval of 4 s is the least that there may be.
            advertise: { interval: "4s", lifetime: "1800s", hopLimit: 61 },
          },
          eth1: { addresses: ["10.82.9.1/24", "2001:db8:82:9::1/64"], mtu: WAN_MTU },
        },
        routes: [
          { to: "10.82.2.0/23", via: FAR_ROUTER.ipv4 },
          { to: "2001:db8:82:2::/63", via: FAR_ROUTER.ipv6 },
        ],
      },
      r2: {
        kind: "router",
        interfaces: {
          eth0: { addresses: [`${RIGHT.router4}/24`, `${RIGHT.router6}/64`], mac: "02:00:00:00:02:01" },
          eth1: { addresses: [`${FAR_ROUTER.ipv4}/24`, `${FAR_ROUTER.ipv6}/64`], mtu: WAN_MTU },
          eth2: { addresses: ["10.82.3.1/24", "2001:db8:82:3::1/64"] },
        },
        routes: [
          { to: "10.82.1.0/24", via: "10.82.9.1" },
          { to: "2001:db8:82:1::/64", via: "2001:db8:82:9::1" },
        ],
      },
      server: {
        interfaces: { eth0: { addresses: [`${SERVER.ipv4}/24`, `${SERVER.ipv6}/64`] } },
        routes: [
          { to: "default", via: "10.82.3.1" },
          { to: "default", via: "2001:db8:82:3::1" },
        ],
      },
    },
    attachments: { left: guest(ports.left), right: guest(ports.right) },
    links: {
      left: { between: ["left", "r1:eth0"] },
      wan: { between: ["r1:eth1", "r2:eth1"], rate: "50mbit", delay: "10ms", mtu: WAN_MTU },
      right: { between: ["r2:eth0", "right"] },
      server: { between: ["r2:eth2", "server:eth0"] },
    },
  };
}
