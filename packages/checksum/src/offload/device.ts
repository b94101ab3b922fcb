import { mangleZero } from "../incremental.ts";
import type { ChecksumKernels } from "../kernels.ts";
import { finish } from "../partial.ts";
import type { Features, NetdevFeature } from "./features.ts";
import { recognise, type ParserLimits } from "./parse.ts";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, dataLength, sumData } from "./state.ts";
import { checksumHelp, type TransmitPacket } from "./transmit.ts";

/** A frame on its way to a device: `data` is at its Ethernet header. `Packet` of `@seville/packet` is one. */
export interface TransmitFrame extends TransmitPacket {
  readonly networkHeader: number;
  readonly transportHeader: number;
  readonly innerNetworkHeader: number;
  readonly innerTransportHeader: number;
  /** The inner headers are what is to be offloaded. */
  readonly encapsulation: boolean;
  /** EtherType of the (outer) network header. */
  readonly protocol: number;
}

/** What a NIC can do about the checksums of what it sends. */
export interface ChecksumDevice {
  readonly name: string;
  /** Features for plain frames. */
  readonly features: Features;
  /** Features that are left for encapsulated packets (`hw_enc_features`). */
  readonly hwEncFeatures: Features;
  /** Features that are left behind a VLAN tag in the frame (`vlan_features`). */
  readonly vlanFeatures: Features;
  /** Features that are left behind an MPLS label (`mpls_features`). */
  readonly mplsFeatures: Features;
  /** Set: the hardware ignores csum_start and csum_offset, and sums the innermost transport header that it recognises. */
  readonly parser?: ParserLimits;
}

type Overrides = Partial<Omit<ChecksumDevice, "features">>;

/** NETIF_F_HW_CSUM: sums from any start and stores at any offset (C20). */
export function hwCsum(overrides: Overrides = {}): ChecksumDevice {
  return device("HW_CSUM", ["HW_CSUM"], overrides);
}

/** NETIF_F_IP_CSUM: TCP and UDP over plain IPv4, with or without options (C20). */
export function ipCsum(overrides: Overrides = {}): ChecksumDevice {
  return device("IP_CSUM", ["IP_CSUM"], overrides);
}

/** NETIF_F_IPV6_CSUM: TCP and UDP over plain IPv6, without extension headers (C20). */
export function ipv6Csum(overrides: Overrides = {}): ChecksumDevice {
  return device("IPV6_CSUM", ["IPV6_CSUM"], overrides);
}

/** The limits of {@link parsing}, if nothing else is said: the common ports, one tunnel, 256 bytes of headers, a VLAN tag. */
export const DEFAULT_PARSER: ParserLimits = {
  vxlanPorts: [4789],
  genevePorts: [6081],
  gre: false,
  tunnelDepth: 1,
  maxHeaderBytes: 256,
  vlanTags: 1,
  ipv6Extensions: false,
};

/** A NIC that claims IP_CSUM and IPV6_CSUM, also for encapsulated packets, and in truth parses headers (C22). */
export function parsing(limits: Partial<ParserLimits> = {}, overrides: Overrides = {}): ChecksumDevice {
  const features = ["IP_CSUM", "IPV6_CSUM"] as const;
  return device("parsing", features, { parser: { ...DEFAULT_PARSER, ...limits }, ...overrides });
}

function device(name: string, list: readonly NetdevFeature[], overrides: Overrides): ChecksumDevice {
  const features = new Set(list);
  return { name, features, hwEncFeatures: features, vlanFeatures: features, mplsFeatures: features, ...overrides };
}

/** Who finishes the checksum of a frame; `none`: there is nothing to finish. */
export type ChecksumPlace = "none" | "device" | "software";

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8];
const MPLS_TYPES: readonly number[] = [0x8847, 0x8848];
const TCP_OFFSET = 16;
const UDP_OFFSET = 6;
const IPV6_HEADER_BYTES = 40;

