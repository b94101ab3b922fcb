import { SevilleError } from "@seville/core";
import { writeSync } from "node:fs";
import { PortCounters, type HostPortStats } from "../port/counters.ts";
import { errorCode } from "../port/errors.ts";
import { frameLengthFault, type HostPort, type PortListener } from "../port/host-port.ts";
import { openTapHandle, writeFault, type TapHandle } from "./tap-handle.ts";
import { workerData, type TapOptions } from "./tap-options.ts";
import { formatMac } from "./tun-abi.ts";

/** A TAP device, open. */
export interface TapPort extends HostPort {
  /** Ethernet address of the kernel's side. */
  readonly mac: string;
}

/** How many frames are handed over before other work of the thread gets its turn. */
const BATCH = 64;

/**
 * Opens a Linux TAP device and makes it where there is none. One that we made vanishes with its port or its process,
 * however that ends. Its offloads are off: for super-packets and unfinished checksums there is `openTapNic`.
 *
 * A thread of its own enters the namespace, opens the device and waits for frames (a blocking read in the main thread
 * or in libuv's pool could not be interrupted); frames come over in shared memory. Output is a plain write.
 *
 * @throws SevilleError `EPERM` without the privilege, `ENOENT` without /dev/net/tun or the namespace, `EBUSY` if another
 *   program holds the device, `ERR_KOFFI_MISSING`, `ERR_UNSUPPORTED` elsewhere than on Linux
 */
export async function openTap(options: TapOptions): Promise<TapPort> {
  const data = workerData(options);
  return new Tap(await openTapHandle(data), data.maxFrameBytes);
}

class Tap implements TapPort {
  readonly name: string;
  readonly mac: string;
  readonly #handle: TapHandle;
  readonly #maxFrameBytes: number;
  readonly #counters = new PortCounters();
  #listener: PortListener | undefined;

  constructor(handle: TapHandle, maxFrameBytes: number) {
    this.name = handle.name;
    this.mac = formatMac(handle.opened.mac);
    this.#handle = handle;
    this.#maxFrameBytes = maxFrameBytes;
    handle.watcher = {
      framesCame: () => this.#drain(),
      failed: (error) => this.#listener?.portFailed(error),
    };
  }

  listen(listener: PortListener): void {
    if (this.#listener !== undefined) throw new SevilleError("ERR_LISTENING", `${this.name} has a listener already`);
    this.#listener = listener;
    this.#drain();
  }

  sendFrame(memory: Uint8Array, offset: number, length: number): void {
    const fault = this.#handle.isClosed ? "DEV_READY" : frameLengthFault(length, this.#maxFrameBytes);
    if (fault !== undefined) {
      this.#counters.dropSent(fault);
      return;
    }
    try {
      writeSync(this.#handle.fd(0), memory, offset, length);
      this.#counters.sent(length);
    } catch (error) {
      const reason = writeFault(errorCode(error));
      if (reason === undefined) throw error;
      this.#counters.dropSent(reason);
    }
  }

  stats(): HostPortStats {
    this.#counters.kernelDrops = this.#handle.kernelDrops;
    return this.#counters.snapshot();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** Hands over what the ring holds, in batches, and goes to sleep when it is empty. */
  #drain(): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    const [ring] = this.#handle.rings;
    if (ring === undefined) return;
    const count = ring.drain(BATCH, (offset, length, arrivedAt) => {
      const fault = frameLengthFault(length, this.#maxFrameBytes);
      if (fault !== undefined) {
        this.#counters.dropReceived(fault);
        return;
      }
      this.#counters.received(length);
      listener.receiveFrame(ring.bytes, offset, length, arrivedAt);
    });
    if (count > 0) ring.announceRoom();
    if (count === BATCH || !ring.prepareToSleep()) setImmediate(() => this.#drain());
  }
}
