import type { Scenario } from "@seville/scenario";

/** Two hosts on one link, IPv4 and IPv6. */
export const PAIR: Scenario = {
  name: "pair",
  duration: "5s",
  hosts: {
    alice: { interfaces: { eth0: { addresses: ["10.0.0.1/24", "2001:db8::1/64"] } } },
    bob: { interfaces: { eth0: { addresses: ["10.0.0.2/24", "2001:db8::2/64"] } } },
  },
  links: { wire: { between: ["alice:eth0", "bob:eth0"], rate: "10mbit", delay: "5ms" } },
};

/** Two hosts and two routers in a row. */
export const CHAIN: Scenario = {
  name: "chain",
  duration: "8s",
  hosts: {
    alice: {
      interfaces: { eth0: { addresses: ["10.0.1.2/24", "2001:db8:1::2/64"] } },
      routes: [
        { to: "default", via: "10.0.1.1" },
        { to: "default", via: "2001:db8:1::1" },
      ],
    },
    r1: {
      kind: "router",
      interfaces: {
        lan: { addresses: ["10.0.1.1/24", "2001:db8:1::1/64"] },
        wan: { addresses: ["192.0.2.1/30", "2001:db8:ff::1/64"] },
      },
      routes: [
        { to: "10.0.2.0/24", via: "192.0.2.2" },
        { to: "2001:db8:2::/64", via: "2001:db8:ff::2" },
      ],
    },
    r2: {
      kind: "router",
      interfaces: {
        wan: { addresses: ["192.0.2.2/30", "2001:db8:ff::2/64"] },
        lan: { addresses: ["10.0.2.1/24", "2001:db8:2::1/64"] },
      },
      routes: [
        { to: "10.0.1.0/24", via: "192.0.2.1" },
        { to: "2001:db8:1::/64", via: "2001:db8:ff::1" },
      ],
    },
    bob: {
      interfaces: { eth0: { addresses: ["10.0.2.2/24", "2001:db8:2::2/64"] } },
      routes: [
        { to: "default", via: "10.0.2.1" },
        { to: "default", via: "2001:db8:2::1" },
      ],
    },
  },
  links: {
    left: { between: ["alice:eth0", "r1:lan"], rate: "100mbit", delay: "50us" },
    wan: { between: ["r1:wan", "r2:wan"], rate: "10mbit", delay: "10ms" },
    right: { between: ["r2:lan", "bob:eth0"], rate: "100mbit", delay: "50us" },
  },
};

/** Everything that a link can do to frames, at once. */
export const BAD: Scenario = {
  ...CHAIN,
  name: "bad",
  links: {
    ...CHAIN.links,
    wan: {
      between: ["r1:wan", "r2:wan"],
      rate: "5mbit",
      delay: "10ms",
      jitter: { deviation: "2ms", distribution: "normal" },
      loss: { gemodel: { p: "2%", r: "30%" } },
      duplicate: "2%",
      corrupt: "1%",
      reorder: { probability: "10%", gap: 3 },
      queue: { fifo: { limit: "20p" } },
    },
  },
  traffic: {
    ping: { ping: { from: "alice", to: "bob", interval: "50ms" }, start: "3s" },
    ping6: { ping: { from: "bob", to: "alice", family: "ipv6", interval: "50ms" }, start: "3s" },
    flow: { udp: { from: "alice", to: "bob", rate: "6mbit", size: 1000 }, start: "3s", stop: "7s" },
    echo: { udpEcho: { from: "bob", to: "alice", interval: "50ms" }, start: "3s" },
  },
};