/**
 * Who is to finish the checksum: the rules of `netif_skb_features` and `skb_csum_hwoffload_help` (net/core/dev.c; C21),
 * and the comparison that the driver of a parsing NIC owes (`ndo_features_check`; C22).
 */
export function resolveChecksum(view: DataView, frame: TransmitFrame, nic: ChecksumDevice): ChecksumPlace {
  if (frame.ipSummed !== CHECKSUM_PARTIAL) return "none";
  const has = (feature: NetdevFeature): boolean => isAvailable(view, frame, nic, feature);
  if (frame.csumNotInet) return has("SCTP_CRC") ? "device" : "software";
  if (!has("HW_CSUM") && !protocolRulesAllow(frame, has)) return "software";
  return nic.parser === undefined || parserAgrees(view, frame, nic.parser) ? "device" : "software";
}

/** A feature survives the masks for what the frame is wrapped in. */
function isAvailable(view: DataView, frame: TransmitFrame, nic: ChecksumDevice, feature: NetdevFeature): boolean {
  if (!nic.features.has(feature)) return false;
  if (frame.encapsulation && !nic.hwEncFeatures.has(feature)) return false;
  const type = view.getUint16(frame.data + 12);
  if (VLAN_TYPES.includes(type) && !nic.vlanFeatures.has(feature)) return false;
  return !MPLS_TYPES.includes(frame.protocol) || nic.mplsFeatures.has(feature);
}

/** IP_CSUM and IPV6_CSUM: the EtherType picks the feature, the offset must be TCP's or UDP's, IPv6 must be bare. */
function protocolRulesAllow(frame: TransmitFrame, has: (feature: NetdevFeature) => boolean): boolean {
  const { protocol, csumOffset } = frame;
  if (protocol !== ETH_P_IP && protocol !== ETH_P_IPV6) return false;
  if (!has(protocol === ETH_P_IP ? "IP_CSUM" : "IPV6_CSUM")) return false;
  if (protocol === ETH_P_IPV6 && frame.transportHeader - frame.networkHeader !== IPV6_HEADER_BYTES) return false;
  return csumOffset === TCP_OFFSET || csumOffset === UDP_OFFSET;
}

function parserAgrees(view: DataView, frame: TransmitFrame, parser: ParserLimits): boolean {
  const found = recognise(view, frame.data, frame.tail, parser);
  return found !== undefined && found.start === frame.csumStart && found.csumOffset === frame.csumOffset;
}

/**
 * Does what the hardware of `nic` does with a PARTIAL frame, right or wrong. A parsing NIC sums where it believes the
 * transport header is; if it recognises none, the frame leaves as it is. So a test can show which frame a NIC corrupts
 * whose driver does not compare. As the standard asks of UDP, 0 is stored as 0xffff. The headers must be writable.
 * `false`: what was asked for is not within the frame, and nothing has changed.
 */
export function applyInHardware(kernels: ChecksumKernels, frame: TransmitFrame, nic: ChecksumDevice): boolean {
  if (frame.ipSummed !== CHECKSUM_PARTIAL) return true;
  if (frame.csumNotInet || nic.parser === undefined) return checksumHelp(kernels, frame);
  const { view } = kernels.memory;
  const found = recognise(view, frame.data, frame.tail, nic.parser);
  if (found !== undefined) {
    const start = found.start - frame.data;
    const sum = sumData(kernels, frame, start, dataLength(frame) - start);
    view.setUint16(found.start + found.csumOffset, mangleZero(finish(sum)));
  }
  frame.ipSummed = CHECKSUM_NONE;
  return true;
}

/**
 * Finishes the checksum where {@link resolveChecksum} says. `false`: it could not be (see {@link checksumHelp}); drop the
 * frame.
 */
export function finishChecksum(kernels: ChecksumKernels, frame: TransmitFrame, nic: ChecksumDevice): boolean {
  const place = resolveChecksum(kernels.memory.view, frame, nic);
  return place === "device" ? applyInHardware(kernels, frame, nic) : checksumHelp(kernels, frame);
}
