import { icmp, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sendIcmp4 } from "./icmp-send.ts";

/**
 * A datagram that has no way from here: the source is told if this is a router (RFC 1812 §4.3.3.1; `ip_error`), else it
 * was simply not for us. Takes the packet.
 */
export function unroutable4(
  host: Host,
  packet: Packet,
  dev: NetInterface,
  why: "ENETUNREACH" | "EHOSTUNREACH" | "EACCES",
): void {
  const { ip, ipExt } = host.mib;
  if (dev.v4.conf.forwarding === 0) {
    if (why === "ENETUNREACH") ipExt.InNoRoutes++;
    else ip.InAddrErrors++;
    host.drop(packet, why === "ENETUNREACH" ? "IP_INNOROUTES" : "IP_FORWARDING_DISABLED", dev);
    return;
  }
  if (why === "ENETUNREACH") ipExt.InNoRoutes++;
  sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, CODES[why], 0, dev);
  host.drop(packet, "IP_INNOROUTES", dev);
}

const CODES = {
  ENETUNREACH: icmp.NET_UNREACHABLE,
  EHOSTUNREACH: icmp.HOST_UNREACHABLE,
  EACCES: icmp.ADMINISTRATIVELY_PROHIBITED,
} as const;
