import { finish, mangleZero, pseudoHeader4, pseudoHeader6Words, sum, type PartialSum } from "@seville/checksum";
import { invalidArgument } from "@seville/core";
import type { Ipv4Address } from "../address/ipv4.ts";
import type { Ipv6Address } from "../address/ipv6.ts";
import * as arp from "../header/arp.ts";
import * as ethernet from "../header/ethernet.ts";
import * as icmp from "../header/icmp.ts";
import * as icmpv6 from "../header/icmpv6.ts";
import * as igmp from "../header/igmp.ts";
import * as ipv4 from "../header/ipv4.ts";
import * as ipv6 from "../header/ipv6.ts";
import * as mld from "../header/mld.ts";
import * as nd from "../header/nd.ts";
import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_ARP,
  ETH_P_IP,
  ETH_P_IPV6,
  IPPROTO_AH,
  IPPROTO_DSTOPTS,
  IPPROTO_FRAGMENT,
  IPPROTO_HOPOPTS,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IGMP,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  IPPROTO_NONE,
  IPPROTO_ROUTING,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from "../header/numbers.ts";
import * as tcp from "../header/tcp.ts";
import * as udp from "../header/udp.ts";
import * as vlan from "../header/vlan.ts";
import type { LayerFields, LayerKind } from "./layers.ts";

/** What a header is told about its place. */
export interface Place {
  readonly view: DataView;
  readonly u8: Uint8Array;
  readonly at: number;
  /** Where all that follows ends. */
  readonly end: number;
  /** The header that follows, if it is one. */
  readonly next: LayerKind | undefined;
  /** The sum of the innermost pseudo-header around this header, for `length` bytes of `protocol`. */
  pseudoHeader(protocol: number, length: number): PartialSum;
}

export interface LayerWriter<Fields> {
  /** Bytes of the header. */
  size(fields: Fields): number;
  write(place: Place, fields: Fields): void;
  /** Stores the checksum, once all that follows is complete. */
  finish?(place: Place, fields: Fields): void;
}

const ETHER_TYPES: Partial<Record<LayerKind, number>> = {
  vlan: ETH_P_8021Q,
  arp: ETH_P_ARP,
  ipv4: ETH_P_IP,
  ipv6: ETH_P_IPV6,
};

const IP_PROTOCOLS: Partial<Record<LayerKind, number>> = {
  hopByHop: IPPROTO_HOPOPTS,
  icmp: IPPROTO_ICMP,
  igmp: IPPROTO_IGMP,
  ipv4: IPPROTO_IPIP,
  tcp: IPPROTO_TCP,
  udp: IPPROTO_UDP,
  ipv6: IPPROTO_IPV6,
  routing: IPPROTO_ROUTING,
  fragment: IPPROTO_FRAGMENT,
  authentication: IPPROTO_AH,
  icmpv6: IPPROTO_ICMPV6,
  nd: IPPROTO_ICMPV6,
  mld: IPPROTO_ICMPV6,
  destinationOptions: IPPROTO_DSTOPTS,
};

function etherTypeOf(place: Place, given: number | undefined): number {
  const found = given ?? (place.next === undefined ? undefined : ETHER_TYPES[place.next]);
  if (found === undefined) throw invalidArgument("etherType", "given before a payload", given);
  return found;
}

/** No-next-header, if nothing that has a number follows. */
function protocolOf(place: Place, given: number | undefined): number {
  return given ?? (place.next === undefined ? undefined : IP_PROTOCOLS[place.next]) ?? IPPROTO_NONE;
}

/** The checksum of all from this header on, `seed` included. */
function checksumOf(place: Place, seed: PartialSum = 0): number {
  return finish(sum(place.u8.subarray(place.at, place.end), seed));
}

function finishIcmpv6(place: Place): void {
  const seed = place.pseudoHeader(IPPROTO_ICMPV6, place.end - place.at);
  icmpv6.setChecksum(place.view, place.at, checksumOf(place, seed));
}

