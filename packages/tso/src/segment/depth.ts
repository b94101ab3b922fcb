import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_IP, ETH_P_IPV6, ETH_P_TEB, type Packet } from "@seville/packet";
import { measureShape, type UdpTunnelShape } from "../gro/tunnel-shape.ts";

/*
 * Two levels of headers are described by a packet's offsets (T14). A third one between them would be replicated as it is, with
 * lengths and checksums that are wrong: so where it is known what a tunnel header holds, it must be the inner IP header.
 */

/** ERSPAN type I: an Ethernet frame directly behind GRE. */
const ETH_P_ERSPAN = 0x88be;

/** Whether the inner IP header at `network` is not what the GRE header at `at` holds. Both count from the packet's data. */
export function hidesLevelInGre(packet: Packet, at: number, network: number): boolean {
  const { view } = packet.pool.memory;
  const flags = view.getUint16(packet.data + at);
  const length = 4 + ((flags & 0x8000) !== 0 ? 4 : 0) + ((flags & 0x2000) !== 0 ? 4 : 0);
  return !leadsTo(packet, view.getUint16(packet.data + at + 2), at + length, network);
}

/** The same for the UDP header at `at`, if one of `shapes` is spoken on its port. */
export function hidesLevelInUdp(
  packet: Packet,
  at: number,
  network: number,
  shapes: readonly UdpTunnelShape[] | undefined,
): boolean {
  if (shapes === undefined) return false;
  const { view } = packet.pool.memory;
  const port = view.getUint16(packet.data + at + 2);
  const shape = shapes.find(({ ports }) => ports.includes(port));
  if (shape === undefined) return false;
  const header = packet.data + at + 8;
  const length = measureShape(view, header, packet.data + network, shape);
  if (length === undefined) return true;
  const { inner } = shape;
  if ("etherType" in inner) return !leadsTo(packet, inner.etherType, at + 8 + length, network);
  if ("etherTypeAt" in inner) {
    return !leadsTo(packet, view.getUint16(header + inner.etherTypeAt), at + 8 + length, network);
  }
  return at + 8 + length !== network;
}

/** Whether what begins at `at` and is of that EtherType is the IP header at `network`, or a frame that holds it. */
function leadsTo(packet: Packet, etherType: number, at: number, network: number): boolean {
  const { view } = packet.pool.memory;
  let type = etherType;
  let next = at;
  if (type === ETH_P_TEB || type === ETH_P_ERSPAN) {
    next += 14;
    if (next > network) return false;
    type = view.getUint16(packet.data + next - 2);
  }
  for (; type === ETH_P_8021Q || type === ETH_P_8021AD; next += 4) {
    if (next + 4 > network) return false;
    type = view.getUint16(packet.data + next + 2);
  }
  return next === network && (type === ETH_P_IP || type === ETH_P_IPV6);
}
