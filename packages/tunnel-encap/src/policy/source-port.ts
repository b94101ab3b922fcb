import { invalidArgument, reciprocalScale } from "@seville/core";
import type { Packet } from "@seville/packet";
import { ethernetHash, innerHash } from "./inner.ts";

/** Ports from `min` to `max`, without `max` itself. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** What Linux takes where a tunnel says nothing (`net.ipv4.ip_local_port_range`). */
export const LINUX_PORTS: PortRange = { min: 32_768, max: 60_999 };
/** What RFC 7348 §5 and RFC 8926 §3.3 recommend: the dynamic ports. */
export const DYNAMIC_PORTS: PortRange = { min: 49_152, max: 65_536 };

/** @throws SevilleError `ERR_INVALID_ARGUMENT` if it is no range of ports */
export function checkPortRange({ min, max }: PortRange): void {
  const isRange = Number.isInteger(min) && Number.isInteger(max) && min >= 0 && min < max && max <= 65_536;
  if (!isRange) throw invalidArgument("sourcePorts", "a range of ports, min below max", `${min}-${max}`);
}

/**
 * The source port for a flow's hash, so that paths and queues which look at outer headers spread inner flows (Linux
 * `udp_flow_src_port`; T6). The low half of the hash is folded into the high half, which is what decides, so that the
 * hash itself cannot be read from the wire.
 */
export function portOfHash(hash: number, { min, max }: PortRange): number {
  const mixed = (hash ^ (hash << 16)) >>> 0;
  return reciprocalScale(mixed, max - min) + min;
}

/** What is constant of the source port's choice. */
export interface PortEntropy {
  readonly ports: PortRange;
  /** Seed of flow hashes: the owner's secret. */
  readonly hashSeed: number;
  /** For packets of no flow: the same for all of them (`udp_flow_hashrnd`). */
  readonly fallbackHash: number;
}

/** The source port for a packet before it is wrapped: by its flow, else by its Ethernet addresses, else a constant. */
export function sourcePort(packet: Packet, isEthernet: boolean, protocol: number, entropy: PortEntropy): number {
  let hash = innerHash(packet, isEthernet, protocol, entropy.hashSeed);
  if (hash === 0 && isEthernet && packet.length >= 14) hash = ethernetHash(packet);
  return portOfHash(hash === 0 ? entropy.fallbackHash : hash, entropy.ports);
}
