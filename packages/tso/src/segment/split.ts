import { bindSums, setPartial, type PartialSum } from "@seville/checksum";
import { IPPROTO_TCP, IPPROTO_UDP, SKB_GSO_TCP_ACCECN, tcp, udp, type Packet } from "@seville/packet";
import { bindSplitter, type Splitter } from "../kernel/bind.ts";
import {
  FIRST,
  LAST,
  MAX_BATCH,
  MAX_PIECES,
  MIDDLE,
  NONE,
  type SplitPlan,
  type TemplateIndex,
} from "../kernel/plan.ts";
import { describe } from "./allocate.ts";
import type { Layout } from "./layout.ts";
import { PieceReader, type Piece } from "./pieces.ts";
import { superPseudo } from "./pseudo.ts";
import { checksumOffset, counts, writeTemplate, type ChecksumWay, type TemplateContext } from "./template.ts";

/** A super-packet that is about to be split by size. */
export interface SplitJob {
  readonly packet: Packet;
  readonly layout: Layout;
  readonly way: ChecksumWay;
  readonly pieces: readonly Piece[];
  /** Bytes of payload, and how many of them each segment but the last gets. */
  readonly payload: number;
  readonly size: number;
  /**
   * How many segments of `gsoSize` each but the last stands for: 1, or more if the device splits further (GSO_PARTIAL).
   * Their headers hold the values for one.
   */
  readonly multiple: number;
  /** The last one is a whole multiple too. */
  readonly lastIsMultiple: boolean;
}

/** Writes a segment at each of the first `count` targets. */
export function splitBySize(job: SplitJob, targets: ArrayLike<number>, count: number): void {
  const splitter = bindSplitter(job.packet.pool.memory);
  writePlan(job, splitter, count);
  run(job, splitter, targets, count);
  splitter.onCopied?.(job.payload + count * job.layout.headerLength);
}

/** Gives a segment its metadata. */
export function describeSplit(segment: Packet, { packet, layout, way }: SplitJob): void {
  describe(segment, packet);
  if (way !== "device") return;
  setPartial(segment, segment.data + layout.transport, checksumOffset(layout));
  segment.encapsulation = layout.tunnel !== undefined;
}

/** The way that the options leave open for the innermost checksum. */
export function checksumWay({ kind, tunnel }: Layout, deviceSums: boolean): ChecksumWay {
  if (kind === "ufo" || kind === "sctp") return "none";
  if (tunnel?.remote === true) return "remote";
  return deviceSums ? "device" : "software";
}

function writePlan(job: SplitJob, { plan }: Splitter, count: number): void {
  const { packet, layout, way, size, multiple } = job;
  const { memory } = packet.pool;
  const { view } = memory;
  const sequenceField = layout.kind === "tcp" ? layout.transport + 4 : NONE;
  plan.begin(layout.headerLength, fieldToSum(layout, way), manglesZero(layout, way), sequenceField);
  for (const level of layout.ips) if (counts(level)) plan.addIp(level.at, view.getUint16(packet.data + level.at + 4));
  const context: TemplateContext = {
    plan,
    kernels: bindSums(memory),
    layout,
    way,
    pseudo: transportPseudo(packet, layout, way),
    source: packet.data,
  };
  const one = size / multiple;
  const notLast = layout.kind === "tcp" ? tcp.FIN | tcp.PSH : 0;
  const notFirst = clearsCwr(job) ? tcp.CWR : 0;
  if (count > 1) writeTemplate(context, FIRST, { length: one, pseudoLength: size, clearFlags: notLast });
  if (count > 2 && notFirst === 0) plan.copyTemplate(MIDDLE, FIRST);
  else if (count > 2)
    writeTemplate(context, MIDDLE, { length: one, pseudoLength: size, clearFlags: notLast | notFirst });
  const last = job.payload - size * (count - 1);
  const length = job.lastIsMultiple ? one : last;
  writeTemplate(context, LAST, { length, pseudoLength: last, clearFlags: count > 1 ? notFirst : 0 });
}

/** The first segment differs from those in the middle: it alone keeps CWR (S3). */
function clearsCwr({ packet, layout }: SplitJob): boolean {
  if (layout.kind !== "tcp" || (packet.gsoType & SKB_GSO_TCP_ACCECN) !== 0) return false;
  return (tcp.flags(packet.pool.memory.view, packet.data + layout.transport) & tcp.CWR) !== 0;
}

/** Fills batch after batch. */
function run(job: SplitJob, splitter: Splitter, targets: ArrayLike<number>, count: number): void {
  const [whole] = job.pieces;
  const reader = job.pieces.length > 1 ? new PieceReader(job.pieces) : undefined;
  for (let from = 0; from < count;) {
    let to = Math.min(from + MAX_BATCH, count);
    if (reader !== undefined) to = fillPieces(job, splitter.plan, reader, from, to, count);
    splitter.plan.setTargets(targets, from, to - from);
    endBatch(job, splitter, from, to, to === count, reader === undefined ? (whole?.at ?? 0) + from * job.size : 0);
    splitter.run();
    from = to;
  }
}

/** The pieces of the segments from `from` on, up to `to` at most; answers which is the first that is not in the batch. */
function fillPieces(
  job: SplitJob,
  plan: SplitPlan,
  reader: PieceReader,
  from: number,
  to: number,
  count: number,
): number {
  for (let i = from; i < to; i++) {
    addPieces(plan, reader, i - from, i === count - 1 ? job.payload - job.size * i : job.size);
    // A segment takes no more pieces than there are fragments; segmentation saw to it that those fit twice.
    if (plan.pieces >= MAX_PIECES / 2) return i + 1;
  }
  return to;
}

function addPieces(plan: SplitPlan, reader: PieceReader, index: number, length: number): void {
  const before = plan.pieces;
  reader.take(length, (at, bytes) => {
    plan.addPiece(at, bytes);
  });
  plan.setPieceCount(index, plan.pieces - before);
}

/** The batch of the segments from `from` on, before `to`. */
function endBatch(job: SplitJob, { plan }: Splitter, from: number, to: number, isEnd: boolean, source: number): void {
  const { packet, layout, size, multiple } = job;
  const isTcp = layout.kind === "tcp";
  const sequence = isTcp ? tcp.sequence(packet.pool.memory.view, packet.data + layout.transport) : 0;
  const firstTemplate: TemplateIndex = from === 0 ? FIRST : MIDDLE;
  plan.endBatch({
    count: to - from,
    first: from * multiple,
    increment: multiple,
    sequence: (sequence + from * size) >>> 0,
    size,
    lastLength: isEnd ? job.payload - size * (to - 1) : size,
    firstTemplate,
    lastTemplate: isEnd ? LAST : to - from === 1 ? firstTemplate : MIDDLE,
    source,
  });
}

/** Field of the checksum that the kernel finishes. */
function fieldToSum(layout: Layout, way: ChecksumWay): number {
  if (way === "software") return layout.transport + checksumOffset(layout);
  if (way === "remote" && layout.tunnel?.checksum === true) return layout.tunnel.at + udp.CHECKSUM_OFFSET;
  return NONE;
}

function manglesZero(layout: Layout, way: ChecksumWay): boolean {
  return way === "remote" || layout.kind === "udp";
}

function transportPseudo(packet: Packet, layout: Layout, way: ChecksumWay): PartialSum {
  const level = layout.ips[layout.ips.length - 1];
  if (way === "none" || level === undefined) return 0;
  return superPseudo(packet, level, layout.transport, layout.kind === "tcp" ? IPPROTO_TCP : IPPROTO_UDP);
}
