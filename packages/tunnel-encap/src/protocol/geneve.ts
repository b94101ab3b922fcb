import { postPull } from "@seville/checksum";
import type { DropReason } from "@seville/core";
import { ETH_P_TEB, IPPROTO_UDP, SKB_GSO_UDP_TUNNEL, SKB_GSO_UDP_TUNNEL_CSUM, type Packet } from "@seville/packet";
import * as geneve from "../header/geneve.ts";
import type { GeneveTunnel } from "../tunnel/config.ts";
import type { Encapsulation, TunnelParts } from "../tunnel/encapsulation.ts";
import type { TunnelInfo } from "../tunnel/info.ts";
import type { OuterPath } from "../tunnel/path.ts";

/** Geneve as a tunnel protocol (RFC 8926; drivers/net/geneve.c; T2). */
export const geneveEncapsulation: Encapsulation<GeneveTunnel> = {
  ipProtocol: () => IPPROTO_UDP,
  headerLength: (tunnel) => geneve.lengthOf(tunnel),
  isEthernet: (tunnel) => tunnel.innerProtoInherit !== true,
  gsoType: ({ policy }) => (policy.udpChecksum ? SKB_GSO_UDP_TUNNEL_CSUM : SKB_GSO_UDP_TUNNEL),
  push,
  pull,
};

function push(
  { tunnel }: TunnelParts<GeneveTunnel>,
  packet: Packet,
  etherType: number,
  path: OuterPath,
): DropReason | undefined {
  const options = path.options ?? tunnel.options;
  const at = packet.push(geneve.lengthOf({ options }));
  geneve.write(packet.pool.memory.view, at, { protocol: etherType, vni: path.id ?? tunnel.id, options });
  return undefined;
}

const knownSets = new WeakMap<GeneveTunnel, ReadonlySet<number>>();

function knownOptions(tunnel: GeneveTunnel): ReadonlySet<number> {
  let known = knownSets.get(tunnel);
  if (known === undefined) {
    known = new Set((tunnel.knownOptions ?? []).map(geneve.optionKey));
    knownSets.set(tunnel, known);
  }
  return known;
}

function pull(
  { tunnel, context }: TunnelParts<GeneveTunnel>,
  packet: Packet,
  info: TunnelInfo,
): DropReason | undefined {
  if (!packet.mayPull(geneve.HEADER_LENGTH)) return "HDR_TRUNC";
  const { view } = packet.pool.memory;
  const length = geneve.headerLength(view, packet.data);
  if (!packet.mayPull(length)) return "HDR_TRUNC";
  const at = packet.data;
  if (geneve.check(view, at, packet.tail) !== undefined) return "DEV_HDR";
  const protocol = geneve.protocol(view, at);
  if ((protocol === ETH_P_TEB) === (tunnel.innerProtoInherit === true)) return "UNHANDLED_PROTO";
  info.id = geneve.vni(view, at);
  info.isControl = geneve.isControl(view, at);
  info.optionsAt = at + geneve.HEADER_LENGTH;
  info.optionsEnd = at + length;
  // The C bit is a shortcut: without it no option is critical (RFC 8926 §3.4), and a sender that lies is not trusted.
  if (geneve.hasUnknownCritical(view, info.optionsAt, info.optionsEnd, knownOptions(tunnel))) {
    return "GENEVE_CRITICAL_OPTION";
  }
  packet.pull(length);
  postPull(context.kernels, packet, length);
  packet.protocol = protocol;
  info.isEthernet = protocol === ETH_P_TEB;
  return undefined;
}
