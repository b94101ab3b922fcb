import type { Nanos } from "@seville/core";
import {
  isMulticastMac,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  readMac,
  type MacAddress,
  type Packet,
  type PacketType,
} from "@seville/packet";
import { pullHeaders } from "./checksum.ts";
import type { NetInterface } from "./net-interface.ts";

const ETHERNET_HEADER = 14;
const VLAN_TAG = 4;
const ETH_P_8021Q = 0x8100;
/** Smaller values of the type field are lengths (IEEE 802.3 §3.2.6). */
const ETH_P_802_3_MIN = 0x0600;

/** See {@link NetInterface.receive}: classifies a frame, shows it to the taps and hands it to its protocol. */
export function receiveFrame(iface: NetInterface, packet: Packet, now: Nanos): void {
  const { alignment } = iface.host;
  if (alignment === undefined) takeFrame(iface, packet, now);
  else alignment.watch("stack", packet, () => takeFrame(iface, packet, now));
}

function takeFrame(iface: NetInterface, packet: Packet, now: Nanos): void {
  const { host, stats } = iface;
  packet.ifindex = iface.ifindex;
  packet.tstamp = now;
  packet.cb = 0;
  packet.orphan();
  if (!iface.isUp) {
    stats.rx_dropped++;
    host.drop(packet, "DEV_READY", iface);
    return;
  }
  if (!staysWhole(iface, packet) && !packet.linearize()) {
    stats.rx_dropped++;
    host.drop(packet, "NOMEM", iface);
    return;
  }
  stats.rx_packets++;
  stats.rx_bytes += packet.totalLength;
  if (iface.device.hardHeaderLength === ETHERNET_HEADER && !readEthernet(iface, packet)) return;
  if (packet.pktType === PACKET_MULTICAST) stats.multicast++;
  if (host.taps.active) host.taps.deliver(packet, iface, "in", now);
  if (packet.macHeader >= 0) pullHeaders(packet, packet.networkHeader - packet.data);
  if (iface.rxHandler !== undefined && !iface.rxHandler(packet, iface, now)) return;
  const handler = host.etherTypes.get(packet.protocol);
  if (handler !== undefined) {
    handler(packet, iface, now);
    return;
  }
  stats.rx_dropped++;
  host.drop(packet, "UNHANDLED_PROTO", iface);
}

/**
 * What a device merged comes with its headers in one piece and its payload in others. It may go on so, to a device that splits it
 * or to a protocol that reads pieces; but taps and receive handlers read packets that are in one, and so does whoever gets
 * what LRO merged, which nobody can split.
 */
function staysWhole({ host, rxHandler }: NetInterface, { gsoSize, gsoType }: Packet): boolean {
  return gsoSize > 0 && gsoType > 0 && rxHandler === undefined && !host.taps.active;
}

/** `eth_type_trans`, and a VLAN tag if there is one. `data` stays at the Ethernet header. Answers `false` on a drop. */
function readEthernet(iface: NetInterface, packet: Packet): boolean {
  const { view } = packet.pool.memory;
  const at = packet.data;
  if (packet.length < ETHERNET_HEADER) return runt(iface, packet);
  packet.macHeader = at;
  packet.pktType = typeOf(iface, readMac(view, at));
  let protocol = view.getUint16(at + 12);
  let header = ETHERNET_HEADER;
  // A device with NETIF_F_HW_VLAN_CTAG_RX has taken the tag out already.
  if (packet.vlanTci === -1 && protocol === ETH_P_8021Q) {
    if (packet.length < ETHERNET_HEADER + VLAN_TAG) return runt(iface, packet);
    packet.vlanTci = view.getUint16(at + 14);
    protocol = view.getUint16(at + 16);
    header += VLAN_TAG;
  }
  // Nobody here is in that VLAN; id 0 is only a priority (IEEE 802.1Q §9.6), and ends here (`__vlan_hwaccel_clear_tag`).
  if (packet.vlanTci !== -1 && (packet.vlanTci & 0xfff) !== 0) packet.pktType = PACKET_OTHERHOST;
  else packet.vlanTci = -1;
  packet.protocol = protocol < ETH_P_802_3_MIN ? 0 : protocol;
  packet.networkHeader = at + header;
  return true;
}

function runt(iface: NetInterface, packet: Packet): false {
  iface.stats.rx_errors++;
  iface.stats.rx_length_errors++;
  iface.host.drop(packet, "HDR_TRUNC", iface);
  return false;
}

function typeOf(iface: NetInterface, destination: MacAddress): PacketType {
  if (destination === iface.mac) return PACKET_HOST;
  if (destination === iface.broadcastMac) return PACKET_BROADCAST;
  return isMulticastMac(destination) ? PACKET_MULTICAST : PACKET_OTHERHOST;
}
