import { Ipv6Prefix, isMulticast, nd, type Ipv6Address } from "@seville/packet";
import { IFA_F_TENTATIVE } from "../interface/interface-address.ts";
import {
  NEIGH_UPDATE_ISROUTER,
  NEIGH_UPDATE_OVERRIDE,
  NEIGH_UPDATE_OVERRIDE_ISROUTER,
  NEIGH_UPDATE_WEAK_OVERRIDE,
  NUD_FAILED,
  NUD_REACHABLE,
  NUD_STALE,
} from "../neighbour/nud-state.ts";
import type { NdInterface } from "./ndisc-interface.ts";
import type { NdReceived } from "./ndisc-validate.ts";

/** Somebody says where `target` is (RFC 4861 §7.2.5, RFC 4862 §5.4.4, `ndisc_recv_na`). Answers whether it was of use. */
export function receiveAdvertisement(on: NdInterface, view: DataView, message: NdReceived): boolean {
  const target = message.target as Ipv6Address;
  const flags = nd.neighborFlags(view, message.at);
  const solicited = (flags & nd.NEIGHBOR_SOLICITED) !== 0;
  const router = (flags & nd.NEIGHBOR_ROUTER) !== 0;
  const { conf } = on.iface.v6;
  if (!solicited && (conf.drop_unsolicited_na | on.host.ipv6.confAll.drop_unsolicited_na) !== 0) return false;
  const own = on.own(target);
  if (own !== undefined) {
    // Somebody claims an address of ours. A tentative one is lost; of one in use RFC 4862 §5.4.4 says nothing.
    if ((own.flags & IFA_F_TENTATIVE) !== 0) on.dad.conflict(own, undefined);
    return (own.flags & IFA_F_TENTATIVE) !== 0;
  }
  const { table, device } = on.neighbours;
  let neighbour = table.lookup(device, target);
  let state = solicited ? NUD_REACHABLE : NUD_STALE;
  if (neighbour === undefined && message.lladdr !== undefined && acceptsStranger(on, message)) {
    neighbour = table.create(device, target);
    state = NUD_STALE;
  }
  if (neighbour === undefined || (neighbour.nudState & NUD_FAILED) !== 0) return false;
  // Our own answer for a target that we stand in for comes back from the other link: not news.
  if (message.lladdr === on.iface.mac && conf.forwarding !== 0 && on.proxies.has(target, on.iface.ifindex))
    return false;
  const wasRouter = neighbour.isRouter;
  const how =
    NEIGH_UPDATE_WEAK_OVERRIDE |
    NEIGH_UPDATE_OVERRIDE_ISROUTER |
    ((flags & nd.NEIGHBOR_OVERRIDE) === 0 ? 0 : NEIGH_UPDATE_OVERRIDE) |
    (router ? NEIGH_UPDATE_ISROUTER : 0);
  table.update(neighbour, message.lladdr, state, how);
  // A router that became a host is a way to nowhere (RFC 4861 §7.2.5).
  if (wasRouter && !neighbour.isRouter) on.routers.removeRouter(target);
  return true;
}

/** A router may learn neighbours that it did not ask for (RFC 9131, `accept_untracked_na`). */
function acceptsStranger(on: NdInterface, message: NdReceived): boolean {
  const { conf, addresses } = on.iface.v6;
  if (conf.forwarding === 0 || isMulticast(message.source)) return false;
  if (conf.accept_untracked_na === 1) return true;
  if (conf.accept_untracked_na !== 2) return false;
  return addresses.some(({ address, prefixLength }) => Ipv6Prefix.of(address, prefixLength).contains(message.source));
}
