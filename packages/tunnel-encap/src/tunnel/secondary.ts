import { postPull, remcsumProcess, type RemoteChecksum } from "@seville/checksum";
import type { DropReason } from "@seville/core";
import { CHECKSUM_PARTIAL, IPPROTO_IPIP, IPPROTO_IPV6, udp, type Packet } from "@seville/packet";
import * as gue from "../header/gue.ts";
import type { SecondaryEncap } from "./config.ts";
import type { TunnelContext } from "./context.ts";
import { deferChecksum } from "./remote-checksum.ts";

/*
 * FOU and GUE: an IP tunnel inside UDP (net/ipv4/fou_core.c; T4). FOU has no header, its port stands for the IP protocol;
 * GUE has one, or in variant 1 none.
 */

/** Bytes that `encap` puts in front of the IP tunnel's own header, with UDP, at most. */
export function secondaryLength(encap: SecondaryEncap | undefined): number {
  if (encap === undefined) return 0;
  if (encap.type === "fou" || encap.direct === true) return udp.HEADER_LENGTH;
  return udp.HEADER_LENGTH + gue.HEADER_LENGTH + (encap.remcsum === true ? gue.PRIVATE_LENGTH + gue.REMCSUM_LENGTH : 0);
}

/** Writes the GUE header in front of a packet of IP protocol `protocol`. The UDP header comes later. */
export function pushSecondary(encap: SecondaryEncap, packet: Packet, protocol: number): void {
  if (encap.type === "fou" || encap.direct === true) return;
  const remoteChecksum = encap.remcsum === true ? remoteChecksumOf(packet) : undefined;
  gue.write(packet.pool.memory.view, packet.push(gue.lengthOf({ remoteChecksum })), { protocol, remoteChecksum });
  if (remoteChecksum !== undefined) deferChecksum(packet);
}

/** Offsets count from the end of the GUE header. */
function remoteChecksumOf(packet: Packet): RemoteChecksum | undefined {
  if (packet.ipSummed !== CHECKSUM_PARTIAL || packet.csumNotInet) return undefined;
  const start = packet.csumStart - packet.data;
  return { start, offset: start + packet.csumOffset };
}

/**
 * Takes the GUE header off, whose UDP header has been: answers the IP protocol of what follows, or why not. Control
 * messages are dropped: none is defined.
 */
export function pullGue(context: TunnelContext, packet: Packet, remcsumAllowed: boolean): number | DropReason {
  const { view } = packet.pool.memory;
  if (!packet.mayPull(1)) return "HDR_TRUNC";
  const variant = gue.variant(view, packet.data);
  if (variant === gue.VARIANT_DIRECT_IP) return directProtocol(packet);
  if (variant !== gue.VARIANT_HEADER) return "DEV_HDR";
  if (!packet.mayPull(gue.HEADER_LENGTH)) return "HDR_TRUNC";
  const length = gue.headerLength(view, packet.data);
  if (!packet.mayPull(length)) return "HDR_TRUNC";
  if (gue.check(view, packet.data, packet.tail) !== undefined) return "DEV_HDR";
  const at = packet.data;
  if (gue.isControl(view, at)) return "UNHANDLED_PROTO";
  const protocol = gue.protocol(view, at);
  const remote = gue.remoteChecksum(view, at);
  packet.pull(length);
  postPull(context.kernels, packet, length);
  if (remote === undefined) return protocol;
  if (!remcsumAllowed) return "DEV_HDR";
  if (!packet.mayPull(Math.min(packet.totalLength, remote.offset + 2))) return "NOMEM";
  return remcsumProcess(context.kernels, packet, remote, true) ? protocol : "DEV_HDR";
}

/** Variant 1: the version of the IP header is the rest of the byte that says so. */
function directProtocol(packet: Packet): number | DropReason {
  const version = packet.pool.memory.view.getUint8(packet.data) >>> 4;
  if (version === 4) return IPPROTO_IPIP;
  return version === 6 ? IPPROTO_IPV6 : "DEV_HDR";
}
