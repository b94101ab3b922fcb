import { invalidArgument, SevilleError, type Nanos } from "@seville/core";
import type { PacketPool } from "./pool.ts";

/** `ip_summed`: what is known of a packet's checksum (include/linux/skbuff.h, "skb checksums"). */
export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;
export const CHECKSUM_COMPLETE = 2;
export const CHECKSUM_PARTIAL = 3;
export type IpSummed = 0 | 1 | 2 | 3;

/** `pkt_type`: to whom a received frame was addressed (include/uapi/linux/if_packet.h). */
export const PACKET_HOST = 0;
export const PACKET_BROADCAST = 1;
export const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;
export const PACKET_OUTGOING = 4;
export type PacketType = 0 | 1 | 2 | 3 | 4;

/** `inner_protocol_type`: what `innerProtocol` holds (include/linux/skbuff.h): an EtherType or an IP protocol. */
export const ENCAP_TYPE_ETHER = 0;
export const ENCAP_TYPE_IPPROTO = 1;
export type EncapType = 0 | 1;

/** Who counts its packets until they have left (`sk_wmem_alloc`). It must not send from within the call. */
export interface PacketOwner {
  packetLeft(charge: number): void;
}

/** A header offset that has not been set. */
export const NO_HEADER = -1;

/**
 * Our `sk_buff`: describes bytes that live in a slot of a {@link PacketPool}.
 *
 * All offsets are absolute offsets into `pool.memory`, in the order `head ≤ data ≤ tail ≤ end`. Fields bear their Linux
 * names in camelCase. Whoever holds a packet owns it: hand it over or {@link Packet.release} it, once.
 */
export class Packet {
  readonly pool: PacketPool;
  head = 0;
  data = 0;
  tail = 0;
  end = 0;

  macHeader: number = NO_HEADER;
  networkHeader: number = NO_HEADER;
  transportHeader: number = NO_HEADER;
  innerMacHeader: number = NO_HEADER;
  innerNetworkHeader: number = NO_HEADER;
  innerTransportHeader: number = NO_HEADER;
  /** The inner headers are set and a device may offload for them. */
  encapsulation = false;
  /** What the inner headers begin with, for whoever segments: see {@link ENCAP_TYPE_ETHER}. */
  innerProtocolType: EncapType = ENCAP_TYPE_ETHER;
  /** EtherType ({@link ENCAP_TYPE_ETHER}: 0x6558 for a frame) or IP protocol of what was wrapped, host order. */
  innerProtocol = 0;

  /** EtherType of what `networkHeader` points to, host order. */
  protocol = 0;
  pktType: PacketType = PACKET_HOST;
  /** Index of the interface on which it came in, or through which it goes out. */
  ifindex = 0;
  /** When it was received or is to depart. */
  tstamp: Nanos = 0;
  /** Flow hash, 0: not computed. */
  hash = 0;
  mark = 0;
  priority = 0;
  queueMapping = 0;
  /** VLAN tag control information, or -1: none. */
  vlanTci = -1;

  ipSummed: IpSummed = CHECKSUM_NONE;
  /** COMPLETE: the unfolded sum over all data. */
  csum = 0;
  /** PARTIAL: absolute offset of the first byte to sum. */
  csumStart = 0;
  /** PARTIAL: where the checksum is stored, relative to `csumStart`. */
  csumOffset = 0;
  /** UNNECESSARY: how many more consecutive checksums were verified, 0 to 3. */
  csumLevel = 0;
  /** PARTIAL: it is a CRC32c, not an Internet checksum. */
  csumNotInet = false;

  gsoSize = 0;
  gsoSegs = 0;
  gsoType = 0;
  /** More data, each with a slot of its own (`frag_list`). Released with the packet. */
  fragList: Packet[] | undefined = undefined;
  /** A word for whoever holds the packet at the moment (`cb`). */
  cb = 0;
  /** Is told when it has left the host, or is no more (`sk` and `destructor`). Clones and copies have none. */
  owner: PacketOwner | undefined = undefined;
  /** What it counts with its owner, bytes (`truesize`). */
  charge = 0;
  #headerReleased = false;

