import { bindSums, type SumKernels } from "@seville/checksum";
import { DEFAULT_HEADROOM, type Packet, type PacketPool } from "@seville/packet";
import type { SendBuffer } from "./parts.ts";

/** Room before the payload in a slot: the lower layers' and the longest TCP header. A multiple of 16. */
const SLOT_HEADROOM = DEFAULT_HEADROOM + 64;

/** A buffer that keeps its bytes in `pool` where it has room, else in memory of its own. */
export function createSendBuffer(pool: PacketPool): ByteSendBuffer {
  return new ByteSendBuffer(pool);
}

/** A piece of the stream: in a slot of the pool, or in plain memory. */
interface Chunk {
  /** Offset of its first byte in the stream. */
  readonly start: number;
  length: number;
  readonly capacity: number;
  /** `data` is the first byte; it has given its headers up, so that clones may write theirs before it. */
  readonly slot: Packet | undefined;
  readonly bytes: Uint8Array | undefined;
  /** Nothing is appended any more: a packet shares the slot, or the user wants a boundary. */
  sealed: boolean;
  /** The sum of all its bytes; -1: not known. */
  sum: number;
}

/**
 * The user's bytes until they are acknowledged.
 *
 * They are copied once, into a slot that will be the packet: {@link ByteSendBuffer.packet} clones the slot and a header goes
 * before the data. A retransmission shares the slot again if no earlier clone is on its way, else it is a copy. Ranges
 * that are no chunk's beginning are copied, too; so are all while the pool is short of slots.
 */
export class ByteSendBuffer implements SendBuffer {
  start = 0;
  end = 0;
  allocated = 0;
  sum = 0;
  readonly #pool: PacketPool;
  readonly #kernels: SumKernels;
  /** Ordered; those before `#head` are gone. */
  #chunks: Chunk[] = [];
  #head = 0;
  /** Index of the chunk that was asked for last: the next question is mostly about it or the one behind it. */
  #cursor = 0;

  constructor(pool: PacketPool) {
    this.#pool = pool;
    this.#kernels = bindSums(pool.memory);
  }

  append(bytes: Uint8Array, chunk: number): void {
    let at = 0;
    while (at < bytes.length) {
      const tail = this.#tail(Math.max(chunk, 1), bytes.length - at);
      const count = Math.min(tail.capacity - tail.length, bytes.length - at);
      const piece = count === bytes.length ? bytes : bytes.subarray(at, at + count);
      if (tail.slot === undefined) tail.bytes?.set(piece, tail.length);
      else this.#pool.memory.u8.set(piece, tail.slot.put(count));
      tail.length += count;
      tail.sum = -1;
      at += count;
      this.end += count;
    }
  }

  seal(): void {
    const last = this.#chunks.at(-1);
    if (last !== undefined) last.sealed = true;
  }

  packet(offset: number, length: number, headroom: number, wantSum: boolean): Packet | undefined {
    const at = this.#find(offset);
    const chunk = this.#chunks[at];
    if (chunk?.slot !== undefined && chunk.start === offset && length <= chunk.length) {
      return this.#share(chunk, chunk.slot, length, headroom, wantSum);
    }
    const packet = this.#pool.alloc(length, headroom);
    if (packet === undefined) return undefined;
    this.#gather(at, offset, length, this.#pool.memory.u8, packet.put(length));
    if (wantSum) this.sum = this.#kernels.sum(packet.data, length);
    return packet;
  }

  copy(offset: number, length: number, into: Uint8Array): void {
    this.#gather(this.#find(offset), offset, length, into, 0);
  }

  release(offset: number): void {
    const until = Math.min(offset, this.end);
    for (; this.#head < this.#chunks.length; this.#head++) {
      const chunk = this.#chunks[this.#head] as Chunk;
      if (chunk.start + chunk.length > until) break;
      this.#free(chunk);
    }
    if (until > this.start) this.start = until;
    if (this.#head === this.#chunks.length) {
      this.#chunks = [];
      this.#head = 0;
    } else if (this.#head >= 32 && this.#head * 2 >= this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#cursor -= this.#head;
      this.#head = 0;
    }
  }

  clear(): void {
    this.release(this.end);
  }

  /** A clone of the slot, cut to `length`, with headers of its own. */
  #share(chunk: Chunk, slot: Packet, length: number, headroom: number, wantSum: boolean): Packet | undefined {
    const packet = slot.clone();
    packet.tail = packet.data + length;
    if (!packet.cowHead(headroom)) {
      packet.release();
      return undefined;
    }
    chunk.sealed = true;
    if (wantSum) this.sum = this.#sumOf(chunk, packet.data, length);
    return packet;
  }

  #sumOf(chunk: Chunk, data: number, length: number): number {
    if (length !== chunk.length) return this.#kernels.sum(data, length);
    if (chunk.sum < 0) chunk.sum = this.#kernels.sum(data, length);
    return chunk.sum;
  }

  /** The chunk to which bytes are appended: the last one if it has room, else a new one for at most `capacity` bytes. */
  #tail(capacity: number, wanted: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && !last.sealed && last.length < last.capacity) return last;
    const chunk = this.#newSlot(capacity) ?? this.#newBytes(Math.min(capacity, Math.max(wanted, 256)));
    this.#chunks.push(chunk);
    this.allocated += memoryOf(chunk);
    return chunk;
  }

  #newSlot(capacity: number): Chunk | undefined {
    if (!this.#pool.isPlentiful(capacity, SLOT_HEADROOM)) return undefined;
    const slot = this.#pool.alloc(capacity, SLOT_HEADROOM);
    if (slot === undefined) return undefined;
    slot.releaseHeader();
    return { start: this.end, length: 0, capacity, slot, bytes: undefined, sealed: false, sum: -1 };
  }

  #newBytes(capacity: number): Chunk {
    const bytes = new Uint8Array(capacity);
    return { start: this.end, length: 0, capacity, slot: undefined, bytes, sealed: false, sum: -1 };
  }

  #free(chunk: Chunk): void {
    this.allocated -= memoryOf(chunk);
    chunk.slot?.release();
  }

  /** Copies `[offset, offset + length)`, which begins in chunk `index`, to `into[at…]`. */
  #gather(index: number, offset: number, length: number, into: Uint8Array, at: number): void {
    const end = offset + length;
    for (let i = index, from = offset; from < end; i++) {
      const chunk = this.#chunks[i] as Chunk;
      const first = from - chunk.start;
      const count = Math.min(chunk.length - first, end - from);
      const source = chunk.slot === undefined ? chunk.bytes : this.#pool.memory.u8;
      const base = chunk.slot === undefined ? first : chunk.slot.data + first;
      into.set((source as Uint8Array).subarray(base, base + count), at + (from - offset));
      from += count;
    }
  }

  /** Index of the chunk that holds `offset`. */
  #find(offset: number): number {
    for (let i = Math.max(this.#cursor, this.#head), tries = 0; tries < 2; i++, tries++) {
      if (this.#holds(i, offset)) return (this.#cursor = i);
    }
    let low = this.#head;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#chunks[middle] as Chunk).start <= offset) low = middle;
      else high = middle - 1;
    }
    return (this.#cursor = low);
  }

  #holds(index: number, offset: number): boolean {
    const chunk = this.#chunks[index];
    return chunk !== undefined && chunk.start <= offset && offset < chunk.start + chunk.length;
  }
}

function memoryOf(chunk: Chunk): number {
  return chunk.slot === undefined ? chunk.capacity : chunk.slot.end - chunk.slot.head;
}
