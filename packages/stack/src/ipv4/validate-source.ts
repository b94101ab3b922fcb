import type { DropReason } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { createFlow4, resetFlow } from "../route/flow.ts";

const flow = createFlow4();

/**
 * Whether a packet with this source may come in on `dev` (RFC 3704, RFC 1812 §5.3.8; `fib_validate_source`):
 * `rp_filter` 1 wants the way back to lead through `dev`, 2 wants any way back. `undefined`: it may.
 */
export function validateSource4(host: Host, packet: Packet, dev: NetInterface, source: number): DropReason | undefined {
  const { ipv4 } = host;
  const { conf } = dev.v4;
  if (conf.accept_local === 0 && ipv4.confAll.accept_local === 0 && ipv4.localAddresses.has(source))
    return "IP_LOCAL_SOURCE";
  const filter = Math.max(ipv4.confAll.rp_filter, conf.rp_filter);
  if (filter === 0) return ipv4.isBroadcast(source) ? "IP_INVALID_SOURCE" : undefined;
  resetFlow(flow);
  flow.destination = source;
  flow.source = 0;
  flow.iif = dev.ifindex;
  flow.l3mdev = dev.l3mdevIndex;
  if (conf.src_valid_mark !== 0 || ipv4.confAll.src_valid_mark !== 0) flow.mark = packet.mark;
  const hop = ipv4.fib.lookup(flow);
  const type = hop?.route.type;
  if (hop === undefined || (type !== "unicast" && type !== "local")) {
    if (type === "broadcast") return "IP_INVALID_SOURCE";
    // A host without addresses on the device is still being set up.
    return hop === undefined && dev.v4.addresses.length === 0 && filter !== 1 ? undefined : "IP_RPFILTER";
  }
  if (filter !== 1) return undefined;
  const leadsBack = hop.route.hops.some((way) => way.dev === dev || way.dev?.ifindex === dev.l3mdevIndex);
  return leadsBack ? undefined : "IP_RPFILTER";
}
