import { IPV6_ALL_NODES, isMulticast, isUnspecified, nd, PACKET_HOST, type Ipv6Address } from "@seville/packet";
import { IFA_F_OPTIMISTIC, IFA_F_TENTATIVE } from "../interface/interface-address.ts";
import { NEIGH_UPDATE_OVERRIDE, NEIGH_UPDATE_WEAK_OVERRIDE, NUD_STALE } from "../neighbour/nud-state.ts";
import { createFlow6, resetFlow } from "../route/flow.ts";
import type { NdInterface } from "./ndisc-interface.ts";
import { sendNd } from "./ndisc-output.ts";
import type { NdReceived } from "./ndisc-validate.ts";

/** Somebody looks for `target` (RFC 4861 §7.2.3, RFC 4862 §5.4.3, `ndisc_recv_ns`). */
export function receiveSolicitation(on: NdInterface, message: NdReceived, pktType: number): void {
  const target = message.target as Ipv6Address;
  const own = on.own(target);
  const probing = isUnspecified(message.source);
  if (own === undefined) {
    receiveForAnother(on, message, target, pktType);
    return;
  }
  if ((own.flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)) !== 0) {
    if (probing) {
      on.dad.conflict(own, message.nonce);
      return;
    }
    // Who does not probe is answered by an optimistic address only: a tentative one may not be ours.
    if ((own.flags & IFA_F_OPTIMISTIC) === 0) return;
  }
  answer(on, message, target, { mine: true, router: on.iface.v6.conf.forwarding !== 0 });
}

/** The target is no unicast address of ours: an anycast one, one for which we stand in, or nobody here. */
function receiveForAnother(on: NdInterface, message: NdReceived, target: Ipv6Address, pktType: number): void {
  const { conf, anycast } = on.iface.v6;
  const { ipv6 } = on.host;
  let router = conf.forwarding !== 0;
  let delay = on.iface.v6.neigh.anycast_delay;
  if (!anycast.includes(target)) {
    const proxies = conf.forwarding !== 0 && (conf.proxy_ndp | ipv6.confAll.proxy_ndp) !== 0;
    if (!proxies || !on.proxies.has(target, on.iface.ifindex)) return;
    if (!leadsElsewhere(on, target)) return;
    // Nothing says that the target is a router (`ip neigh add proxy … router` is not supported).
    router = false;
    delay = on.iface.v6.neigh.proxy_delay;
  }
  const reply = (): void => {
    answer(on, message, target, { mine: false, router });
  };
  // The real owner, or another of the same anycast address, may answer before (RFC 4861 §7.2.7, §7.2.8).
  if (pktType === PACKET_HOST || !isMulticast(message.destination) || delay === 0) reply();
  else on.proxies.later(on.iface.ifindex, { ...on.iface.v6.neigh, proxy_delay: delay }, reply);
}

/** A proxy stands between the links: the target must be reached by another one (`pndisc_is_router`). */
function leadsElsewhere(on: NdInterface, target: Ipv6Address): boolean {
  const flow = createFlow6();
  resetFlow(flow);
  flow.destination = target;
  const hop = on.host.ipv6.fib.lookup(flow);
  return hop?.dev !== undefined && hop.dev !== on.iface;
}

interface AnswerFacts {
  /** It is a unicast address of ours, not one for which we stand in. */
  readonly mine: boolean;
  readonly router: boolean;
}

function answer(on: NdInterface, message: NdReceived, target: Ipv6Address, { mine, router }: AnswerFacts): void {
  const multicast = isMulticast(message.destination);
  if (isUnspecified(message.source)) {
    advertise(on, target, IPV6_ALL_NODES, { router, solicited: false, override: mine, lladdr: true });
    return;
  }
  const { table, device } = on.neighbours;
  if (multicast) table.statistics.rcvProbesMcast++;
  else table.statistics.rcvProbesUcast++;
  // Who asks all without saying its own address could not be answered: it is not learned.
  const neighbour =
    !multicast || message.lladdr !== undefined
      ? table.create(device, message.source)
      : table.lookup(device, message.source);
  if (neighbour === undefined) return;
  table.update(neighbour, message.lladdr, NUD_STALE, NEIGH_UPDATE_WEAK_OVERRIDE | NEIGH_UPDATE_OVERRIDE);
  advertise(on, target, message.source, { router, solicited: true, override: mine && multicast, lladdr: multicast });
}

interface AdvertisementFacts {
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  /** With the target link-layer address option. */
  readonly lladdr: boolean;
}

/** `ndisc_send_na`. */
function advertise(on: NdInterface, target: Ipv6Address, to: Ipv6Address, facts: AdvertisementFacts): void {
  const { iface, host } = on;
  const own = on.own(target);
  const source = own === undefined ? host.ipv6.selectSource(to, iface, 0) : target;
  if (source === undefined) return;
  // An optimistic address must not displace another's entry (RFC 4429 §3.3).
  const override = facts.override && ((own?.flags ?? 0) & IFA_F_OPTIMISTIC) === 0;
  const flags =
    (facts.router ? nd.NEIGHBOR_ROUTER : 0) |
    (facts.solicited ? nd.NEIGHBOR_SOLICITED : 0) |
    (override ? nd.NEIGHBOR_OVERRIDE : 0);
  const says = facts.lladdr || iface.v6.conf.force_tllao !== 0;
  const options = says ? [{ kind: "target-link-layer", mac: iface.mac } as const] : [];
  sendNd(iface, { type: "neighbor-advertisement", target, flags, options }, source, to);
}
