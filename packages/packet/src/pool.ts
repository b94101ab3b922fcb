import { createPacketMemory, invalidArgument, type PacketMemory } from "@seville/core";
import { LeakLedger } from "./leak-ledger.ts";
import { Packet } from "./packet.ts";

/** Room in front of a fresh packet's data, for headers that lower layers push. A multiple of 16. */
export const DEFAULT_HEADROOM = 128;

/**
 * Headroom for a received Ethernet frame: 2 more, so that behind the 14 bytes of its header the network header begins
 * on a multiple of 16 (Linux `NET_IP_ALIGN`).
 */
export const ETHERNET_HEADROOM: number = DEFAULT_HEADROOM + 2;

/** Every slot begins on a multiple of this, so that a slot's index is its offset shifted. */
const GRANULE_SHIFT = 7;

/** How many slots of each size a pool has. */
export interface PacketPoolOptions {
  /** Slots of 2 KiB. Default 16384. */
  readonly small?: number;
  /** Slots of 9 KiB (jumbo frames). Default 1024. */
  readonly jumbo?: number;
  /** Slots of 64 KiB (super-packets before segmentation). Default 128. */
  readonly super?: number;
  /** `false`: no WebAssembly memory. Everything else is the same. */
  readonly wasm?: boolean;
  /** Accesses that lie askew can be watched (`StrictDataView`): for worlds with a `strict-align` host. Slower. */
  readonly strictAlign?: boolean;
  /**
   * Remember who allocated each packet, never use a {@link Packet} object again, and overwrite what is given back. Slow:
   * for tests that hunt a leak, a double release or a use after release.
   */
  readonly debug?: boolean;
}

interface SizeClass {
  readonly slotBytes: number;
  readonly count: number;
  /** Offset of the first slot, and the one behind the last. */
  readonly base: number;
  readonly end: number;
  /** Stack of free slots' offsets: last freed, first used, so that few pages are ever touched. */
  readonly free: Int32Array;
  freeCount: number;
}

/** What a pool holds and what is out. */
export interface PacketPoolStats {
  readonly byteLength: number;
  readonly capacity: number;
  /** Slots that are not free. Packets that share one count once. */
  readonly inUse: number;
  readonly highWater: number;
  /** Allocations that found no slot. */
  readonly failures: number;
}

/**
 * Packets' memory: slots of three sizes in one {@link PacketMemory}, and the {@link Packet} objects that describe them.
 *
 * `alloc` answers `undefined` when no slot is left (the caller drops with `NOMEM`): a pool never grows.
 * A slot is shared by the packets that {@link Packet.clone} made of it and returns when the last is released.
 */
export class PacketPool {
  readonly memory: PacketMemory;
  readonly #classes: readonly SizeClass[];
  /** Packets that describe a slot, and how many of them gave up its headers ({@link Packet.releaseHeader}). */
  readonly #refs: Uint32Array;
  readonly #headerless: Uint32Array;
  readonly #slotBase: number;
  readonly #spare: Packet[] = [];
  readonly #ledger: LeakLedger | undefined;
  #inUse = 0;
  #highWater = 0;
  #failures = 0;

