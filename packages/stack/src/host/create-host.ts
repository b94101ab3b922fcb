import { icmp, icmpv6, ETH_P_IP, type Packet } from "@seville/packet";
import { createLoopback } from "../device/loopback.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { sendIcmp4 } from "../ipv4/icmp-send.ts";
import { installIpv4 } from "../ipv4/install.ts";
import { sendIcmp6 } from "../ipv6/icmpv6-send.ts";
import { installIpv6 } from "../ipv6/install.ts";
import { ipv6, isMulticast } from "@seville/packet";
import { installLinkLayers } from "../neighbour/install.ts";
import { installPing } from "../ping/install.ts";
import { installRaw } from "../raw/install.ts";
import { installUdp } from "../udp/install.ts";
import { Host, type HostOptions } from "./host.ts";

/** Makes a host with all its protocols, and its loopback interface up. */
export function createHost(options: HostOptions): Host {
  const host = new Host(options);
  installIpv4(host);
  installIpv6(host);
  const links = installLinkLayers(host, (packet, dev) => neighbourFailed(host, packet, dev));
  host.links = links;
  host.ipv6.sendRedirect = (packet, dev, hop) => {
    const destination = ipv6.destination(host.memory.view, packet.data);
    const { gateway } = hop;
    const nextHop = gateway === undefined || typeof gateway === "number" ? destination : gateway;
    if (!isMulticast(destination)) links.nd.redirect(dev, packet, nextHop);
  };
  installUdp(host);
  installRaw(host);
  installPing(host);
  host.notifier.listen((event) => {
    if (event.type !== "interface-removed") return;
    host.ipv4.reassembly.flush(event.iface);
    host.ipv6.reassembly.flush(event.iface);
  });
  host.interfaces.add(createLoopback(), { name: "lo", up: true });
  return host;
}

/** Takes a host apart: its sockets close, its interfaces go, and every packet that waited is given back. */
export function closeHost(host: Host): void {
  host.tcp?.close();
  for (const socket of [...host.udp]) socket.close();
  for (const socket of [...(host.raw ?? [])]) socket.close();
  for (const socket of [...(host.ping ?? [])]) socket.close();
  for (const iface of [...host.interfaces]) host.interfaces.remove(iface);
}

/** The next hop does not answer (RFC 1122 §2.3.2.2, RFC 4861 §7.2.2; `ipv4_link_failure`, `ndisc_error_report`). */
function neighbourFailed(host: Host, packet: Packet, dev: NetInterface): void {
  packet.networkHeader = packet.data;
  if (packet.protocol === ETH_P_IP)
    sendIcmp4(host, packet, icmp.DESTINATION_UNREACHABLE, icmp.HOST_UNREACHABLE, 0, dev);
  else sendIcmp6(host, packet, icmpv6.DESTINATION_UNREACHABLE, icmpv6.ADDRESS_UNREACHABLE, 0, dev);
  host.drop(packet, "NEIGH_FAILED", dev);
}
