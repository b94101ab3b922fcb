import {
  CHECKSUM_PARTIAL,
  ETH_P_IP,
  ETH_P_IPV6,
  ETH_P_TEB,
  IPPROTO_GRE,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  NO_HEADER,
  udp,
  type Packet,
} from "@seville/packet";
import type { FeatureSet } from "../features/feature-set.ts";
import { canChecksum } from "../features/fix-features.ts";
import { CSUM_MASK, DOUBLE_TAGGED, GSO_MASK } from "../features/flags.ts";
import { recognise, type ParserLimits } from "../hardware/transmit-parse.ts";
import { countTags, headerBytes, ipProtocol, networkProtocol } from "./frame.ts";

/*
 * Parts for a driver's `ndo_features_check`: each takes away what its hardware would get wrong for this packet, so that
 * software does it. Compose them in the driver.
 */

const CSUM_AND_GSO = CSUM_MASK.with(GSO_MASK);
/** Headers of VXLAN, or of Geneve without options, with the UDP header in front. */
const VXLAN_BYTES = 16;

/**
 * UDP tunnels only if they look like VXLAN: an Ethernet frame that begins 16 bytes behind the UDP header. Others lose
 * their offloads (`vxlan_features_check`, include/net/vxlan.h).
 */
export function vxlanFeaturesCheck(packet: Packet, features: FeatureSet): FeatureSet {
  if (!packet.encapsulation) return features;
  const protocol = networkProtocol(packet);
  if (protocol !== ETH_P_IP && protocol !== ETH_P_IPV6) return features;
  if (ipProtocol(packet, packet.networkHeader, protocol) !== IPPROTO_UDP) return features;
  const { innerMacHeader, transportHeader } = packet;
  if (innerMacHeader === NO_HEADER || innerMacHeader - transportHeader !== VXLAN_BYTES) {
    return features.without(CSUM_AND_GSO);
  }
  return canChecksum(features, innerEtherType(packet)) ? features : features.without(CSUM_AND_GSO);
}

/** Only UDP tunnels to ports that were programmed into the device: its parser knows no others. */
export function tunnelPortCheck(packet: Packet, features: FeatureSet, ports: readonly number[]): FeatureSet {
  if (!packet.encapsulation || packet.transportHeader === NO_HEADER) return features;
  if (ipProtocol(packet, packet.networkHeader, networkProtocol(packet)) !== IPPROTO_UDP) return features;
  const port = udp.destinationPort(packet.pool.memory.view, packet.transportHeader);
  return ports.includes(port) ? features : features.without(CSUM_AND_GSO);
}

/** Everything that is left (`passthru_features_check`): for a device that hands on what it gets, to one that checks itself. */
export function passthruFeaturesCheck(_packet: Packet, features: FeatureSet): FeatureSet {
  return features;
}

/**
 * What a frame with two tags or more may still ask for: no checksum but HW_CSUM, whose hardware counts bytes and not headers
 * (`vlan_features_check`). A device without a check of its own gets this one.
 */
export function vlanFeaturesCheck(packet: Packet, features: FeatureSet): FeatureSet {
  return countTags(packet) > 1 ? features.and(DOUBLE_TAGGED) : features;
}

/** Which tunnels a device can look into. */
export interface TunnelKinds {
  readonly udp: boolean;
  readonly gre: boolean;
  readonly ipip: boolean;
}

/** No offloads inside tunnels of other kinds. */
export function tunnelKindCheck(packet: Packet, features: FeatureSet, kinds: TunnelKinds): FeatureSet {
  if (!packet.encapsulation) return features;
  const protocol = ipProtocol(packet, packet.networkHeader, networkProtocol(packet));
  const known =
    (protocol === IPPROTO_UDP && kinds.udp) ||
    (protocol === IPPROTO_GRE && kinds.gre) ||
    ((protocol === IPPROTO_IPIP || protocol === IPPROTO_IPV6) && kinds.ipip);
  return known ? features : features.without(CSUM_AND_GSO);
}

/** No offloads if the headers are longer than the descriptor or the parser can say. */
export function headerLengthCheck(packet: Packet, features: FeatureSet, maxBytes: number): FeatureSet {
  return headerBytes(packet) <= maxBytes ? features : features.without(CSUM_AND_GSO);
}

/**
 * The comparison that a driver owes if its hardware ignores `csumStart` and finds the header to sum by itself: if it
 * would find another one, or none, software sums (C22; Documentation/networking/checksum-offloads.rst).
 */
export function parserCheck(packet: Packet, features: FeatureSet, parser: ParserLimits): FeatureSet {
  if (packet.ipSummed !== CHECKSUM_PARTIAL) return features;
  const found = recognise(packet.pool.memory.view, packet.data, packet.tail, parser);
  const agrees = found !== undefined && found.start === packet.csumStart && found.csumOffset === packet.csumOffset;
  return agrees ? features : features.without(CSUM_AND_GSO);
}

/**
 * The same for a segmentation unit that looks for the header to replicate by itself, on a device whose checksum unit does
 * what it is told: only segmentation goes back to software.
 */
export function splitterCheck(packet: Packet, features: FeatureSet, parser: ParserLimits): FeatureSet {
  return packet.gsoSize === 0 || parserCheck(packet, features, parser) === features
    ? features
    : features.without(GSO_MASK);
}

/** EtherType inside the tunnel. */
function innerEtherType(packet: Packet): number {
  const { view } = packet.pool.memory;
  const at = packet.innerMacHeader + 12;
  return at + 2 <= packet.tail ? view.getUint16(at) : ETH_P_TEB;
}
