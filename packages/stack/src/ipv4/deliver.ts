import type { Nanos } from "@seville/core";
import { icmp, ipv4, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import { pullHeaders } from "../interface/checksum.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { NF_INET_LOCAL_IN } from "../netfilter/hooks.ts";
import { sendIcmp4 } from "./icmp-send.ts";

/** A datagram for this host: whole first, then INPUT, then its protocol (`ip_local_deliver`). Takes the packet. */
export function deliver4(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  let whole: Packet | undefined = packet;
  if (ipv4.isFragment(host.memory.view, packet.data)) {
    whole = host.ipv4.reassembly.add(packet, dev);
    if (whole === undefined) return;
  }
  if (!host.hooks.active(4, NF_INET_LOCAL_IN)) {
    toProtocol(host, whole, dev, now);
    return;
  }
  host.hooks.run(4, NF_INET_LOCAL_IN, whole, dev, undefined, (passed) => toProtocol(host, passed, dev, now));
}

/** `ip_protocol_deliver_rcu`: raw sockets look, the protocol takes it, and nobody's datagram is answered. */
function toProtocol(host: Host, packet: Packet, dev: NetInterface, now: Nanos): void {
  const { ip } = host.mib;
  const { view } = host.memory;
  const number = ipv4.protocol(view, packet.networkHeader);
  const seen = host.ipv4.rawDeliver?.(packet, number, dev) === true;
  const protocol = host.ipv4.protocols.get(number);
  if (protocol !== undefined) {
    if (protocol.takesFragments !== true && !packet.linearize()) {
      ip.InDiscards++;
      host.drop(packet, "NOMEM", dev);
      return;
    }
    ip.InDelivers++;
    pullHeaders(packet, packet.transportHeader - packet.data);
    protocol.receive(packet, 4, dev, now);
    return;
  }
  if (seen) {
    ip.InDelivers++;
    packet.release();
    return;
  }
  ip.InUnknownProtos++;
  sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.PROTOCOL_UNREACHABLE, 0, dev);
  host.drop(packet, "IP_NOPROTO", dev);
}
