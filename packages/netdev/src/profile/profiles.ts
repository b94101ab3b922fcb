import { invalidArgument } from "@seville/core";
import type { FeatureName } from "../features/bits.ts";
import { FeatureSet } from "../features/feature-set.ts";
import { GSO_ENCAP_ALL } from "../features/flags.ts";
import { PLAIN_PARSER, TUNNEL_PARSER, type RxSilicon, type TxSilicon } from "../hardware/silicon.ts";
import {
  headerLengthCheck,
  parserCheck,
  passthruFeaturesCheck,
  splitterCheck,
  tunnelKindCheck,
  tunnelPortCheck,
} from "../transmit/features-check.ts";
import type { NicProfile } from "./profile.ts";
import type { ParserLimits } from "../hardware/transmit-parse.ts";

const of = (...names: readonly FeatureName[]): FeatureSet => FeatureSet.of(...names);

const TX_NONE: TxSilicon = {
  checksum: "none",
  parser: PLAIN_PARSER,
  ipv6: true,
  crc32c: false,
  vlanInsertion: false,
  segmentation: "none",
  outerChecksum: false,
  maxHeaderBytes: 256,
};
const RX_NONE: RxSilicon = {
  sums: false,
  verifiesOuter: false,
  verifiesInner: false,
  verifiesCrc32c: false,
  parser: PLAIN_PARSER,
  vlanStripping: false,
  vlanFilter: false,
  hash: false,
};
const TX_OFFSET: TxSilicon = { ...TX_NONE, checksum: "offset", vlanInsertion: true };
const RX_MODERN: RxSilicon = { ...RX_NONE, vlanStripping: true, vlanFilter: true, hash: true };

const VLAN = of("HW_VLAN_CTAG_TX", "HW_VLAN_CTAG_RX", "HW_VLAN_CTAG_FILTER");
const RX = of("RXCSUM", "RXHASH");
const HW_CSUM = of("HW_CSUM", "SG");
const TSO = of("TSO", "TSO6", "TSO_ECN");
const NOTHING = FeatureSet.NONE;

/** No offload at all: software does everything. */
export const NONE: NicProfile = {
  name: "none",
  summary: "computes nothing: what the host hands over is what goes on the wire",
  silicon: { tx: TX_NONE, rx: RX_NONE },
  ...declare(NOTHING),
};

/** NETIF_F_IP_CSUM: the NICs of the 2000s. */
export const IP_CSUM: NicProfile = {
  name: "ip-csum",
  summary: "finds TCP and UDP in plain IPv4 by itself; knows neither IPv6 nor tunnels",
  silicon: {
    tx: { ...TX_NONE, checksum: "parser", parser: { ...PLAIN_PARSER, vlanTags: 0 }, ipv6: false },
    rx: { ...RX_NONE, verifiesOuter: true },
  },
  ...declare(of("IP_CSUM", "SG", "RXCSUM")),
};

/** NETIF_F_HW_CSUM: sums where it is told to. What every NIC should have been. */
export const HW_CSUM_PROFILE: NicProfile = {
  name: "hw-csum",
  summary: "sums from any start and stores at any offset; hands the sum of what it receives to the stack",
  silicon: { tx: TX_OFFSET, rx: { ...RX_MODERN, sums: true } },
  ...declare(HW_CSUM.with(RX).with(VLAN), { enc: HW_CSUM, vlan: HW_CSUM, mpls: HW_CSUM }),
};

/**
 * A NIC that parses: it ignores `csumStart` and sums the innermost header that it recognises (C22). Its driver compares,
 * for every packet, where the stack wants the checksum with what the parser will find.
 */
export const PARSING_NIC: NicProfile = parsingNic();

/** A parsing NIC whose parser knows these ports, and no longer headers than `maxHeaderBytes`: the usual quirks. */
export function parsingNic(limits: Partial<ParserLimits> = {}): NicProfile {
  const parser: ParserLimits = { ...TUNNEL_PARSER, ...limits };
  const tunnelled = of("IP_CSUM", "IPV6_CSUM", "SG", "TSO", "TSO6", "TSO_ECN", "GSO_UDP_TUNNEL", "GSO_GRE");
  const plain = tunnelled.with(RX).with(VLAN);
  return {
    name: "parsing-nic",
    summary: "sums and splits at the innermost header that its parser recognises, wherever it was asked to",
    silicon: {
      tx: {
        ...TX_OFFSET,
        checksum: "parser",
        parser,
        segmentation: "tunnel",
        maxHeaderBytes: parser.maxHeaderBytes,
      },
      rx: { ...RX_MODERN, parser, verifiesOuter: true, verifiesInner: true },
    },
    ...declare(plain, { enc: tunnelled, vlan: of("IP_CSUM", "IPV6_CSUM", "SG") }),
    featuresCheck: (packet, features) => {
      let left = tunnelKindCheck(packet, features, { udp: true, gre: parser.gre, ipip: false });
      left = tunnelPortCheck(packet, left, [...parser.vxlanPorts, ...parser.genevePorts]);
      left = headerLengthCheck(packet, left, parser.maxHeaderBytes);
      return parserCheck(packet, left, parser);
    },
  };
}

/** Segments plain TCP; inside a tunnel only the checksum is left. */
export const TSO_NO_TUNNEL: NicProfile = {
  name: "tso-no-tunnel",
  summary: "splits TCP, but only behind the outermost headers",
  silicon: { tx: { ...TX_OFFSET, segmentation: "plain" }, rx: { ...RX_MODERN, verifiesOuter: true } },
  ...declare(HW_CSUM.with(TSO).with(RX).with(VLAN), { enc: HW_CSUM, vlan: HW_CSUM.with(TSO), mpls: HW_CSUM }),
  featuresCheck: (packet, features) => splitterCheck(packet, features, PLAIN_PARSER),
};

