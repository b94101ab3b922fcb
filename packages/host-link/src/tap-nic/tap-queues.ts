/** One queue of a TAP device, as its driver sees it. Records are a `virtio_net_hdr`, if there is one, and the frame behind it. */
export interface TapQueue {
  /** Where {@link TapQueue.drain} points to. */
  readonly bytes: Uint8Array;
  /** Hands up to `limit` records to `visit`, which may use the bytes until it returns; answers how many there were. */
  drain(limit: number, visit: (offset: number, length: number) => void): number;
  /** Asks to be interrupted by the next record. `false`: one is there already, and there will be no interrupt. */
  unmask(): boolean;
  /**
   * Puts a record out that consists of `pieces`.
   * @returns the errno's name if the kernel did not take it
   */
  write(pieces: readonly Uint8Array[]): string | undefined;
}

/** What a TAP driver drives: queues, interrupts and the switch of offloads. */
export interface TapHardware {
  readonly queues: readonly TapQueue[];
  /** Called when an unmasked queue has records. Masked again by then. */
  onInterrupt: (queue: number) => void;
  /** TUNSETOFFLOAD: what the kernel may leave unfinished (`TUN_F_…`). `false`: it did not take that. */
  setOffloads(mask: number): boolean;
}
