import { bindChecksum, type ChecksumKernels } from "@seville/checksum";
import type { PacketMemory } from "@seville/core";

/** What the tunnels of one host share. */
export interface TunnelContext {
  readonly kernels: ChecksumKernels;
  /** Seed of flow hashes, 32 bits: the host's secret, so that nobody chooses flows that meet on one path. */
  readonly hashSeed: number;
  /** Hash of packets that belong to no flow (`udp_flow_hashrnd`). */
  readonly fallbackHash: number;
  /** The next outer IPv4 identification: {@link takeIpId}. */
  nextIpId: number;
}

export interface TunnelContextOptions {
  /** Random 32-bit number, of which seeds are made. */
  readonly seed: number;
}

/** Tunnels of one host over packets in `memory`. */
export function createTunnelContext(memory: PacketMemory, options: TunnelContextOptions): TunnelContext {
  const seed = options.seed >>> 0;
  return {
    kernels: bindChecksum(memory),
    hashSeed: seed,
    fallbackHash: (Math.imul(seed, 0x9e37_79b1) ^ 0x85eb_ca6b) >>> 0,
    nextIpId: Math.imul(seed, 0xc2b2_ae35) >>> 16,
  };
}

/**
 * Outer IPv4 identifications for `count` packets, of which the first is returned: no two packets that may be fragmented
 * have the same for as long as 16 bits last (RFC 6864 §4.3; Linux `__ip_select_ident` with `gso_segs`).
 */
export function takeIpId(context: TunnelContext, count: number): number {
  const id = context.nextIpId;
  context.nextIpId = (id + Math.max(1, count)) & 0xffff;
  return id;
}