  /** @internal Packets come from {@link PacketPool.alloc}. */
  constructor(pool: PacketPool) {
    this.pool = pool;
  }

  /** Bytes of data, without those of `fragList`. */
  get length(): number {
    return this.tail - this.data;
  }

  /** Bytes of data with those of `fragList`: Linux `skb->len`. */
  get totalLength(): number {
    let length = this.tail - this.data;
    if (this.fragList !== undefined) for (const fragment of this.fragList) length += fragment.totalLength;
    return length;
  }

  get headroom(): number {
    return this.data - this.head;
  }

  get tailroom(): number {
    return this.end - this.tail;
  }

  /** The data, as a view. Costs an allocation: for tests, captures and people. */
  bytes(): Uint8Array {
    return this.pool.memory.u8.subarray(this.data, this.tail);
  }

  /** Makes room for `count` bytes in front and returns where they begin. */
  push(count: number): number {
    if (count > this.data - this.head) throw noRoom("headroom", count, this.headroom);
    this.data -= count;
    return this.data;
  }

  /** Takes `count` bytes off the front and returns where the rest begins. The caller has checked the length. */
  pull(count: number): number {
    if (count > this.tail - this.data) throw invalidArgument("count", `at most ${this.length}`, count);
    this.data += count;
    return this.data;
  }

  /** Makes room for `count` bytes at the end and returns where they begin. */
  put(count: number): number {
    if (count > this.end - this.tail) throw noRoom("tailroom", count, this.tailroom);
    const at = this.tail;
    this.tail += count;
    return at;
  }

  /** Cuts the data, with that of `fragList`, to `length` bytes. Does nothing if it is no longer than that. */
  trim(length: number): void {
    const linear = this.tail - this.data;
    if (length < linear) this.tail = this.data + length;
    if (this.fragList !== undefined) this.fragList = trimFragments(this.fragList, Math.max(length - linear, 0));
  }

  /** Moves the still empty data `count` bytes on, to leave more headroom. */
  reserve(count: number): void {
    if (this.tail !== this.data) throw invalidArgument("packet", "empty when room is reserved", this.length);
    if (count > this.end - this.tail) throw noRoom("tailroom", count, this.tailroom);
    this.data += count;
    this.tail += count;
  }

  /** Another packet on the same bytes. Who wants to write calls {@link Packet.cow} first. */
  clone(): Packet {
    const copy = this.pool.share(this);
    copy.#copyFields(this, 0);
    copy.fragList = this.fragList?.map((fragment) => fragment.clone());
    return copy;
  }

  /**
   * Another packet with a copy of the bytes, those of headers that were pulled included, behind at least `headroom`
   * bytes; or `undefined` if the pool is empty.
   */
  copy(headroom: number = this.headroom): Packet | undefined {
    const copy = this.#copyLinear(headroom, 0);
    if (copy === undefined || this.fragList === undefined) return copy;
    const fragments: Packet[] = [];
    for (const fragment of this.fragList) {
      const twin = fragment.copy();
      if (twin === undefined) {
        for (const made of fragments) made.release();
        copy.release();
        return undefined;
      }
      fragments.push(twin);
    }
    copy.fragList = fragments;
    return copy;
  }

  /** Other packets have the same bytes. */
  get isShared(): boolean {
    return this.pool.refCount(this.head) > 1;
  }

