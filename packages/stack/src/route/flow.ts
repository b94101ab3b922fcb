import { IPV6_ANY, type IpAddress, type Ipv6Address, type Packet } from "@seville/packet";

/** `LOOPBACK_IFINDEX`: the `iif` of packets that were made here. */
export const LOOPBACK_IFINDEX = 1;

/**
 * What a route is asked for: `struct flowi4` and `flowi6`. Callers keep one for each place that asks, and fill it anew:
 * a lookup keeps nothing of it.
 */
export interface Flow<A extends IpAddress = IpAddress> {
  destination: A;
  /** The unspecified address: not chosen yet. */
  source: A;
  /** Interface that it must leave by; 0: any. */
  oif: number;
  /** Interface by which it came in; {@link LOOPBACK_IFINDEX}: made here. */
  iif: number;
  /** Layer-3 domain (VRF device) in whose table to look; 0: the default one. */
  l3mdev: number;
  mark: number;
  /** DSCP and ECN bits as on the wire; the ECN bits do not select routes. */
  tos: number;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  /** IPv6. */
  flowLabel: number;
  uid: number;
  /** The source need not be an address of this host (`FLOWI_FLAG_ANYSRC`). */
  anySource: boolean;
  /** Hash for choosing among several next hops; 0: computed when needed, of `packet` or else of the fields above. */
  hash: number;
  /** The packet that is to be forwarded: borrowed for the lookup, since what tells flows apart may lie deep inside it. */
  packet: Packet | undefined;
}

export function createFlow4(): Flow<number> {
  return { ...createRest(), destination: 0, source: 0 };
}

export function createFlow6(): Flow<Ipv6Address> {
  return { ...createRest(), destination: IPV6_ANY, source: IPV6_ANY };
}

/** Sets all but the addresses back to what they are in a fresh flow. */
export function resetFlow(flow: Flow<never> | Flow): void {
  flow.oif = 0;
  flow.iif = LOOPBACK_IFINDEX;
  flow.l3mdev = 0;
  flow.mark = 0;
  flow.tos = 0;
  flow.protocol = 0;
  flow.sourcePort = 0;
  flow.destinationPort = 0;
  flow.flowLabel = 0;
  flow.uid = 0;
  flow.anySource = false;
  flow.hash = 0;
  flow.packet = undefined;
}

function createRest(): Omit<Flow, "destination" | "source"> {
  return {
    oif: 0,
    iif: LOOPBACK_IFINDEX,
    l3mdev: 0,
    mark: 0,
    tos: 0,
    protocol: 0,
    sourcePort: 0,
    destinationPort: 0,
    flowLabel: 0,
    uid: 0,
    anySource: false,
    hash: 0,
    packet: undefined,
  };
}
