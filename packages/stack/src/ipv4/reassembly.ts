import { NS_PER_SEC, type DropReason } from "@seville/core";
import { CHECKSUM_NONE, icmp, ipv4, type Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { CB_DEFRAGMENTED } from "../packet-cb.ts";
import { combinedEcn, Reassembler, type Datagram } from "../reassembly/reassembler.ts";
import { sendIcmp4 } from "./icmp-send.ts";

interface Key {
  readonly source: number;
  readonly destination: number;
  readonly identification: number;
  readonly protocol: number;
  /** VRF, so that tenants with the same addresses do not mix. */
  readonly l3mdev: number;
}

/** Puts fragments together (RFC 791 §3.2, RFC 1122 §3.3.2; net/ipv4/ip_fragment.c). */
export class Reassembly4 {
  readonly #host: Host;
  readonly #reassembler: Reassembler<Key>;
  /** Fragments seen from each source: how far apart those of one datagram are (`ipfrag_max_dist`). */
  readonly #distance = new Map<number, number>();

  constructor(host: Host) {
    this.#host = host;
    this.#reassembler = new Reassembler<Key>({
      host,
      nameOf: (key) => `${key.source} ${key.destination} ${key.identification} ${key.protocol} ${key.l3mdev}`,
      timeout: () => host.ipv4.sysctl.ipfrag_time * NS_PER_SEC,
      highThreshold: () => host.ipv4.sysctl.ipfrag_high_thresh,
      expired: (datagram) => {
        this.#expired(datagram);
      },
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

  /** Takes a fragment, `data` at its IPv4 header. Answers the datagram if this completes it. */
  add(packet: Packet, dev: NetInterface): Packet | undefined {
    const { ip } = this.#host.mib;
    const { view } = this.#host.memory;
    ip.ReasmReqds++;
    const at = packet.data;
    const key: Key = {
      source: ipv4.source(view, at),
      destination: ipv4.destination(view, at),
      identification: ipv4.identification(view, at),
      protocol: ipv4.protocol(view, at),
      l3mdev: dev.l3mdevIndex,
    };
    let datagram = this.#reassembler.find(key, dev);
    if (datagram !== undefined && this.#isTooFar(datagram)) {
      ip.ReasmFails++;
      this.#reassembler.discard(datagram, "FRAG_TOO_FAR");
      datagram = this.#reassembler.find(key, dev);
    }
    if (datagram === undefined) {
      ip.ReasmFails++;
      this.#host.drop(packet, "FRAG_LIMIT", dev);
      return undefined;
    }
    this.#countDistance(datagram);
    return this.#queue(datagram, packet, dev);
  }

  /** `ip_frag_queue`: the rules for one fragment. */
  #queue(datagram: Datagram<Key>, packet: Packet, dev: NetInterface): Packet | undefined {
    const { view } = this.#host.memory;
    const at = packet.data;
    const headerBytes = ipv4.headerLength(view, at);
    const start = ipv4.fragmentOffset(view, at);
    let end = start + packet.length - headerBytes;
    if (ipv4.moreFragments(view, at)) {
      // Only the last may have an odd length; the surplus is cut off.
      end = start + ((end - start) & ~7);
      packet.trim(headerBytes + end - start);
      if (end > datagram.length) {
        if (datagram.lastSeen) {
          this.#spoil(datagram, packet, "NOT_SPECIFIED");
          return;
        }
        datagram.length = end;
      }
    } else {
      if (end < datagram.length || (datagram.lastSeen && end !== datagram.length)) {
        this.#spoil(datagram, packet, "NOT_SPECIFIED");
        return;
      }
      datagram.lastSeen = true;
      datagram.length = end;
    }
    if (end === start) {
      this.#spoil(datagram, packet, "NOT_SPECIFIED");
      return;
    }
    const result = datagram.queue.insert({ start, end, packet });
    if (result === "duplicate") {
      this.#host.drop(packet, "DUP_FRAG", dev);
      return undefined;
    }
    if (result === "overlap") {
      this.#host.mib.ipExt.ReasmOverlaps++;
      this.#spoil(datagram, packet, "FRAG_OVERLAP");
      return;
    }
    this.#reassembler.account(datagram, packet);
    datagram.dev = dev;
    datagram.ecnSeen |= 1 << ipv4.ecn(view, at);
    datagram.maxSize = Math.max(datagram.maxSize, packet.length);
    if (!datagram.lastSeen || datagram.queue.bytes !== datagram.length || datagram.queue.first === undefined)
      return undefined;
    return this.#assemble(datagram, dev);
  }

  #spoil(datagram: Datagram<Key>, packet: Packet, reason: DropReason): undefined {
    this.#host.mib.ip.ReasmFails++;
    this.#reassembler.discard(datagram, reason);
    this.#host.drop(packet, reason, datagram.dev);
    return undefined;
  }

  /** All is there: one packet with the first fragment's header (`ip_frag_reasm`). */
  #assemble(datagram: Datagram<Key>, dev: NetInterface): Packet | undefined {
    const { ip } = this.#host.mib;
    const { view, u8 } = this.#host.memory;
    const first = datagram.queue.first as Packet;
    const headerBytes = ipv4.headerLength(view, first.data);
    const total = headerBytes + datagram.length;
    const ecn = combinedEcn(datagram.ecnSeen);
    if (total > 0xffff || ecn < 0) {
      ip.ReasmFails++;
      this.#reassembler.discard(datagram, total > 0xffff ? "PKT_TOO_BIG" : "NOT_SPECIFIED");
      return undefined;
    }
    const whole = this.#host.pool.alloc(total);
    if (whole === undefined) {
      ip.ReasmFails++;
      this.#reassembler.discard(datagram, "NOMEM");
      return undefined;
    }
    const at = whole.put(total);
    u8.copyWithin(at, first.data, first.data + headerBytes);
    for (const { start, packet } of datagram.queue.fragments) {
      u8.copyWithin(at + headerBytes + start, packet.data + ipv4.headerLength(view, packet.data), packet.tail);
    }
    ipv4.setTotalLength(view, at, total);
    ipv4.setFragmentWord(view, at, 0);
    ipv4.setTos(view, at, ipv4.tos(view, at) | ecn);
    ipv4.updateChecksum(view, at);
    whole.networkHeader = at;
    whole.transportHeader = at + headerBytes;
    whole.protocol = first.protocol;
    whole.pktType = first.pktType;
    whole.ifindex = dev.ifindex;
    whole.tstamp = first.tstamp;
    whole.mark = first.mark;
    whole.priority = first.priority;
    whole.ipSummed = CHECKSUM_NONE;
    whole.cb = first.cb | CB_DEFRAGMENTED;
    this.#reassembler.remove(datagram);
    for (const { packet } of datagram.queue.fragments) packet.release();
    ip.ReasmOKs++;
    return whole;
  }

  /** `ip_expire`: the source hears of it if the first fragment came (RFC 792 page 6) and the datagram was for us. */
  #expired(datagram: Datagram<Key>): void {
    const { ip } = this.#host.mib;
    ip.ReasmFails++;
    ip.ReasmTimeout++;
    const { first } = datagram.queue;
    if (first === undefined) return;
    sendIcmp4(this.#host, first, icmp.TIME_EXCEEDED, icmp.REASSEMBLY_TIME_EXCEEDED, 0, datagram.dev);
  }

  /** So many fragments of other datagrams came in between that the identification may have wrapped (`ip_frag_too_far`). */
  #isTooFar(datagram: Datagram<Key>): boolean {
    const max = this.#host.ipv4.sysctl.ipfrag_max_dist;
    if (max === 0 || datagram.queue.bytes === 0) return false;
    return (this.#distance.get(datagram.key.source) ?? 0) + 1 - datagram.rid > max;
  }

  #countDistance(datagram: Datagram<Key>): void {
    const { source } = datagram.key;
    const count = (this.#distance.get(source) ?? 0) + 1;
    if (this.#distance.size >= MAX_SOURCES) this.#distance.clear();
    this.#distance.set(source, count);
    datagram.rid = count;
  }
}

const MAX_SOURCES = 65_664;
