import type { Packet } from "@seville/packet";
import type { FeatureDeclaration } from "../features/device-features.ts";
import type { FeatureSet } from "../features/feature-set.ts";
import type { Silicon } from "../hardware/silicon.ts";

/**
 * A class of NIC: what its silicon does, and what a driver that knows it declares and checks.
 *
 * The two halves are apart on purpose. Give a device declarations that its silicon does not keep, or leave the check out,
 * and what comes out is what such a driver puts on a real wire.
 */
export interface NicProfile extends FeatureDeclaration {
  readonly name: string;
  /** What it is, in a sentence. */
  readonly summary: string;
  readonly silicon: Silicon;
  /** What the driver must take away from a packet that the silicon would get wrong. */
  readonly featuresCheck?: (packet: Packet, features: FeatureSet) => FeatureSet;
  readonly gsoMaxSize?: number;
  readonly gsoMaxSegs?: number;
  /** Ports of the switch inside, the uplink not counted. */
  readonly switchPorts?: number;
}
