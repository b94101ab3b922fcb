import type { RxCompletion, TxDescriptor } from "./descriptor.ts";

/** What became of a transmit descriptor: the driver reads it, frees the entry and tells byte queue limits. */
export interface TxCompletion {
  /** Bytes of the packet that was posted. */
  readonly bytes: number;
  /** It was a super-packet. */
  readonly isGso: boolean;
  /** Frames and their bytes that went out for it. */
  readonly frames: number;
  readonly frameBytes: number;
  /** Nothing, or not all, went out. */
  readonly error: boolean;
}

/** A posted descriptor with what its completion will say. */
export interface PostedTx {
  readonly descriptor: TxDescriptor;
  readonly bytes: number;
}

/** A transmit ring: entries are posted, worked on, completed, and free again when the driver has looked. */
export class TxRing {
  size: number;
  readonly posted: PostedTx[] = [];
  readonly completed: TxCompletion[] = [];
  /** An entry that the hardware works on at the moment. */
  inWork = 0;

  constructor(size: number) {
    this.size = size;
  }

  get free(): number {
    return this.size - this.posted.length - this.completed.length - this.inWork;
  }
}

/** A receive ring: buffers that the driver has posted, and frames that wait for the driver. */
export class RxRing {
  size: number;
  /** Empty buffers. */
  buffers = 0;
  readonly completed: RxCompletion[] = [];

  constructor(size: number) {
    this.size = size;
  }
}
