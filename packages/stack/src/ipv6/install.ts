import { ETH_P_IPV6, IPPROTO_ICMPV6 } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { installAddresses6 } from "../interface/addresses6.ts";
import { createIcmp6 } from "./icmpv6-input.ts";
import { receive6 } from "./input.ts";

/** Gives `host` IPv6 and ICMPv6. */
export function installIpv6(host: Host): void {
  installAddresses6(host);
  host.etherTypes.set(ETH_P_IPV6, (packet, dev, now) => receive6(host, packet, dev, now));
  host.registerProtocol(IPPROTO_ICMPV6, createIcmp6(host), [6]);
  host.notifier.listen((event) => {
    if (event.type === "mtu" && event.iface.v6.mtu > event.iface.mtu) event.iface.v6.mtu = event.iface.mtu;
  });
}
