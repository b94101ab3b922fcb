import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { NetInterface } from "./net-interface.ts";

/** The device sums any packet from `csumStart` and stores it at `csumOffset` (include/linux/netdev_features.h). */
export const NETIF_F_HW_CSUM: number = 1 << 0;
/** The device (or whoever reads what it passes on) takes super-packets: `gsoSize` > 0. */
export const NETIF_F_GSO: number = 1 << 1;
/** Packets to and from it need no checksum at all: they never leave the machine. */
export const NETIF_F_LOOPBACK: number = 1 << 2;

/**
 * What moves packets for an interface: a NIC on a link, loopback, half of a veth pair, a tunnel, a VRF.
 *
 * The contract is small on purpose. The stack calls `transmit` with a packet that it owns no longer; the device calls
 * `iface.receive` for each that comes in. Everything that people configure (name, MTU, addresses, flags) is the
 * {@link NetInterface}'s.
 */
export interface NetDevice {
  /** What `ip -d link` calls it: `ether`, `veth`, `dummy`, `vxlan` … */
  readonly kind: string;
  /** `ARPHRD_…`. Only `ARPHRD_ETHER` and `ARPHRD_LOOPBACK` packets have a link-layer header. */
  readonly type: number;
  /** Flags that the interface has by its nature: `IFF_BROADCAST`, `IFF_NOARP`, … */
  readonly flags: number;
  /** Bits of `NETIF_F_…`: what it finishes by itself. Without any, it is given finished packets no longer than the MTU. */
  readonly features: number;
  /** Bytes of link-layer header that the stack pushes in front of the network header. */
  readonly hardHeaderLength: number;
  /** Bytes that the device itself will push, beyond those: a tunnel's outer headers. */
  readonly neededHeadroom: number;
  readonly mtu: number;
  readonly minMtu: number;
  readonly maxMtu: number;
  /** Whether the wire is there. */
  readonly carrier: boolean;
  /** Bytes that wait to be sent, those of the frame under way included. Absent: it cannot tell. */
  readonly backlog?: number;
  /** The interface that it serves from now on. */
  attach(iface: NetInterface): void;
  /** `ip link set up` and `down`. */
  open?(now: Nanos): void;
  stop?(now: Nanos): void;
  /** The interface has joined or left the link-layer groups of `iface.linkGroups`, or changed its flags. */
  setRxMode?(iface: NetInterface): void;
  /** Sends `packet`, `data` at the link-layer header (or at the network header where there is none), and owns it. */
  transmit(packet: Packet, now: Nanos): void;
  /** Set on a device that is a layer-3 master (VRF). */
  readonly l3mdev?: L3MasterOps;
}

/** What a layer-3 master device does to its slaves' packets (include/net/l3mdev.h, `struct l3mdev_ops`). */
export interface L3MasterOps {
  /** The routing table of this VRF. */
  readonly tableId: number;
  /**
   * A packet of `family` came in on `slave`. Answers `false` if it took the packet (the stack goes no further);
   * on `true` `packet.ifindex` names the master, and the slave is in its control block (`sdif`).
   */
  receive(packet: Packet, slave: NetInterface, family: 4 | 6): boolean;
  /** A locally made packet is to leave by `slave`. Answers `false` if it took the packet. */
  output(packet: Packet, slave: NetInterface, family: 4 | 6): boolean;
}
