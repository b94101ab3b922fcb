import type { Nanos } from "@seville/core";
import type { IpAddress, Packet } from "@seville/packet";
import type { NetInterface } from "../interface/net-interface.ts";

/** Takes packets of one EtherType, `data` at the network header, and owns them. */
export type EtherTypeHandler = (packet: Packet, dev: NetInterface, now: Nanos) => void;

/** A protocol above IP: TCP, UDP, SCTP, ICMP, a tunnel's outer end. Register it with `host.registerProtocol`. */
export interface TransportProtocol {
  readonly name: string;
  /** It checks that an ICMP error fits what it sent: then `ip_no_pmtu_disc` 3 lets it have the MTU. */
  readonly validatesIcmp?: boolean;
  /** It reads packets whose payload lies in pieces (`fragList`); to others they come in one. */
  readonly takesFragments?: boolean;
  /**
   * A packet for this host: whole (reassembled), `data` and `transportHeader` at the protocol's header,
   * `networkHeader` at the IP header (its destination option and routing headers done). The handler owns it.
   * `dev` is where it came in; under a VRF that is the VRF device, and the slave is in the control block.
   */
  receive(packet: Packet, family: 4 | 6, dev: NetInterface, now: Nanos): void;
  /** An ICMP error about a packet that this protocol sent. It only borrows what `error` refers to. */
  icmpError?(error: IcmpError, now: Nanos): void;
}

/** An ICMP or ICMPv6 error for this host, checked, as a transport protocol sees it. */
export interface IcmpError {
  readonly family: 4 | 6;
  readonly type: number;
  readonly code: number;
  /** The MTU of "fragmentation needed" and "packet too big", the pointer of "parameter problem"; else 0. */
  readonly info: number;
  /** Who says so: the source of the ICMP message. */
  readonly offender: IpAddress;
  /** The addresses of the packet in question: `source` is ours. */
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Its transport protocol. */
  readonly protocol: number;
  /** The ICMP message. */
  readonly packet: Packet;
  /** Offset of the quoted IP header. */
  readonly quotedAt: number;
  /** Offset of the quoted transport header; at least 8 bytes of it are there. */
  readonly transportAt: number;
  /** Where the message came in. */
  readonly dev: NetInterface;
  /** The slave's index if it came in through a VRF, else 0. */
  readonly sdif: number;
}

/** The protocol numbers that this package registers itself (IANA "Protocol Numbers"). */
export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_RAW = 255;

/** IPv6 extension headers. */
export const NEXTHDR_HOP = 0;
export const NEXTHDR_ROUTING = 43;
export const NEXTHDR_FRAGMENT = 44;
export const NEXTHDR_NONE = 59;
export const NEXTHDR_DEST = 60;
