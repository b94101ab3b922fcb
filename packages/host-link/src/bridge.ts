import type { Packet, PacketPool } from "@seville/packet";
import type { LinkEnd } from "@seville/sim";
import { PortCounters, type HostPortStats } from "./port/counters.ts";
import type { HostPort } from "./port/host-port.ts";

/** Where the bridge finds the simulated time that belongs to a moment of the real world: a `RealtimeDriver`. */
export interface WorldClock {
  /**
   * Brings the simulation to the moment `wall` (ns of `monotonicNow`), if it is not past it already.
   * @returns whether the simulation takes anything from outside any more
   */
  catchUp(wall: number): boolean;
  /** Something was scheduled from outside: the sleeper may have to wake earlier. */
  rearm(): void;
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
  /** Frames that the bridge itself dropped: `NOMEM` when the pool was empty, `END_OF_RUN` after the end. */
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
  port.listen({
    receiveFrame(memory, offset, length, arrivedAt) {
      if (!clock.catchUp(arrivedAt)) {
        counters.dropReceived("END_OF_RUN");
        return;
      }
      const frame = pool.alloc(length);
      if (frame === undefined) {
        counters.dropReceived("NOMEM");
        return;
      }
      pool.memory.u8.set(memory.subarray(offset, offset + length), frame.put(length));
      counters.received(length);
      end.send(frame);
      clock.rearm();
    },
    portFailed: options.onFailure,
  });
  return { stats: () => counters.snapshot() };
}
