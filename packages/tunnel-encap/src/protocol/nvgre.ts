import type { DropReason } from "@seville/core";
import { ETH_P_TEB, IPPROTO_GRE, SKB_GSO_GRE, type Packet } from "@seville/packet";
import * as nvgre from "../header/nvgre.ts";
import { innerHash } from "../policy/inner.ts";
import type { NvgreTunnel } from "../tunnel/config.ts";
import type { Encapsulation, TunnelParts } from "../tunnel/encapsulation.ts";
import type { TunnelInfo } from "../tunnel/info.ts";
import type { OuterPath } from "../tunnel/path.ts";
import { pushGre } from "./gre.ts";
import { postPull } from "@seville/checksum";

/** NVGRE as a tunnel protocol (RFC 7637; T3). */
export const nvgreEncapsulation: Encapsulation<NvgreTunnel> = {
  ipProtocol: () => IPPROTO_GRE,
  headerLength: () => nvgre.HEADER_LENGTH,
  isEthernet: () => true,
  gsoType: () => SKB_GSO_GRE,
  push,
  pull,
};

/** The FlowID spreads flows over paths (RFC 7637 §3.2): 8 bits of the flow's hash. */
function push(
  parts: TunnelParts<NvgreTunnel>,
  packet: Packet,
  _etherType: number,
  path: OuterPath,
): DropReason | undefined {
  const hash = innerHash(packet, true, ETH_P_TEB, parts.context.hashSeed);
  const flowId = (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 0xff;
  const key = nvgre.keyOf(path.id ?? parts.tunnel.vsid, flowId);
  return pushGre(parts, packet, { protocol: ETH_P_TEB, key, checksum: false, sequence: false });
}

function pull({ tunnel, context }: TunnelParts<NvgreTunnel>, packet: Packet, info: TunnelInfo): DropReason | undefined {
  if (!packet.mayPull(nvgre.HEADER_LENGTH)) return "HDR_TRUNC";
  const { view } = packet.pool.memory;
  if (nvgre.check(view, packet.data, packet.tail) !== undefined) return "DEV_HDR";
  info.id = nvgre.vsid(view, packet.data);
  info.hasKey = true;
  if (info.id !== tunnel.vsid) return "NO_SOCKET";
  packet.pull(nvgre.HEADER_LENGTH);
  postPull(context.kernels, packet, nvgre.HEADER_LENGTH);
  packet.protocol = ETH_P_TEB;
  info.isEthernet = true;
  return undefined;
}