  /** Other packets look at the same headers: Linux `skb_header_cloned`. */
  get isHeaderShared(): boolean {
    return this.pool.headerRefCount(this.head) > (this.#headerReleased ? 0 : 1);
  }

  /** This packet looks at its payload only: see {@link Packet.releaseHeader}. */
  get headerReleased(): boolean {
    return this.#headerReleased;
  }

  /**
   * Promises that this packet looks only at its data as it is now, and never at what is before it: Linux
   * `skb_header_release`. A retransmission queue keeps such a packet and sends clones, of which each may push its
   * headers while no other clone is on its way ({@link Packet.cowHead} finds out).
   */
  releaseHeader(): void {
    if (this.#headerReleased) return;
    this.#headerReleased = true;
    this.pool.addHeaderless(this);
  }

  /**
   * Makes sure that all linear data may be written and that there are `headroom` bytes in front: moves to a slot of
   * its own if need be (Linux `skb_cow`). Offsets change. `false`: the pool is empty, and nothing has changed.
   */
  cow(headroom = 0): boolean {
    if (!this.isShared && this.headroom >= headroom) return true;
    return this.#move(Math.max(headroom, this.headroom), 0);
  }

  /** As {@link Packet.cow}, but only what is no other packet's payload: enough to write headers (Linux `skb_cow_head`). */
  cowHead(headroom = 0): boolean {
    if (!this.isHeaderShared && this.headroom >= headroom) return true;
    return this.#move(Math.max(headroom, this.headroom), 0);
  }

  /** As {@link Packet.cow} with `count` bytes more headroom than now and `tailroom` bytes behind (`pskb_expand_head`). */
  expandHead(count: number, tailroom = 0): boolean {
    return this.#move(this.headroom + count, tailroom);
  }

  /**
   * Brings the data of `fragList` behind the linear data, in one slot (Linux `skb_linearize`). `false`: the pool has no
   * slot for it, and nothing has changed.
   */
  linearize(): boolean {
    if (this.fragList === undefined) return true;
    const fragments = this.fragList;
    const more = this.totalLength - this.length;
    if ((this.isShared || this.tailroom < more) && !this.#move(this.headroom, more)) return false;
    this.fragList = undefined;
    for (const fragment of fragments) this.#append(fragment);
    for (const fragment of fragments) fragment.release();
    return true;
  }

  /**
   * Whether the first `count` bytes are there, in the linear data: brings them there from `fragList` if they are not
   * (Linux `pskb_may_pull`). Ask before headers are read.
   */
  mayPull(count: number): boolean {
    if (this.tail - this.data >= count) return true;
    return this.fragList !== undefined && this.totalLength >= count && this.linearize();
  }

  /**
   * A packet with these contents that nobody else reads: itself if it is alone, else a copy (and itself is released).
   * `undefined` if the pool is empty; then itself is released too.
   */
  unshare(): Packet | undefined {
    if (!this.isShared) return this;
    const copy = this.copy();
    this.release();
    return copy;
  }

  /** It has left its sender, whom this tells (`skb_orphan`). Does nothing without an owner. */
  orphan(): void {
    const { owner } = this;
    if (owner === undefined) return;
    this.owner = undefined;
    owner.packetLeft(this.charge);
  }

  /** Hands the owner over to a packet that goes in place of this one. */
  passOwner(to: Packet): void {
    to.owner = this.owner;
    to.charge = this.charge;
    this.owner = undefined;
  }

  /** Gives it back. It must not be touched afterwards. */
  release(): void {
    if (this.head === 0) throw new SevilleError("ERR_PACKET_RELEASED", "the packet was released before", "packet");
    if (this.fragList !== undefined) for (const fragment of this.fragList) fragment.release();
    const { owner } = this;
    this.owner = undefined;
    this.pool.reclaim(this);
    this.head = 0;
    owner?.packetLeft(this.charge);
  }

  /** @internal */
  reset(head: number, end: number, data: number): void {
    this.head = head;
    this.end = end;
    this.data = data;
    this.tail = data;
    this.macHeader = NO_HEADER;
    this.networkHeader = NO_HEADER;
    this.transportHeader = NO_HEADER;
    this.innerMacHeader = NO_HEADER;
    this.innerNetworkHeader = NO_HEADER;
    this.innerTransportHeader = NO_HEADER;
    this.encapsulation = false;
    this.innerProtocolType = ENCAP_TYPE_ETHER;
    this.innerProtocol = 0;
    this.protocol = 0;
    this.pktType = PACKET_HOST;
    this.ifindex = 0;
    this.tstamp = 0;
    this.hash = 0;
    this.mark = 0;
    this.priority = 0;
    this.queueMapping = 0;
    this.vlanTci = -1;
    this.ipSummed = CHECKSUM_NONE;
    this.csum = 0;
    this.csumStart = 0;
    this.csumOffset = 0;
    this.csumLevel = 0;
    this.csumNotInet = false;
    this.gsoSize = 0;
    this.gsoSegs = 0;
    this.gsoType = 0;
    this.fragList = undefined;
    this.cb = 0;
    this.#headerReleased = false;
  }

  /** A copy without `fragList`: the data and, before it, what the header offsets point to. */
  #copyLinear(headroom: number, tailroom: number): Packet | undefined {
    const before = this.data - this.#firstByte();
    const copy = this.pool.alloc(this.length + tailroom, Math.max(headroom, before));
    if (copy === undefined) return undefined;
    const { head, end, data } = copy;
    this.pool.memory.u8.copyWithin(data - before, this.data - before, this.tail);
    copy.#copyFields(this, data - this.data);
    copy.head = head;
    copy.end = end;
    return copy;
  }

  /** The first byte that some header offset or the data points to. */
  #firstByte(): number {
    let first = this.data;
    for (const header of [this.macHeader, this.networkHeader, this.transportHeader]) {
      if (header !== NO_HEADER && header < first) first = header;
    }
    return Math.max(first, this.head);
  }

  /** Moves to a slot of its own with that much room. */
  #move(headroom: number, tailroom: number): boolean {
    const copy = this.#copyLinear(headroom, tailroom);
    if (copy === undefined) return false;
    const { head, end } = this;
    const headerReleased = this.#headerReleased;
    this.#copyFields(copy, 0);
    this.head = copy.head;
    this.end = copy.end;
    this.#headerReleased = false;
    // The copy goes away with the old slot.
    copy.head = head;
    copy.end = end;
    copy.#headerReleased = headerReleased;
    copy.release();
    return true;
  }

