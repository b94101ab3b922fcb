import type { RackRange } from "./plan.ts";

/**
 * Addresses of the fabric number `fabric` of a scenario (0 to 255). Each host is on a link of its own with its switch, so that it is routed
 * to and nothing is broadcast.
 */
export interface FabricAddresses {
  readonly family: "ipv4" | "ipv6";
  /** The two ends of the link of host `index` of `rack`: the switch's, the host's. */
  hostLink(rack: number, index: number): LinkAddresses;
  /** The two ends of the n-th link between switches. */
  switchLink(n: number): LinkAddresses;
  /** The prefix of some racks. */
  racks(range: RackRange): string;
  readonly everything: string;
}

export interface LinkAddresses {
  readonly near: string;
  readonly far: string;
  readonly length: number;
}

/** 10.FABRIC.RACK.0/24 for hosts, /31s (RFC 3021) of 100.64.0.0/10 between switches. */
function ipv4(fabric: number): FabricAddresses {
  return {
    family: "ipv4",
    hostLink: (rack, index) => ({
      near: `10.${fabric}.${rack}.${2 * index}`,
      far: `10.${fabric}.${rack}.${2 * index + 1}`,
      length: 31,
    }),
    switchLink: (n) => {
      const at = fabric * 0x4000 + 2 * n;
      const text = (value: number): string =>
        `100.${64 + Math.floor(value / 0x1_0000)}.${Math.floor(value / 256) % 256}.${value % 256}`;
      return { near: text(at), far: text(at + 1), length: 31 };
    },
    racks: ({ first, bits }) => `10.${fabric}.${first}.0/${24 - bits}`,
    everything: "0.0.0.0/0",
  };
}

/** 2001:db8:FABRIC:RACK·HOST::/64 for hosts, 2001:db8:8000+FABRIC:LINK::/64 between switches. */
function ipv6(fabric: number): FabricAddresses {
  return {
    family: "ipv6",
    hostLink: (rack, index) => {
      const subnet = `2001:db8:${fabric.toString(16)}:${(rack * 256 + index).toString(16)}`;
      return { near: `${subnet}::1`, far: `${subnet}::2`, length: 64 };
    },
    switchLink: (n) => {
      const subnet = `2001:db8:${(0x8000 + fabric).toString(16)}:${n.toString(16)}`;
      return { near: `${subnet}::1`, far: `${subnet}::2`, length: 64 };
    },
    racks: ({ first, bits }) => `2001:db8:${fabric.toString(16)}:${(first * 256).toString(16)}::/${56 - bits}`,
    everything: "::/0",
  };
}

export function fabricAddresses(family: "ipv4" | "ipv6", fabric: number): FabricAddresses {
  return family === "ipv4" ? ipv4(fabric) : ipv6(fabric);
}
