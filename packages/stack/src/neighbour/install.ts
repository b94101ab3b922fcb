import { Ipv6Prefix } from "@seville/packet";
import type { PolicyTable } from "../address/policy-table.ts";
import { installSourceSelection } from "../address/host-source.ts";
import type { Host } from "../host/host.ts";
import { installIgmp, type IgmpLayer } from "../ipv4/igmp.ts";
import { installMld, type MldLayer } from "../ipv6/mld.ts";
import { installNeighbourDiscovery, type NdLayer } from "../ipv6/ndisc.ts";
import { installArp, type ArpLayer, type UnreachableHandler } from "./arp.ts";

/** All by which a host knows its links: neighbours, routers, groups, and which address it speaks from. */
export interface LinkLayers {
  readonly arp: ArpLayer;
  readonly nd: NdLayer;
  readonly igmp: IgmpLayer;
  readonly mld: MldLayer;
  /** The policy table of RFC 6724 (`ip addrlabel`). */
  readonly policy: PolicyTable;
}

/**
 * Installs them, behind the host's addresses and routes: they follow its interfaces from then on.
 * `unreachable` takes packets whose next hop does not answer.
 */
export function installLinkLayers(host: Host, unreachable: UnreachableHandler): LinkLayers {
  const arp = installArp(host, unreachable);
  const nd = installNeighbourDiscovery(host, unreachable);
  const igmp = installIgmp(host);
  const mld = installMld(host);
  const policy = installSourceSelection(host, (address, dev) => {
    const on = nd.of(dev);
    const router = on?.routers.defaults()[0]?.router;
    if (on === undefined || router === undefined) return false;
    return on.prefixes
      .prefixes()
      .some(
        (each) => each.advertisedBy.includes(router) && Ipv6Prefix.of(each.prefix, each.prefixLength).contains(address),
      );
  });
  return { arp, nd, igmp, mld, policy };
}
