import { invalidArgument, SevilleError, unsupported, type DropReason } from "@seville/core";
import { closeSync, writeSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { PortCounters, type HostPortStats } from "../port/counters.ts";
import { errorCode, hostError } from "../port/errors.ts";
import { FrameRing } from "../port/frame-ring.ts";
import {
  ETH_HLEN,
  frameLengthFault,
  MAX_FRAME_BYTES,
  VLAN_HLEN,
  type HostPort,
  type PortListener,
} from "../port/host-port.ts";
import { startWorker } from "../start-worker.ts";
import type { TapWorkerData, TapWorkerMessage } from "./messages.ts";
import { checkInterfaceName, formatMac, parseMac, SUPPORTED_ARCHITECTURES } from "./tun-abi.ts";

export interface TapOptions {
  /** Name of the device, 1 to 15 bytes. */
  readonly device: string;
  /** Network namespace to make it in: its name under /run/netns, or a path. Default: the process's own. */
  readonly netns?: string;
  /** Ethernet address of the kernel's side. Default: the kernel draws one. */
  readonly mac?: string;
  /** MTU of the kernel's side, bytes. Default: what the device has, 1500 for a new one. */
  readonly mtu?: number;
  /** Brings the device up. Default true. */
  readonly up?: boolean;
  /** Fails with ENODEV instead of making a device that is not there. Default false. */
  readonly mustExist?: boolean;
  /** Longest frame, bytes. Default {@link MAX_FRAME_BYTES}. */
  readonly maxFrameBytes?: number;
  /** Room for frames between the thread that reads the device and the one that simulates, bytes: a power of two. Default 4 MiB. */
  readonly ringBytes?: number;
}

/** A TAP device, open. */
export interface TapPort extends HostPort {
  /** Ethernet address of the kernel's side. */
  readonly mac: string;
}

/** How many frames are handed over before other work of the thread gets its turn. */
const BATCH = 64;

/**
 * Opens a Linux TAP device and makes it where there is none. One that we made vanishes with its port or its process,
 * however that ends.
 *
 * A thread of its own enters the namespace, opens the device and waits for frames (a blocking read in the main thread
 * or in libuv's pool could not be interrupted); frames come over in shared memory. Output is a plain write.
 *
 * @throws SevilleError `EPERM` without the privilege, `ENOENT` without /dev/net/tun or the namespace, `EBUSY` if another
 *   program holds the device, `ERR_KOFFI_MISSING`, `ERR_UNSUPPORTED` elsewhere than on Linux
 */
export async function openTap(options: TapOptions): Promise<TapPort> {
  const data = workerData(options);
  const worker = startWorker("tap/worker", data);
  const opened = await new Promise<TapWorkerMessage & { kind: "open" }>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (message: TapWorkerMessage) => {
      worker.removeListener("error", reject);
      if (message.kind === "open") resolve(message);
      else if (message.kind === "failed") reject(new SevilleError(message.code, message.message, message.argument));
      else reject(new SevilleError("ERR_HOST", `the TAP's worker began with ${message.kind}`));
    });
  });
  return new Tap(options.device, worker, data, opened);
}

function workerData(options: TapOptions): TapWorkerData {
  if (process.platform !== "linux") throw unsupported("a TAP device", `it needs Linux, this is ${process.platform}`);
  if (!SUPPORTED_ARCHITECTURES.includes(process.arch)) throw unsupported(`a TAP device on ${process.arch}`);
  checkInterfaceName(options.device, "device");
  const { mtu, netns, maxFrameBytes = MAX_FRAME_BYTES } = options;
  if (mtu !== undefined && (!Number.isInteger(mtu) || mtu < 68 || mtu > 65_521)) {
    throw invalidArgument("mtu", "68 to 65521 bytes", mtu);
  }
  const least = (mtu ?? 1500) + ETH_HLEN + VLAN_HLEN;
  if (!Number.isInteger(maxFrameBytes) || maxFrameBytes < least || maxFrameBytes > MAX_FRAME_BYTES) {
    throw invalidArgument(
      "maxFrameBytes",
      `${least} (the MTU and Ethernet's headers) to ${MAX_FRAME_BYTES}`,
      maxFrameBytes,
    );
  }
  const ringBytes = options.ringBytes ?? 4 * 1024 * 1024;
  const ring = FrameRing.allocate(ringBytes);
  if (ringBytes < 4 * maxFrameBytes) {
    throw invalidArgument("ringBytes", `at least four frames of ${maxFrameBytes} bytes`, ringBytes);
  }
  return {
    name: options.device,
    netnsPath: netns === undefined ? undefined : namespacePath(netns),
    mac: options.mac === undefined ? undefined : parseMac(options.mac, "mac"),
    mtu,
    up: options.up ?? true,
    mustExist: options.mustExist ?? false,
    maxFrameBytes,
    ring,
    kernelDrops: new SharedArrayBuffer(8),
  };
}

