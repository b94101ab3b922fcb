import { bindChecksum, finish, mangleZero, pseudoHeader6At } from "@seville/checksum";
import {
  ETH_P_IPV6,
  icmpv6,
  IPPROTO_HOPOPTS,
  IPPROTO_ICMPV6,
  ipv6,
  isMulticast,
  multicastMac,
  nd,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import { countMessage } from "../host/mib.ts";
import type { Icmp6Mib } from "../host/mib-groups.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { NF_INET_LOCAL_OUT } from "../netfilter/hooks.ts";

/** Hop-by-hop header with router alert 0 and padding (RFC 2711, RFC 3810 §5): 8 bytes in front of the ICMPv6 header. */
const ROUTER_ALERT_BYTES = 8;

/** A control message of ICMPv6 that an interface sends by itself, on its link only. */
export interface ControlMessage {
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly hopLimit: number;
  /** Bytes of ICMPv6. */
  readonly length: number;
  readonly routerAlert: boolean;
  /** DSCP and ECN (`ndisc_tclass`). */
  readonly trafficClass?: number;
  /** Writes the message, its checksum zero. */
  write(view: DataView, at: number): void;
}

/** Sends a neighbour discovery message on the link of `iface` (RFC 4861: hop limit 255). */
export function sendNd(
  iface: NetInterface,
  message: nd.NdMessage,
  source: Ipv6Address,
  destination: Ipv6Address,
): void {
  sendControl(iface, {
    source,
    destination,
    hopLimit: nd.HOP_LIMIT,
    length: nd.lengthOf(message),
    routerAlert: false,
    trafficClass: iface.v6.conf.ndisc_tclass,
    write: (view, at) => {
      nd.write(view, at, message);
    },
  });
}

/** Writes `message` into a packet of its own and sends it. Without memory for it nothing is sent (`OutDiscards`). */
export function sendControl(iface: NetInterface, message: ControlMessage): void {
  const { host } = iface;
  const { mib } = host;
  const front = ipv6.HEADER_LENGTH + (message.routerAlert ? ROUTER_ALERT_BYTES : 0);
  const packet = host.pool.alloc(front + message.length);
  if (packet === undefined) {
    mib.ip6.OutDiscards++;
    return;
  }
  writeControl(packet, message, front);
  const type = icmpv6.type(host.memory.view, packet.transportHeader);
  mib.icmp6.OutMsgs++;
  const name = OUT_COUNTERS[type];
  if (name !== undefined) mib.icmp6[name]++;
  countMessage(mib.icmp6Msg, "Out", type);
  mib.ip6.OutRequests++;
  if (host.hooks.active(6, NF_INET_LOCAL_OUT)) {
    host.hooks.run(6, NF_INET_LOCAL_OUT, packet, undefined, iface, (passed) => {
      deliver(iface, passed, message.destination);
    });
  } else {
    deliver(iface, packet, message.destination);
  }
}

function writeControl(packet: Packet, message: ControlMessage, front: number): void {
  const { memory } = packet.pool;
  const { view } = memory;
  const at = packet.put(front + message.length);
  const traffic = message.trafficClass ?? 0;
  ipv6.write(view, at, {
    dscp: traffic >>> 2,
    ecn: traffic & 3,
    payloadLength: front - ipv6.HEADER_LENGTH + message.length,
    nextHeader: message.routerAlert ? IPPROTO_HOPOPTS : IPPROTO_ICMPV6,
    hopLimit: message.hopLimit,
    source: message.source,
    destination: message.destination,
  });
  if (message.routerAlert) {
    view.setUint32(at + ipv6.HEADER_LENGTH, (IPPROTO_ICMPV6 << 24) | 0x00_0502);
    view.setUint32(at + ipv6.HEADER_LENGTH + 4, 0x0000_0100);
  }
  const body = at + front;
  message.write(view, body);
  const pseudo = pseudoHeader6At(memory.u8, at + 8, at + 24, IPPROTO_ICMPV6, message.length);
  const sum = bindChecksum(memory).sum(body, message.length, pseudo);
  icmpv6.setChecksum(view, body, mangleZero(finish(sum)));
  packet.networkHeader = at;
  packet.transportHeader = body;
  packet.protocol = ETH_P_IPV6;
}

function deliver(iface: NetInterface, packet: Packet, destination: Ipv6Address): void {
  const { host } = iface;
  host.mib.ip6.OutOctets += packet.length;
  if (isMulticast(destination)) {
    host.mib.ip6.OutMcastPkts++;
    host.mib.ip6.OutMcastOctets += packet.length;
    iface.sendTo(packet, multicastMac(destination), host.now);
  } else if (iface.v6.neighbours === undefined) {
    iface.sendTo(packet, 0, host.now);
  } else {
    iface.v6.neighbours.resolveAndSend(destination, packet, host.now);
  }
}

const OUT_COUNTERS: Readonly<Record<number, keyof Icmp6Mib>> = {
  [icmpv6.MLD_QUERY]: "OutGroupMembQueries",
  [icmpv6.MLD_REPORT]: "OutGroupMembResponses",
  [icmpv6.MLD_DONE]: "OutGroupMembReductions",
  [icmpv6.ROUTER_SOLICITATION]: "OutRouterSolicits",
  [icmpv6.ROUTER_ADVERTISEMENT]: "OutRouterAdvertisements",
  [icmpv6.NEIGHBOR_SOLICITATION]: "OutNeighborSolicits",
  [icmpv6.NEIGHBOR_ADVERTISEMENT]: "OutNeighborAdvertisements",
  [icmpv6.REDIRECT]: "OutRedirects",
  [icmpv6.MLDV2_REPORT]: "OutMLDv2Reports",
};
