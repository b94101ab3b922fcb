import type { DropReason } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Tunnel } from "./config.ts";
import type { TunnelContext } from "./context.ts";
import type { TunnelInfo } from "./info.ts";
import type { PortEntropy } from "../policy/source-port.ts";
import type { Overhead } from "./overhead.ts";
import type { OuterPath } from "./path.ts";
import type { TunnelPolicy } from "./presets.ts";

/** What changes from packet to packet: sequence numbers (RFC 2890 §2.2). */
export interface TunnelState {
  oSeqno: number;
  /** The next one that is in order; `undefined`: none has come. */
  iSeqno: number | undefined;
}

/** One tunnel as its protocol's functions see it. */
export interface TunnelParts<Kind extends Tunnel = Tunnel> {
  readonly tunnel: Kind;
  readonly policy: TunnelPolicy;
  readonly context: TunnelContext;
  readonly state: TunnelState;
  readonly overhead: Overhead;
  /** Of source ports: constant, so that no packet makes it anew. */
  readonly entropy: PortEntropy;
}

/** What one tunnel protocol does, between the inner packet and the outer UDP or IP header. */
export interface Encapsulation<Kind extends Tunnel = Tunnel> {
  /** IP protocol of what carries a packet of `etherType`; UDP's where the outer header is UDP. */
  ipProtocol(etherType: number): number;
  /** Bytes that go between UDP or IP header and the inner packet, at most. */
  headerLength(tunnel: Kind): number;
  /** Whether it carries Ethernet frames. */
  isEthernet(tunnel: Kind): boolean;
  /** SKB_GSO_… bits to be added to a super-packet (T14). */
  gsoType(parts: TunnelParts<Kind>): number;
  /** Writes the tunnel header in front of the data, for which there is room and which begins as `etherType` says (0x6558: a
   * frame). Returns why it cannot. */
  push(parts: TunnelParts<Kind>, packet: Packet, etherType: number, path: OuterPath): DropReason | undefined;
  /**
   * Takes the tunnel header off; its checksum, if it has one, is verified. Sets `packet.protocol` to the inner EtherType, and
   * in `info` whether an Ethernet frame begins. The packet may end anywhere.
   */
  pull(parts: TunnelParts<Kind>, packet: Packet, info: TunnelInfo): DropReason | undefined;
}
