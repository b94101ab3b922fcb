import type { IpAddress, Ipv6Address } from "@seville/packet";
import type { GeneveOption } from "../header/geneve-options.ts";
import type { GroupPolicy } from "../header/vxlan.ts";
import type { EcnMode } from "../policy/ecn.ts";
import type { OuterPolicy } from "../policy/outer.ts";
import type { PortRange } from "../policy/source-port.ts";

/*
 * Tunnels as plain data, with the names of `ip link add … type …`. What is left out is filled in by a preset: see
 * presets.ts.
 */

/** What every tunnel has. */
export interface TunnelCommon {
  /** Address of this end. Both ends are of one family, which is that of the underlay. */
  readonly local: IpAddress;
  /** Address of the other end, or left out if each packet says it (`OuterPath.remote`). */
  readonly remote?: IpAddress | undefined;
  readonly ttl?: OuterPolicy["ttl"] | undefined;
  readonly tos?: OuterPolicy["tos"] | undefined;
  readonly df?: OuterPolicy["df"] | undefined;
  readonly flowlabel?: OuterPolicy["flowlabel"] | undefined;
  readonly ecn?: EcnMode | undefined;
}

/** Checksums of the outer UDP header (T7). */
export interface UdpChecksumOptions {
  /** Compute it over IPv4. */
  readonly udpcsum?: boolean | undefined;
  /** Send 0 over IPv6 (RFC 6935, RFC 6936). */
  readonly udp6zerocsumtx?: boolean | undefined;
  /** Take 0 over IPv6. */
  readonly udp6zerocsumrx?: boolean | undefined;
}

interface UdpTunnelCommon extends TunnelCommon, UdpChecksumOptions {
  readonly dstport?: number | undefined;
  /** From where source ports are taken. */
  readonly srcport?: PortRange | undefined;
}

export interface VxlanTunnel extends UdpTunnelCommon {
  readonly kind: "vxlan";
  /** VXLAN network identifier, 24 bits. */
  readonly id: number;
  /** Group policy is in use. The policy of sent frames is that of the path, or this. */
  readonly gbp?: boolean | GroupPolicy | undefined;
  /** VXLAN-GPE: IP packets as well as frames. Excludes `gbp` and remote checksum offload (T1). */
  readonly gpe?: boolean | undefined;
  readonly remcsumtx?: boolean | undefined;
  readonly remcsumrx?: boolean | undefined;
  /** Write the checksum that the sender left undone, rather than keep it PARTIAL (IFLA_VXLAN_REMCSUM_NOPARTIAL). */
  readonly remcsumNopartial?: boolean | undefined;
}

export interface GeneveTunnel extends UdpTunnelCommon {
  readonly kind: "geneve";
  readonly id: number;
  /** Go out with every packet. */
  readonly options?: readonly GeneveOption[] | undefined;
  /** Critical options that this end understands; any other is a reason to drop (RFC 8926 §3.5). */
  readonly knownOptions?: readonly Pick<GeneveOption, "class" | "type">[] | undefined;
  /** Carries bare IP packets, not Ethernet frames (`inner_proto_inherit`). */
  readonly innerProtoInherit?: boolean | undefined;
}

/** FOU or GUE around an IP tunnel: `encap fou|gue …`. */
export interface SecondaryEncap {
  readonly type: "fou" | "gue";
  /** `auto`: from the flow. */
  readonly sport?: number | "auto" | undefined;
  readonly dport: number;
  readonly csum?: boolean | undefined;
  /** GUE only. */
  readonly remcsum?: boolean | undefined;
  /** GUE variant 1: the inner IP packet follows UDP at once. For IPIP and SIT. */
  readonly direct?: boolean | undefined;
}

interface IpTunnelCommon extends TunnelCommon {
  readonly encap?: SecondaryEncap | undefined;
}

export interface GreTunnel extends IpTunnelCommon {
  /** `gre` carries IP packets, `gretap` Ethernet frames. Over IPv6 they are Linux's ip6gre and ip6gretap. */
  readonly kind: "gre" | "gretap";
  readonly ikey?: number | undefined;
  readonly okey?: number | undefined;
  readonly icsum?: boolean | undefined;
  readonly ocsum?: boolean | undefined;
  readonly iseq?: boolean | undefined;
  readonly oseq?: boolean | undefined;
  /** Over IPv6: as of {@link Ip6Tunnel}. */
  readonly encaplimit?: number | "none" | undefined;
}

export interface NvgreTunnel extends TunnelCommon {
  readonly kind: "nvgre";
  /** Virtual subnet identifier, 24 bits. */
  readonly vsid: number;
}

export interface ErspanTunnel extends TunnelCommon {
  readonly kind: "erspan";
  /** Linux's `erspan_ver`: 0 is type I, 1 type II, 2 type III. */
  readonly erspanVer: 0 | 1 | 2;
  /** Session, 10 bits: Linux's `key`. */
  readonly key?: number | undefined;
  /** Type II: 20 bits. */
  readonly index?: number | undefined;
  /** Type III. */
  readonly dir?: "ingress" | "egress" | undefined;
  readonly hwid?: number | undefined;
  /** Frames that are longer are cut to it and marked as truncated. */
  readonly mtu?: number | undefined;
  /** Over IPv6: as of {@link Ip6Tunnel}. */
  readonly encaplimit?: number | "none" | undefined;
}

export interface IpipTunnel extends IpTunnelCommon {
  readonly kind: "ipip";
}

export interface SitTunnel extends IpTunnelCommon {
  readonly kind: "sit";
}

/** Routers find each other by the addresses of what is sent (RFC 3056). */
export interface SixToFourTunnel extends TunnelCommon {
  readonly kind: "6to4";
}

export interface Ip6Tunnel extends IpTunnelCommon {
  readonly kind: "ip6tnl";
  readonly local: Ipv6Address;
  /** Which inner packets it carries. Default `any`. */
  readonly mode?: "ip6ip6" | "ipip6" | "any" | undefined;
  /** Tunnel encapsulation limit (RFC 2473 §4.1.1). */
  readonly encaplimit?: number | "none" | undefined;
}

export type Tunnel =
  | VxlanTunnel
  | GeneveTunnel
  | GreTunnel
  | NvgreTunnel
  | ErspanTunnel
  | IpipTunnel
  | SitTunnel
  | SixToFourTunnel
  | Ip6Tunnel;

export type TunnelKind = Tunnel["kind"];
