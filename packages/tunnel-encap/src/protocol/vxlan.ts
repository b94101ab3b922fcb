import { decodeVxlanRco, encodeVxlanRco, postPull, remcsumProcess, type RemoteChecksum } from "@seville/checksum";
import type { DropReason } from "@seville/core";
import {
  CHECKSUM_PARTIAL,
  ETH_P_IP,
  ETH_P_IPV6,
  ETH_P_TEB,
  IPPROTO_UDP,
  SKB_GSO_TUNNEL_REMCSUM,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  type Packet,
} from "@seville/packet";
import * as vxlan from "../header/vxlan.ts";
import type { VxlanTunnel } from "../tunnel/config.ts";
import type { Encapsulation, TunnelParts } from "../tunnel/encapsulation.ts";
import type { TunnelInfo } from "../tunnel/info.ts";
import type { OuterPath } from "../tunnel/path.ts";
import { deferChecksum } from "../tunnel/remote-checksum.ts";

const GBP_ROOM = 0xff_ffff;

/** VXLAN as a tunnel protocol (RFC 7348; drivers/net/vxlan/vxlan_core.c; T1). */
export const vxlanEncapsulation: Encapsulation<VxlanTunnel> = {
  ipProtocol: () => IPPROTO_UDP,
  headerLength: () => vxlan.HEADER_LENGTH,
  isEthernet: (tunnel) => tunnel.gpe !== true,
  gsoType: ({ tunnel, policy }) =>
    (policy.udpChecksum ? SKB_GSO_UDP_TUNNEL_CSUM : SKB_GSO_UDP_TUNNEL) |
    (tunnel.remcsumtx === true ? SKB_GSO_TUNNEL_REMCSUM : 0),
  push,
  pull,
};

function push(
  { tunnel }: TunnelParts<VxlanTunnel>,
  packet: Packet,
  etherType: number,
  path: OuterPath,
): DropReason | undefined {
  const nextProtocol = tunnel.gpe === true ? gpeOf(etherType) : undefined;
  if (tunnel.gpe === true && nextProtocol === undefined) return "UNHANDLED_PROTO";
  const { view } = packet.pool.memory;
  const rco = tunnel.remcsumtx === true ? remoteChecksumOf(packet) : undefined;
  const at = packet.push(vxlan.HEADER_LENGTH);
  const gbp = typeof tunnel.gbp === "object" ? tunnel.gbp : undefined;
  vxlan.write(view, at, {
    vni: path.id ?? tunnel.id,
    gbp: tunnel.gbp === undefined || tunnel.gbp === false ? undefined : (path.gbp ?? gbp),
    nextProtocol,
    rco,
  });
  if (rco !== undefined) deferChecksum(packet);
  return undefined;
}

/** The byte that says which checksum is left to the receiver, if it can be said (`vxlan_build_skb`). */
function remoteChecksumOf(packet: Packet): number | undefined {
  if (packet.ipSummed !== CHECKSUM_PARTIAL || packet.csumNotInet) return undefined;
  const start = packet.csumStart - packet.data;
  return encodeVxlanRco({ start, offset: start + packet.csumOffset });
}

function gpeOf(protocol: number): number | undefined {
  if (protocol === ETH_P_IP) return vxlan.GPE_NP_IPV4;
  if (protocol === ETH_P_IPV6) return vxlan.GPE_NP_IPV6;
  return protocol === ETH_P_TEB ? vxlan.GPE_NP_ETHERNET : undefined;
}

function protocolOfGpe(next: number): number | undefined {
  if (next === vxlan.GPE_NP_IPV4) return ETH_P_IP;
  if (next === vxlan.GPE_NP_IPV6) return ETH_P_IPV6;
  return next === vxlan.GPE_NP_ETHERNET ? ETH_P_TEB : undefined;
}

function pull(parts: TunnelParts<VxlanTunnel>, packet: Packet, info: TunnelInfo): DropReason | undefined {
  const { tunnel, context } = parts;
  if (!packet.mayPull(vxlan.HEADER_LENGTH)) return "HDR_TRUNC";
  const { view } = packet.pool.memory;
  const at = packet.data;
  if (vxlan.check(view, at, packet.tail) !== undefined) return "VXLAN_INVALID_HDR";
  info.id = vxlan.vni(view, at);
  let unparsed = (vxlan.flags(view, at) & ~vxlan.FLAG_VNI) >>> 0;
  let reserved = vxlan.reserved(view, at);
  let protocol: number | undefined = ETH_P_TEB;

  if (tunnel.gpe === true) {
    if ((unparsed & (vxlan.GPE_VERSION_MASK | vxlan.FLAG_GPE_OAM)) !== 0) return "VXLAN_INVALID_HDR";
    if ((unparsed & vxlan.FLAG_GPE_NEXT_PROTOCOL) === 0) return "VXLAN_INVALID_HDR";
    protocol = protocolOfGpe(vxlan.nextProtocol(view, at));
    if (protocol === undefined) return "UNHANDLED_PROTO";
    unparsed &= ~(vxlan.FLAG_GPE_NEXT_PROTOCOL | vxlan.FLAG_GPE_BUM | vxlan.GPE_NEXT_PROTOCOL_MASK);
  }
  let remote: RemoteChecksum | undefined;
  if (tunnel.remcsumrx === true && (unparsed & vxlan.FLAG_RCO) !== 0) {
    remote = decodeVxlanRco(reserved);
    unparsed &= ~vxlan.FLAG_RCO;
    reserved = 0;
  }
  if (tunnel.gbp !== undefined && tunnel.gbp !== false) {
    if ((unparsed & vxlan.FLAG_GBP) !== 0) info.gbp = vxlan.groupPolicy(view, at);
    // All of the lower three bytes are group policy's then, whether there is one or not (VXLAN_GBP_USED_BITS).
    unparsed &= ~(vxlan.FLAG_GBP | GBP_ROOM);
  }
  // RFC 7348 has reserved bits ignored; Linux cannot know what an unknown bit changes, and drops.
  if (unparsed !== 0 || reserved !== 0) return "VXLAN_INVALID_HDR";

  packet.pull(vxlan.HEADER_LENGTH);
  postPull(context.kernels, packet, vxlan.HEADER_LENGTH);
  if (remote !== undefined) {
    if (!packet.mayPull(Math.min(packet.totalLength, remote.offset + 2))) return "NOMEM";
    if (!remcsumProcess(context.kernels, packet, remote, tunnel.remcsumNopartial !== true)) return "VXLAN_INVALID_HDR";
  }
  packet.protocol = protocol;
  info.isEthernet = protocol === ETH_P_TEB;
  return undefined;
}
