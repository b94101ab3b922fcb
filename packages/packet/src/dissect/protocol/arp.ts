import * as arp from "../../header/arp.ts";
import type { Dissection } from "../dissection.ts";
import { ARP_NAMES, ETHER_TYPE_NAMES } from "../names.ts";

/** ARP for IPv4 over Ethernet (RFC 826). Of other kinds only the fixed part is named. */
export function dissectArp(d: Dissection, at: number, end: number): void {
  const fault = arp.check(d.view, at, end);
  const length = fault === undefined ? arp.HEADER_LENGTH : end - at;
  d.packetEnd = at + length;
  d.group("Address Resolution Protocol", "arp", at, length, () => {
    if (end - at < 8) {
      d.malformed(at, "truncated");
      return;
    }
    d.uint("Hardware type", "arp.hw.type", at, 2, { names: { 1: "Ethernet" } });
    d.uint("Protocol type", "arp.proto.type", at + 2, 2, { hex: true, names: ETHER_TYPE_NAMES });
    d.uint("Hardware size", "arp.hw.size", at + 4, 1);
    d.uint("Protocol size", "arp.proto.size", at + 5, 1);
    d.uint("Opcode", "arp.opcode", at + 6, 2, { names: ARP_NAMES });
    if (fault !== undefined) {
      d.malformed(at + 8, fault);
      return;
    }
    d.mac("Sender MAC address", "arp.src.hw_mac", at + 8);
    d.ipv4("Sender IP address", "arp.src.proto_ipv4", at + 14);
    d.mac("Target MAC address", "arp.dst.hw_mac", at + 18);
    d.ipv4("Target IP address", "arp.dst.proto_ipv4", at + 24);
  });
}
