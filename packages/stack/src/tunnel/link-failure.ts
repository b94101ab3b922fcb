import { ETH_P_IP, ETH_P_IPV6, icmp, icmpv6, type Packet } from "@seville/packet";
import { seconds, type Nanos } from "@seville/core";
import type { IcmpError } from "../host/protocols.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sendIcmp4 } from "../ipv4/icmp-send.ts";
import { sendIcmp6 } from "../ipv6/icmpv6-send.ts";

/** `IPTUNNEL_ERR_TIMEO`: for how long an error of the underlay is passed on to inner sources. */
const ERROR_LIFETIME: Nanos = seconds(30);

/** Errors of the underlay that inner sources have not heard of yet (`err_count` and `err_time` of `ip_tunnel`). */
export class UnderlayErrors {
  #count = 0;
  #since: Nanos = 0;

  /** An error came in. What says that one packet went wrong, not the path, is no reason to give up (`ipgre_err`). */
  note({ family, type, code }: IcmpError, now: Nanos): void {
    if (!isOfPath(family, type, code)) return;
    this.#count = now < this.#since + ERROR_LIFETIME ? this.#count + 1 : 1;
    this.#since = now;
  }

  /** Whether the packet that is about to go is to be answered with "unreachable"; each error is passed on once. */
  take(now: Nanos): boolean {
    if (this.#count === 0) return false;
    if (now >= this.#since + ERROR_LIFETIME) {
      this.#count = 0;
      return false;
    }
    this.#count--;
    return true;
  }
}

function isOfPath(family: 4 | 6, type: number, code: number): boolean {
  if (family === 6) return type === icmpv6.DESTINATION_UNREACHABLE;
  if (type === icmp.TIME_EXCEEDED) return code === icmp.TTL_EXCEEDED;
  return type === icmp.DESTINATION_UNREACHABLE && code !== icmp.SOURCE_ROUTE_FAILED && code !== icmp.PORT_UNREACHABLE;
}

/** Tells the source of an inner packet that the tunnel has no way (`dst_link_failure`). */
export function tellUnreachable(iface: NetInterface, packet: Packet): void {
  const { host } = iface;
  if (packet.protocol === ETH_P_IP)
    sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.HOST_UNREACHABLE, 0, iface);
  else if (packet.protocol === ETH_P_IPV6)
    sendIcmp6(host, packet, icmpv6.DESTINATION_UNREACHABLE, icmpv6.ADDRESS_UNREACHABLE, 0, iface);
}
