import type { Nanos } from "@seville/core";
import { CHECKSUM_PARTIAL, PACKET_OUTGOING, writeMac, type MacAddress, type Packet } from "@seville/packet";
import { finishChecksum } from "./finish-checksum.ts";
import { NETIF_F_GSO, NETIF_F_HW_CSUM, NETIF_F_LOOPBACK } from "./net-device.ts";
import type { NetInterface } from "./net-interface.ts";

/** `XMIT_RECURSION_LIMIT`: how many devices a packet may pass through on top of each other (include/linux/netdevice.h). */
const RECURSION_LIMIT = 8;
const ETHERNET_HEADER = 14;

/** See {@link NetInterface.sendTo}: pushes the link-layer header and queues the packet (`neigh_output`). */
export function sendTo(iface: NetInterface, packet: Packet, mac: MacAddress, now: Nanos): void {
  if (iface.device.hardHeaderLength !== ETHERNET_HEADER) {
    queueXmit(iface, packet, now);
    return;
  }
  const { view } = packet.pool.memory;
  const at = packet.push(ETHERNET_HEADER);
  packet.macHeader = at;
  writeMac(view, at, mac);
  writeMac(view, at + 6, iface.mac);
  view.setUint16(at + 12, packet.protocol);
  queueXmit(iface, packet, now);
}

/** `dev_queue_xmit`: finishes what the device does not, shows the packet to the taps, and hands it over. */
export function queueXmit(iface: NetInterface, packet: Packet, now: Nanos): void {
  const { host, device, stats } = iface;
  packet.ifindex = iface.ifindex;
  if (!iface.isUp) {
    stats.tx_dropped++;
    host.drop(packet, "DEV_READY", iface);
    return;
  }
  if (host.xmitDepth >= RECURSION_LIMIT) {
    stats.tx_dropped++;
    host.drop(packet, "RECURSION_LIMIT", iface);
    return;
  }
  if (packet.gsoSize > 0 && (device.features & NETIF_F_GSO) === 0) {
    segmentAndXmit(iface, packet, now);
    return;
  }
  if (packet.ipSummed === CHECKSUM_PARTIAL && (device.features & (NETIF_F_HW_CSUM | NETIF_F_LOOPBACK)) === 0) {
    finishChecksum(host.memory, packet);
  }
  packet.pktType = PACKET_OUTGOING;
  if (host.taps.active) host.taps.deliver(packet, iface, "out", now);
  stats.tx_packets++;
  stats.tx_bytes += packet.totalLength;
  host.xmitDepth++;
  try {
    device.transmit(packet, now);
  } finally {
    host.xmitDepth--;
  }
}

/** A super-packet for a device that cannot split it: the host's segmenter does, before the taps, as in the kernel. */
function segmentAndXmit(iface: NetInterface, packet: Packet, now: Nanos): void {
  const { host } = iface;
  const { owner, charge } = packet;
  packet.owner = undefined;
  const segments = host.segmenter?.(packet);
  if (segments === undefined) {
    packet.owner = owner;
    iface.stats.tx_dropped++;
    host.drop(packet, "PKT_TOO_BIG", iface);
    return;
  }
  // The last one tells that all have left (tcp_gso_segment).
  const last = segments.at(-1);
  if (last !== undefined) {
    last.owner = owner;
    last.charge = charge;
  } else owner?.packetLeft(charge);
  for (const segment of segments) queueXmit(iface, segment, now);
}
