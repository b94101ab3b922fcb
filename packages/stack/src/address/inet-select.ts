import type { InterfaceAddress } from "../interface/interface-address.ts";
import { IFA_F_SECONDARY, RT_SCOPE_HOST, RT_SCOPE_LINK } from "../interface/interface-address.ts";

/** An interface as IPv4 source selection sees it. */
export interface Inet4Interface {
  /** Its addresses, in the order of `ip addr`: primary ones and behind them their secondaries. */
  readonly addresses: readonly InterfaceAddress<number>[];
  /** `route_localnet`: loopback addresses count as link addresses here. */
  readonly routeLocalnet: boolean;
}

/** Whether `address` lies in the subnet of `of` (`inet_ifa_match`). */
export function inSubnet(address: number, of: Readonly<InterfaceAddress<number>>): boolean {
  return ((address ^ of.peer) & mask(of.prefixLength)) === 0;
}

/**
 * The source address for packets of `scope` to `destination` through `via` (`inet_select_addr`, net/ipv4/devinet.c):
 * the first primary address whose subnet has the destination, else the first primary one, else one of any of `others`
 * that is not of link scope. 0: there is none.
 */
export function selectInetAddress(
  via: Inet4Interface | undefined,
  destination: number,
  scope: number,
  others: Iterable<Inet4Interface> = [],
): number {
  if (via !== undefined) {
    const chosen = firstOf(via, destination, scope);
    if (chosen !== 0) return chosen;
  }
  for (const other of others) {
    if (other === via) continue;
    for (const address of other.addresses) {
      if ((address.flags & IFA_F_SECONDARY) !== 0 || address.scope === RT_SCOPE_LINK || address.scope > scope) continue;
      return address.address;
    }
  }
  return 0;
}

function firstOf(via: Inet4Interface, destination: number, scope: number): number {
  let first = 0;
  for (const address of via.addresses) {
    if ((address.flags & IFA_F_SECONDARY) !== 0 || reach(via, address) > scope) continue;
    if (destination === 0 || inSubnet(destination, address)) return address.address;
    if (first === 0) first = address.address;
  }
  return first;
}

/**
 * Whether the host has the address `local` in at most `scope` (0: any address), in a subnet with `destination` (0: in any),
 * on `on` (`inet_confirm_addr`). Answers the address, or 0.
 */
export function confirmInetAddress(on: Inet4Interface, destination: number, local: number, scope: number): number {
  let found = 0;
  let same = false;
  for (const address of on.addresses) {
    const fits = reach(on, address) <= scope;
    if (found === 0 && fits && (local === 0 || local === address.address)) {
      found = address.address;
      if (same) break;
    }
    if (same) continue;
    same = (local === 0 || inSubnet(local, address)) && (destination === 0 || inSubnet(destination, address));
    if (!same || found === 0) continue;
    if (local !== 0 || destination === 0 || inSubnet(found, address)) break;
    // The address found first is of another subnet than the destination: is this one as good?
    if (fits) {
      found = address.address;
      break;
    }
    same = false;
  }
  return same ? found : 0;
}

/** As {@link confirmInetAddress}, on whichever of `interfaces`. */
export function confirmInetAddressAnywhere(
  interfaces: Iterable<Inet4Interface>,
  destination: number,
  local: number,
  scope: number,
): number {
  for (const each of interfaces) {
    const found = confirmInetAddress(each, destination, local, scope);
    if (found !== 0) return found;
  }
  return 0;
}

function reach(on: Inet4Interface, address: Readonly<InterfaceAddress<number>>): number {
  return Math.min(address.scope, on.routeLocalnet ? RT_SCOPE_LINK : RT_SCOPE_HOST);
}

function mask(prefixLength: number): number {
  return prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
}
