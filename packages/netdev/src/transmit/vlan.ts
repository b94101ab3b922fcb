import { ETH_P_8021Q, vlan, type Packet } from "@seville/packet";

const MACS = 12;

/**
 * Puts the tag that is in `vlanTci` into the frame's bytes, behind the addresses (`__vlan_hwaccel_push_inside`).
 * Offsets of the headers stay right: the addresses move, not what is behind them. `false`: no memory.
 */
export function pushVlanInside(packet: Packet): boolean {
  if (packet.vlanTci === -1) return true;
  if (packet.isShared || packet.headroom < vlan.HEADER_LENGTH) {
    if (!packet.cow(Math.max(packet.headroom, vlan.HEADER_LENGTH))) return false;
  }
  const { u8, view } = packet.pool.memory;
  const from = packet.data;
  const at = packet.push(vlan.HEADER_LENGTH);
  u8.copyWithin(at, from, from + MACS);
  view.setUint16(at + MACS, ETH_P_8021Q);
  vlan.setTci(view, at + MACS + 2, packet.vlanTci);
  packet.macHeader = at;
  packet.vlanTci = -1;
  return true;
}

/** Takes an 802.1Q tag out of the frame's bytes into `vlanTci` (what a device with NETIF_F_HW_VLAN_CTAG_RX does). */
export function stripVlan(packet: Packet): boolean {
  const { u8, view } = packet.pool.memory;
  if (packet.length < MACS + 6 || view.getUint16(packet.data + MACS) !== ETH_P_8021Q) return false;
  const tci = vlan.tci(view, packet.data + MACS + 2);
  u8.copyWithin(packet.data + vlan.HEADER_LENGTH, packet.data, packet.data + MACS);
  packet.pull(vlan.HEADER_LENGTH);
  packet.macHeader = packet.data;
  packet.vlanTci = tci;
  return true;
}
