import type { PortPair } from "../language/tcp-line.ts";

/** An IP packet, taken apart: what a script's line is compared with, and what one is made of. */
export interface WirePacket {
  readonly family: 4 | 6;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ecn: number;
  readonly dscp: number;
  readonly ttl: number;
  readonly flowLabel: number;
  readonly body: WireTcp | WireUdp | WireIcmp | WireOther;
}

export interface WireTcp {
  readonly protocol: "tcp";
  readonly ports: PortPair;
  readonly seq: number;
  readonly ack: number;
  /** Bits of `language/tcp-flags.ts`. */
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  /** The bytes of the options, padding included. */
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
  readonly encapsulation: PortPair | undefined;
}

export interface WireUdp {
  readonly protocol: "udp";
  readonly ports: PortPair;
  readonly payload: Uint8Array;
}

export interface WireIcmp {
  readonly protocol: "icmp";
  readonly type: number;
  readonly code: number;
  /** The four bytes after the checksum: MTU, pointer, identifier and sequence number. */
  readonly rest: number;
  readonly payload: Uint8Array;
}

export interface WireOther {
  readonly protocol: "other";
  readonly number: number;
  readonly payload: Uint8Array;
}

export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;
