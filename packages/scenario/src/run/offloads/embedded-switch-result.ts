import type { PortStats } from "@seville/netdev";

/** What one port of a switch in a NIC counted, seen from the switch: `rx` came into it. */
export interface EmbeddedSwitchPort extends Readonly<PortStats> {
  /** `uplink`, or the interface (`host:interface`) whose function is on it. */
  readonly port: string;
}

/** A switch in a NIC. */
export interface EmbeddedSwitchResult {
  /** The NIC (`host:interface`). */
  readonly nic: string;
  readonly mode: "veb" | "vepa";
  /** The uplink first, then the NIC's own function, then the virtual ones. */
  readonly ports: readonly EmbeddedSwitchPort[];
}
