import { ETH_P_IP } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { IPPROTO_ICMP } from "../host/protocols.ts";
import { installAddresses4 } from "../interface/addresses4.ts";
import { createIcmp4 } from "./icmp-input.ts";
import { receive4 } from "./input.ts";

/** Gives `host` IPv4 and ICMP. */
export function installIpv4(host: Host): void {
  installAddresses4(host);
  host.etherTypes.set(ETH_P_IP, (packet, dev, now) => receive4(host, packet, dev, now));
  host.registerProtocol(IPPROTO_ICMP, createIcmp4(host), [4]);
}