function namespacePath(netns: string): string {
  if (netns.includes("/")) return netns;
  if (netns === "") throw invalidArgument("netns", "the name or path of a network namespace", netns);
  return `/run/netns/${netns}`;
}

class Tap implements TapPort {
  readonly name: string;
  readonly mac: string;
  readonly #worker: Worker;
  readonly #ring: FrameRing;
  readonly #kernelDrops: Float64Array;
  readonly #maxFrameBytes: number;
  readonly #fd: number;
  readonly #wakeFd: number;
  readonly #counters = new PortCounters();
  readonly #stopped: Promise<void>;
  #listener: PortListener | undefined;
  #closing: Promise<void> | undefined;
  #failed = false;

  constructor(device: string, worker: Worker, data: TapWorkerData, opened: TapWorkerMessage & { kind: "open" }) {
    this.name = `tap ${device}`;
    this.mac = formatMac(opened.mac);
    this.#worker = worker;
    this.#ring = new FrameRing(data.ring);
    this.#kernelDrops = new Float64Array(data.kernelDrops);
    this.#maxFrameBytes = data.maxFrameBytes;
    this.#fd = opened.fd;
    this.#wakeFd = opened.wakeFd;
    worker.on("message", (message: TapWorkerMessage) => this.#told(message));
    worker.on("error", (error) => this.#fail(error));
    this.#stopped = new Promise((resolve) => worker.once("exit", () => resolve()));
  }

  listen(listener: PortListener): void {
    if (this.#listener !== undefined) throw new SevilleError("ERR_LISTENING", `${this.name} has a listener already`);
    this.#listener = listener;
    this.#drain();
  }

  sendFrame(memory: Uint8Array, offset: number, length: number): void {
    const fault = this.#isClosed ? "DEV_READY" : frameLengthFault(length, this.#maxFrameBytes);
    if (fault !== undefined) {
      this.#counters.dropSent(fault);
      return;
    }
    try {
      writeSync(this.#fd, memory, offset, length);
      this.#counters.sent(length);
    } catch (error) {
      const reason = writeFault(errorCode(error));
      if (reason === undefined) throw error;
      this.#counters.dropSent(reason);
    }
  }

  stats(): HostPortStats {
    this.#counters.kernelDrops = this.#kernelDrops[0] as number;
    return this.#counters.snapshot();
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined || this.#failed;
  }

  async #stop(): Promise<void> {
    this.#ring.requestStop();
    writeSync(this.#wakeFd, new Uint8Array(new BigUint64Array([1n]).buffer));
    await this.#stopped;
    closeSync(this.#wakeFd);
    closeSync(this.#fd);
  }

  #told(message: TapWorkerMessage): void {
    if (message.kind === "frames") this.#drain();
    else if (message.kind === "gone")
      this.#fail(hostError(message.code, `read from ${this.name}`, undefined, "the device is gone"));
  }

  #fail(error: Error): void {
    if (this.#isClosed) return;
    this.#failed = true;
    this.#listener?.portFailed(error);
  }

  /** Hands over what the ring holds, in batches, and goes to sleep when it is empty. */
  #drain(): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    const count = this.#ring.drain(BATCH, (offset, length, arrivedAt) => {
      const fault = frameLengthFault(length, this.#maxFrameBytes);
      if (fault !== undefined) {
        this.#counters.dropReceived(fault);
        return;
      }
      this.#counters.received(length);
      listener.receiveFrame(this.#ring.bytes, offset, length, arrivedAt);
    });
    if (count > 0) this.#ring.announceRoom();
    if (count === BATCH || !this.#ring.prepareToSleep()) setImmediate(() => this.#drain());
  }
}

/** What a failed write to a TAP device means for the frame. `undefined`: that must not happen. */
function writeFault(code: string | undefined): DropReason | undefined {
  switch (code) {
    case "EIO": // the device is down
    case "EBADFD": // it was deleted
      return "DEV_READY";
    case "EAGAIN": // its send buffer is full
    case "ENOBUFS":
      return "FULL_RING";
    case "ENOMEM":
      return "NOMEM";
    case "EINVAL": // shorter than an Ethernet header, or too long
      return "PKT_TOO_SMALL";
    default:
      return undefined;
  }
}
