import * as icmp from "../../header/icmp.ts";
import { ETH_P_IP } from "../../header/numbers.ts";
import type { Dissection } from "../dissection.ts";
import { ICMP_CODE_NAMES, ICMP_NAMES } from "../names.ts";

/** ICMP (RFC 792). The packet at fault that an error carries is dissected below it. */
export function dissectIcmp(d: Dissection, at: number, end: number): void {
  const isWhole = d.pseudoHeader !== undefined;
  d.group("Internet Control Message Protocol", "icmp", at, end - at, () => {
    const fault = icmp.check(d.view, at, end);
    if (end - at < icmp.HEADER_LENGTH) {
      d.malformed(at, "truncated");
      return;
    }
    const type = d.uint("Type", "icmp.type", at, 1, { names: ICMP_NAMES });
    d.uint("Code", "icmp.code", at + 1, 1, { names: ICMP_CODE_NAMES[type] });
    d.checksum("icmp", "Checksum", at + 2, at, end, isWhole ? 0 : undefined);
    if (fault !== undefined) d.malformed(at, fault);
    dissectRest(d, type, at, end);
  });
}

function dissectRest(d: Dissection, type: number, at: number, end: number): void {
  switch (type) {
    case icmp.ECHO_REQUEST:
    case icmp.ECHO_REPLY:
      dissectIdentifier(d, at);
      d.data(at + 8, end);
      return;
    case icmp.TIMESTAMP:
    case icmp.TIMESTAMP_REPLY:
      dissectIdentifier(d, at);
      if (end - at < icmp.TIMESTAMP_LENGTH) return;
      d.uint("Originate Timestamp", "icmp.originate_timestamp", at + 8, 4);
      d.uint("Receive Timestamp", "icmp.receive_timestamp", at + 12, 4);
      d.uint("Transmit Timestamp", "icmp.transmit_timestamp", at + 16, 4);
      d.data(at + icmp.TIMESTAMP_LENGTH, end);
      return;
    case icmp.ADDRESS_MASK_REQUEST:
    case icmp.ADDRESS_MASK_REPLY:
      dissectIdentifier(d, at);
      if (end - at >= 12) d.ipv4("Address Mask", "icmp.address_mask", at + 8);
      return;
    case icmp.DESTINATION_UNREACHABLE:
      if (icmp.code(d.view, at) === icmp.FRAGMENTATION_NEEDED) {
        d.uint("MTU of next hop", "icmp.mtu", at + 6, 2);
      }
      break;
    case icmp.REDIRECT:
      d.ipv4("Gateway Address", "icmp.redir_gw", at + 4);
      break;
    case icmp.PARAMETER_PROBLEM:
      d.uint("Pointer", "icmp.pointer", at + 4, 1);
      break;
    case icmp.TIME_EXCEEDED:
    case icmp.SOURCE_QUENCH:
      break;
    default:
      d.data(at + 4, end);
      return;
  }
  dissectPacketAtFault(d, "etherType", ETH_P_IP, at + 8, end);
}

function dissectIdentifier(d: Dissection, at: number): void {
  d.uint("Identifier (BE)", "icmp.ident", at + 4, 2);
  d.uint("Sequence Number (BE)", "icmp.seq", at + 6, 2);
}

/** What follows an error: a packet, mostly cut short, which says nothing of where the outer packet ends. */
export function dissectPacketAtFault(d: Dissection, table: "etherType", key: number, at: number, end: number): void {
  if (at >= end) return;
  const { isPartial, pseudoHeader, packetEnd } = d;
  d.isPartial = true;
  d.dispatch(table, key, at, end);
  d.isPartial = isPartial;
  d.pseudoHeader = pseudoHeader;
  d.packetEnd = packetEnd;
}
