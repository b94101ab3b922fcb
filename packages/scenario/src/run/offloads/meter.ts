import { observeChecksum, type ChecksumVerdict } from "@seville/checksum";
import type { Nic, TxDescriptor } from "@seville/netdev";
import type { Packet, PacketPool } from "@seville/packet";
import { observeSegmentation } from "@seville/tso";

/** A transmit descriptor, kept past the life of its packet. */
export interface PostedDescriptor {
  readonly bytes: number;
  readonly checksum: TxDescriptor["checksum"];
  readonly segmentation: TxDescriptor["segmentation"];
}

/** A frame as a driver handed it up: where it lay, and what the device had found out about its checksums. */
export interface ReportedFrame {
  readonly start: number;
  readonly ipSummed: Packet["ipSummed"];
  readonly csumLevel: number;
}

/** What one NIC, and the CPU on its behalf, did about one packet. */
export interface Reading {
  /** Bytes that the CPU read for checksums, and that its segmentation copied (and summed on the way). */
  cpuSummed: number;
  cpuMoved: number;
  /** Bytes that the hardware read for checksums. */
  deviceSummed: number;
  readonly descriptors: PostedDescriptor[];
  readonly frames: ReportedFrame[];
  /** How each received checksum was found to be first, by the place of its header in memory. */
  readonly verdicts: Map<number, ChecksumVerdict>;
}

/** Readings of one NIC. What waits for the hardware is read when its turn comes, so a reading stays open for a while. */
export interface NicMeter {
  /** A new reading; what happens from now on belongs to it. */
  begin(): Reading;
  /** Runs `work` of the CPU: what it reads meanwhile belongs to the open reading. */
  run(work: () => void): void;
}

interface Watched {
  reading: Reading;
}

/** Who is at work: a NIC's silicon, or the CPU for it. */
interface Worker {
  readonly nic: Watched;
  readonly isHardware: boolean;
}

/**
 * Counts what is read and copied for checksums and segmentation in a pool, for the CPU or for a NIC's hardware, while that
 * works. One for a world; it watches until it is closed.
 */
export class OffloadMeter {
  readonly #memory: PacketPool["memory"];
  readonly #nics = new Map<Nic, Watched>();
  readonly #workers: Worker[] = [];

  constructor({ memory }: PacketPool) {
    this.#memory = memory;
    observeChecksum(memory, {
      read: (bytes) => {
        const worker = this.#workers.at(-1);
        if (worker === undefined) return;
        if (worker.isHardware) worker.nic.reading.deviceSummed += bytes;
        else worker.nic.reading.cpuSummed += bytes;
      },
      verdict: (at, verdict) => {
        this.note(at, verdict);
      },
    });
    observeSegmentation(memory, (bytes) => {
      const worker = this.#workers.at(-1);
      if (worker?.isHardware === false) worker.nic.reading.cpuMoved += bytes;
    });
  }

  /** The first verdict about a header counts: what GRO has verified, those behind it find verified. */
  note(at: number, verdict: ChecksumVerdict): void {
    const verdicts = this.#workers.at(-1)?.nic.reading.verdicts;
    if (verdicts !== undefined && !verdicts.has(at)) verdicts.set(at, verdict);
  }

  watch(nic: Nic): NicMeter {
    const watched = this.#nics.get(nic) ?? this.#observe(nic);
    return {
      begin: () => (watched.reading = newReading()),
      run: (work) => {
        this.#workers.push({ nic: watched, isHardware: false });
        try {
          work();
        } finally {
          this.#workers.pop();
        }
      },
    };
  }

  close(): void {
    observeChecksum(this.#memory, undefined);
    observeSegmentation(this.#memory, undefined);
    for (const nic of this.#nics.keys()) nic.observe(undefined);
  }

  #observe(nic: Nic): Watched {
    const watched: Watched = { reading: newReading() };
    this.#nics.set(nic, watched);
    const worker = (isHardware: boolean) => (busy: boolean) => {
      if (busy) this.#workers.push({ nic: watched, isHardware });
      else this.#workers.pop();
    };
    nic.observe({
      hardware: worker(true),
      polling: worker(false),
      posted: ({ packet, checksum, segmentation }) => {
        watched.reading.descriptors.push({ bytes: packet.totalLength, checksum, segmentation });
      },
      received: ({ data, ipSummed, csumLevel }) => {
        watched.reading.frames.push({ start: data, ipSummed, csumLevel });
      },
    });
    return watched;
  }
}

function newReading(): Reading {
  return { cpuSummed: 0, cpuMoved: 0, deviceSummed: 0, descriptors: [], frames: [], verdicts: new Map() };
}
