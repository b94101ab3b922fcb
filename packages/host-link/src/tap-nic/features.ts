import { FeatureSet, type FeatureDeclaration } from "@seville/netdev";
import {
  tunFeatureFallbacks,
  TUN_F_CSUM,
  TUN_F_TSO4,
  TUN_F_TSO6,
  TUN_F_TSO_ECN,
  TUN_F_UDP_TUNNEL_GSO,
  TUN_F_UDP_TUNNEL_GSO_CSUM,
  TUN_F_USO4,
  TUN_F_USO6,
} from "@seville/tso";
import type { VnetGrant, VnetWish } from "../tap/messages.ts";

const TUNNELS = TUN_F_UDP_TUNNEL_GSO | TUN_F_UDP_TUNNEL_GSO_CSUM;
const USO = TUN_F_USO4 | TUN_F_USO6;

/** All that a current kernel may leave unfinished for us. */
export const ALL_OFFLOADS: number = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | USO | TUNNELS;

/** What to ask a kernel for: all of `offloads`, or as much as it knows, the newest given up first (S18). */
export function wishOf(offloads: number): VnetWish {
  return { offloads: tunFeatureFallbacks(offloads), tunnels: TUNNELS };
}

/** What a `virtio_net_hdr` can say in any kernel. Pieces of a packet are gathered by `writev`. */
const ANY_KERNEL: FeatureSet = FeatureSet.of("SG", "HW_CSUM", "TSO", "TSO6", "TSO_ECN");
/** Its kernel counts the segments of what we send anew (virtio_net declares it too). */
const FIXED: FeatureSet = FeatureSet.of("GSO_ROBUST", "HIGHDMA");

/**
 * The features of a TAP device whose kernel granted `grant`; `undefined`: bare frames, everything is done in software.
 *
 * To send, what a header of this kernel's can say: a kernel takes what it would itself hand over. To receive, RXCSUM and GRO_HW
 * stand for what it may leave unfinished and unsplit, as in virtio_net (drivers/net/virtio_net.c, `virtnet_set_features`).
 */
export function declareTap(grant: VnetGrant | undefined): FeatureDeclaration {
  const none = FeatureSet.NONE;
  if (grant === undefined) {
    return {
      hwFeatures: none,
      features: FeatureSet.of("HIGHDMA"),
      hwEncFeatures: none,
      vlanFeatures: none,
      mplsFeatures: none,
      gsoPartialFeatures: none,
    };
  }
  const send = sendFeatures(grant);
  const hwFeatures = send.with(receiveFeatures(grant));
  return {
    hwFeatures,
    features: hwFeatures.with(FIXED),
    hwEncFeatures: send.with(FIXED),
    vlanFeatures: send.with(FIXED),
    // Behind a label a kernel finds neither protocol nor transport header.
    mplsFeatures: none,
    gsoPartialFeatures: none,
  };
}

function sendFeatures({ headerBytes, offloads }: VnetGrant): FeatureSet {
  let features = ANY_KERNEL;
  if ((offloads & USO) === USO) features = features.with(FeatureSet.of("GSO_UDP_L4"));
  if (headerBytes < 24) return features;
  if ((offloads & TUN_F_UDP_TUNNEL_GSO) !== 0) features = features.with(FeatureSet.of("GSO_UDP_TUNNEL"));
  if ((offloads & TUN_F_UDP_TUNNEL_GSO_CSUM) !== 0) features = features.with(FeatureSet.of("GSO_UDP_TUNNEL_CSUM"));
  return features;
}

function receiveFeatures({ offloads }: VnetGrant): FeatureSet {
  if ((offloads & TUN_F_CSUM) === 0) return FeatureSet.NONE;
  return offloads === TUN_F_CSUM ? FeatureSet.of("RXCSUM") : FeatureSet.of("RXCSUM", "GRO_HW");
}

/** What the kernel may leave unfinished while `features` are on (`TUN_F_…`, for TUNSETOFFLOAD). */
export function offloadsOf(features: FeatureSet, { offloads }: VnetGrant): number {
  if (!features.has("RXCSUM")) return 0;
  return features.has("GRO_HW") ? offloads : offloads & TUN_F_CSUM;
}
