import { IPPROTO_UDP } from "../../header/numbers.ts";
import * as udp from "../../header/udp.ts";
import type { Dissection } from "../dissection.ts";

/** UDP (RFC 768). */
export function dissectUdp(d: Dissection, at: number, end: number): void {
  const fault = udp.check(d.view, at, end);
  if (end - at < udp.HEADER_LENGTH) {
    d.group("User Datagram Protocol", "udp", at, end - at, () => d.malformed(at, "truncated"));
    return;
  }
  const length = udp.length(d.view, at);
  const datagramEnd = fault === undefined ? at + length : end;
  d.group("User Datagram Protocol", "udp", at, udp.HEADER_LENGTH, () => {
    d.uint("Source Port", "udp.srcport", at, 2);
    d.uint("Destination Port", "udp.dstport", at + 2, 2);
    d.uint("Length", "udp.length", at + 4, 2);
    const seed = fault === undefined ? d.pseudoHeader?.(IPPROTO_UDP, length) : undefined;
    if (udp.checksum(d.view, at) === 0) d.noChecksum("udp", "Checksum", at + 6);
    else d.checksum("udp", "Checksum", at + 6, at, datagramEnd, seed);
    if (fault !== undefined && !(d.isPartial && fault === "truncated")) d.malformed(at + 4, fault);
    const payload = at + udp.HEADER_LENGTH;
    if (payload < datagramEnd) d.raw("Payload", "udp.payload", payload, datagramEnd - payload);
  });
  const payload = at + udp.HEADER_LENGTH;
  if (payload >= datagramEnd) return;
  if (d.tryDispatch("udpPort", udp.destinationPort(d.view, at), payload, datagramEnd)) return;
  d.dispatch("udpPort", udp.sourcePort(d.view, at), payload, datagramEnd);
}
