import { ETH_P_IP, ETH_P_IPV6, ETH_P_TEB, type Dissection } from "@seville/packet";
import * as vxlan from "../header/vxlan.ts";

/** VXLAN with group policy (RFC 7348), for port 4789. */
export function dissectVxlan(d: Dissection, at: number, end: number): void {
  if (isTruncated(d, at, end)) return;
  d.group("Virtual eXtensible Local Area Network", "vxlan", at, vxlan.HEADER_LENGTH, () => {
    d.uint("Flags", "vxlan.flags", at, 2, { hex: true });
    d.flag("GBP Extension", "vxlan.flag_g", at, 2, 0x8000);
    d.flag("VXLAN Network ID (VNI)", "vxlan.flag_i", at, 2, 0x0800);
    d.flag("Don't Learn", "vxlan.flag_d", at, 2, 0x0040);
    d.flag("Policy Applied", "vxlan.flag_a", at, 2, 0x0008);
    // As Wireshark has it: the bits where they stand.
    const reserved = d.view.getUint16(at) & 0x77b7;
    d.value("Reserved(R)", "vxlan.flags_reserved", at, 2, reserved, `0x${reserved.toString(16).padStart(4, "0")}`);
    d.uint("Group Policy ID", "vxlan.gbp", at + 2, 2);
    d.uint("VXLAN Network Identifier (VNI)", "vxlan.vni", at + 4, 3);
    d.uint("Reserved", "vxlan.reserved8", at + 7, 1);
  });
  d.dispatch("etherType", ETH_P_TEB, at + vxlan.HEADER_LENGTH, end);
}

const NEXT_PROTOCOLS: Readonly<Record<number, number>> = {
  [vxlan.GPE_NP_IPV4]: ETH_P_IP,
  [vxlan.GPE_NP_IPV6]: ETH_P_IPV6,
  [vxlan.GPE_NP_ETHERNET]: ETH_P_TEB,
};
const NEXT_PROTOCOL_NAMES = { 1: "IPv4", 2: "IPv6", 3: "Ethernet", 4: "NSH", 5: "MPLS" };

/** VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), for port 4790. */
export function dissectVxlanGpe(d: Dissection, at: number, end: number): void {
  if (isTruncated(d, at, end)) return;
  d.group("Virtual eXtensible Local Area Network", "vxlan", at, vxlan.HEADER_LENGTH, () => {
    d.uint("Flags", "vxlan.flags", at, 1, { hex: true });
    d.bits("Version", "vxlan.ver", at, 1, 0x30);
    d.bits("Instance", "vxlan.i_bit", at, 1, 0x08);
    d.bits("Next Protocol Bit", "vxlan.p_bit", at, 1, 0x04);
    d.bits("OAM bit", "vxlan.o_bit", at, 1, 0x01);
    d.uint("Reserved", "vxlan.reserved_16", at + 1, 2);
    d.uint("Next Protocol", "vxlan.next_proto", at + 3, 1, { names: NEXT_PROTOCOL_NAMES });
    d.uint("VXLAN Network Identifier (VNI)", "vxlan.vni", at + 4, 3);
    d.uint("Reserved", "vxlan.reserved8", at + 7, 1);
  });
  const type = NEXT_PROTOCOLS[vxlan.nextProtocol(d.view, at)];
  if (type === undefined) d.data(at + vxlan.HEADER_LENGTH, end);
  else d.dispatch("etherType", type, at + vxlan.HEADER_LENGTH, end);
}

function isTruncated(d: Dissection, at: number, end: number): boolean {
  if (end - at >= vxlan.HEADER_LENGTH) return false;
  d.group("Virtual eXtensible Local Area Network", "vxlan", at, end - at, () => d.malformed(at, "truncated"));
  return true;
}
