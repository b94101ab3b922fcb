import { ipv4, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { RT_SCOPE_UNIVERSE } from "../interface/interface-address.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { CB_SOURCE_ROUTED } from "../packet-cb.ts";
import type { RouteHop } from "../route/route.ts";
import { stampOptions4 } from "./options-input.ts";
import { select4 } from "./route-output.ts";

/** A router enters the address by which the datagram leaves (RFC 1812 §5.2.4; `ip_forward_options`). */
export function forwardOptions4(host: Host, packet: Packet, out: NetInterface): void {
  const address = select4(host, out, ipv4.destination(host.memory.view, packet.data), RT_SCOPE_UNIVERSE);
  stampOptions4(host, packet, address, host.now);
  ipv4.updateChecksum(host.memory.view, packet.data);
}

/** A strict source route must not need a gateway between its stations (RFC 791 page 19). */
export function strictRouteFails(packet: Packet, view: DataView, hop: RouteHop): boolean {
  if ((packet.cb & CB_SOURCE_ROUTED) === 0 || hop.gateway === undefined) return false;
  return ipv4.findOption(view, packet.data, ipv4.OPTION_SSRR) >= 0;
}
