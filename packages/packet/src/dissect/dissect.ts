import { Dissection } from "./dissection.ts";
import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  ETH_P_TEB,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IGMP,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from "../header/numbers.ts";
import { dissectArp } from "./protocol/arp.ts";
import { dissectIcmp } from "./protocol/icmp.ts";
import { dissectIcmpv6 } from "./protocol/icmpv6.ts";
import { dissectIgmp } from "./protocol/igmp.ts";
import { dissectIpv4 } from "./protocol/ipv4.ts";
import { dissectIpv6 } from "./protocol/ipv6.ts";
import { dissectEthernet, dissectRaw, dissectServiceTag, dissectVlan } from "./protocol/link.ts";
import { dissectTcp } from "./protocol/tcp.ts";
import { dissectUdp } from "./protocol/udp.ts";
import { LINK_ETHERNET, LINK_IPV4, LINK_IPV6, LINK_RAW, mergeTables, type DissectorTables } from "./tables.ts";
import type { FieldNode } from "./tree.ts";

export interface DissectOptions {
  /** What the bytes begin with: {@link LINK_ETHERNET} (the default) or another key of the table `link`. */
  readonly linkType?: number | undefined;
  /** More dissectors, or others, than {@link BUILT_IN}. */
  readonly dissectors?: DissectorTables | undefined;
  /** How many headers may lie in one another. Default 32. */
  readonly maxDepth?: number | undefined;
  /** How many nodes the tree may have. Default 4096. */
  readonly maxNodes?: number | undefined;
}

/** What this package dissects. */
export const BUILT_IN: DissectorTables = {
  link: { [LINK_ETHERNET]: dissectEthernet, [LINK_RAW]: dissectRaw, [LINK_IPV4]: dissectRaw, [LINK_IPV6]: dissectRaw },
  etherType: {
    [ETH_P_IP]: dissectIpv4,
    [ETH_P_ARP]: dissectArp,
    [ETH_P_IPV6]: dissectIpv6,
    [ETH_P_8021Q]: dissectVlan,
    [ETH_P_8021AD]: dissectServiceTag,
    [ETH_P_TEB]: dissectEthernet,
  },
  ipProtocol: {
    [IPPROTO_ICMP]: dissectIcmp,
    [IPPROTO_IGMP]: dissectIgmp,
    [IPPROTO_IPIP]: dissectIpv4,
    [IPPROTO_TCP]: dissectTcp,
    [IPPROTO_UDP]: dissectUdp,
    [IPPROTO_IPV6]: dissectIpv6,
    [IPPROTO_ICMPV6]: dissectIcmpv6,
  },
};

/**
 * The bytes of a frame as a tree for people and tests, with Wireshark's field names. Malformed bytes give a tree with
 * nodes named {@link MALFORMED}: it never throws for bytes, and ends for any.
 */
export function dissect(bytes: Uint8Array, options: DissectOptions = {}): FieldNode {
  const tables = options.dissectors === undefined ? BUILT_IN : mergeTables(BUILT_IN, options.dissectors);
  const limits = { maxDepth: options.maxDepth ?? 32, maxNodes: options.maxNodes ?? 4096 };
  const dissection = new Dissection(bytes, tables, limits);
  dissection.dispatch("link", options.linkType ?? LINK_ETHERNET, 0, bytes.length);
  return dissection.root;
}