  constructor(options: PacketPoolOptions = {}) {
    const wanted = [
      [2048, options.small ?? 16_384, "small"],
      [9216, options.jumbo ?? 1024, "jumbo"],
      [65_536 + 256, options.super ?? 128, "super"],
    ] as const;
    let bytes = 0;
    for (const [dataBytes, count, name] of wanted) {
      if (!Number.isSafeInteger(count) || count < 0) throw invalidArgument(name, "a whole number of slots", count);
      bytes += (dataBytes + DEFAULT_HEADROOM) * count;
    }
    const { wasm, strictAlign = false } = options;
    this.memory = createPacketMemory({ bytes, strictAlign, ...(wasm === undefined ? {} : { wasm }) });
    this.#slotBase = this.memory.base;
    let base = this.#slotBase;
    this.#classes = wanted.map(([dataBytes, count]) => {
      const sizeClass = makeClass(base, dataBytes + DEFAULT_HEADROOM, count);
      base = sizeClass.end;
      return sizeClass;
    });
    const granules = (base - this.#slotBase) >>> GRANULE_SHIFT;
    this.#refs = new Uint32Array(granules);
    this.#headerless = new Uint32Array(granules);
    this.#ledger = options.debug === true ? new LeakLedger() : undefined;
  }

  get stats(): PacketPoolStats {
    return {
      byteLength: this.memory.byteLength,
      capacity: this.#classes.reduce((sum, c) => sum + c.count, 0),
      inUse: this.#inUse,
      highWater: this.#highWater,
      failures: this.#failures,
    };
  }

  /** How many allocations of `size` bytes behind `headroom` would succeed now. */
  available(size: number, headroom: number = DEFAULT_HEADROOM): number {
    let count = 0;
    for (const sizeClass of this.#classes) if (size + headroom <= sizeClass.slotBytes) count += sizeClass.freeCount;
    return count;
  }

  /** Whether half of the slots that hold `size` bytes behind `headroom` are free: for those who can do without one. */
  isPlentiful(size: number, headroom: number = DEFAULT_HEADROOM): boolean {
    let free = 0;
    let fitting = 0;
    for (const sizeClass of this.#classes) {
      if (size + headroom > sizeClass.slotBytes) continue;
      free += sizeClass.freeCount;
      fitting += sizeClass.count;
    }
    return free > 0 && free * 2 >= fitting;
  }

  /**
   * A packet with no data yet, `headroom` bytes before it and at least `size` bytes of room behind it.
   * Its fields are reset; its bytes are not. Takes the smallest slot that fits, a larger one if those are gone.
   */
  alloc(size: number, headroom: number = DEFAULT_HEADROOM): Packet | undefined {
    const need = size + headroom;
    if (!(size >= 0 && headroom >= 0)) throw invalidArgument("size", "a number of bytes", Math.min(size, headroom));
    for (const sizeClass of this.#classes) {
      if (need > sizeClass.slotBytes || sizeClass.freeCount === 0) continue;
      const head = sizeClass.free[--sizeClass.freeCount] as number;
      this.#refs[this.#indexOf(head)] = 1;
      this.#inUse++;
      if (this.#inUse > this.#highWater) this.#highWater = this.#inUse;
      return this.#describe(head, head + sizeClass.slotBytes, head + headroom);
    }
    this.#failures++;
    return undefined;
  }

  /**
   * `count` packets, each as {@link PacketPool.alloc} would give it; or `undefined` if there are not so many, and then none is
   * taken. Faster than one by one: for whoever makes many packets of one.
   */
  allocMany(count: number, size: number, headroom: number = DEFAULT_HEADROOM): Packet[] | undefined {
    if (!(size >= 0 && headroom >= 0)) throw invalidArgument("size", "a number of bytes", Math.min(size, headroom));
    if (!Number.isSafeInteger(count) || count < 0) throw invalidArgument("count", "a whole number", count);
    if (this.available(size, headroom) < count) {
      this.#failures++;
      return undefined;
    }
    const packets: Packet[] = [];
    for (const sizeClass of this.#classes) {
      if (size + headroom > sizeClass.slotBytes) continue;
      this.#takeFrom(sizeClass, Math.min(count - packets.length, sizeClass.freeCount), headroom, packets);
      if (packets.length === count) break;
    }
    this.#inUse += count;
    if (this.#inUse > this.#highWater) this.#highWater = this.#inUse;
    return packets;
  }

  /** A packet that holds a copy of `bytes`, behind `headroom` bytes: {@link ETHERNET_HEADROOM} for a whole frame. */
  from(bytes: Uint8Array, headroom: number = DEFAULT_HEADROOM): Packet | undefined {
    const packet = this.alloc(bytes.length, headroom);
    if (packet === undefined) return undefined;
    this.memory.u8.set(bytes, packet.data);
    packet.tail = packet.data + bytes.length;
    return packet;
  }

  /**
   * Does nothing if every slot is back. Tests and scenarios end with it.
   * @throws SevilleError `ERR_PACKETS_LEAKED`; of a pool with `debug` it says where each packet was allocated
   */
  assertDrained(): void {
    if (this.#inUse === 0) return;
    throw LeakLedger.complaint(this.#inUse, this.#ledger);
  }

  /** How many packets share the slot at `head`. */
  refCount(head: number): number {
    return this.#refs[this.#indexOf(head)] as number;
  }

  /** @internal How many packets that share the slot at `head` still look at the headers. */
  headerRefCount(head: number): number {
    const index = this.#indexOf(head);
    return (this.#refs[index] as number) - (this.#headerless[index] as number);
  }

  /** @internal `packet` looks at the payload only from now on; see {@link Packet.releaseHeader}. */
  addHeaderless(packet: Packet): void {
    const index = this.#indexOf(packet.head);
    this.#headerless[index] = (this.#headerless[index] as number) + 1;
  }

  /** @internal One more packet describes the slot of `packet`. */
  share(packet: Packet): Packet {
    const index = this.#indexOf(packet.head);
    this.#refs[index] = (this.#refs[index] as number) + 1;
    return this.#describe(packet.head, packet.end, packet.data);
  }

  /** @internal `packet` is done; see {@link Packet.release}. */
  reclaim(packet: Packet): void {
    this.returnSlot(packet.head, packet.headerReleased);
    if (this.#ledger === undefined) this.#spare.push(packet);
    else this.#ledger.released(packet);
  }

  /** @internal One packet less describes the slot at `head`. */
  returnSlot(head: number, headerReleased: boolean): void {
    const index = this.#indexOf(head);
    if (headerReleased) this.#headerless[index] = (this.#headerless[index] as number) - 1;
    const left = (this.#refs[index] as number) - 1;
    this.#refs[index] = left;
    if (left > 0) return;
    this.#inUse--;
    for (const sizeClass of this.#classes) {
      if (head >= sizeClass.end) continue;
      sizeClass.free[sizeClass.freeCount++] = head;
      if (this.#ledger !== undefined) LeakLedger.poison(this.memory.u8, head, head + sizeClass.slotBytes);
      return;
    }
  }

  #takeFrom(sizeClass: SizeClass, count: number, headroom: number, packets: Packet[]): void {
    const { free, slotBytes } = sizeClass;
    const refs = this.#refs;
    const base = this.#slotBase;
    let top = sizeClass.freeCount;
    for (let i = 0; i < count; i++) {
      const head = free[--top] as number;
      refs[(head - base) >>> GRANULE_SHIFT] = 1;
      packets.push(this.#describe(head, head + slotBytes, head + headroom));
    }
    sizeClass.freeCount = top;
  }

  #indexOf(head: number): number {
    return (head - this.#slotBase) >>> GRANULE_SHIFT;
  }

  #describe(head: number, end: number, data: number): Packet {
    const packet = this.#spare.pop() ?? new Packet(this);
    packet.reset(head, end, data);
    this.#ledger?.allocated(packet);
    return packet;
  }
}

function makeClass(base: number, slotBytes: number, count: number): SizeClass {
  const free = new Int32Array(count);
  for (let i = 0; i < count; i++) free[i] = base + (count - 1 - i) * slotBytes;
  return { slotBytes, count, base, end: base + count * slotBytes, free, freeCount: count };
}
