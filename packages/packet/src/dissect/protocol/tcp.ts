import { IPPROTO_TCP } from "../../header/numbers.ts";
import * as tcp from "../../header/tcp.ts";
import type { Dissection } from "../dissection.ts";
import { dissectTcpOptions } from "./tcp-options.ts";

const FLAGS: readonly (readonly [name: string, abbreviation: string, at: number, mask: number])[] = [
  ["Accurate ECN", "tcp.flags.ae", 12, 0x01],
  ["Congestion Window Reduced", "tcp.flags.cwr", 13, 0x80],
  ["ECN-Echo", "tcp.flags.ece", 13, 0x40],
  ["Urgent", "tcp.flags.urg", 13, 0x20],
  ["Acknowledgment", "tcp.flags.ack", 13, 0x10],
  ["Push", "tcp.flags.push", 13, 0x08],
  ["Reset", "tcp.flags.reset", 13, 0x04],
  ["Syn", "tcp.flags.syn", 13, 0x02],
  ["Fin", "tcp.flags.fin", 13, 0x01],
];

/** TCP (RFC 9293). Sequence numbers are as they stand in the header. */
export function dissectTcp(d: Dissection, at: number, end: number): void {
  const fault = tcp.check(d.view, at, end);
  // An error message may carry no more than ports and sequence number (RFC 792).
  if (end - at < tcp.HEADER_LENGTH) {
    d.group("Transmission Control Protocol", "tcp", at, end - at, () => {
      d.uint("Source Port", "tcp.srcport", at, 2);
      d.uint("Destination Port", "tcp.dstport", at + 2, 2);
      if (end - at >= 8) d.uint("Sequence Number", "tcp.seq", at + 4, 4);
      if (!d.isPartial || end - at < 8) d.malformed(at, "truncated");
    });
    return;
  }
  const headerLength = fault === undefined ? tcp.headerLength(d.view, at) : tcp.HEADER_LENGTH;
  const payload = at + headerLength;
  d.group("Transmission Control Protocol", "tcp", at, headerLength, () => {
    dissectFields(d, at, end);
    if (fault !== undefined) d.malformed(at + 12, fault);
    if (headerLength > tcp.HEADER_LENGTH) dissectTcpOptions(d, at + tcp.HEADER_LENGTH, payload);
    if (payload < end) d.raw("TCP payload", "tcp.payload", payload, end - payload);
  });
  if (payload >= end) return;
  if (d.tryDispatch("tcpPort", tcp.destinationPort(d.view, at), payload, end)) return;
  d.dispatch("tcpPort", tcp.sourcePort(d.view, at), payload, end);
}

function dissectFields(d: Dissection, at: number, end: number): void {
  d.uint("Source Port", "tcp.srcport", at, 2);
  d.uint("Destination Port", "tcp.dstport", at + 2, 2);
  d.uint("Sequence Number", "tcp.seq", at + 4, 4);
  d.uint("Acknowledgment Number", "tcp.ack", at + 8, 4);
  const headerLength = tcp.headerLength(d.view, at);
  d.value("Header Length", "tcp.hdr_len", at + 12, 1, headerLength, `${headerLength} bytes (${headerLength / 4})`);
  const flags = tcp.flags(d.view, at);
  d.bits("Flags", "tcp.flags", at + 12, 2, 0x0fff, { hex: true, names: { [flags]: tcp.printFlags(flags) } });
  d.below(() => {
    d.bits("Reserved", "tcp.flags.res", at + 12, 1, 0x0e);
    for (const [name, abbreviation, offset, mask] of FLAGS) d.flag(name, abbreviation, at + offset, 1, mask);
  });
  d.uint("Window", "tcp.window_size_value", at + 14, 2);
  d.checksum("tcp", "Checksum", at + 16, at, end, d.pseudoHeader?.(IPPROTO_TCP, end - at));
  d.uint("Urgent Pointer", "tcp.urgent_pointer", at + 18, 2);
}
