import { PacketPool } from "../../../packages/packet/src/index.ts";
import { newReno } from "../../../packages/congestion/src/index.ts";
import type { TcpEndpointOptions } from "../../../packages/tcp/src/index.ts";
import { Pair } from "./pair.ts";

/** A stream of bytes through a pair, that goes on from call to call. */
export interface Transfer {
  /** Moves at least so many bytes more, each of them written, carried, checked and read. */
  readonly move: (bytes: number) => number;
  readonly pair: Pair;
}

const CHUNK = 64 * 1024;

export function createTransfer(endpoint: Partial<TcpEndpointOptions>): Transfer {
  const pool = new PacketPool({ small: 8192, jumbo: 16, super: 256 });
  const pair = new Pair({ pool, endpoint: { congestionControls: [newReno()], ...endpoint } });
  const [client, server] = pair.open(40_000);
  const source = Uint8Array.from({ length: CHUNK }, (_, i) => (i * 31 + 7) & 255);
  const into = new Uint8Array(256 * 1024);
  let position = 0;
  let read = 0;

  function check(count: number): void {
    // One byte of each read is compared; the tests compare all.
    if (into[count - 1] !== source[(read + count - 1) % CHUNK]) throw new Error("the transfer garbled its bytes");
  }

  return {
    pair,
    move: (bytes) => {
      const end = read + bytes;
      while (read < end) {
        const written = pair.ends[0].send(client, source.subarray(position), 0, pair.now);
        position = (position + Math.max(0, written)) % CHUNK;
        const packets = pair.exchange();
        const count = pair.ends[1].receive(server, into, 0, pair.now);
        if (count > 0) {
          check(count);
          read += count;
          pair.exchange();
        } else if (packets === 0) pair.wait();
      }
      return read;
    },
  };
}
