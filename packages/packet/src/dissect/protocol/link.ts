import * as ethernet from "../../header/ethernet.ts";
import { ETH_P_802_3_MIN, ETH_P_IP, ETH_P_IPV6 } from "../../header/numbers.ts";
import * as vlan from "../../header/vlan.ts";
import type { Dissection } from "../dissection.ts";
import { ETHER_TYPE_NAMES } from "../names.ts";

/** Ethernet II, or IEEE 802.3 with a length, whose LLC payload is left as data. */
export function dissectEthernet(d: Dissection, at: number, end: number): void {
  let type = 0;
  const node = d.group("Ethernet II", "eth", at, ethernet.HEADER_LENGTH, () => {
    const fault = ethernet.check(d.view, at, end);
    if (fault !== undefined) {
      d.malformed(at, fault);
      return;
    }
    dissectMac(d, "Destination", "eth.dst", at);
    dissectMac(d, "Source", "eth.src", at + 6);
    type = ethernet.etherType(d.view, at);
    if (type < ETH_P_802_3_MIN) d.uint("Length", "eth.len", at + 12, 2);
    else d.uint("Type", "eth.type", at + 12, 2, { hex: true, names: ETHER_TYPE_NAMES });
  });
  const payload = at + ethernet.HEADER_LENGTH;
  if (payload > end) return;
  d.packetEnd = undefined;
  if (type >= ETH_P_802_3_MIN) d.dispatch("etherType", type, payload, end);
  else {
    d.packetEnd = Math.min(payload + type, end);
    d.data(payload, d.packetEnd);
  }
  const trailer = d.packetEnd ?? end;
  if (trailer >= end) return;
  d.within(node, () => {
    const padded = end - at <= ethernet.MIN_FRAME_LENGTH;
    d.raw(padded ? "Padding" : "Trailer", padded ? "eth.padding" : "eth.trailer", trailer, end - trailer);
  });
}

function dissectMac(d: Dissection, name: string, abbreviation: string, at: number): void {
  d.mac(name, abbreviation, at);
  d.below(() => {
    d.flag("LG bit", `${abbreviation}.lg`, at, 3, 0x02_0000);
    d.flag("IG bit", `${abbreviation}.ig`, at, 3, 0x01_0000);
  });
}

/** The tag of a customer (IEEE 802.1Q). */
export function dissectVlan(d: Dissection, at: number, end: number): void {
  d.group("802.1Q Virtual LAN", "vlan", at, vlan.HEADER_LENGTH, () => {
    d.bits("Priority", "vlan.priority", at, 2, 0xe000);
    d.flag("DEI", "vlan.dei", at, 2, 0x1000);
    d.bits("ID", "vlan.id", at, 2, 0x0fff);
    d.uint("Type", "vlan.etype", at + 2, 2, { hex: true, names: ETHER_TYPE_NAMES });
  });
  dispatchTagged(d, at, end);
}

/** The tag of a service provider (IEEE 802.1ad), for which Wireshark has names of its own. */
export function dissectServiceTag(d: Dissection, at: number, end: number): void {
  d.group("IEEE 802.1ad", "ieee8021ad", at, vlan.HEADER_LENGTH, () => {
    d.bits("Priority", "ieee8021ad.priority", at, 1, 0xe0);
    d.flag("DEI", "ieee8021ad.dei", at, 1, 0x10);
    d.bits("ID", "ieee8021ad.id", at, 2, 0x0fff);
    // So named since a service tag was taken for the outer part of an 802.1ah header.
    d.uint("Type", "ieee8021ah.etype", at + 2, 2, { hex: true, names: ETHER_TYPE_NAMES });
  });
  dispatchTagged(d, at, end);
}

function dispatchTagged(d: Dissection, at: number, end: number): void {
  if (vlan.check(d.view, at, end) !== undefined) return;
  d.dispatch("etherType", vlan.etherType(d.view, at), at + vlan.HEADER_LENGTH, end);
}

/** A bare IP packet, known by its version. */
export function dissectRaw(d: Dissection, at: number, end: number): void {
  if (at >= end) {
    d.malformed(at, "truncated");
    return;
  }
  const version = d.view.getUint8(at) >>> 4;
  if (version === 4) d.dispatch("etherType", ETH_P_IP, at, end);
  else if (version === 6) d.dispatch("etherType", ETH_P_IPV6, at, end);
  else {
    d.malformed(at, "bad-version");
    d.data(at, end);
  }
}
