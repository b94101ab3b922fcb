import { tcp, type HeaderFault } from "@seville/packet";
import type { Segment } from "../parts.ts";
import { newSegmentOptions, readOptions } from "./options.ts";

export function newSegment(): Segment {
  return {
    sourcePort: 0,
    destinationPort: 0,
    seq: 0,
    endSeq: 0,
    ack: 0,
    flags: 0,
    window: 0,
    urgentPointer: 0,
    headerLength: 0,
    payload: 0,
    payloadLength: 0,
    gsoSize: 0,
    gsoSegs: 0,
    ipEcn: 0,
    options: newSegmentOptions(),
  };
}

/**
 * Reads the segment that lies at `[at, end)`, options included. Any bytes are survived: what is no header is answered
 * with its fault, and `into` then says nothing. What the packet says of itself (`gsoSize`, `gsoSegs`, `ipEcn`) is the
 * caller's to fill in, as is payload in the packet's `fragList`.
 */
export function readSegment(view: DataView, at: number, end: number, into: Segment): HeaderFault | undefined {
  const fault = tcp.check(view, at, end);
  if (fault !== undefined) return fault;
  const headerLength = tcp.headerLength(view, at);
  const flags = tcp.flags(view, at);
  into.sourcePort = tcp.sourcePort(view, at);
  into.destinationPort = tcp.destinationPort(view, at);
  into.seq = view.getInt32(at + 4);
  into.ack = (flags & tcp.ACK) === 0 ? 0 : view.getInt32(at + 8);
  into.flags = flags;
  into.window = tcp.window(view, at);
  into.urgentPointer = tcp.urgentPointer(view, at);
  into.headerLength = headerLength;
  into.payload = at + headerLength;
  into.payloadLength = end - into.payload;
  into.endSeq = (into.seq + into.payloadLength + sequenceSpace(flags)) | 0;
  into.gsoSize = 0;
  into.gsoSegs = 0;
  into.ipEcn = 0;
  readOptions(view, at, into.options);
  return undefined;
}

/** Sequence numbers that SYN and FIN take (RFC 9293 §3.4). */
function sequenceSpace(flags: number): number {
  return ((flags & tcp.SYN) !== 0 ? 1 : 0) + ((flags & tcp.FIN) !== 0 ? 1 : 0);
}
