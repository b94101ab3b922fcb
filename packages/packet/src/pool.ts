import { createPacketMemory, invalidArgument, type PacketMemory } from "@seville/core";
import { Packet } from "./packet.ts";

/** Room in front of a fresh packet's data, for headers that lower layers push. A multiple of 16. */
export const DEFAULT_HEADROOM = 128;

/** How many slots of each size a pool has. */
export interface PacketPoolOptions {
  /** Slots of 2 KiB. Default 16384. */
  readonly small?: number;
  /** Slots of 9 KiB (jumbo frames). Default 1024. */
  readonly jumbo?: number;
  /** Slots of 64 KiB (super-packets before segmentation). Default 128. */
  readonly super?: number;
  /** `false`: no WebAssembly memory. */
  readonly wasm?: boolean;
}

interface SizeClass {
  /** Bytes of data that a slot holds behind the default headroom. */
  readonly dataBytes: number;
  readonly slotBytes: number;
  readonly count: number;
  readonly base: number;
  /** Stack of free slots' offsets: last freed, first used, so that few pages are ever touched. */
  readonly free: Int32Array;
  freeCount: number;
}

/** What a pool holds and what is out. */
export interface PacketPoolStats {
  readonly byteLength: number;
  readonly capacity: number;
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
  readonly #refs: Uint16Array;
  readonly #slotBase: number;
  readonly #spare: Packet[] = [];
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
    this.memory = createPacketMemory({ bytes, ...(options.wasm === undefined ? {} : { wasm: options.wasm }) });
    this.#slotBase = this.memory.base;
    let base = this.#slotBase;
    this.#classes = wanted.map(([dataBytes, count]) => {
      const slotBytes = dataBytes + DEFAULT_HEADROOM;
      const free = new Int32Array(count);
      for (let i = 0; i < count; i++) free[i] = base + (count - 1 - i) * slotBytes;
      const sizeClass = { dataBytes, slotBytes, count, base, free, freeCount: count };
      base += count * slotBytes;
      return sizeClass;
    });
    // Every slot begins on a multiple of 128, so the reference count of a slot is found without a division table.
    this.#refs = new Uint16Array(Math.ceil((base - this.#slotBase) / 128));
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

  /**
   * A packet with no data yet, `headroom` bytes before it and at least `size` bytes of room behind it.
   * Its fields are reset; its bytes are not.
   */
  alloc(size: number, headroom: number = DEFAULT_HEADROOM): Packet | undefined {
    const need = size + headroom;
    for (const sizeClass of this.#classes) {
      if (need > sizeClass.slotBytes || sizeClass.freeCount === 0) continue;
      const head = sizeClass.free[--sizeClass.freeCount] as number;
      this.#refs[(head - this.#slotBase) >>> 7] = 1;
      this.#inUse++;
      if (this.#inUse > this.#highWater) this.#highWater = this.#inUse;
      return this.#describe(head, head + sizeClass.slotBytes, head + headroom);
    }
    this.#failures++;
    return undefined;
  }

  /** A packet that holds a copy of `bytes`, behind `headroom` bytes. */
  from(bytes: Uint8Array, headroom: number = DEFAULT_HEADROOM): Packet | undefined {
    const packet = this.alloc(bytes.length, headroom);
    if (packet === undefined) return undefined;
    this.memory.u8.set(bytes, packet.data);
    packet.tail = packet.data + bytes.length;
    return packet;
  }

  /** How many packets share the slot at `head`. */
  refCount(head: number): number {
    return this.#refs[(head - this.#slotBase) >>> 7] as number;
  }

  /** @internal One more packet describes the slot of `packet`. */
  share(packet: Packet): Packet {
    const index = (packet.head - this.#slotBase) >>> 7;
    this.#refs[index] = (this.#refs[index] as number) + 1;
    return this.#describe(packet.head, packet.end, packet.data);
  }

  /** @internal `packet` is done; see {@link Packet.release}. */
  reclaim(packet: Packet): void {
    const index = (packet.head - this.#slotBase) >>> 7;
    const left = (this.#refs[index] as number) - 1;
    this.#refs[index] = left;
    this.#spare.push(packet);
    if (left > 0) return;
    this.#inUse--;
    const slotBytes = packet.end - packet.head;
    for (const sizeClass of this.#classes) {
      if (sizeClass.slotBytes !== slotBytes) continue;
      sizeClass.free[sizeClass.freeCount++] = packet.head;
      return;
    }
  }

  #describe(head: number, end: number, data: number): Packet {
    const packet = this.#spare.pop() ?? new Packet(this);
    packet.reset(head, end, data);
    return packet;
  }
}
