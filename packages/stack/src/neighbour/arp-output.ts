import { arp, BROADCAST_MAC, ETH_P_ARP, type MacAddress } from "@seville/packet";
import type { NetInterface } from "../interface/net-interface.ts";

/** Sends an ARP message from `iface` to the station `to` (`arp_send`). Nothing goes out where the device has no ARP. */
export function sendArp(iface: NetInterface, message: arp.ArpPacket, to: MacAddress): void {
  const { host } = iface;
  const packet = host.pool.alloc(arp.HEADER_LENGTH);
  if (packet === undefined) return;
  const at = packet.put(arp.HEADER_LENGTH);
  arp.write(host.memory.view, at, message);
  packet.networkHeader = at;
  packet.transportHeader = at;
  packet.protocol = ETH_P_ARP;
  iface.sendTo(packet, to, host.now);
}

/** Asks who has `target`: everyone, or only the station `to`. `sender` 0: a probe that teaches nobody (RFC 5227 §2.1.1). */
export function sendArpRequest(
  iface: NetInterface,
  sender: number,
  target: number,
  to: MacAddress = BROADCAST_MAC,
): void {
  sendArp(
    iface,
    { operation: arp.REQUEST, senderMac: iface.mac, senderIp: sender, targetMac: 0, targetIp: target },
    to,
  );
}

/** Says that `address` is here (RFC 5227 §2.3, a request for it from itself; `arp_notify`). */
export function announceArp(iface: NetInterface, address: number): void {
  sendArpRequest(iface, address, address);
}
