import { postPull } from "@seville/checksum";
import type { DropReason } from "@seville/core";
import {
  ethernet,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  ETH_P_TEB,
  IPPROTO_GRE,
  ipv4,
  ipv6,
  SKB_GSO_GRE,
  vlan,
  type Packet,
} from "@seville/packet";
import * as erspan from "../header/erspan.ts";
import { lengthOf as greLength, FLAG_SEQUENCE } from "../header/gre.ts";
import { innerTos } from "../policy/ecn.ts";
import type { ErspanTunnel } from "../tunnel/config.ts";
import type { Encapsulation, TunnelParts } from "../tunnel/encapsulation.ts";
import type { TunnelInfo } from "../tunnel/info.ts";
import type { OuterPath } from "../tunnel/path.ts";
import { pullGre, pushGre } from "./gre.ts";

/** ERSPAN types I, II and III as tunnel protocols (draft-foschiano-erspan-03; net/ipv4/ip_gre.c, include/net/erspan.h; T3). */
export const erspanEncapsulation: Encapsulation<ErspanTunnel> = {
  ipProtocol: () => IPPROTO_GRE,
  headerLength: ({ erspanVer }) => greLength(erspanVer === 0 ? 0 : FLAG_SEQUENCE) + ERSPAN_LENGTH[erspanVer],
  isEthernet: () => true,
  gsoType: () => SKB_GSO_GRE,
  push,
  pull,
};

const ERSPAN_LENGTH = [0, erspan.TYPE_II_LENGTH, erspan.TYPE_III_LENGTH] as const;

function push(
  parts: TunnelParts<ErspanTunnel>,
  packet: Packet,
  _etherType: number,
  path: OuterPath,
): DropReason | undefined {
  const { tunnel } = parts;
  const truncated = cut(packet, tunnel.mtu);
  const protocol = tunnel.erspanVer === 2 ? erspan.ETH_P_ERSPAN2 : erspan.ETH_P_ERSPAN;
  if (tunnel.erspanVer === 0) {
    return pushGre(parts, packet, { protocol, key: undefined, checksum: false, sequence: false });
  }
  const { view } = packet.pool.memory;
  const isTagged = ethernet.etherType(view, packet.data) === ETH_P_8021Q;
  const tag = packet.data + ethernet.HEADER_LENGTH;
  const common = {
    vlan: isTagged ? vlan.id(view, tag) : 0,
    // Without a tag the class of service is the precedence of the IP header (`tos_to_cos`).
    cos: isTagged ? vlan.priority(view, tag) : innerTos(packet) >>> 5,
    truncated,
    sessionId: path.id ?? tunnel.key ?? 0,
  };
  const header: erspan.ErspanHeader =
    tunnel.erspanVer === 1
      ? {
          version: erspan.VERSION_II,
          ...common,
          encapsulation: isTagged ? erspan.ENCAP_VLAN_PRESERVED : erspan.ENCAP_NO_VLAN,
          index: tunnel.index ?? 0,
        }
      : {
          version: erspan.VERSION_III,
          ...common,
          timestamp: path.timestamp ?? 0,
          hwId: tunnel.hwid ?? 0,
          egress: tunnel.dir === "egress",
        };
  erspan.write(view, packet.push(erspan.lengthOf(header)), header);
  return pushGre(parts, packet, { protocol, key: undefined, checksum: false, sequence: true });
}

/** Cuts what is longer than `mtu` and an Ethernet header; whether it, or the IP packet within, is not whole (`erspan_xmit`). */
function cut(packet: Packet, mtu: number | undefined): boolean {
  const most = (mtu ?? Infinity) + ethernet.HEADER_LENGTH;
  const isLonger = packet.totalLength > most;
  if (isLonger) packet.trim(most);
  const { view } = packet.pool.memory;
  const at = packet.networkHeader;
  const left = packet.totalLength - (at - packet.data);
  if (packet.protocol === ETH_P_IP) return isLonger || ipv4.totalLength(view, at) > left;
  if (packet.protocol === ETH_P_IPV6) return isLonger || ipv6.payloadLength(view, at) + ipv6.HEADER_LENGTH > left;
  return isLonger;
}

function pull(parts: TunnelParts<ErspanTunnel>, packet: Packet, info: TunnelInfo): DropReason | undefined {
  const { tunnel, context } = parts;
  const { view } = packet.pool.memory;
  const sequence = tunnel.erspanVer !== 0;
  const dropped = pullGre(parts, packet, info, { checksum: false, key: undefined, sequence });
  if (dropped !== undefined) return dropped;
  const expected = tunnel.erspanVer === 2 ? erspan.ETH_P_ERSPAN2 : erspan.ETH_P_ERSPAN;
  // Type I is told from type II by the S bit alone.
  if (packet.protocol !== expected || (info.sequence !== undefined) !== sequence) return "UNHANDLED_PROTO";
  info.isEthernet = true;
  packet.protocol = ETH_P_TEB;
  if (tunnel.erspanVer === 0) return undefined;
  if (!packet.mayPull(Math.min(packet.totalLength, 20))) return "NOMEM";
  const at = packet.data;
  if (erspan.check(view, at, packet.tail) !== undefined) return "DEV_HDR";
  if (erspan.version(view, at) !== tunnel.erspanVer) return "DEV_HDR";
  info.id = erspan.sessionId(view, at);
  info.hasKey = true;
  if (tunnel.key !== undefined && info.id !== tunnel.key) return "NO_SOCKET";
  const length = erspan.headerLength(view, at);
  packet.pull(length);
  postPull(context.kernels, packet, length);
  return undefined;
}