/** The pseudo-header sum of the packet whose IP header is this. */
export function pseudoHeaderOf(
  fields: LayerFields["ipv4"] | LayerFields["ipv6"],
  finalDestination: Ipv6Address | undefined,
): (protocol: number, length: number) => PartialSum {
  if (typeof fields.source === "number") {
    const { source, destination, options } = fields as LayerFields["ipv4"];
    const final = endOfRoute(options ?? []) ?? destination;
    return (protocol, length) => pseudoHeader4(source, final, protocol, length);
  }
  const { source, destination } = fields as LayerFields["ipv6"];
  const from = wordsOf(source);
  const to = wordsOf(finalDestination ?? destination);
  return (protocol, length) => pseudoHeader6Words(from, to, protocol, length);
}

/** Where a source route that is not yet used up ends: the destination of the pseudo-header (RFC 1122 §3.2.1.8 c). */
function endOfRoute(options: readonly ipv4.Ipv4Option[]): Ipv4Address | undefined {
  for (const option of options) {
    if (option.kind !== "lsrr" && option.kind !== "ssrr") continue;
    return option.pointer <= 3 + option.route.length * 4 ? option.route.at(-1) : undefined;
  }
  return undefined;
}

function wordsOf(address: Ipv6Address): readonly number[] {
  return [address.w0, address.w1, address.w2, address.w3];
}

