import { checksumHelp } from "@seville/checksum";
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  ETH_P_IPV6,
  GSO_BY_FRAGS,
  ipv6,
  NO_HEADER,
  SKB_GSO_DODGY,
  type Packet,
} from "@seville/packet";
import { segment, type SegmentOptions, type SegmentRefusal } from "@seville/tso";
import { FeatureSet } from "../features/feature-set.ts";
import { canChecksum } from "../features/fix-features.ts";
import { NETIF_F_GSO_ROBUST } from "../features/flags.ts";
import type { TransmitDevice, TransmitSink } from "./device.ts";
import { networkHeaderLength, networkProtocol } from "./frame.ts";
import { countSegments, gsoHeaderBytes } from "./packet-length.ts";
import { gsoOk, skbFeatures } from "./skb-features.ts";
import { pushVlanInside } from "./vlan.ts";

const TCP_OFFSET = 16;
const UDP_OFFSET = 6;
const IP_CSUMS = FeatureSet.of("IP_CSUM", "IPV6_CSUM");

/**
 * Makes of a packet what the device can take, in the kernel's order: features, VLAN, GSO, checksum (C27;
 * `validate_xmit_skb`). Each step may change what the next one needs: a tag that is pushed inside becomes part of every
 * segment, and segments get their checksums from the pass over the payload that splits them.
 *
 * Takes the packet over; it, or what it was split into, goes to the sink.
 */
export function validateXmit(packet: Packet, device: TransmitDevice, sink: TransmitSink): void {
  const features = skbFeatures(packet, device);
  if (packet.vlanTci !== -1 && !features.has("HW_VLAN_CTAG_TX") && !pushVlanInside(packet)) {
    sink.drop(packet, "NOMEM");
    return;
  }
  if (needsGso(packet, features)) {
    segmentInSoftware(packet, device, features, sink);
    return;
  }
  if (packet.fragList !== undefined && !features.has("SG") && !packet.linearize()) {
    sink.drop(packet, "NOMEM");
    return;
  }
  if (packet.gsoSize === 0 && packet.ipSummed === CHECKSUM_PARTIAL) {
    if (packet.encapsulation) packet.innerTransportHeader = packet.csumStart;
    else packet.transportHeader = packet.csumStart;
    if (!csumHwOffloadHelp(packet, device, features)) {
      sink.drop(packet, "NOT_SPECIFIED");
      return;
    }
  }
  sink.send(packet);
}

/** `netif_needs_gso`: a super-packet that the device does not take, or whose checksum nobody asked it for. */
export function needsGso(packet: Packet, features: FeatureSet): boolean {
  if (packet.gsoSize === 0) return false;
  if (!gsoOk(packet, features)) return true;
  return packet.ipSummed !== CHECKSUM_PARTIAL && packet.ipSummed !== CHECKSUM_UNNECESSARY;
}

function segmentInSoftware(packet: Packet, device: TransmitDevice, features: FeatureSet, sink: TransmitSink): void {
  if (onlyNeedsCounting(packet, features)) {
    countSegments(packet);
    sink.send(packet);
    return;
  }
  const outcome = segment(
    packet,
    (one) => {
      sink.send(one);
    },
    segmentOptions(packet, device, features),
  );
  if (!outcome.ok) sink.drop(packet, dropReasonOf(outcome.reason));
}

/**
 * A super-packet of doubtful origin that the device could split: its segments are counted, nothing else (S1; the first thing
 * that `tcp_gso_segment` and `__udp_gso_segment` look at). One that makes no sense is left to segmentation, which refuses it.
 */
function onlyNeedsCounting(packet: Packet, features: FeatureSet): boolean {
  const { gsoType, gsoSize, ipSummed, totalLength } = packet;
  if ((gsoType & SKB_GSO_DODGY) === 0 || gsoSize === GSO_BY_FRAGS || ipSummed !== CHECKSUM_PARTIAL) return false;
  if (!gsoOk(packet, features.with(NETIF_F_GSO_ROBUST))) return false;
  const headers = gsoHeaderBytes(packet);
  return headers !== -1 && totalLength - headers > gsoSize;
}

/** What software may leave to the device, given the features that it has for this packet (`__skb_gso_segment`). */
export function segmentOptions(packet: Packet, device: TransmitDevice, features: FeatureSet): SegmentOptions {
  const csum = canChecksum(features, networkProtocol(packet));
  const options: SegmentOptions = {
    csum: csum && !packet.encapsulation,
    encCsum: csum && packet.encapsulation,
    sctpCrc: features.has("SCTP_CRC"),
    gsoPartial: mayBePartial(packet, device, features),
  };
  return device.fragmentId === undefined ? options : { ...options, fragmentId: () => device.fragmentId?.() ?? 0 };
}

/** GSO_PARTIAL: with what the device does partially, could it split this one? (S7) */
function mayBePartial(packet: Packet, device: TransmitDevice, features: FeatureSet): boolean {
  if (!features.has("GSO_PARTIAL")) return false;
  const partially = device.features.features.and(device.features.gsoPartialFeatures);
  return gsoOk(packet, features.with(partially).with(NETIF_F_GSO_ROBUST));
}

/**
 * Whether the device finishes this checksum; if not, software does (`skb_csum_hwoffload_help`; C21). `false`: neither
 * could.
 */
export function csumHwOffloadHelp(packet: Packet, device: TransmitDevice, features: FeatureSet): boolean {
  if (deviceFinishes(packet, features)) return true;
  return checksumHelp(device.kernels, packet);
}

function deviceFinishes(packet: Packet, features: FeatureSet): boolean {
  if (packet.csumNotInet) return features.has("SCTP_CRC");
  if (features.has("HW_CSUM")) return true;
  // Whether it is the right one of the two, skbFeatures has seen to: the wrong one is not among the features any more.
  if (!features.hasAny(IP_CSUMS)) return false;
  if (networkProtocol(packet) === ETH_P_IPV6 && !isPlainIpv6(packet)) return false;
  // They speak of TCP and UDP only, which the offset of the field gives away.
  return packet.csumOffset === TCP_OFFSET || packet.csumOffset === UDP_OFFSET;
}

function isPlainIpv6(packet: Packet): boolean {
  return packet.transportHeader === NO_HEADER || networkHeaderLength(packet) === ipv6.HEADER_LENGTH;
}

function dropReasonOf(reason: SegmentRefusal): "NOMEM" | "PKT_TOO_BIG" | "NOT_SPECIFIED" {
  if (reason === "nomem") return "NOMEM";
  return reason === "too-many" || reason === "headers-too-long" ? "PKT_TOO_BIG" : "NOT_SPECIFIED";
}
