import { finish, mangleZero, writeIpv4HeaderChecksum, type ChecksumKernels } from "@seville/checksum";
import { IPPROTO_TCP, IPPROTO_UDP, ipv4, ipv6, tcp, udp, type Packet } from "@seville/packet";
import type { SegmentationRequest, TunnelRequest } from "./descriptor.ts";
import { pseudoSum } from "./pseudo.ts";
import type { TxSilicon } from "./silicon.ts";

/** No NIC makes more frames of one descriptor. */
const MAX_FRAMES = 65_535;

interface Job {
  readonly kernels: ChecksumKernels;
  readonly request: SegmentationRequest;
  readonly silicon: TxSilicon;
  readonly headerBytes: number;
  readonly count: number;
}

/**
 * The segmentation unit of a NIC: copies the headers in front of every `mss` bytes of payload and rewrites what it knows
 * of: lengths, identifications, sequence number, flags, checksums. A plain loop, on purpose: it is a second opinion on
 * what `@seville/tso` computes. The packet stays the caller's.
 */
export function replicate(
  kernels: ChecksumKernels,
  packet: Packet,
  request: SegmentationRequest,
  silicon: TxSilicon,
): Packet[] | "no-memory" | "bad-descriptor" {
  const { view, u8 } = kernels.memory;
  const fixed = request.protocol === "tcp" ? tcp.HEADER_LENGTH : udp.HEADER_LENGTH;
  if (request.network < 14 || request.transport < request.network + 20 || request.mss < 1) return "bad-descriptor";
  if (request.transport + fixed > packet.length) return "bad-descriptor";
  const transport = packet.data + request.transport;
  const length = request.protocol === "tcp" ? Math.max(fixed, tcp.headerLength(view, transport)) : fixed;
  const headerBytes = request.transport + length;
  if (headerBytes > silicon.maxHeaderBytes || headerBytes >= packet.length) return "bad-descriptor";
  const payload = packet.length - headerBytes;
  const count = Math.ceil(payload / request.mss);
  if (count > MAX_FRAMES) return "bad-descriptor";
  const job: Job = { kernels, request, silicon, headerBytes, count };
  const frames: Packet[] = [];
  for (let i = 0; i < count; i++) {
    const bytes = Math.min(request.mss, payload - i * request.mss);
    const frame = packet.pool.alloc(headerBytes + bytes, packet.headroom);
    if (frame === undefined) {
      for (const made of frames) made.release();
      return "no-memory";
    }
    const at = frame.put(headerBytes + bytes);
    u8.copyWithin(at, packet.data, packet.data + headerBytes);
    const from = packet.data + headerBytes + i * request.mss;
    u8.copyWithin(at + headerBytes, from, from + bytes);
    frame.macHeader = at;
    frame.tstamp = packet.tstamp;
    rewrite(job, frame, i);
    frames.push(frame);
  }
  return frames;
}

/** From the inside out, so that an outer checksum covers what is finished. */
function rewrite(job: Job, frame: Packet, index: number): void {
  const { request, kernels } = job;
  const isInner = request.tunnel !== undefined;
  const keepsId = isInner ? request.fixedInnerId : request.fixedId;
  rewriteIp(kernels, frame, request.network, keepsId ? 0 : index);
  if (request.protocol === "tcp") rewriteTcp(job, frame, index);
  else rewriteUdp(kernels, frame, request.network, request.transport);
  if (request.tunnel === undefined) return;
  if (request.copyOuter) countOuterId(frame, request.tunnel.network, request.fixedId ? 0 : index);
  else rewriteTunnel(job, frame, request.tunnel, index);
}

function rewriteIp(kernels: ChecksumKernels, frame: Packet, offset: number, increment: number): void {
  const { view } = kernels.memory;
  const at = frame.data + offset;
  const bytes = frame.length - offset;
  if (view.getUint8(at) >>> 4 === 6) {
    ipv6.setPayloadLength(view, at, bytes - ipv6.HEADER_LENGTH);
    return;
  }
  ipv4.setTotalLength(view, at, bytes);
  ipv4.setIdentification(view, at, (ipv4.identification(view, at) + increment) & 0xffff);
  writeIpv4HeaderChecksum(view, at);
}

function rewriteTcp({ kernels, request, count }: Job, frame: Packet, index: number): void {
  const { view } = kernels.memory;
  const at = frame.data + request.transport;
  const bytes = frame.length - request.transport;
  tcp.setSequence(view, at, (tcp.sequence(view, at) + index * request.mss) >>> 0);
  let flags = tcp.flags(view, at);
  if (index < count - 1) flags &= ~(tcp.FIN | tcp.PSH);
  if (index > 0) flags &= ~tcp.CWR;
  tcp.setFlags(view, at, flags);
  tcp.setChecksum(view, at, 0);
  const pseudo = pseudoSum(kernels, frame.data + request.network, IPPROTO_TCP, bytes);
  tcp.setChecksum(view, at, finish(kernels.sum(at, bytes, pseudo)));
}

function rewriteUdp(kernels: ChecksumKernels, frame: Packet, network: number, transport: number): void {
  const { view } = kernels.memory;
  const at = frame.data + transport;
  udp.setLength(view, at, frame.length - transport);
  sumUdp(kernels, frame, network, transport);
}

function sumUdp(kernels: ChecksumKernels, frame: Packet, network: number, transport: number): void {
  const { view } = kernels.memory;
  const at = frame.data + transport;
  const bytes = frame.length - transport;
  udp.setChecksum(view, at, 0);
  const pseudo = pseudoSum(kernels, frame.data + network, IPPROTO_UDP, bytes);
  udp.setChecksum(view, at, mangleZero(finish(kernels.sum(at, bytes, pseudo))));
}

function rewriteTunnel({ kernels, request, silicon }: Job, frame: Packet, tunnel: TunnelRequest, index: number): void {
  const { view } = kernels.memory;
  rewriteIp(kernels, frame, tunnel.network, request.fixedId ? 0 : index);
  const at = frame.data + tunnel.transport;
  const bytes = frame.length - tunnel.transport;
  if (tunnel.kind === "udp") udp.setLength(view, at, bytes);
  // Hardware that cannot sum on this level leaves there what software wrote for the whole super-packet.
  if (!tunnel.checksum || !silicon.outerChecksum) return;
  if (tunnel.kind === "udp") sumUdp(kernels, frame, tunnel.network, tunnel.transport);
  if (tunnel.kind === "gre") {
    view.setUint16(at + 4, 0);
    view.setUint16(at + 4, finish(kernels.sum(at, bytes)));
  }
}

/** GSO_PARTIAL leaves one thing to the device: the outer identification, and with it the header's checksum (S7). */
function countOuterId(frame: Packet, offset: number, increment: number): void {
  const { view } = frame.pool.memory;
  const at = frame.data + offset;
  if (view.getUint8(at) >>> 4 !== 4) return;
  ipv4.setIdentification(view, at, (ipv4.identification(view, at) + increment) & 0xffff);
  writeIpv4HeaderChecksum(view, at);
}
