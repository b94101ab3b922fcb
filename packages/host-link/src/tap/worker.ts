import { SevilleError } from "@seville/core";
import { parentPort, workerData } from "node:worker_threads";
import { monotonicNow } from "../port/clock.ts";
import { errnoName, hostError } from "../port/errors.ts";
import { FrameRing } from "../port/frame-ring.ts";
import { loadLibc, type Libc } from "../libc/libc.ts";
import type { TapWorkerData, TapWorkerMessage } from "./messages.ts";
import { openDevice, readTxDropped } from "./open-device.ts";

const POLLIN = 0x1;
const POLLERR_POLLHUP_POLLNVAL = 0x38;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const EINTR = 4;
const EAGAIN = 11;
/** No call waits for longer, so that a stop is seen even if the waking byte were lost. */
const POLL_MS = 200;
/** How often, in ns, the kernel's drop counter is read. */
const REFRESH_NS = 100e6;

function say(message: TapWorkerMessage): void {
  parentPort?.postMessage(message);
}

/** Keeps the count of the kernel's drops in shared memory up to date, as often as it costs nothing. */
class DropWatch {
  readonly #device: string;
  readonly #shared: Float64Array;
  readonly #before: number;
  #refreshAt = 0;

  constructor(device: string, shared: SharedArrayBuffer) {
    this.#device = device;
    this.#shared = new Float64Array(shared);
    this.#before = readTxDropped(device) ?? 0;
  }

  look(now: number): void {
    if (now < this.#refreshAt) return;
    // No such device any more: what it had dropped is known no better than before.
    const total = readTxDropped(this.#device);
    if (total !== undefined) this.#shared[0] = total - this.#before;
    this.#refreshAt = now + REFRESH_NS;
  }
}

/** One queue of the device on its way into its ring. */
interface Source {
  readonly queue: number;
  readonly fd: number;
  readonly ring: FrameRing;
  /** One byte more than may be, to tell a frame that is too long from one that just fits. */
  readonly readBytes: number;
}

/** Moves frames from the device into the rings until it is told to stop or the device goes away. */
function pump(libc: Libc, sources: readonly Source[], wakeFd: number, data: TapWorkerData): void {
  const drops = new DropWatch(data.name, data.kernelDrops);
  // struct pollfd {int fd; short events; short revents}, in the host's byte order: one for each queue, then the eventfd.
  const count = sources.length + 1;
  const pollfds = new Uint8Array(8 * count);
  const fds = new Int32Array(pollfds.buffer);
  const events = new Int16Array(pollfds.buffer);
  for (let i = 0; i < count; i++) {
    fds[2 * i] = sources[i]?.fd ?? wakeFd;
    events[4 * i + 2] = POLLIN;
  }
  const [first] = sources as [Source];
  while (!first.ring.stopRequested) {
    drops.look(monotonicNow());
    if (libc.poll(pollfds, count, POLL_MS) < 0) {
      const errno = libc.errno();
      if (errno === EINTR) continue;
      say({ kind: "gone", code: errnoName(errno) });
      return;
    }
    for (const source of sources) {
      const revents = events[4 * source.queue + 3] as number;
      if (revents === 0) continue;
      const errno = readAll(libc, source, drops);
      if (errno !== 0 || ((revents & POLLERR_POLLHUP_POLLNVAL) !== 0 && (revents & POLLIN) === 0)) {
        say({ kind: "gone", code: errno === 0 ? "EBADFD" : errnoName(errno) });
        return;
      }
    }
  }
  drops.look(Infinity);
}

/** Frames that one queue may move before the others get their turn. */
const TURN = 256;

/** Reads until the queue has no more. While its ring is full, frames wait in the kernel, which counts what it drops. */
function readAll(libc: Libc, { queue, fd, ring, readBytes }: Source, drops: DropWatch): number {
  for (let count = 0; count < TURN && !ring.stopRequested;) {
    const at = ring.reserve(readBytes);
    if (at < 0) {
      ring.waitForRoom(1);
      drops.look(monotonicNow());
      continue;
    }
    const length = libc.read(fd, ring.bytes.subarray(at, at + readBytes), readBytes);
    if (length < 0) {
      const errno = libc.errno();
      if (errno === EINTR) continue;
      return errno === EAGAIN ? 0 : errno;
    }
    count++;
    if (ring.commit(length, monotonicNow())) say({ kind: "frames", queue });
  }
  return 0;
}

async function main(data: TapWorkerData): Promise<void> {
  const libc = await loadLibc();
  const device = openDevice(libc, data);
  const wakeFd = libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wakeFd < 0) {
    for (const fd of device.fds) libc.close(fd);
    throw hostError(errnoName(libc.errno()), "make an eventfd");
  }
  say({ kind: "open", ...device, wakeFd });
  const readBytes = (device.vnet?.headerBytes ?? 0) + data.maxFrameBytes + 1;
  const sources = data.rings.map((ring, queue) => {
    return { queue, fd: device.fds[queue] as number, ring: new FrameRing(ring), readBytes };
  });
  pump(libc, sources, wakeFd, data);
}

try {
  await main(workerData as TapWorkerData);
  say({ kind: "stopped" });
} catch (error) {
  if (!(error instanceof SevilleError)) throw error;
  say({ kind: "failed", code: error.code, message: error.message, argument: error.argument });
}
