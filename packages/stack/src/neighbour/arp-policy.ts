import {
  confirmInetAddress,
  confirmInetAddressAnywhere,
  inSubnet,
  selectInetAddress,
  type Inet4Interface,
} from "../address/inet-select.ts";
import { RT_SCOPE_HOST, RT_SCOPE_LINK } from "../interface/interface-address.ts";

/**
 * Whether the request of `sender` for our address `target`, received on `on`, goes unanswered (`arp_ignore`,
 * net/ipv4/arp.c and ip-sysctl).
 *
 * 0: any local address is answered on any interface. 1: only one of the receiving interface. 2: and only if the sender is
 * in its subnet. 3: not those of host scope. 8: none.
 */
export function ignoresRequest(
  arpIgnore: number,
  on: Inet4Interface,
  interfaces: Iterable<Inet4Interface>,
  sender: number,
  target: number,
): boolean {
  switch (arpIgnore) {
    case 1:
      return confirmInetAddress(on, 0, target, RT_SCOPE_HOST) === 0;
    case 2:
      return confirmInetAddress(on, sender, target, RT_SCOPE_HOST) === 0;
    case 3:
      return confirmInetAddressAnywhere(interfaces, 0, target, RT_SCOPE_LINK) === 0;
    case 8:
      return true;
    default:
      return false;
  }
}

/**
 * The sender address of a request for `target` (`arp_announce`): 0: the source of the packet that waits, if it is ours.
 * 1: that only if it shares a subnet of the interface with the target. 2: the best address of the interface.
 * Answers 0 if there is none.
 */
export function senderOfRequest(
  arpAnnounce: number,
  via: Inet4Interface,
  interfaces: Iterable<Inet4Interface>,
  target: number,
  waitingSource: number,
  isLocal: (address: number) => boolean,
): number {
  if (arpAnnounce < 2 && waitingSource !== 0 && isLocal(waitingSource)) {
    if (arpAnnounce === 0) return waitingSource;
    // One subnet of this interface must have both (`inet_addr_onlink`).
    if (via.addresses.some((address) => inSubnet(target, address) && inSubnet(waitingSource, address)))
      return waitingSource;
  }
  return selectInetAddress(via, target, RT_SCOPE_LINK, interfaces);
}
