import {
  add,
  finish,
  fold,
  mangleZero,
  writeIpv4HeaderChecksum,
  type PartialSum,
  type SumKernels,
} from "@seville/checksum";
import { IPPROTO_UDP, ipv4, ipv6, tcp, udp } from "@seville/packet";
import type { SplitPlan, TemplateIndex } from "../kernel/plan.ts";
import type { IpLevel, Layout } from "./layout.ts";
import { pseudoOf } from "./pseudo.ts";

/** Who finishes the innermost checksum, and so what a template has to hold. */
export type ChecksumWay =
  /** The kernel, from the payload. */
  | "software"
  /** The device: the field holds the pseudo-header's sum. */
  | "device"
  /** Nobody: the field holds the pseudo-header's sum for the receiver (remote checksum offload), the outer one is summed. */
  | "remote"
  /** It has none that can be summed here (fragments, SCTP). */
  | "none";

/** What is the same for all templates of a super-packet. */
export interface TemplateContext {
  readonly plan: SplitPlan;
  readonly kernels: SumKernels;
  readonly layout: Layout;
  readonly way: ChecksumWay;
  /** Sum of the innermost pseudo-header without the length. */
  readonly pseudo: PartialSum;
  /** Where the headers of the super-packet begin. */
  readonly source: number;
}

/** What makes a template differ. */
export interface TemplateShape {
  /** Bytes of payload that lengths in the headers speak of. */
  readonly length: number;
  /** Bytes of payload that the innermost pseudo-header speaks of: more than `length` in a partial super-packet. */
  readonly pseudoLength: number;
  /** TCP flags to clear. */
  readonly clearFlags: number;
}

/**
 * Writes the headers of a segment, complete but for what differs from segment to segment: the identification and checksum
 * of IPv4 headers that count, the sequence number, and the checksum that the kernel finishes from the payload.
 */
export function writeTemplate(context: TemplateContext, index: TemplateIndex, shape: TemplateShape): void {
  const { plan, kernels, layout } = context;
  const { view, u8 } = kernels.memory;
  const base = plan.headersAt(index);
  u8.copyWithin(base, context.source, context.source + layout.headerLength);
  const sums: [number, number] = [0, 0];
  let counting = 0;
  for (const level of layout.ips) {
    const sum = writeIp(context, base, level, layout.headerLength - level.at + shape.length);
    if (sum !== undefined) sums[counting++] = sum;
  }
  if (layout.kind === "tcp") {
    const at = base + layout.transport;
    tcp.setFlags(view, at, tcp.flags(view, at) & ~shape.clearFlags);
    view.setUint32(at + 4, 0);
  }
  if (layout.kind === "udp") udp.setLength(view, base + layout.transport, 8 + shape.length);
  const known = writeInnermostChecksum(context, base, shape);
  const outer = writeTunnel(context, base, shape);
  plan.setTemplate(index, context.way === "remote" ? outer : known, sums[0], sums[1]);
}

/** Whether the identification of `level` is written per segment. */
export function counts(level: IpLevel): boolean {
  return level.version === 4 && !level.fixedId;
}

/** Writes the length; answers the header's sum without identification if that is written per segment. */
function writeIp({ kernels }: TemplateContext, base: number, level: IpLevel, total: number): PartialSum | undefined {
  const { view } = kernels.memory;
  const at = base + level.at;
  if (level.version === 6) {
    ipv6.setPayloadLength(view, at, total - 40);
    return undefined;
  }
  ipv4.setTotalLength(view, at, total);
  if (level.fixedId) {
    writeIpv4HeaderChecksum(view, at);
    return undefined;
  }
  view.setUint16(at + 4, 0);
  view.setUint16(at + 10, 0);
  return fold(kernels.sum(at, ipv4.headerLength(view, at)));
}

/** Field of the innermost checksum, from the transport header. */
export function checksumOffset(layout: Layout): number {
  return layout.kind === "tcp" ? tcp.CHECKSUM_OFFSET : udp.CHECKSUM_OFFSET;
}

/** What the kernel has to know of the innermost checksum, if it finishes that. */
function writeInnermostChecksum(context: TemplateContext, base: number, shape: TemplateShape): PartialSum {
  const { kernels, layout, way } = context;
  if (way === "none") return 0;
  const at = base + layout.transport;
  const length = layout.headerLength - layout.transport + shape.pseudoLength;
  const pseudo = fold(add(context.pseudo, length));
  kernels.memory.view.setUint16(at + checksumOffset(layout), way === "software" ? 0 : pseudo);
  return way === "software" ? fold(kernels.sum(at, layout.headerLength - layout.transport, pseudo)) : 0;
}

/** Finishes the tunnel header. Answers what the kernel has to know of its checksum, if it finishes that one. */
function writeTunnel(context: TemplateContext, base: number, shape: TemplateShape): PartialSum {
  const { kernels, layout, way } = context;
  const { tunnel } = layout;
  const { view } = kernels.memory;
  if (tunnel === undefined || tunnel.kind === "ip") return 0;
  const at = base + tunnel.at;
  const length = layout.headerLength - tunnel.at + shape.length;
  if (tunnel.kind === "udp") udp.setLength(view, at, length);
  const field = at + (tunnel.kind === "udp" ? udp.CHECKSUM_OFFSET : 4);
  if (!tunnel.checksum) {
    if (tunnel.kind === "udp") view.setUint16(field, 0);
    return 0;
  }
  if (tunnel.kind === "gre") view.setUint32(field, 0);
  else view.setUint16(field, 0);
  if (way === "none") return 0;
  const [outerIp] = layout.ips as readonly [IpLevel, IpLevel];
  const pseudo = tunnel.kind === "udp" ? pseudoOf(kernels.memory, base, outerIp, IPPROTO_UDP, length) : 0;
  const front = add(pseudo, sumFront(context, base));
  if (way === "remote") {
    return fold(kernels.sum(base + layout.transport, layout.headerLength - layout.transport, front));
  }
  // Local checksum offload: what is behind the innermost checksum sums to the complement of its pseudo-header.
  const inner = fold(add(context.pseudo, layout.headerLength - layout.transport + shape.length));
  const checksum = finish(add(front, ~inner & 0xffff));
  view.setUint16(field, tunnel.kind === "udp" ? mangleZero(checksum) : checksum);
  return 0;
}

/** The sum from the tunnel header to the innermost transport header. A finished IPv4 header in there sums to nothing. */
function sumFront({ kernels, layout }: TemplateContext, base: number): PartialSum {
  const tunnel = base + (layout.tunnel?.at ?? 0);
  const [, inner] = layout.ips as readonly [IpLevel, IpLevel];
  const end = inner.version === 4 ? inner.at : layout.transport;
  return kernels.sum(tunnel, base + end - tunnel);
}
