import type { HostPort, HostPortStats, PortListener } from "../src/index.ts";

/** An Ethernet frame of `length` bytes that says `mark` in its first byte of payload. */
export function frame(length: number, mark = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 0x88, 0xb5].slice(0, length));
  for (let i = 14; i < length; i++) bytes[i] = (mark + i - 14) & 0xff;
  return bytes;
}

/** What a port delivered, and how it failed. */
export interface Collected {
  readonly frames: Uint8Array[];
  readonly arrivals: number[];
  readonly failures: Error[];
  /** Resolves when `count` frames are there. */
  until(count: number): Promise<void>;
  failed(): Promise<Error>;
}

export function collect(port: HostPort): Collected {
  const frames: Uint8Array[] = [];
  const arrivals: number[] = [];
  const failures: Error[] = [];
  const listener: PortListener = {
    receiveFrame(memory, offset, length, arrivedAt) {
      frames.push(Uint8Array.from(memory.subarray(offset, offset + length)));
      arrivals.push(arrivedAt);
    },
    portFailed: (error) => void failures.push(error),
  };
  port.listen(listener);
  return {
    frames,
    arrivals,
    failures,
    until: (count) =>
      waitFor(
        () => frames.length >= count,
        () => `${frames.length} of ${count} frames came`,
      ),
    async failed() {
      await waitFor(
        () => failures.length > 0,
        () => "the port did not fail",
      );
      return failures[0]!;
    },
  };
}

export async function waitFor(done: () => boolean, otherwise: () => string, timeoutMs = 10_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!done()) {
    if (performance.now() > giveUpAt) throw new Error(otherwise());
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export function send(port: HostPort, bytes: Uint8Array): void {
  port.sendFrame(bytes, 0, bytes.length);
}

/** How many frames a port dropped on their way in. */
export function receiveDrops(port: HostPort): number {
  const drops: HostPortStats["rxDrops"] = port.stats().rxDrops;
  return Object.values(drops).reduce((sum, count) => sum + count, 0);
}
