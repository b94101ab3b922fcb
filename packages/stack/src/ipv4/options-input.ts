import type { Nanos } from "@seville/core";
import { NS_PER_MS } from "@seville/core";
import { icmp, ipv4, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { ownPacket } from "../host/own-packet.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { CB_SOURCE_ROUTED } from "../packet-cb.ts";
import { sendIcmp4 } from "./icmp-send.ts";

const MS_PER_DAY = 86_400_000;

/**
 * Reads the options of a datagram that came in (RFC 791 §3.1, RFC 1122 §3.2.1.8, RFC 1812 §5.2.4; `ip_rcv_options`):
 * a fault is answered, a source route is followed, and a datagram for this host gets its stamp.
 * Answers the packet to go on with, or `undefined` if it was dropped.
 */
export function receiveOptions4(host: Host, packet: Packet, dev: NetInterface, now: Nanos): Packet | undefined {
  const { view } = host.memory;
  const fault = ipv4.findOptionFault(view, packet.data);
  if (fault >= 0) {
    host.mib.ip.InHdrErrors++;
    sendIcmp4(host, packet, icmp.PARAMETER_PROBLEM, icmp.POINTER_INDICATES, fault * 0x100_0000, dev);
    host.drop(packet, "IP_INHDR", dev);
    return undefined;
  }
  const route = findSourceRoute(view, packet.data);
  const isOurs = host.ipv4.localAddresses.has(ipv4.destination(view, packet.data));
  if (route < 0 && !isOurs) return packet;
  if (route >= 0 && (dev.v4.conf.accept_source_route === 0 || host.ipv4.confAll.accept_source_route === 0)) {
    host.drop(packet, "IP_INHDR", dev);
    return undefined;
  }
  const own = ownPacket(host, packet, dev);
  if (own === undefined) return undefined;
  if (isOurs) {
    if (route >= 0) followSourceRoute(view, own, findSourceRoute(view, own.data));
    stampOptions4(host, own, ipv4.destination(view, own.data), now);
    ipv4.updateChecksum(view, own.data);
  }
  return own;
}

function findSourceRoute(view: DataView, at: number): number {
  const loose = ipv4.findOption(view, at, ipv4.OPTION_LSRR);
  return loose >= 0 ? loose : ipv4.findOption(view, at, ipv4.OPTION_SSRR);
}

/** The next address of the route becomes the destination, and ours takes its place (RFC 791 page 18). */
function followSourceRoute(view: DataView, packet: Packet, option: number): void {
  const at = packet.data;
  const length = view.getUint8(option + 1);
  const pointer = view.getUint8(option + 2);
  if (pointer > length) return;
  const next = view.getUint32(option + pointer - 1);
  view.setUint32(option + pointer - 1, ipv4.destination(view, at));
  view.setUint8(option + 2, pointer + 4);
  ipv4.setDestination(view, at, next);
  packet.cb |= CB_SOURCE_ROUTED;
}

/** Enters `address` and the time into record route and timestamp options that have room. The checksum is the caller's. */
export function stampOptions4(host: Host, packet: Packet, address: number, now: Nanos): void {
  const { view } = host.memory;
  const record = ipv4.findOption(view, packet.data, ipv4.OPTION_RR);
  if (record >= 0) enterAddress(view, record, address);
  const stamp = ipv4.findOption(view, packet.data, ipv4.OPTION_TIMESTAMP);
  if (stamp >= 0) enterTime(host, stamp, address, now);
}

function enterAddress(view: DataView, option: number, address: number): void {
  const pointer = view.getUint8(option + 2);
  if (pointer + 3 > view.getUint8(option + 1)) return;
  view.setUint32(option + pointer - 1, address);
  view.setUint8(option + 2, pointer + 4);
}

/** RFC 791 page 22: milliseconds since midnight UT; a full option counts those that found no room. */
function enterTime(host: Host, option: number, address: number, now: Nanos): void {
  const { view } = host.memory;
  const length = view.getUint8(option + 1);
  const pointer = view.getUint8(option + 2);
  const flags = view.getUint8(option + 3) & 0xf;
  const size = flags === ipv4.TIMESTAMP_ONLY ? 4 : 8;
  if (pointer + size - 1 > length) {
    const overflow = view.getUint8(option + 3) >>> 4;
    if (overflow < 15) view.setUint8(option + 3, ((overflow + 1) << 4) | flags);
    return;
  }
  const slot = option + pointer - 1;
  if (flags === ipv4.TIMESTAMP_PRESPECIFIED && !host.ipv4.localAddresses.has(view.getUint32(slot))) return;
  if (flags === ipv4.TIMESTAMP_AND_ADDRESS) view.setUint32(slot, address);
  view.setUint32(slot + size - 4, Math.floor(now / NS_PER_MS) % MS_PER_DAY);
  view.setUint8(option + 2, pointer + size);
}
