import { isLoopback, isMulticast } from "@seville/packet";
import type { Ipv4Conf } from "../host/sysctl-ipv4.ts";
import type { NeighbourDevice } from "./device.ts";
import type { Neighbour } from "./neighbour.ts";
import { NEIGH_UPDATE_OVERRIDE, NUD_REACHABLE, NUD_STALE } from "./nud-state.ts";
import { NS_PER_USER_TICK } from "./parameters.ts";
import type { NeighbourTable } from "./table.ts";

export const ARPOP_REQUEST = 1;
export const ARPOP_REPLY = 2;

/** An ARP message for IPv4 on Ethernet (RFC 826), taken apart. */
export interface ArpMessage {
  readonly operation: number;
  readonly senderHardware: number;
  readonly senderProtocol: number;
  readonly targetHardware: number;
  readonly targetProtocol: number;
  /** The frame was addressed to this host alone (PACKET_HOST). */
  readonly unicast: boolean;
}

/** What the routes say of an address that is asked for. */
export interface ArpRoute {
  readonly type: "local" | "unicast" | "other";
  /** UNICAST: through which interface it would be reached. */
  readonly ifindex: number;
}

/** What {@link arpInput} asks of the host. */
export interface ArpHost {
  readonly table: NeighbourTable<number>;
  /** `net.ipv4.conf`, `all` and the interface's folded as the kernel folds each (IN_DEV_ORCONF, IN_DEV_MAXCONF). */
  readonly conf: Readonly<ArpConf>;
  /** Whether `address` is one of ours, a subnet's unicast or neither (`inet_addr_type_dev_table`). */
  addressType(address: number): "local" | "unicast" | "other";
  /** `address` lies in a subnet of the receiving interface. */
  onLink(address: number): boolean;
  /** The route that a packet from `source` to `destination` received here would take; `undefined`: none. */
  routeInput(destination: number, source: number): ArpRoute | undefined;
  /** `arp_ignore` says to stay silent. */
  ignores(sender: number, target: number): boolean;
  /** `arp_filter`: a packet to `sender` would leave by another interface. */
  filters(sender: number, target: number): boolean;
  /** Forwards `target` for this interface: an entry of `ip neigh add proxy`. */
  isProxied(target: number): boolean;
  reply(to: { readonly hardware: number; readonly protocol: number }, target: number): void;
  /** Answers later, after a random time up to `proxy_delay`: call `arpInput` again with `delayed`. */
  replyLater(message: ArpMessage): void;
}

/** The settings that decide here. */
export type ArpConf = Pick<
  Ipv4Conf,
  | "arp_accept"
  | "drop_gratuitous_arp"
  | "arp_filter"
  | "forwarding"
  | "proxy_arp"
  | "proxy_arp_pvlan"
  | "route_localnet"
>;

/**
 * An ARP message has come in on `device` (`arp_process`, net/ipv4/arp.c): answers what is asked of us or of those for
 * whom we stand in, and learns from the rest what it may.
 *
 * `delayed`: it waited in the proxy queue.
 */
export function arpInput(
  host: ArpHost,
  device: NeighbourDevice<number>,
  message: ArpMessage,
  delayed = false,
): "consumed" | "invalid" {
  const { operation, senderProtocol: sender, targetProtocol: target } = message;
  if (operation !== ARPOP_REQUEST && operation !== ARPOP_REPLY) return "invalid";
  if (isMulticast(target) || (host.conf.route_localnet === 0 && isLoopback(target))) return "invalid";
  if (host.conf.drop_gratuitous_arp !== 0 && sender === target) return "invalid";

  // Somebody probes whether the address is free (RFC 5227 §2.1.1): defend it, and learn nothing.
  if (sender === 0) {
    const ours = operation === ARPOP_REQUEST && host.addressType(target) === "local";
    if (ours && !host.ignores(sender, target)) host.reply(senderOf(message), target);
    return "consumed";
  }
  if (operation === ARPOP_REQUEST) {
    const route = host.routeInput(target, sender);
    if (route?.type === "local") {
      if (host.ignores(sender, target) || (host.conf.arp_filter !== 0 && host.filters(sender, target)))
        return "consumed";
      if (learnFromRequest(host, device, message) !== undefined) host.reply(senderOf(message), target);
      return "consumed";
    }
    if (route !== undefined && host.conf.forwarding !== 0 && standsIn(host, device, message, route)) {
      if (learnFromRequest(host, device, message) === undefined) return "consumed";
      if (delayed || message.unicast || device.conf.proxy_delay === 0) host.reply(senderOf(message), target);
      else host.replyLater(message);
      return "consumed";
    }
  }
  learn(host, device, message);
  return "consumed";
}

/** The sender of a request that we answer is known from now on, if not for sure. */
function learnFromRequest(
  host: ArpHost,
  device: NeighbourDevice<number>,
  message: ArpMessage,
): Neighbour<number> | undefined {
  const neighbour = host.table.create(device, message.senderProtocol);
  if (neighbour !== undefined) {
    host.table.update(neighbour, message.senderHardware, NUD_STALE, NEIGH_UPDATE_OVERRIDE);
  }
  return neighbour;
}

/** Proxy ARP: the target is reached through another interface (RFC 1027), or here too if `proxy_arp_pvlan` (RFC 3069). */
function standsIn(host: ArpHost, device: NeighbourDevice<number>, message: ArpMessage, route: ArpRoute): boolean {
  if (route.type !== "unicast") return false;
  const elsewhere = route.ifindex !== device.ifindex;
  if (host.conf.proxy_arp_pvlan !== 0 && !elsewhere && message.senderProtocol !== message.targetProtocol) return true;
  if (!elsewhere) return false;
  return host.conf.proxy_arp !== 0 || host.isProxied(message.targetProtocol);
}

/** Whoever is known already is updated; a stranger only if `arp_accept` says so. */
function learn(host: ArpHost, device: NeighbourDevice<number>, message: ArpMessage): void {
  const { operation, senderProtocol: sender } = message;
  const { table } = host;
  let neighbour = table.lookup(device, sender);
  const { arp_accept: policy } = host.conf;
  const accepts = policy === 1 || (policy === 2 && host.onLink(sender));
  if (neighbour === undefined && !accepts) return;
  const gratuitous = isGratuitous(host, message);
  if (neighbour === undefined) {
    const reply = operation === ARPOP_REPLY && host.addressType(sender) === "unicast";
    if (!gratuitous && !reply) return;
    neighbour = table.create(device, sender);
    if (neighbour === undefined) return;
  }
  // Of several answers back to back the first counts: proxies would make the address flap otherwise.
  const aged = table.scheduler.now > neighbour.updated + device.conf.locktime * NS_PER_USER_TICK;
  // Broadcast replies and requests do not show that the neighbour hears us.
  const state = operation === ARPOP_REPLY && message.unicast ? NUD_REACHABLE : NUD_STALE;
  table.update(neighbour, message.senderHardware, state, aged || gratuitous ? NEIGH_UPDATE_OVERRIDE : 0);
}

/** An announcement: sender and target are one address of the link; a reply also says its hardware address twice. */
function isGratuitous(host: ArpHost, message: ArpMessage): boolean {
  if (message.senderProtocol !== message.targetProtocol) return false;
  if (message.operation === ARPOP_REPLY && message.targetHardware !== message.senderHardware) return false;
  return host.addressType(message.senderProtocol) === "unicast";
}

function senderOf(message: ArpMessage): { readonly hardware: number; readonly protocol: number } {
  return { hardware: message.senderHardware, protocol: message.senderProtocol };
}
