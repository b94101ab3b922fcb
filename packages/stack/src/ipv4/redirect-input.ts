import type { DropReason } from "@seville/core";
import { icmp, ipv4, isLimitedBroadcast, isMulticast, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { createFlow4, resetFlow } from "../route/flow.ts";
import { inPrefix } from "../route/prefix-key.ts";

const flow = createFlow4();

/**
 * A router says that `gateway` is nearer to the quoted destination (RFC 1122 §3.2.2.2; `__ip_do_redirect`). Believed
 * only from the gateway in use, for a gateway on the same link, and not by routers. Borrows the message.
 */
export function receiveRedirect4(host: Host, packet: Packet, dev: NetInterface): DropReason | "CONSUMED" {
  const { view } = host.memory;
  const at = packet.data;
  const quoted = at + icmp.HEADER_LENGTH;
  if (packet.tail - quoted < 20) {
    host.mib.icmp.InErrors++;
    return "HDR_TRUNC";
  }
  const gateway = icmp.gateway(view, at);
  if (!accepts(host, dev) || !isPossibleGateway(host, dev, gateway)) return "CONSUMED";
  const destination = ipv4.destination(view, quoted);
  resetFlow(flow);
  flow.destination = destination;
  flow.source = ipv4.source(view, quoted);
  flow.oif = dev.ifindex;
  const hop = host.ipv4.fib.lookup(flow);
  const known = host.ipv4.exceptions.get(destination)?.gateway ?? hop?.gateway;
  if (hop?.dev !== dev || hop.route.type !== "unicast" || known !== ipv4.source(view, packet.networkHeader))
    return "CONSUMED";
  if (gateway !== known) host.ipv4.exceptions.learnGateway(destination, gateway, dev);
  return "CONSUMED";
}

/** A router heeds redirects only where both `all` and the interface say so, a host where either does (ip-sysctl.rst). */
function accepts(host: Host, dev: NetInterface): boolean {
  const own = dev.v4.conf.accept_redirects !== 0;
  const all = host.ipv4.confAll.accept_redirects !== 0;
  return dev.v4.conf.forwarding !== 0 ? own && all : own || all;
}

function isPossibleGateway(host: Host, dev: NetInterface, gateway: number): boolean {
  if (gateway === 0 || isMulticast(gateway) || isLimitedBroadcast(gateway) || gateway >>> 24 === 0) return false;
  if (host.ipv4.localAddresses.has(gateway)) return false;
  return dev.v4.addresses.some((own) => inPrefix(gateway, own.peer, own.prefixLength));
}
