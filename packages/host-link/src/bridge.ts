import type { DropReason, Nanos } from "@seville/core";
import type { Packet, PacketPool } from "@seville/packet";
import type { LinkEnd } from "@seville/sim";
import { PortCounters, type HostPortStats } from "./port/counters.ts";
import type { HostPort } from "./port/host-port.ts";

/** Brings the real world into the simulated one at the right time: a `RealtimeDriver`. */
export interface WorldClock {
  /**
   * Calls `input` at the simulated time that belongs to the moment `arrivedAt` (ns of `monotonicNow`), or at the present
   * one if that has passed. Or it does not, and answers why: `DEV_READY`, time has not begun; `END_OF_RUN`, it has ended.
   */
  inject(input: (now: Nanos) => void, arrivedAt: number): DropReason | undefined;
}

export interface BridgeOptions {
  readonly port: HostPort;
  readonly end: LinkEnd;
  readonly pool: PacketPool;
  readonly clock: WorldClock;
  /** Is told when the port breaks. */
  readonly onFailure: (error: Error) => void;
}

/** A port of the host, joined to an end of a simulated link. */
export interface Bridge {
  /** What passed the bridge, and what it dropped: `NOMEM`, the pool was empty; `DEV_READY`, before the run; `END_OF_RUN`, after. */
  stats(): HostPortStats;
}

/**
 * Joins `port` to `end`: what the host sends goes onto the link at the simulated time that belongs to its arrival; what
 * comes over the link goes out at once.
 *
 * Frames of the host come finished (a TAP has its offloads off), and frames of a link are finished: nothing is summed here.
 */
export function bridge(options: BridgeOptions): Bridge {
  const { port, end, pool, clock } = options;
  const counters = new PortCounters();
  end.attach({
    receiveFrame(frame: Packet): void {
      counters.sent(frame.length);
      port.sendFrame(frame.pool.memory.u8, frame.data, frame.length);
      frame.release();
    },
  });
  const putOnLink = (memory: Uint8Array, offset: number, length: number) => {
    const frame = pool.alloc(length);
    if (frame === undefined) {
      counters.dropReceived("NOMEM");
      return;
    }
    pool.memory.u8.set(memory.subarray(offset, offset + length), frame.put(length));
    counters.received(length);
    end.send(frame);
  };
  port.listen({
    receiveFrame(memory, offset, length, arrivedAt) {
      const refusal = clock.inject(() => putOnLink(memory, offset, length), arrivedAt);
      if (refusal !== undefined) counters.dropReceived(refusal);
    },
    portFailed: options.onFailure,
  });
  return { stats: () => counters.snapshot() };
}
