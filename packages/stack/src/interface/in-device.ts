import type { Ipv6Address } from "@seville/packet";
import type { Ipv4Conf, NeighConf } from "../host/sysctl-ipv4.ts";
import type { Ipv6Conf } from "../host/sysctl-ipv6.ts";
import type { InterfaceAddress } from "./interface-address.ts";
import { MulticastGroups, type GroupListener } from "./multicast-groups.ts";
import type { NeighbourOutput } from "./neighbour-output.ts";

/** What IPv4 knows of an interface: `struct in_device`. Addresses change through `src/interface/addresses.ts`. */
export class InDevice {
  readonly conf: Ipv4Conf;
  readonly neigh: NeighConf;
  /** In the order of `ip address`: primaries before their secondaries. */
  readonly addresses: InterfaceAddress<number>[] = [];
  readonly groups: MulticastGroups<number>;
  /** Set by `src/neighbour/` for devices that resolve addresses. */
  neighbours: NeighbourOutput | undefined = undefined;

  constructor(conf: Ipv4Conf, neigh: NeighConf, groupChanged: GroupListener<number>) {
    this.conf = { ...conf };
    this.neigh = { ...neigh };
    this.groups = new MulticastGroups(groupChanged);
  }
}

/** What IPv6 knows of an interface: `struct inet6_dev`. */
export class Inet6Device {
  readonly conf: Ipv6Conf;
  readonly neigh: NeighConf;
  /** Addresses have no zone here: the interface is their zone. */
  readonly addresses: InterfaceAddress<Ipv6Address>[] = [];
  readonly anycast: Ipv6Address[] = [];
  readonly groups: MulticastGroups<Ipv6Address>;
  neighbours: NeighbourOutput | undefined = undefined;
  /** `IF_RA_RCVD` and friends belong to whoever runs SLAAC; this is the MTU that routers told, or the device's. */
  mtu: number;

  constructor(conf: Ipv6Conf, neigh: NeighConf, mtu: number, groupChanged: GroupListener<Ipv6Address>) {
    this.conf = { ...conf };
    this.neigh = { ...neigh };
    this.mtu = mtu;
    this.groups = new MulticastGroups(groupChanged);
  }
}
