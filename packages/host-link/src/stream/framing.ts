import { frameLengthFault } from "../port/host-port.ts";
import type { DropReason } from "@seville/core";

/** Before each frame: its length, 32 bits, big-endian (QEMU's `-netdev stream` and `-netdev socket`). */
export const STREAM_PREFIX_BYTES = 4;

/** Is told what {@link StreamDeframer} finds. */
export interface DeframerListener {
  /** `length` bytes of `memory` from `offset`, which are the deframer's. */
  frame(memory: Uint8Array, offset: number, length: number): void;
  /** A frame that was skipped. */
  dropped(reason: DropReason): void;
}

/**
 * Cuts a byte stream into frames, however it was cut on its way. Its memory is one frame of the greatest length.
 *
 * A length that no frame can have means that the two sides have lost each other, for nothing in the stream tells where
 * the next frame begins: {@link StreamDeframer.push} then answers `false`, and the connection is of no more use.
 */
export class StreamDeframer {
  readonly #listener: DeframerListener;
  readonly #maxFrameBytes: number;
  readonly #partial: Uint8Array;
  #have = 0;

  constructor(maxFrameBytes: number, listener: DeframerListener) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#listener = listener;
    this.#partial = new Uint8Array(STREAM_PREFIX_BYTES + maxFrameBytes);
  }

  /** Bytes of a frame that has begun and not ended. */
  get pending(): number {
    return this.#have;
  }

  /** The next bytes of the stream. `false`: a length beyond all bounds; push no more. */
  push(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#have === 0 && chunk.length - at >= STREAM_PREFIX_BYTES) {
        const length = lengthAt(chunk, at);
        if (length > this.#maxFrameBytes) return this.#lost();
        const end = at + STREAM_PREFIX_BYTES + length;
        if (end <= chunk.length) {
          this.#emit(chunk, at + STREAM_PREFIX_BYTES, length);
          at = end;
          continue;
        }
      }
      const target = this.#have < STREAM_PREFIX_BYTES ? STREAM_PREFIX_BYTES : this.#wanted();
      const take = Math.min(target - this.#have, chunk.length - at);
      this.#partial.set(chunk.subarray(at, at + take), this.#have);
      this.#have += take;
      at += take;
      if (this.#have < STREAM_PREFIX_BYTES) continue;
      if (this.#wanted() - STREAM_PREFIX_BYTES > this.#maxFrameBytes) return this.#lost();
      if (this.#have < this.#wanted()) continue;
      const length = this.#have - STREAM_PREFIX_BYTES;
      this.#have = 0;
      this.#emit(this.#partial, STREAM_PREFIX_BYTES, length);
    }
    return true;
  }

  /** Bytes of the frame under way, with its prefix. */
  #wanted(): number {
    return STREAM_PREFIX_BYTES + lengthAt(this.#partial, 0);
  }

  #emit(memory: Uint8Array, offset: number, length: number): void {
    const fault = frameLengthFault(length, this.#maxFrameBytes);
    if (fault === undefined) this.#listener.frame(memory, offset, length);
    else this.#listener.dropped(fault);
  }

  #lost(): false {
    this.#have = 0;
    this.#listener.dropped("PKT_TOO_BIG");
    return false;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at, STREAM_PREFIX_BYTES).getUint32(0);
}

/** The frame behind its length, as one chunk to write. */
export function enframe(memory: Uint8Array, offset: number, length: number): Uint8Array {
  const chunk = new Uint8Array(STREAM_PREFIX_BYTES + length);
  new DataView(chunk.buffer).setUint32(0, length);
  chunk.set(memory.subarray(offset, offset + length), STREAM_PREFIX_BYTES);
  return chunk;
}
