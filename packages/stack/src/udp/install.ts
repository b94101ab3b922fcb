import type { Host } from "../host/host.ts";
import { IPPROTO_UDP } from "../host/protocols.ts";
import { receiveUdpError } from "./udp-error.ts";
import { receiveUdp } from "./udp-input.ts";

/** Gives `host` UDP for both families. */
export function installUdp(host: Host): void {
  host.registerProtocol(IPPROTO_UDP, {
    name: "udp",
    takesFragments: true,
    receive: (packet, family, dev) => receiveUdp(host, packet, family, dev),
    icmpError: (error) => receiveUdpError(host, error),
  });
}
