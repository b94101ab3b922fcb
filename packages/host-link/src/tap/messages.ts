/** What a device is asked to say of its frames, and what it may leave unfinished (IFF_VNET_HDR). */
export interface VnetWish {
  /** What it may hand over unfinished, in sets of `TUN_F_…`: the first that its kernel takes. */
  readonly offloads: readonly number[];
  /** Those of the bits that need room for a tunnel in the header. */
  readonly tunnels: number;
}

/** What came of a {@link VnetWish}. */
export interface VnetGrant {
  /** Size of the `virtio_net_hdr` in front of each frame. */
  readonly headerBytes: 12 | 24;
  /** `TUN_F_…`: the set that the kernel took. */
  readonly offloads: number;
}

/** What the TAP's worker is told. */
export interface TapWorkerData {
  readonly name: string;
  /** Path of the network namespace to make the device in; `undefined`: the process's own. */
  readonly netnsPath: string | undefined;
  readonly mac: Uint8Array | undefined;
  readonly mtu: number | undefined;
  readonly up: boolean;
  readonly mustExist: boolean;
  /** The longest frame, without a `virtio_net_hdr`. */
  readonly maxFrameBytes: number;
  /** `undefined`: bare frames, all of them finished by the kernel. */
  readonly vnet: VnetWish | undefined;
  /** One for each queue. */
  readonly rings: readonly SharedArrayBuffer[];
  /** One float64: how many frames the kernel dropped, refreshed now and then. */
  readonly kernelDrops: SharedArrayBuffer;
}

/** The device is there. The descriptors, one for each queue and one to wake the worker, now belong to the main thread. */
export interface TapOpened {
  readonly kind: "open";
  readonly fds: readonly number[];
  readonly wakeFd: number;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly vnet: VnetGrant | undefined;
}

/** What the TAP's worker says. */
export type TapWorkerMessage =
  | TapOpened
  /** It could not be opened. */
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly argument: string | undefined;
    }
  /** The ring of `queue` was empty, its reader asleep, and it is no longer. */
  | { readonly kind: "frames"; readonly queue: number }
  /** The device is gone. */
  | { readonly kind: "gone"; readonly code: string }
  /** The worker reads no more: the descriptors may be closed. */
  | { readonly kind: "stopped" };
