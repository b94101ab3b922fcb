import { icmpv6, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { RouteType } from "../route/route.ts";
import { sendIcmp6 } from "./icmpv6-send.ts";

/** A packet that has no way from here, and why: by `type` a route refuses, without there is none (`ip6_pkt_drop`). Takes it. */
export function unroutable6(host: Host, packet: Packet, dev: NetInterface, type: RouteType | undefined): void {
  host.mib.ip6.InNoRoutes++;
  if (type !== "blackhole") {
    const code = type === "prohibit" ? icmpv6.ADMINISTRATIVELY_PROHIBITED : icmpv6.NO_ROUTE;
    sendIcmp6(host, packet, icmpv6.DESTINATION_UNREACHABLE, code, 0, dev);
  }
  host.drop(packet, "IP_INNOROUTES", dev);
}
