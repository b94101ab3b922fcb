import { isMulticast, isUnspecified, type Ipv6Address } from "@seville/packet";
import type { Host } from "../host/host.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_HOMEADDRESS,
  IFA_F_OPTIMISTIC,
  IFA_F_TEMPORARY,
  IFA_F_TENTATIVE,
} from "../interface/interface-address.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { PolicyTable } from "./policy-table.ts";
import {
  IPV6_PREFER_SRC_COA,
  IPV6_PREFER_SRC_PUBLIC,
  IPV6_PREFER_SRC_TMP,
  selectSource,
  type SourceCandidate,
} from "./source-selection.ts";

/**
 * Gives `host` its IPv6 source selection (`ipv6_dev_get_saddr`) and answers the policy table that it goes by.
 *
 * `fromNextHop` tells rule 5.5 whether a router advertised an address's prefix; without it the rule is silent, as in Linux.
 */
export function installSourceSelection(
  host: Host,
  fromNextHop: (address: Ipv6Address, dev: NetInterface) => boolean = () => false,
): PolicyTable {
  const policy = new PolicyTable();
  host.ipv6.selectSource = (destination, dev, preferences) => {
    const conf = dev?.v6.conf;
    const wantsTemporary = (conf?.use_tempaddr ?? 0) >= 2 || (preferences & IPV6_PREFER_SRC_TMP) !== 0;
    const chosen = selectSource(destination, dev?.ifindex ?? 0, candidates(host, dev, fromNextHop), policy, {
      preferPublic: (preferences & IPV6_PREFER_SRC_PUBLIC) !== 0 || !wantsTemporary,
      preferCareOf: (preferences & IPV6_PREFER_SRC_COA) !== 0,
    });
    return chosen?.address;
  };
  return policy;
}

/** Every address that can be a source, interface by interface; with `use_oif_addrs_only` those of `dev` alone. */
function* candidates(
  host: Host,
  dev: NetInterface | undefined,
  fromNextHop: (address: Ipv6Address, dev: NetInterface) => boolean,
): IterableIterator<SourceCandidate> {
  const only = dev !== undefined && (dev.v6.conf.use_oif_addrs_only | host.ipv6.confAll.use_oif_addrs_only) !== 0;
  for (const iface of host.interfaces) {
    if (only && iface !== dev) continue;
    // A source must belong to the same layer-3 domain.
    if (dev !== undefined && iface !== dev && iface.l3mdevIndex !== dev.l3mdevIndex) continue;
    const optimisticCounts = (iface.v6.conf.use_optimistic | host.ipv6.confAll.use_optimistic) !== 0;
    for (const { address, prefixLength, flags } of iface.v6.addresses) {
      const optimistic = (flags & IFA_F_OPTIMISTIC) !== 0;
      if ((flags & IFA_F_TENTATIVE) !== 0 && !optimistic) continue;
      if ((flags & IFA_F_DADFAILED) !== 0 || isUnspecified(address) || isMulticast(address)) continue;
      yield {
        address,
        prefixLength,
        ifindex: iface.ifindex,
        deprecated: (flags & IFA_F_DEPRECATED) !== 0,
        optimistic: optimistic && !optimisticCounts,
        temporary: (flags & IFA_F_TEMPORARY) !== 0,
        home: (flags & IFA_F_HOMEADDRESS) !== 0,
        fromNextHop: dev !== undefined && fromNextHop(address, dev),
      };
    }
  }
}
