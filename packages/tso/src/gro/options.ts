import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { LinkKind } from "../virtio/frame.ts";
import type { UdpTunnelShape } from "./tunnel-shape.ts";

/** `GRO_LEGACY_MAX_SIZE`: a merged IP packet is shorter than this. */
export const GRO_MAX_SIZE = 65_536;
/** `GRO_HASH_BUCKETS` (include/linux/netdevice.h). */
export const GRO_HASH_BUCKETS = 8;
/** `MAX_GRO_SKBS`: packets held in a bucket (net/core/gro.c). */
export const MAX_GRO_SKBS = 8;

export interface GroOptions {
  /** Takes over every packet that goes on: merged, or as it came. */
  readonly sink: (packet: Packet) => void;
  /** What begins a frame. Default: `ethernet`. */
  readonly link?: LinkKind;
  /** `gro_max_size`: bytes from the outer IP header on, below which a merged packet stays. Default and most: 65536. */
  readonly maxSize?: number;
  /** `gro_flush_timeout`, ns: how long a packet may be held over the end of a poll. 0, the default: not at all. */
  readonly flushTimeout?: Nanos;
  /**
   * Whether datagrams to a port are merged: where a socket takes trains (UDP_GRO), or everywhere that is forwarded
   * (NETIF_F_GRO_UDP_FWD). Default: nowhere.
   */
  readonly udp?: boolean | ((destinationPort: number) => boolean);
  /** NETIF_F_GRO_FRAGLIST: chain the segments as they are instead of merging their payload. Default: no. */
  readonly fragList?: boolean;
  /** Tunnels over UDP that are walked through. GRE, IPIP, SIT and ip6tnl always are. */
  readonly tunnels?: readonly UdpTunnelShape[];
}

/**
 * What became of a packet that was received: it is part of what is held (`merged`), is held itself (`held`), or has gone to
 * the sink as it came (`normal`).
 */
export type GroResult = "merged" | "held" | "normal";

export interface GroStats {
  /** Packets that went in. */
  received: number;
  /** Of these, those that became part of another. */
  merged: number;
  /** Super-packets that went out. */
  supers: number;
  /** Packets that went out as they had come in. */
  normal: number;
}

/** Receive offload of one NAPI instance. */
export interface Gro {
  /** A frame came in; takes the packet over. */
  receive(packet: Packet, now: Nanos): GroResult;
  /** `napi_gro_flush`: lets go of everything that is held. */
  flush(): void;
  /** Lets go of what was taken in before this millisecond: after a poll that used up its budget. */
  flushOld(now: Nanos): void;
  /** The device has no more for now (`napi_complete_done`): flushes, or with a `flushTimeout` only what is old. */
  endOfPoll(now: Nanos): void;
  /** When {@link Gro.handleTimeout} is to be called; Infinity: not. */
  nextTimeout(): Nanos;
  handleTimeout(now: Nanos): void;
  /** Packets that wait. */
  readonly held: number;
  readonly stats: Readonly<GroStats>;
}
