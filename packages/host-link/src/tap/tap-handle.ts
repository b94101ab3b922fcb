import { SevilleError, type DropReason } from "@seville/core";
import { closeSync, writeSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { hostError } from "../port/errors.ts";
import { FrameRing } from "../port/frame-ring.ts";
import { startWorker } from "../start-worker.ts";
import type { TapOpened, TapWorkerData, TapWorkerMessage } from "./messages.ts";

/** Is told what a {@link TapHandle} hears of its device. */
export interface TapWatcher {
  /** The ring of `queue` has frames again. */
  framesCame(queue: number): void;
  /** The device is gone, or its reader broke. Once. */
  failed(error: Error): void;
}

/**
 * A TAP device, open: its descriptors, the thread that reads them, and the rings that it fills. What frames mean is the business
 * of whoever holds it.
 */
export class TapHandle {
  readonly name: string;
  readonly opened: TapOpened;
  /** One for each queue. */
  readonly rings: readonly FrameRing[];
  watcher: TapWatcher | undefined = undefined;
  readonly #kernelDrops: Float64Array;
  readonly #stopped: Promise<void>;
  #closing: Promise<void> | undefined;
  #failed = false;

  /** @internal See {@link openTapHandle}. */
  constructor(worker: Worker, data: TapWorkerData, opened: TapOpened) {
    this.name = `tap ${data.name}`;
    this.opened = opened;
    this.rings = data.rings.map((ring) => new FrameRing(ring));
    this.#kernelDrops = new Float64Array(data.kernelDrops);
    worker.on("message", (message: TapWorkerMessage) => this.#told(message));
    worker.on("error", (error) => this.#fail(error));
    this.#stopped = new Promise((resolve) => worker.once("exit", () => resolve()));
  }

  /** It moves no more frames. */
  get isClosed(): boolean {
    return this.#closing !== undefined || this.#failed;
  }

  /** Frames that the kernel dropped since the device was opened, because they were read too slowly. */
  get kernelDrops(): number {
    return this.#kernelDrops[0] as number;
  }

  /** The descriptor of `queue`, to write to. */
  fd(queue: number): number {
    return this.opened.fds[queue] as number;
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    for (const ring of this.rings) ring.requestStop();
    const { fds, wakeFd } = this.opened;
    writeSync(wakeFd, new Uint8Array(new BigUint64Array([1n]).buffer));
    await this.#stopped;
    for (const fd of [wakeFd, ...fds]) closeSync(fd);
  }

  #told(message: TapWorkerMessage): void {
    if (message.kind === "frames") this.watcher?.framesCame(message.queue);
    else if (message.kind === "gone")
      this.#fail(hostError(message.code, `read from ${this.name}`, undefined, "the device is gone"));
  }

  #fail(error: Error): void {
    if (this.isClosed) return;
    this.#failed = true;
    this.watcher?.failed(error);
  }
}

/** Starts a worker for `data` and resolves when the device is open. */
export async function openTapHandle(data: TapWorkerData): Promise<TapHandle> {
  const worker = startWorker("tap/worker", data);
  const opened = await new Promise<TapOpened>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (message: TapWorkerMessage) => {
      worker.removeListener("error", reject);
      if (message.kind === "open") resolve(message);
      else if (message.kind === "failed") reject(new SevilleError(message.code, message.message, message.argument));
      else reject(new SevilleError("ERR_HOST", `the TAP's worker began with ${message.kind}`));
    });
  });
  return new TapHandle(worker, data, opened);
}

/** What a failed write to a TAP device means for the frame. `undefined`: that must not happen. */
export function writeFault(code: string | undefined): DropReason | undefined {
  switch (code) {
    case "EIO": // the device is down
    case "EBADFD": // it was deleted
      return "DEV_READY";
    case "EAGAIN": // its send buffer is full
    case "ENOBUFS":
      return "FULL_RING";
    case "ENOMEM":
      return "NOMEM";
    case "EINVAL": // shorter than an Ethernet header, or too long, or behind a header that says what cannot be
      return "PKT_TOO_SMALL";
    default:
      return undefined;
  }
}
