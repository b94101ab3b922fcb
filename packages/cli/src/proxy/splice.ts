import type { Socket } from "node:net";
import { EPOLLERR, EPOLLOUT, SHUT_WR, type TcpSocket } from "@seville/stack/tcp";

/** What passed between a real connection and a simulated one. */
export interface SpliceCounts {
  /** Bytes from the real side into the simulation, and back. */
  in: number;
  out: number;
}

export interface SpliceOptions {
  readonly real: Socket;
  readonly simulated: TcpSocket;
  /** Runs a call into the simulation at the time that it is there; nothing may touch `simulated` otherwise. */
  readonly enter: (call: () => void) => void;
  /** Both sides are done; `error` is the errno of the side that failed. */
  readonly done: (error: string | undefined) => void;
}

/**
 * Joins a real TCP connection to a simulated one: bytes, half closes and resets pass, and whoever does not read holds the other
 * side up.
 */
export function splice({ real, simulated, enter, done }: SpliceOptions): SpliceCounts {
  const counts: SpliceCounts = { in: 0, out: 0 };
  /** From the real side, not taken by the simulated one yet. */
  let waiting: Uint8Array | undefined;
  let realEnded = false;
  let simulatedEnded = false;
  let isFull = false;
  let isDone = false;

  function finish(error?: string): void {
    if (isDone) return;
    isDone = true;
    simulated.onReady = undefined;
    if (error === undefined) simulated.close();
    else abort(simulated);
    if (error === undefined) real.destroySoon();
    else real.resetAndDestroy();
    done(error);
  }

  /** Calls into the simulated socket; what it throws ends the connection. */
  function guarded(call: () => void): void {
    if (isDone) return;
    try {
      call();
    } catch (error) {
      finish((error as { code?: string }).code ?? "EIO");
    }
  }

  function flush(): void {
    while (waiting !== undefined) {
      const taken = simulated.send(waiting);
      counts.in += taken;
      if (taken === 0) return;
      waiting = taken === waiting.length ? undefined : waiting.subarray(taken);
    }
    if (realEnded) simulated.shutdown(SHUT_WR);
    else real.resume();
    endIfOver();
  }

  function pump(): void {
    while (!isFull && !simulatedEnded) {
      const bytes = simulated.recv();
      if (bytes === undefined) return;
      if (bytes.length === 0) {
        simulatedEnded = true;
        real.end();
        endIfOver();
        return;
      }
      counts.out += bytes.length;
      isFull = !real.write(bytes);
    }
  }

  function endIfOver(): void {
    if (realEnded && simulatedEnded && waiting === undefined) finish();
  }

  simulated.onReady = (events) => {
    guarded(() => {
      if ((events & EPOLLERR) !== 0) {
        const code = simulated.takeSocketError();
        if (code !== 0) {
          finish(code);
          return;
        }
      }
      pump();
      if ((events & EPOLLOUT) !== 0 && waiting !== undefined) flush();
    });
  };
  real.on("data", (chunk: Buffer) => {
    // One piece at a time: what waits is bounded by what one read gives.
    real.pause();
    waiting = chunk;
    enter(() => {
      guarded(flush);
    });
  });
  real.on("end", () => {
    realEnded = true;
    enter(() => {
      guarded(() => {
        if (waiting === undefined) flush();
      });
    });
  });
  real.on("drain", () => {
    isFull = false;
    enter(() => {
      guarded(pump);
    });
  });
  real.on("error", (error: NodeJS.ErrnoException) => {
    enter(() => {
      finish(error.code ?? "EIO");
    });
  });
  enter(() => {
    guarded(pump);
  });
  return counts;
}

/** Ends a simulated connection with a reset. */
export function abort(simulated: TcpSocket): void {
  simulated.setsockopt("SO_LINGER", { onoff: 1, linger: 0 });
  simulated.close();
}
