import { GSO_BY_FRAGS, type Packet } from "@seville/packet";
import { bindSplitter } from "../kernel/bind.ts";
import { describe, handOver, releaseAll } from "./allocate.ts";
import type { Layout } from "./layout.ts";
import { refused, UDP_MAX_SEGMENTS, type SegmentOptions, type SegmentOutcome, type SegmentSink } from "./outcome.ts";
import { PieceReader, payloadPieces } from "./pieces.ts";
import { finishSctp, rewriteLevels } from "./rewrite.ts";

/**
 * SCTP: the super-packet holds the common header, each member of `fragList` the chunks of one packet (S9;
 * net/sctp/offload.c). A CRC32c says nothing to a checksum around it, so a tunnel with a checksum has it done in software.
 */
export function segmentSctp(
  packet: Packet,
  layout: Layout,
  sink: SegmentSink<Packet>,
  options: SegmentOptions,
): SegmentOutcome {
  const { fragList } = packet;
  if (packet.gsoSize !== GSO_BY_FRAGS || fragList === undefined) return refused("type");
  if (packet.length !== layout.headerLength) return refused("malformed");
  if (fragList.length < 2) return refused("too-small");
  if (fragList.length > UDP_MAX_SEGMENTS) return refused("too-many");
  const lengths = fragList.map((fragment) => fragment.totalLength);
  if (lengths.includes(0)) return refused("malformed");
  const segments = copyFragments(packet, layout.headerLength, lengths, options.headroom ?? packet.headroom);
  if (segments === undefined) return refused("nomem");
  const byDevice = options.sctpCrc === true && layout.tunnel?.checksum !== true;
  for (const [index, segment] of segments.entries()) {
    describe(segment, packet);
    finishSctp(segment, layout.transport, byDevice);
    segment.encapsulation = byDevice && layout.tunnel !== undefined;
    rewriteLevels(segment, layout, index);
  }
  handOver(packet, segments, sink);
  return { ok: true, segments: segments.length };
}

/** A packet for each length: the headers, and so many bytes more of the payload. */
export function copyFragments(
  packet: Packet,
  headerLength: number,
  lengths: readonly number[],
  headroom: number,
): Packet[] | undefined {
  const { pool } = packet;
  const { u8 } = pool.memory;
  const reader = new PieceReader(payloadPieces(packet, headerLength));
  const { onCopied } = bindSplitter(pool.memory);
  const segments: Packet[] = [];
  for (const length of lengths) {
    const segment = pool.alloc(headerLength + length, headroom);
    if (segment === undefined) {
      releaseAll(segments);
      return undefined;
    }
    segments.push(segment);
    u8.copyWithin(segment.data, packet.data, packet.data + headerLength);
    segment.tail += headerLength;
    reader.take(length, (at, bytes) => {
      u8.copyWithin(segment.put(bytes), at, at + bytes);
    });
    onCopied?.(headerLength + length);
  }
  return segments;
}
