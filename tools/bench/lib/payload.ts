import { createPacketMemory, type PacketMemory } from "../../../packages/core/src/index.ts";

/** The sizes at which byte-wise work is compared: a header, a small, a middle, an Ethernet, a jumbo and a super packet. */
export const SIZES = [20, 64, 576, 1500, 9000, 65_536] as const;

export interface Payload {
  readonly memory: PacketMemory;
  /** Where the bytes begin in the memory: behind an Ethernet header at a multiple of 16. */
  readonly offset: number;
  /** The first bytes there, as a view. */
  inPool(length: number): Buffer;
  /** The same bytes outside of the memory, at the same alignment. */
  foreign(length: number): Buffer;
}

/** Reproducible bytes, in a packet memory and outside of it. */
export function makePayload(): Payload {
  const memory = createPacketMemory({ bytes: 1 << 20 });
  const offset = memory.base + 14;
  const outside = new ArrayBuffer(80_000);
  let state = 1;
  for (let i = 0; i < 80_000 - 14; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    memory.u8[offset + i] = state >>> 16;
  }
  new Uint8Array(outside, 14).set(memory.u8.subarray(offset, offset + 80_000 - 14));
  return {
    memory,
    offset,
    inPool: (length) => Buffer.from(memory.buffer, offset, length),
    foreign: (length) => Buffer.from(outside, 14, length),
  };
}
