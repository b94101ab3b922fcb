import { createCounters, type Counters } from "@seville/core";

/**
 * What the MAC and its neighbours count, with the names that `ethtool -S --groups …` prints without their prefix
 * (Documentation/netlink/specs/ethtool.yaml; IEEE 802.3 clause 30, RFC 2819). Byte counts have the check sequence in
 * them where the standard counts it.
 */
export const ETH_PHY_STATS = ["SymbolErrorDuringCarrier"] as const;

export const ETH_MAC_STATS = [
  "FramesTransmittedOK",
  "FramesReceivedOK",
  "FrameCheckSequenceErrors",
  "AlignmentErrors",
  "OctetsTransmittedOK",
  "FramesWithDeferredXmissions",
  "FramesLostDueToIntMACXmitError",
  "OctetsReceivedOK",
  "FramesLostDueToIntMACRcvError",
  "MulticastFramesXmittedOK",
  "BroadcastFramesXmittedOK",
  "MulticastFramesReceivedOK",
  "BroadcastFramesReceivedOK",
  "InRangeLengthErrors",
  "OutOfRangeLengthField",
  "FrameTooLongErrors",
] as const;

export const ETH_CTRL_STATS = ["MACControlFramesTransmitted", "MACControlFramesReceived"] as const;

/** Upper ends of the histogram's classes, in bytes with check sequence (RFC 2819; beyond 1518 as drivers do). */
export const RMON_SIZES = [64, 127, 255, 511, 1023, 1518, 2047, 4095, 9216] as const;

const LAST = RMON_SIZES.length - 1;

function histogram(direction: "rx" | "tx"): string[] {
  return RMON_SIZES.map((to, i) => {
    const from = i === 0 ? 64 : (RMON_SIZES[i - 1] as number) + 1;
    return `${direction}-pktsNtoM-${from}to${to}`;
  });
}

export const RMON_STATS: readonly string[] = [
  "undersize-pkts",
  "oversize-pkts",
  "fragments",
  "jabbers",
  ...histogram("rx"),
  ...histogram("tx"),
];

/** What only this class of hardware counts. */
export const DRIVER_STATS = [
  "interrupts",
  "rx_missed",
  "rx_filtered",
  "rx_vlan_filtered",
  "rx_no_dma_resources",
  "rx_realigned",
  "tx_oversize",
  "tx_descriptor_errors",
  "tx_no_memory",
] as const;

const FCS = 4;
const MINIMUM = 60;

/** The counters of a NIC's hardware. They are never reset while it lives, whatever the driver does. */
export class HardwareCounters {
  readonly phy: Counters<(typeof ETH_PHY_STATS)[number]> = createCounters(ETH_PHY_STATS);
  readonly mac: Counters<(typeof ETH_MAC_STATS)[number]> = createCounters(ETH_MAC_STATS);
  readonly ctrl: Counters<(typeof ETH_CTRL_STATS)[number]> = createCounters(ETH_CTRL_STATS);
  readonly rmon: Counters<string> = createCounters(RMON_STATS);
  readonly driver: Counters<(typeof DRIVER_STATS)[number]> = createCounters(DRIVER_STATS);

  /** A frame of `bytes` (without check sequence) went out. */
  transmitted(bytes: number, group: "unicast" | "multicast" | "broadcast"): void {
    const { mac } = this;
    mac.FramesTransmittedOK++;
    mac.OctetsTransmittedOK += Math.max(bytes, MINIMUM) + FCS;
    if (group === "multicast") mac.MulticastFramesXmittedOK++;
    if (group === "broadcast") mac.BroadcastFramesXmittedOK++;
    this.#classify("tx", bytes);
  }

  /** A frame of `bytes` came in and passed the MAC. */
  received(bytes: number, group: "unicast" | "multicast" | "broadcast"): void {
    const { mac } = this;
    mac.FramesReceivedOK++;
    mac.OctetsReceivedOK += Math.max(bytes, MINIMUM) + FCS;
    if (group === "multicast") mac.MulticastFramesReceivedOK++;
    if (group === "broadcast") mac.BroadcastFramesReceivedOK++;
    this.#classify("rx", bytes);
  }

  #classify(direction: "rx" | "tx", bytes: number): void {
    const wire = Math.max(bytes, MINIMUM) + FCS;
    const at = RMON_SIZES.findIndex((to) => wire <= to);
    const index = at === -1 ? LAST : at;
    const from = index === 0 ? 64 : (RMON_SIZES[index - 1] as number) + 1;
    const name = `${direction}-pktsNtoM-${from}to${RMON_SIZES[index] as number}`;
    this.rmon[name] = (this.rmon[name] as number) + 1;
  }
}
