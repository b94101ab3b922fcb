/** What the TAP's worker is told. */
export interface TapWorkerData {
  readonly name: string;
  /** Path of the network namespace to make the device in; `undefined`: the process's own. */
  readonly netnsPath: string | undefined;
  readonly mac: Uint8Array | undefined;
  readonly mtu: number | undefined;
  readonly up: boolean;
  readonly mustExist: boolean;
  readonly maxFrameBytes: number;
  readonly ring: SharedArrayBuffer;
  /** One float64: how many frames the kernel dropped, refreshed now and then. */
  readonly kernelDrops: SharedArrayBuffer;
}

/** What the TAP's worker says. */
export type TapWorkerMessage =
  /** The device is there. Both descriptors now belong to the main thread. */
  | { readonly kind: "open"; readonly fd: number; readonly wakeFd: number; readonly mac: Uint8Array }
  /** It could not be opened. */
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly argument: string | undefined;
    }
  /** The ring was empty and is no longer. */
  | { readonly kind: "frames" }
  /** The device is gone. */
  | { readonly kind: "gone"; readonly code: string }
  /** The worker reads no more: the descriptors may be closed. */
  | { readonly kind: "stopped" };
