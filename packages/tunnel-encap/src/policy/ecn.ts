import { add, replace2, sub } from "@seville/checksum";
import {
  CHECKSUM_COMPLETE,
  ECN_CE,
  ECN_ECT_0,
  ECN_ECT_1,
  ECN_NOT_ECT,
  ETH_P_IP,
  ETH_P_IPV6,
  ipv4,
  ipv6,
  type Packet,
} from "@seville/packet";

/**
 * How the outer ECN field is made (T8).
 * - `linux`: RFC 3168 §9.1.1 full functionality: the inner field, but CE becomes ECT(0) (`INET_ECN_encapsulate`);
 * - `rfc6040`: RFC 6040 §4.1 normal mode: the inner field;
 * - `compatibility`: RFC 6040 §4.1: Not-ECT, for an egress that may not understand ECN;
 * - `tos`: nothing: the field is the low bits of `tos`, as the kernel's ip6gre has it.
 */
export type EcnMode = "linux" | "rfc6040" | "compatibility" | "tos";

/**
 * The outer ECN field for an inner one.
 * @param tos the outer TOS without regard to ECN
 */
export function encapsulateEcn(mode: EcnMode, inner: number, tos = 0): number {
  if (mode === "tos") return tos & 3;
  if (mode === "compatibility") return ECN_NOT_ECT;
  return mode === "linux" && inner === ECN_CE ? ECN_ECT_0 : inner;
}

/** What to do with the inner ECN field at the egress. */
export interface EcnDecision {
  /** The field that the packet leaves with, or `drop`. */
  readonly ecn: number | "drop";
  /** RFC 6040 §4.2 marks the combination as currently unused or invalid: worth a (rate-limited) line in a log. */
  readonly log: boolean;
}

const keep = (ecn: number, log = false): EcnDecision => ({ ecn, log });
const DROP: EcnDecision = { ecn: "drop", log: true };

/** RFC 6040 §4.2, figure 4: a row for each inner field, a column for each outer one. Linux does the same. */
const DECAPSULATE: readonly (readonly EcnDecision[])[] = [
  // Outer:     Not-ECT             ECT(1)                   ECT(0)                   CE
  /* Not-ECT */ [keep(ECN_NOT_ECT), keep(ECN_NOT_ECT, true), keep(ECN_NOT_ECT, true), DROP],
  /* ECT(1) */ [keep(ECN_ECT_1), keep(ECN_ECT_1), keep(ECN_ECT_1, true), keep(ECN_CE)],
  /* ECT(0) */ [keep(ECN_ECT_0), keep(ECN_ECT_1), keep(ECN_ECT_0), keep(ECN_CE)],
  /* CE */ [keep(ECN_CE), keep(ECN_CE, true), keep(ECN_CE), keep(ECN_CE)],
];

/** The inner ECN field at the egress, and whether that is worth a log line (RFC 6040 §4.2). */
export function decapsulateEcn(outer: number, inner: number): EcnDecision {
  return (DECAPSULATE[inner & 3] as readonly EcnDecision[])[outer & 3] as EcnDecision;
}

/** TOS or traffic class of the inner IP header at `networkHeader`; 0 if it is not IP. */
export function innerTos(packet: Packet): number {
  const { view } = packet.pool.memory;
  if (packet.protocol === ETH_P_IP) return ipv4.tos(view, packet.networkHeader);
  return packet.protocol === ETH_P_IPV6 ? ipv6.trafficClass(view, packet.networkHeader) : 0;
}

/**
 * Sets the ECN field of the IP header at `networkHeader`, which must be writable: patches the IPv4 header checksum; for
 * IPv6, which has none, the packet's COMPLETE sum.
 */
export function setInnerEcn(packet: Packet, ecn: number): void {
  const { view } = packet.pool.memory;
  const at = packet.networkHeader;
  const before = view.getUint16(at);
  if (packet.protocol === ETH_P_IP) {
    ipv4.setTos(view, at, (ipv4.tos(view, at) & ~3) | ecn);
    ipv4.setChecksum(view, at, replace2(ipv4.checksum(view, at), before, view.getUint16(at)));
    return;
  }
  ipv6.setTrafficClass(view, at, (ipv6.trafficClass(view, at) & ~3) | ecn);
  if (packet.ipSummed === CHECKSUM_COMPLETE) packet.csum = add(sub(packet.csum, before), view.getUint16(at));
}
