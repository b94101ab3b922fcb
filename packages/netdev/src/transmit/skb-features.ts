import {
  CHECKSUM_NONE,
  ETH_P_IPV6,
  ipv4,
  ipv6,
  NO_HEADER,
  SKB_GSO_PARTIAL,
  SKB_GSO_TCP_FIXEDID,
  SKB_GSO_TCP_FIXEDID_INNER,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  type Packet,
} from "@seville/packet";
import { FeatureSet } from "../features/feature-set.ts";
import { canChecksum, intersectFeatures } from "../features/fix-features.ts";
import { CSUM_MASK, GSO_MASK } from "../features/flags.ts";
import type { TransmitDevice } from "./device.ts";
import { vlanFeaturesCheck } from "./features-check.ts";
import { countTags, etherType, isMpls, networkHeaderLength, networkProtocol } from "./frame.ts";

const VLAN_TX = FeatureSet.of("HW_VLAN_CTAG_TX", "HW_VLAN_STAG_TX");
const NEED_PLAIN_IPV6 = FeatureSet.of("IPV6_CSUM", "TSO6", "GSO_UDP_L4");
const CSUM_AND_GSO = CSUM_MASK.with(GSO_MASK);
const FIXED_ID = SKB_GSO_TCP_FIXEDID | SKB_GSO_TCP_FIXEDID_INNER;
/** `__SKB_GSO_TCP_FIXEDID`, the bit that belongs to NETIF_F_TSO_MANGLEID. */
const FIXED_ID_FEATURE_BIT = 1 << 3;

/**
 * The features that the device has for this packet (`netif_skb_features`, net/core/dev.c): for a super-packet, behind a
 * tunnel, behind a VLAN tag, by the driver's own judgement, and for its protocol. Encapsulated packets, tagged ones and
 * those behind an MPLS label have masks of their own (C22).
 */
export function skbFeatures(packet: Packet, device: TransmitDevice): FeatureSet {
  const { hwEncFeatures, vlanFeatures } = device.features;
  let { features } = device.features;
  if (packet.gsoSize > 0) features = gsoFeaturesCheck(packet, device, features);
  if (packet.encapsulation) features = features.and(hwEncFeatures);
  if (countTags(packet) > 0) features = intersectFeatures(features, vlanFeatures.with(VLAN_TX));
  if (device.featuresCheck === undefined) features = vlanFeaturesCheck(packet, features);
  else features = features.and(device.featuresCheck(packet, features));
  return harmonize(packet, device, features);
}

/** `gso_features_check`: what a super-packet may ask for. */
function gsoFeaturesCheck(packet: Packet, device: TransmitDevice, features: FeatureSet): FeatureSet {
  const { gsoType } = packet;
  if (packet.gsoSegs > device.gsoMaxSegs) return features.without(GSO_MASK);
  if (packet.totalLength >= gsoMaxSizeOf(packet, device)) return features.without(GSO_MASK);
  if (gsoType === 0) return features.without(GSO_MASK);
  let left = features;
  // What the device does only after software has prepared the packet comes back with the preparation.
  if ((gsoType & SKB_GSO_PARTIAL) === 0) left = left.without(device.features.gsoPartialFeatures);
  if ((gsoType & SKB_GSO_TCPV4) !== 0 && mayBeFragmented(packet)) {
    left = left.without(device.features.mangleidFeatures);
  }
  if (left.has("IPV6_CSUM") && hasIpv6Extensions(packet)) left = left.without(NEED_PLAIN_IPV6);
  return left;
}

/** `netif_get_gso_max_size`: IPv4 and all that is not IPv6 by its outermost EtherType has a limit of its own. */
function gsoMaxSizeOf(packet: Packet, { gsoMaxSize, gsoIpv4MaxSize = gsoMaxSize }: TransmitDevice): number {
  return etherType(packet) === ETH_P_IPV6 ? gsoMaxSize : gsoIpv4MaxSize;
}

/** The identification of a packet without DF must be unique (RFC 6864 §4.1): no liberties with it. */
function mayBeFragmented(packet: Packet): boolean {
  const at = packet.encapsulation ? packet.innerNetworkHeader : packet.networkHeader;
  return at !== NO_HEADER && !ipv4.dontFragment(packet.pool.memory.view, at);
}

/** NETIF_F_IPV6_CSUM means IPv6 without extension headers, and so does the segmentation that rests on it. */
function hasIpv6Extensions(packet: Packet): boolean {
  const { gsoType } = packet;
  const isV6 =
    (gsoType & SKB_GSO_TCPV6) !== 0 || ((gsoType & SKB_GSO_UDP_L4) !== 0 && networkProtocol(packet) === ETH_P_IPV6);
  return isV6 && packet.transportHeader !== NO_HEADER && networkHeaderLength(packet) !== ipv6.HEADER_LENGTH;
}

/** `harmonize_features`: no offload that the protocol does not allow. */
function harmonize(packet: Packet, device: TransmitDevice, features: FeatureSet): FeatureSet {
  const protocol = networkProtocol(packet);
  const left = isMpls(protocol) ? features.and(device.features.mplsFeatures) : features;
  if (packet.ipSummed !== CHECKSUM_NONE && !canChecksum(left, protocol)) return left.without(CSUM_AND_GSO);
  return left;
}

/** The features that a device needs to split packets of this `gsoType` (`net_gso_ok`). */
export function gsoFeatures(gsoType: number): FeatureSet {
  const type = (gsoType & FIXED_ID) === 0 ? gsoType : gsoType | FIXED_ID_FEATURE_BIT;
  return FeatureSet.fromWords(type << 16, (type >>> 16) & 0xf);
}

/**
 * Whether a device with these features takes a super-packet as it is (`skb_gso_ok`). Our `fragList` stands for Linux's
 * page fragments, which need SG; a list of whole segments has a type of its own. One without a type, as LRO makes them,
 * never is: Linux warns and hands it to the driver all the same.
 */
export function gsoOk(packet: Packet, features: FeatureSet): boolean {
  if (packet.gsoType === 0) return false;
  if (!features.hasAll(gsoFeatures(packet.gsoType))) return false;
  return packet.fragList === undefined || features.has("SG");
}
