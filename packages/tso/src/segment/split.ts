import { bindSums, setPartial, type PartialSum } from "@seville/checksum";
import { IPPROTO_TCP, IPPROTO_UDP, SKB_GSO_TCP_ACCECN, tcp, udp, type Packet } from "@seville/packet";
import { bindSplitter, type Splitter } from "../kernel/bind.ts";
import { FIRST, LAST, MAX_BATCH, MAX_PIECES, MIDDLE, NONE, type TemplateIndex } from "../kernel/plan.ts";
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

/** Writes `segments`, which have room and lengths already, and their metadata. */
export function splitBySize(job: SplitJob, segments: readonly Packet[]): void {
  const { packet, layout } = job;
  const splitter = bindSplitter(packet.pool.memory);
  writePlan(job, splitter, segments.length);
  run(job, splitter, segments);
  for (const segment of segments) {
    describe(segment, packet);
    if (job.way !== "device") continue;
    setPartial(segment, segment.data + layout.transport, checksumOffset(layout));
    segment.encapsulation = layout.tunnel !== undefined;
  }
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
  plan.begin(layout.headerLength, fieldToSum(layout, way), manglesZero(layout, way));
  if (layout.kind === "tcp") {
    plan.setSequence(layout.transport + 4, tcp.sequence(view, packet.data + layout.transport));
  }
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
  const notFirst = layout.kind === "tcp" && (packet.gsoType & SKB_GSO_TCP_ACCECN) === 0 ? tcp.CWR : 0;
  const whole = { length: one, pseudoLength: size };
  if (count > 1) writeTemplate(context, FIRST, { ...whole, clearFlags: notLast });
  if (count > 2) writeTemplate(context, MIDDLE, { ...whole, clearFlags: notLast | notFirst });
  const last = job.payload - size * (count - 1);
  writeTemplate(context, LAST, {
    length: job.lastIsMultiple ? one : last,
    pseudoLength: last,
    clearFlags: count > 1 ? notFirst : 0,
  });
}

function run(job: SplitJob, { plan, run: makeSegments }: Splitter, segments: readonly Packet[]): void {
  const reader = new PieceReader(job.pieces);
  const last = segments.length - 1;
  for (let i = 0; i <= last; i++) {
    const length = i === last ? job.payload - job.size * last : job.size;
    const target = (segments[i] as Packet).data;
    const template: TemplateIndex = i === last ? LAST : i === 0 ? FIRST : MIDDLE;
    let source = reader.takeWhole(length);
    let pieces = 1;
    if (source === undefined) {
      pieces = 0;
      source = 0;
      reader.take(length, (at, bytes) => {
        const piece = plan.addPiece(at, bytes);
        if (pieces++ === 0) source = piece;
      });
    }
    plan.addSegment(target, length, source, pieces, template, i * job.size, i * job.multiple);
    // A segment takes no more pieces than there are fragments; segmentation saw to it that those fit twice.
    if (i < last && plan.segments < MAX_BATCH && plan.pieces < MAX_PIECES / 2) continue;
    makeSegments();
    plan.nextBatch();
  }
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
