import { ETH_P_IP, ETH_P_IPV6, ethernet, ipv4, ipv6, vlan, type Packet } from "@seville/packet";

/** Where the IP header of a frame lies, behind its Ethernet header and up to two VLAN tags. */
export interface IpLocation {
  /** `ETH_P_IP`, `ETH_P_IPV6`, or 0: it carries neither, or something malformed. */
  protocol: number;
  at: number;
}

/** Fills `found` in and returns it. */
export function locateIp(frame: Packet, found: IpLocation): IpLocation {
  const { view } = frame.pool.memory;
  const end = frame.tail;
  found.protocol = 0;
  if (ethernet.check(view, frame.data, end) !== undefined) return found;
  let type = ethernet.etherType(view, frame.data);
  let at = frame.data + ethernet.HEADER_LENGTH;
  for (let tags = 0; tags < MAX_TAGS && vlan.isTag(type) && vlan.check(view, at, end) === undefined; tags++) {
    type = vlan.etherType(view, at);
    at += vlan.HEADER_LENGTH;
  }
  found.at = at;
  if (type === ETH_P_IP && ipv4.check(view, at, end) === undefined) found.protocol = type;
  if (type === ETH_P_IPV6 && ipv6.check(view, at, end) === undefined) found.protocol = type;
  return found;
}

/** VLAN tags that the line, too, grants a frame beyond the MTU: 802.1Q and 802.1ad. */
export const MAX_TAGS = 2;
