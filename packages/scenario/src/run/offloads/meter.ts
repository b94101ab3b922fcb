import { bindChecksum, bindSums } from "@seville/checksum";
import type { Nic, TxDescriptor } from "@seville/netdev";
import type { PacketPool } from "@seville/packet";

/** What was read for checksums while a packet was sent, and what the driver asked of the hardware. */
export interface Reading {
  cpuSummed: number;
  deviceSummed: number;
  readonly descriptors: PostedDescriptor[];
}

/** A transmit descriptor, kept past the life of its packet. */
export interface PostedDescriptor {
  readonly bytes: number;
  readonly checksum: TxDescriptor["checksum"];
  readonly segmentation: TxDescriptor["segmentation"];
}

/** Readings of one NIC. What waits for the hardware is read when its turn comes, so a reading stays open for a while. */
export interface NicMeter {
  /** A new reading; what the hardware does from now on belongs to it. */
  begin(): Reading;
  /** Runs `send`: what the CPU reads meanwhile belongs to `reading`. */
  send(reading: Reading, send: () => void): void;
}

type Counted = (offset: number, length: number, seed?: number) => number;
type Mutable = { -readonly [Key in "sum" | "crc32c"]: Counted };

/**
 * Counts what the checksum kernels of a pool read, for the CPU or, while a NIC works, for its hardware. The kernels are
 * shared by all of a world: the meter puts itself in front of them, and counts only for readings that are open.
 */
export class ChecksumMeter {
  #cpu: Reading | undefined = undefined;
  #device: Reading | undefined = undefined;
  #inDevice = false;

  constructor({ memory }: PacketPool) {
    for (const kernels of new Set<object>([bindSums(memory), bindChecksum(memory)])) {
      for (const name of ["sum", "crc32c"] as const) this.#wrap(kernels as Mutable, name);
    }
  }

  /** Watches a NIC: its descriptors, and when it is its hardware that reads. */
  watch({ hardware }: Nic): NicMeter {
    let open: Reading | undefined;
    const post = hardware.post.bind(hardware);
    const doorbell = hardware.doorbell.bind(hardware);
    hardware.post = (queue, descriptor) => {
      const { packet, checksum, segmentation } = descriptor;
      const bytes = packet.totalLength;
      const taken = post(queue, descriptor);
      if (taken) open?.descriptors.push({ bytes, checksum, segmentation });
      return taken;
    };
    hardware.doorbell = (queue, now) => {
      const before = { device: this.#device, inDevice: this.#inDevice };
      this.#device = open;
      this.#inDevice = true;
      try {
        doorbell(queue, now);
      } finally {
        this.#device = before.device;
        this.#inDevice = before.inDevice;
      }
    };
    return {
      begin: () => (open = { cpuSummed: 0, deviceSummed: 0, descriptors: [] }),
      send: (reading, send) => {
        this.#cpu = reading;
        try {
          send();
        } finally {
          this.#cpu = undefined;
        }
      },
    };
  }

  #wrap(kernels: Mutable, name: "sum" | "crc32c"): void {
    const original = kernels[name] as Counted | undefined;
    if (original === undefined) return;
    kernels[name] = (offset, length, seed) => {
      if (!this.#inDevice) {
        if (this.#cpu !== undefined) this.#cpu.cpuSummed += length;
      } else if (this.#device !== undefined) this.#device.deviceSummed += length;
      return original(offset, length, seed);
    };
  }
}
