import { NS_PER_SEC, type DropReason } from "@seville/core";
import { CHECKSUM_NONE, icmpv6, ipv6, isLinkLocal, isMulticast, type Ipv6Address, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { CB_DEFRAGMENTED } from "../packet-cb.ts";
import { combinedEcn, Reassembler, type Datagram } from "../reassembly/reassembler.ts";
import { sendIcmp6 } from "./icmpv6-send.ts";

interface Key {
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly identification: number;
  /** The interface, for addresses that mean something only there. */
  readonly zone: number;
}

/** A packet that needs no more fragments: where its next header begins, and where the byte is that names it. */
export interface Reassembled {
  readonly packet: Packet;
  readonly at: number;
  readonly nextAt: number;
}

/** Puts fragments together (RFC 8200 §4.5, RFC 5722, RFC 6946; net/ipv6/reassembly.c). */
export class Reassembly6 {
  readonly #host: Host;
  readonly #reassembler: Reassembler<Key>;

  constructor(host: Host) {
    this.#host = host;
    this.#reassembler = new Reassembler<Key>({
      host,
      nameOf: (key) => `${key.source.toString()} ${key.destination.toString()} ${key.identification} ${key.zone}`,
      timeout: () => host.ipv6.sysctl.ip6frag_time * NS_PER_SEC,
      highThreshold: () => host.ipv6.sysctl.ip6frag_high_thresh,
      expired: (datagram) => this.#expired(datagram),
    });
  }

  get memory(): number {
    return this.#reassembler.memory;
  }

  get size(): number {
    return this.#reassembler.size;
  }

  /** Loses what is under way, of one interface or all. */
  flush(dev?: NetInterface): void {
    this.#reassembler.flush("FRAG_REASM_TIMEOUT", dev);
  }

  /**
   * Takes a packet whose fragment header is at `at`. Answers what to go on with:
   * the whole packet, if this completes it or if it is whole by itself (RFC 6946).
   */
  add(packet: Packet, dev: NetInterface, at: number): Reassembled | undefined {
    const { ip6 } = this.#host.mib;
    const { view } = this.#host.memory;
    ip6.ReasmReqds++;
    if (at + ipv6.FRAGMENT_HEADER_LENGTH > packet.tail) {
      this.#refuse(packet, dev, 4);
      return;
    }
    const offset = ipv6.fragmentOffset(view, at);
    const more = ipv6.moreFragments(view, at);
    if (offset === 0 && !more) {
      ip6.ReasmOKs++;
      packet.cb |= CB_DEFRAGMENTED;
      return { packet, at: at + ipv6.FRAGMENT_HEADER_LENGTH, nextAt: at };
    }
    if (offset === 0 && !this.#hasAllHeaders(packet, view, at)) {
      // RFC 8200 §4.5: the first fragment must hold every header up to the upper layer's.
      ip6.InHdrErrors++;
      sendIcmp6(this.#host, packet, icmpv6.PARAMETER_PROBLEM, icmpv6.INCOMPLETE_HEADER_CHAIN, 0, dev);
      this.#host.drop(packet, "IPV6_BAD_EXTHDR", dev);
      return undefined;
    }
    const start = offset;
    const end = start + packet.tail - (at + ipv6.FRAGMENT_HEADER_LENGTH);
    if (end > 0xffff) {
      this.#refuse(packet, dev, at + 2 - packet.networkHeader);
      return;
    }
    if (more && ((end - start) & 7) !== 0) {
      this.#refuse(packet, dev, 4);
      return;
    }
    const datagram = this.#find(packet, dev, view, at);
    if (datagram === undefined) {
      ip6.ReasmFails++;
      this.#host.drop(packet, "FRAG_LIMIT", dev);
      return undefined;
    }
    // The length so far and the end must agree with what came before.
    if (
      more
        ? end > datagram.length && datagram.lastSeen
        : end < datagram.length || (datagram.lastSeen && end !== datagram.length)
    ) {
      this.#spoil(datagram, packet, "NOT_SPECIFIED");
      return;
    }
    if (end === start) {
      this.#spoil(datagram, packet, "NOT_SPECIFIED");
      return;
    }
    return this.#queue(datagram, packet, dev, start, end, more, at);
  }

  #queue(
    datagram: Datagram<Key>,
    packet: Packet,
    dev: NetInterface,
    start: number,
    end: number,
    more: boolean,
    at: number,
  ): Reassembled | undefined {
    datagram.length = Math.max(datagram.length, end);
    if (!more) datagram.lastSeen = true;
    // While it waits, `transportHeader` marks its fragment header, and `cb` is not needed.
    packet.transportHeader = at;
    const result = datagram.queue.insert({ start, end, packet });
    if (result === "duplicate") {
      this.#host.drop(packet, "DUP_FRAG", dev);
      return undefined;
    }
    if (result === "overlap") {
      this.#spoil(datagram, packet, "FRAG_OVERLAP");
      return;
    }
    this.#reassembler.account(datagram, packet);
    datagram.dev = dev;
    datagram.ecnSeen |= 1 << ipv6.ecn(this.#host.memory.view, packet.networkHeader);
    if (!datagram.lastSeen || datagram.queue.bytes !== datagram.length || datagram.queue.first === undefined)
      return undefined;
    return this.#assemble(datagram, dev);
  }

  /** One packet: the headers before the first fragment's fragment header, then all the data (`ip6_frag_reasm`). */
  #assemble(datagram: Datagram<Key>, dev: NetInterface): Reassembled | undefined {
    const { ip6 } = this.#host.mib;
    const { view, u8 } = this.#host.memory;
    const first = datagram.queue.first as Packet;
    const fragmentAt = first.transportHeader;
    const front = fragmentAt - first.networkHeader;
    const payload = front - ipv6.HEADER_LENGTH + datagram.length;
    const ecn = combinedEcn(datagram.ecnSeen);
    const whole = payload > 0xffff || ecn < 0 ? undefined : this.#host.pool.alloc(front + datagram.length);
    if (whole === undefined) {
      ip6.ReasmFails++;
      this.#reassembler.discard(datagram, ecn < 0 ? "NOT_SPECIFIED" : payload > 0xffff ? "PKT_TOO_BIG" : "NOMEM");
      return undefined;
    }
    const at = whole.put(front + datagram.length);
    u8.copyWithin(at, first.networkHeader, fragmentAt);
    for (const { start, packet } of datagram.queue.fragments) {
      u8.copyWithin(at + front + start, packet.transportHeader + ipv6.FRAGMENT_HEADER_LENGTH, packet.tail);
    }
    const nextAt = at + lastNextHeader(view, first.networkHeader, fragmentAt);
    view.setUint8(nextAt, view.getUint8(fragmentAt));
    ipv6.setPayloadLength(view, at, payload);
    ipv6.setTrafficClass(view, at, ipv6.trafficClass(view, at) | ecn);
    whole.networkHeader = at;
    whole.protocol = first.protocol;
    whole.pktType = first.pktType;
    whole.ifindex = dev.ifindex;
    whole.tstamp = first.tstamp;
    whole.mark = first.mark;
    whole.ipSummed = CHECKSUM_NONE;
    whole.cb = first.cb | CB_DEFRAGMENTED;
    this.#reassembler.remove(datagram);
    for (const { packet } of datagram.queue.fragments) packet.release();
    ip6.ReasmOKs++;
    return { packet: whole, at: at + front, nextAt };
  }

  #find(packet: Packet, dev: NetInterface, view: DataView, at: number): Datagram<Key> | undefined {
    const destination = ipv6.destination(view, packet.networkHeader);
    const scoped = isLinkLocal(destination) || isMulticast(destination);
    const key: Key = {
      source: ipv6.source(view, packet.networkHeader),
      destination,
      identification: ipv6.fragmentIdentification(view, at),
      zone: scoped ? dev.ifindex : dev.l3mdevIndex,
    };
    return this.#reassembler.find(key, dev);
  }

  #hasAllHeaders(packet: Packet, view: DataView, at: number): boolean {
    let next = view.getUint8(at);
    let header = at + ipv6.FRAGMENT_HEADER_LENGTH;
    while (ipv6.isExtension(next)) {
      if (header + 8 > packet.tail) return false;
      const length = ipv6.extensionLength(view, header, next);
      next = view.getUint8(header);
      header += length;
    }
    return header + (MIN_UPPER_LAYER[next] ?? 1) <= packet.tail || next === 59;
  }

  /** The fragment is malformed at `pointer`: tell its source. */
  #refuse(packet: Packet, dev: NetInterface, pointer: number): undefined {
    this.#host.mib.ip6.InHdrErrors++;
    sendIcmp6(this.#host, packet, icmpv6.PARAMETER_PROBLEM, icmpv6.ERRONEOUS_HEADER, pointer, dev);
    this.#host.drop(packet, "IPV6_BAD_EXTHDR", dev);
    return undefined;
  }

  #spoil(datagram: Datagram<Key>, packet: Packet, reason: DropReason): undefined {
    this.#host.mib.ip6.ReasmFails++;
    this.#reassembler.discard(datagram, reason);
    this.#host.drop(packet, reason, datagram.dev);
    return undefined;
  }

  /** RFC 8200 §4.5: after 60 seconds; the source is told if the first fragment came. */
  #expired(datagram: Datagram<Key>): void {
    const { ip6 } = this.#host.mib;
    ip6.ReasmFails++;
    ip6.ReasmTimeout++;
    const { first } = datagram.queue;
    if (first === undefined) return;
    sendIcmp6(this.#host, first, icmpv6.TIME_EXCEEDED, icmpv6.REASSEMBLY_TIME_EXCEEDED, 0, datagram.dev);
  }
}

/** Bytes of upper-layer header that a first fragment must hold (`ipv6frag_thdr_truncated`); of others 1. */
const MIN_UPPER_LAYER: Readonly<Record<number, number>> = { 6: 20, 17: 8, 58: 8 };

/** Offset, from the IPv6 header at `at`, of the byte that names the header at `until`. */
function lastNextHeader(view: DataView, at: number, until: number): number {
  let nextAt = at + 6;
  let header = at + ipv6.HEADER_LENGTH;
  while (header < until) {
    const length = ipv6.extensionLength(view, header, view.getUint8(nextAt));
    nextAt = header;
    header += length;
  }
  return nextAt - at;
}