/** GSO_PARTIAL: splits the inner TCP and copies what is before it; software has prepared that (S7). */
export const GSO_PARTIAL: NicProfile = {
  name: "gso-partial",
  summary: "splits the innermost TCP and copies all headers before it, only counting the outer IPv4 identification",
  silicon: { tx: { ...TX_OFFSET, segmentation: "inner" }, rx: { ...RX_MODERN, sums: true } },
  ...declare(HW_CSUM.with(TSO).with(RX).with(VLAN).with(of("GSO_PARTIAL")).with(GSO_ENCAP_ALL), {
    enc: HW_CSUM.with(TSO).with(of("GSO_PARTIAL")).with(GSO_ENCAP_ALL),
    vlan: HW_CSUM.with(TSO),
    mpls: HW_CSUM,
    partial: GSO_ENCAP_ALL,
  }),
  featuresCheck: (packet, features) => headerLengthCheck(packet, features, 256),
};

/** Knows tunnels to the last checksum: what a NIC of today does. */
export const TUNNEL_OFFLOAD: NicProfile = {
  name: "tunnel-offload",
  summary: "splits TCP and UDP, plain and inside one tunnel, outer checksums included; computes CRC32c",
  silicon: {
    tx: { ...TX_OFFSET, segmentation: "tunnel", outerChecksum: true, crc32c: true },
    rx: { ...RX_MODERN, parser: TUNNEL_PARSER, verifiesOuter: true, verifiesInner: true, verifiesCrc32c: true },
  },
  ...declare(HW_CSUM.with(TSO).with(RX).with(VLAN).with(GSO_ENCAP_ALL).with(of("GSO_UDP_L4", "SCTP_CRC")), {
    enc: HW_CSUM.with(TSO).with(GSO_ENCAP_ALL).with(of("GSO_UDP_L4", "SCTP_CRC")),
    vlan: HW_CSUM.with(TSO).with(of("SCTP_CRC")),
    mpls: HW_CSUM,
    switchable: of("GRO_HW", "LRO"),
  }),
  featuresCheck: (packet, features) => headerLengthCheck(packet, features, 256),
};

/** Verifies the checksum inside a tunnel and never looks at the outer one. */
export const INNER_ONLY_RX: NicProfile = {
  ...HW_CSUM_PROFILE,
  name: "inner-only-rx",
  summary: "on receipt verifies the innermost checksum that its parser finds, and no other",
  silicon: { tx: TX_OFFSET, rx: { ...RX_MODERN, parser: TUNNEL_PARSER, verifiesInner: true } },
};

/** Verifies the outermost checksum only. */
export const OUTER_ONLY_RX: NicProfile = {
  ...HW_CSUM_PROFILE,
  name: "outer-only-rx",
  summary: "on receipt verifies the outermost checksum, and none inside a tunnel",
  silicon: { tx: TX_OFFSET, rx: { ...RX_MODERN, verifiesOuter: true } },
};

/** A NIC with a switch in it: virtual functions that share a wire. See embedded-switch.ts. */
export const EMBEDDED_SWITCH: NicProfile = {
  ...TUNNEL_OFFLOAD,
  name: "embedded-switch",
  summary: "a switch between virtual functions and one wire, with statistics for every port",
  switchPorts: 4,
};

/** All of them, by name. */
export const PROFILES: readonly NicProfile[] = [
  NONE,
  IP_CSUM,
  HW_CSUM_PROFILE,
  PARSING_NIC,
  TSO_NO_TUNNEL,
  GSO_PARTIAL,
  TUNNEL_OFFLOAD,
  INNER_ONLY_RX,
  OUTER_ONLY_RX,
  EMBEDDED_SWITCH,
];

/**
 * The profile of that name.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function profileOf(name: string): NicProfile {
  const profile = PROFILES.find((one) => one.name === name);
  if (profile === undefined) throw invalidArgument("profile", PROFILES.map((one) => one.name).join(", "), name);
  return profile;
}

/**
 * The same NIC under a driver that believes its flags and looks at no packet (no `ndo_features_check`): what its hardware gets
 * wrong then goes out on the wire. For demonstrations and tests.
 */
export function withoutChecks(profile: NicProfile): NicProfile {
  const { featuresCheck, ...rest } = profile;
  return featuresCheck === undefined ? profile : { ...rest, featuresCheck: passthruFeaturesCheck };
}

interface Masks {
  readonly enc?: FeatureSet;
  readonly vlan?: FeatureSet;
  readonly mpls?: FeatureSet;
  readonly partial?: FeatureSet;
  /** It can do these too, but only if it is told to. */
  readonly switchable?: FeatureSet;
}

type Declared = Pick<
  NicProfile,
  "hwFeatures" | "features" | "hwEncFeatures" | "vlanFeatures" | "mplsFeatures" | "gsoPartialFeatures"
>;

/** Everything can be switched and is on, but for what changes what comes in. What is not said of a mask: nothing passes it. */
function declare(features: FeatureSet, masks: Masks = {}): Declared {
  return {
    hwFeatures: features.with(masks.switchable ?? NOTHING),
    features: features.without(of("HW_VLAN_CTAG_RX", "HW_VLAN_CTAG_FILTER")),
    hwEncFeatures: masks.enc ?? NOTHING,
    vlanFeatures: masks.vlan ?? NOTHING,
    mplsFeatures: masks.mpls ?? NOTHING,
    gsoPartialFeatures: masks.partial ?? NOTHING,
  };
}
