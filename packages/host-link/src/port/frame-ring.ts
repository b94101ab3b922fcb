import { invalidArgument } from "@seville/core";

/** Words of control, each alone on its cache line so that the two threads do not fight over it. */
const WRITTEN = 0;
const READ = 16;
const SLEEPING = 32;
const STOP = 48;
const CONTROL_BYTES = 256;
/** Before each frame: its length (uint32), 4 bytes of nothing, its time of arrival (float64, ns). */
const RECORD_BYTES = 16;
/** In place of a length: the rest of the ring is unused, go on at its beginning. */
const WRAP = 0xffff_ffff;

/**
 * Frames on their way from one thread to another: a ring in shared memory with one writer and one reader.
 *
 * The two positions count bytes since the beginning, modulo 2^32; each is written by one side only. A frame is always
 * contiguous. The reader sleeps with {@link FrameRing.prepareToSleep}; the writer then learns from
 * {@link FrameRing.commit} that it has to wake it, once per sleep and not once per frame.
 */
export class FrameRing {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly #control: Int32Array;
  readonly #view: DataView;
  readonly #size: number;
  #reserved = 0;

  /** @param buffer of {@link FrameRing.allocate}, here or in the other thread */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#size = buffer.byteLength - CONTROL_BYTES;
    this.#control = new Int32Array(buffer, 0, CONTROL_BYTES / 4);
    this.bytes = new Uint8Array(buffer, CONTROL_BYTES);
    this.#view = new DataView(buffer, CONTROL_BYTES);
  }

  /** @param bytes of room, a power of two, at least 1024 and at most 2^30 */
  static allocate(bytes: number): SharedArrayBuffer {
    if (!Number.isInteger(Math.log2(bytes)) || bytes < 1024 || bytes > 2 ** 30) {
      throw invalidArgument("ringBytes", "a power of two from 1024 to 2^30", bytes);
    }
    return new SharedArrayBuffer(CONTROL_BYTES + bytes);
  }

  // --- the writer's side -----------------------------------------------------

  /** Where `maxBytes` of a frame may be written in {@link FrameRing.bytes}; -1: no room until the reader has read. */
  reserve(maxBytes: number): number {
    const written = Atomics.load(this.#control, WRITTEN) >>> 0;
    const used = (written - (Atomics.load(this.#control, READ) >>> 0)) >>> 0;
    const at = written & (this.#size - 1);
    const need = align(RECORD_BYTES + maxBytes);
    const tail = this.#size - at;
    if (need <= tail) {
      if (used + need > this.#size) return -1;
      this.#reserved = written;
      return at + RECORD_BYTES;
    }
    if (used + tail + need > this.#size) return -1;
    this.#view.setUint32(at, WRAP, true);
    this.#reserved = (written + tail) >>> 0;
    return RECORD_BYTES;
  }

  /**
   * Publishes the frame of `length` bytes that was written where {@link FrameRing.reserve} said.
   * @returns whether the reader sleeps and is to be woken
   */
  commit(length: number, arrivedAt: number): boolean {
    const at = this.#reserved & (this.#size - 1);
    this.#view.setUint32(at, length, true);
    this.#view.setFloat64(at + 8, arrivedAt, true);
    Atomics.store(this.#control, WRITTEN, (this.#reserved + align(RECORD_BYTES + length)) | 0);
    return Atomics.exchange(this.#control, SLEEPING, 0) === 1;
  }

  // --- the reader's side -----------------------------------------------------

  /**
   * Hands up to `limit` frames to `visit`, which may use the bytes until it returns.
   * @returns how many there were
   */
  drain(limit: number, visit: (offset: number, length: number, arrivedAt: number) => void): number {
    let read = Atomics.load(this.#control, READ) >>> 0;
    for (let count = 0; count < limit; count++) {
      if (read === Atomics.load(this.#control, WRITTEN) >>> 0) return count;
      let at = read & (this.#size - 1);
      if (this.#view.getUint32(at, true) === WRAP) {
        read = (read + this.#size - at) >>> 0;
        at = 0;
      }
      const length = this.#view.getUint32(at, true);
      visit(at + RECORD_BYTES, length, this.#view.getFloat64(at + 8, true));
      read = (read + align(RECORD_BYTES + length)) >>> 0;
      Atomics.store(this.#control, READ, read | 0);
    }
    return limit;
  }

  /** Says that the reader is about to sleep. `false`: a frame has come meanwhile, read on. */
  prepareToSleep(): boolean {
    Atomics.store(this.#control, SLEEPING, 1);
    if (Atomics.load(this.#control, READ) === Atomics.load(this.#control, WRITTEN)) return true;
    // Unless the writer took the flag away just now; then a wake-up is under way, and one too many does no harm.
    Atomics.store(this.#control, SLEEPING, 0);
    return false;
  }

  // --- either side -----------------------------------------------------------

  /** Asks the writer to stop. */
  requestStop(): void {
    Atomics.store(this.#control, STOP, 1);
    Atomics.notify(this.#control, READ);
  }

  get stopRequested(): boolean {
    return Atomics.load(this.#control, STOP) === 1;
  }

  /** The writer's nap while the ring is full: until the reader has been here, `ms` at the longest. */
  waitForRoom(ms: number): void {
    Atomics.wait(this.#control, READ, Atomics.load(this.#control, READ), ms);
  }

  /** The reader's word that there is room again. */
  announceRoom(): void {
    Atomics.notify(this.#control, READ);
  }
}

function align(bytes: number): number {
  return (bytes + 7) & ~7;
}
