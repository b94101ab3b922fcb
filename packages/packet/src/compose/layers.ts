import type { Ipv6Address } from "../address/ipv6.ts";
import type { ArpPacket } from "../header/arp.ts";
import type { EthernetHeader } from "../header/ethernet.ts";
import type { IcmpFields } from "../header/icmp.ts";
import type { Icmpv6Fields } from "../header/icmpv6.ts";
import type { IgmpMessage } from "../header/igmp.ts";
import type { Ipv4Fields } from "../header/ipv4.ts";
import type { Ipv6FragmentHeader } from "../header/ipv6-extension.ts";
import type { Ipv6Option } from "../header/ipv6-options.ts";
import type { Ipv6Fields } from "../header/ipv6.ts";
import type { MldMessage } from "../header/mld.ts";
import type { NdMessage } from "../header/nd.ts";
import type { TcpFields } from "../header/tcp.ts";
import type { UdpHeader } from "../header/udp.ts";
import type { VlanTag } from "../header/vlan.ts";

/** The fields of a header, where those that `compose` can find out may be left out. */
type Partly<Fields, Found extends keyof Fields> = Omit<Fields, Found> & {
  readonly [K in Found]?: Fields[K] | undefined;
};

/** The fields of each kind of header that {@link Layer} may name. A checksum that is given is written as it is. */
export interface LayerFields {
  readonly ethernet: Partly<EthernetHeader, "etherType">;
  /** IEEE 802.1Q; the EtherType before it is 0x8100, of an outer one of two 0x88a8. */
  readonly vlan: Partly<VlanTag, "etherType">;
  readonly arp: ArpPacket;
  readonly ipv4: Partly<Ipv4Fields, "totalLength" | "protocol">;
  readonly ipv6: Partly<Ipv6Fields, "payloadLength" | "nextHeader">;
  readonly hopByHop: { readonly options: readonly Ipv6Option[]; readonly nextHeader?: number };
  readonly destinationOptions: { readonly options: readonly Ipv6Option[]; readonly nextHeader?: number };
  readonly routing: {
    readonly type: number;
    readonly segmentsLeft: number;
    /** What follows the first 4 bytes: 4 bytes and a multiple of 8 more. */
    readonly data: Uint8Array;
    /** Goes into the pseudo-header of the checksum (RFC 8200 §8.1). */
    readonly finalDestination?: Ipv6Address;
    readonly nextHeader?: number;
  };
  readonly fragment: Partly<Ipv6FragmentHeader, "nextHeader">;
  readonly authentication: {
    readonly spi: number;
    readonly sequence: number;
    /** Integrity check value: a multiple of 8 bytes, and 4. */
    readonly icv: Uint8Array;
    readonly nextHeader?: number;
  };
  readonly icmp: IcmpFields;
  readonly icmpv6: Icmpv6Fields;
  readonly nd: NdMessage;
  readonly mld: MldMessage;
  readonly igmp: IgmpMessage;
  readonly udp: Partly<UdpHeader, "length">;
  readonly tcp: TcpFields;
}

export type LayerKind = keyof LayerFields;

/** One header, named by its only key: `{ ipv4: { source, destination } }`. */
export type HeaderLayer = { readonly [Kind in LayerKind]: { readonly [K in Kind]: LayerFields[Kind] } }[LayerKind];

/** A header, or bytes as they are (text as UTF-8). */
export type Layer = HeaderLayer | Uint8Array | string;
