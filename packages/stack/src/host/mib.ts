import {
  icmp6Mib,
  icmpMib,
  ip6Mib,
  ipExtMib,
  ipMib,
  udpMib,
  type Icmp6Mib,
  type IcmpMib,
  type Ip6Mib,
  type IpExtMib,
  type IpMib,
  type UdpMib,
} from "./mib-groups.ts";

/** Messages by type, `InType8` and so on: the names that occurred. */
export type MessageCounts = Map<string, number>;

/** All counters of a host. Transport protocols add groups of their own by {@link Mib.extra}. */
export interface Mib {
  readonly ip: IpMib;
  readonly ipExt: IpExtMib;
  readonly icmp: IcmpMib;
  readonly icmpMsg: MessageCounts;
  readonly udp: UdpMib;
  readonly ip6: Ip6Mib;
  readonly icmp6: Icmp6Mib;
  readonly icmp6Msg: MessageCounts;
  readonly udp6: UdpMib;
  /** Groups of /proc/net/snmp and netstat that others fill: `Tcp`, `TcpExt` … */
  readonly extra: Map<string, Record<string, number>>;
}

export function createMib(): Mib {
  return {
    ip: ipMib(),
    ipExt: ipExtMib(),
    icmp: icmpMib(),
    icmpMsg: new Map(),
    udp: udpMib(),
    ip6: ip6Mib(),
    icmp6: icmp6Mib(),
    icmp6Msg: new Map(),
    udp6: udpMib(),
    extra: new Map(),
  };
}

/** Counts a message of `type` under `InType…` or `OutType…`. */
export function countMessage(counts: MessageCounts, direction: "In" | "Out", type: number): void {
  const name = `${direction}Type${type}`;
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
