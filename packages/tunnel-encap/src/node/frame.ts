import type { GroupPolicy } from "../header/vxlan.ts";
import type { GeneveOption } from "../header/geneve-options.ts";

/** What a datagram of a tunnel held. */
export interface TunnelFrame {
  /** The inner packet. It shares the datagram's memory, which is nobody else's. */
  readonly data: Uint8Array;
  /** What it begins with, as a pcap link type: 1 an Ethernet frame, 101 an IPv4 or IPv6 packet. */
  readonly linkType: 1 | 101;
  /** VNI; `undefined` for GUE, which has none. */
  readonly vni: number | undefined;
  /** Who sent the datagram. */
  readonly address: string;
  readonly port: number;
  /** When it was read, in milliseconds since 1970. */
  readonly time: number;
  /** Group policy, of VXLAN with the G bit. */
  readonly gbp?: GroupPolicy;
  /** Geneve's options. */
  readonly options?: readonly GeneveOption[];
}

/** The part of a {@link TunnelFrame} that a protocol's header tells. */
export type Unwrapped = Omit<TunnelFrame, "address" | "port" | "time">;