export const WRITERS: { readonly [Kind in LayerKind]: LayerWriter<LayerFields[Kind]> } = {
  ethernet: {
    size: () => ethernet.HEADER_LENGTH,
    write({ view, at, ...place }, fields) {
      const etherType = etherTypeOf({ view, at, ...place }, fields.etherType);
      ethernet.write(view, at, { ...fields, etherType });
    },
  },
  vlan: {
    size: () => vlan.HEADER_LENGTH,
    write(place, fields) {
      const { view, at } = place;
      vlan.write(view, at, { ...fields, etherType: etherTypeOf(place, fields.etherType) });
      // A tag in front of another is a service tag (IEEE 802.1ad).
      if (place.next === "vlan" && at >= 2) view.setUint16(at - 2, ETH_P_8021AD);
    },
  },
  arp: {
    size: () => arp.HEADER_LENGTH,
    write: ({ view, at }, fields) => void arp.write(view, at, fields),
  },
  ipv4: {
    size: (fields) => ipv4.HEADER_LENGTH + ipv4.optionsLength(fields.options ?? []),
    write(place, fields) {
      const { view, at, end } = place;
      const totalLength = fields.totalLength ?? end - at;
      ipv4.write(view, at, { ...fields, totalLength, protocol: protocolOf(place, fields.protocol) });
    },
  },
  ipv6: {
    size: () => ipv6.HEADER_LENGTH,
    write(place, fields) {
      const { view, at, end } = place;
      const payloadLength = fields.payloadLength ?? end - at - ipv6.HEADER_LENGTH;
      ipv6.write(view, at, { ...fields, payloadLength, nextHeader: protocolOf(place, fields.nextHeader) });
    },
  },
  hopByHop: {
    size: (fields) => ipv6.extensionOptionsLength(fields.options),
    write(place, fields) {
      ipv6.writeExtensionOptions(place.view, place.at, protocolOf(place, fields.nextHeader), fields.options);
    },
  },
  destinationOptions: {
    size: (fields) => ipv6.extensionOptionsLength(fields.options),
    write(place, fields) {
      ipv6.writeExtensionOptions(place.view, place.at, protocolOf(place, fields.nextHeader), fields.options);
    },
  },
  routing: {
    size: (fields) => 4 + fields.data.length,
    write(place, fields) {
      const { view, at, u8 } = place;
      if (fields.data.length % 8 !== 4)
        throw invalidArgument("data", "4 bytes and a multiple of 8", fields.data.length);
      view.setUint8(at, protocolOf(place, fields.nextHeader));
      view.setUint8(at + 1, (fields.data.length - 4) / 8);
      view.setUint8(at + 2, fields.type);
      view.setUint8(at + 3, fields.segmentsLeft);
      u8.set(fields.data, at + 4);
    },
  },
  fragment: {
    size: () => ipv6.FRAGMENT_HEADER_LENGTH,
    write(place, fields) {
      ipv6.writeFragment(place.view, place.at, { ...fields, nextHeader: protocolOf(place, fields.nextHeader) });
    },
  },
  authentication: {
    size: (fields) => 12 + fields.icv.length,
    write(place, fields) {
      const { view, at, u8 } = place;
      if (fields.icv.length % 8 !== 4) throw invalidArgument("icv", "4 bytes and a multiple of 8", fields.icv.length);
      view.setUint8(at, protocolOf(place, fields.nextHeader));
      view.setUint8(at + 1, (12 + fields.icv.length) / 4 - 2);
      view.setUint16(at + 2, 0);
      view.setUint32(at + 4, fields.spi);
      view.setUint32(at + 8, fields.sequence);
      u8.set(fields.icv, at + 12);
    },
  },
  icmp: {
    size: (fields) =>
      fields.type === icmp.TIMESTAMP || fields.type === icmp.TIMESTAMP_REPLY
        ? icmp.TIMESTAMP_LENGTH
        : icmp.HEADER_LENGTH,
    write: ({ view, at }, fields) => void icmp.write(view, at, fields),
    finish(place, fields) {
      if (fields.checksum === undefined) icmp.setChecksum(place.view, place.at, checksumOf(place));
    },
  },
  icmpv6: {
    size: () => icmpv6.HEADER_LENGTH,
    write: ({ view, at }, fields) => void icmpv6.write(view, at, fields),
    finish(place, fields) {
      if (fields.checksum === undefined) finishIcmpv6(place);
    },
  },
  nd: {
    size: (fields) => nd.lengthOf(fields),
    write: ({ view, at }, fields) => void nd.write(view, at, fields),
    finish: finishIcmpv6,
  },
  mld: {
    size(fields) {
      if ("query" in fields) return mld.V2_QUERY_LENGTH + fields.query.sources.length * 16;
      if ("report" in fields) {
        return fields.report.reduce((bytes, r) => bytes + 20 + r.sources.length * 16, mld.V2_REPORT_LENGTH);
      }
      return mld.HEADER_LENGTH;
    },
    write({ view, at }, fields) {
      if ("query" in fields) mld.writeQuery(view, at, fields.query);
      else if ("report" in fields) mld.writeReport(view, at, fields.report);
      else mld.write(view, at, fields);
    },
    finish: finishIcmpv6,
  },
  igmp: {
    size(fields) {
      if ("query" in fields) return igmp.V3_QUERY_LENGTH + fields.query.sources.length * 4;
      if ("report" in fields) {
        return fields.report.reduce((bytes, r) => bytes + 8 + r.sources.length * 4, igmp.HEADER_LENGTH);
      }
      return igmp.HEADER_LENGTH;
    },
    write({ view, at }, fields) {
      if ("query" in fields) igmp.writeQuery(view, at, fields.query);
      else if ("report" in fields) igmp.writeReport(view, at, fields.report);
      else igmp.write(view, at, fields);
    },
    finish(place) {
      igmp.setChecksum(place.view, place.at, checksumOf(place));
    },
  },
  udp: {
    size: () => udp.HEADER_LENGTH,
    write({ view, at, end }, fields) {
      udp.write(view, at, { ...fields, length: fields.length ?? end - at });
    },
    finish(place, fields) {
      if (fields.checksum !== undefined) return;
      const seed = place.pseudoHeader(IPPROTO_UDP, place.end - place.at);
      udp.setChecksum(place.view, place.at, mangleZero(checksumOf(place, seed)));
    },
  },
  tcp: {
    size: (fields) => tcp.HEADER_LENGTH + tcp.optionsLength(fields.options ?? []),
    write: ({ view, at }, fields) => void tcp.write(view, at, fields),
    finish(place, fields) {
      if (fields.checksum !== undefined) return;
      const seed = place.pseudoHeader(IPPROTO_TCP, place.end - place.at);
      tcp.setChecksum(place.view, place.at, checksumOf(place, seed));
    },
  },
};