  /** Copies all data of `fragment` behind the own, for which there is room. */
  #append(fragment: Packet): void {
    this.pool.memory.u8.copyWithin(this.tail, fragment.data, fragment.tail);
    this.tail += fragment.length;
    if (fragment.fragList !== undefined) for (const inner of fragment.fragList) this.#append(inner);
  }

  /** Everything but the slot; offsets are moved by `delta`. */
  #copyFields(from: Packet, delta: number): void {
    this.data = from.data + delta;
    this.tail = from.tail + delta;
    this.macHeader = moved(from.macHeader, delta);
    this.networkHeader = moved(from.networkHeader, delta);
    this.transportHeader = moved(from.transportHeader, delta);
    this.innerMacHeader = moved(from.innerMacHeader, delta);
    this.innerNetworkHeader = moved(from.innerNetworkHeader, delta);
    this.innerTransportHeader = moved(from.innerTransportHeader, delta);
    this.encapsulation = from.encapsulation;
    this.innerProtocolType = from.innerProtocolType;
    this.innerProtocol = from.innerProtocol;
    this.protocol = from.protocol;
    this.pktType = from.pktType;
    this.ifindex = from.ifindex;
    this.tstamp = from.tstamp;
    this.hash = from.hash;
    this.mark = from.mark;
    this.priority = from.priority;
    this.queueMapping = from.queueMapping;
    this.vlanTci = from.vlanTci;
    this.ipSummed = from.ipSummed;
    this.csum = from.csum;
    this.csumStart = from.csumStart + delta;
    this.csumOffset = from.csumOffset;
    this.csumLevel = from.csumLevel;
    this.csumNotInet = from.csumNotInet;
    this.gsoSize = from.gsoSize;
    this.gsoSegs = from.gsoSegs;
    this.gsoType = from.gsoType;
    this.cb = from.cb;
  }
}

/** The fragments that hold the first `length` bytes; the others are released. */
function trimFragments(fragments: readonly Packet[], length: number): Packet[] | undefined {
  let left = length;
  const kept: Packet[] = [];
  for (const fragment of fragments) {
    if (left === 0) {
      fragment.release();
      continue;
    }
    fragment.trim(left);
    left -= fragment.totalLength;
    kept.push(fragment);
  }
  return kept.length === 0 ? undefined : kept;
}

function moved(offset: number, delta: number): number {
  return offset === NO_HEADER ? NO_HEADER : offset + delta;
}

function noRoom(what: string, wanted: number, left: number): SevilleError {
  return new SevilleError("ERR_NO_ROOM", `${wanted} bytes of ${what} were asked for and ${left} are there`, "count");
}
