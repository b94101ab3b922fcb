import { ETH_P_IP, ETH_P_IPV6, type Dissection } from "@seville/packet";
import * as gue from "../header/gue.ts";

/** GUE (draft-ietf-intarea-gue), which Wireshark does not dissect: the names are ours. */
export function dissectGue(d: Dissection, at: number, end: number): void {
  if (end > at && gue.variant(d.view, at) === gue.VARIANT_DIRECT_IP) {
    d.dispatch("etherType", d.view.getUint8(at) >>> 4 === 4 ? ETH_P_IP : ETH_P_IPV6, at, end);
    return;
  }
  const fault = gue.check(d.view, at, end);
  if (fault !== undefined) {
    d.group("Generic UDP Encapsulation", "gue", at, end - at, () => d.malformed(at, fault));
    return;
  }
  const length = gue.headerLength(d.view, at);
  d.group("Generic UDP Encapsulation", "gue", at, length, () => {
    d.bits("Variant", "gue.variant", at, 1, 0xc0);
    d.flag("Control", "gue.control", at, 1, 0x20);
    d.value("Header Length", "gue.hlen", at, 1, length, `${length} bytes`);
    d.uint("Protocol", "gue.proto", at + 1, 1);
    d.uint("Flags", "gue.flags", at + 2, 2, { hex: true });
    const remote = gue.remoteChecksum(d.view, at);
    if (remote === undefined) return;
    d.uint("Private Flags", "gue.private_flags", at + 4, 4, { hex: true });
    d.uint("Remote Checksum Start", "gue.remcsum.start", at + 8, 2);
    d.uint("Remote Checksum Offset", "gue.remcsum.offset", at + 10, 2);
  });
  if (gue.isControl(d.view, at)) d.data(at + length, end);
  else d.dispatch("ipProtocol", gue.protocol(d.view, at), at + length, end);
}
