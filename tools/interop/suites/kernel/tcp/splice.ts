import {
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  openTcp,
  SHUT_WR,
  type TcpSocket,
} from "../../../../../packages/stack/src/tcp/index.ts";
import type { Host } from "../../../../../packages/stack/src/index.ts";

/** Connections that are passed on. */
export interface Splice {
  /** Bytes that were passed on, both ways. */
  readonly bytes: number;
  readonly connections: number;
  /** Sockets of all that were passed on, in pairs: whence, whither. */
  readonly pairs: readonly (readonly [TcpSocket, TcpSocket])[];
  close(): void;
}

interface Half {
  readonly from: TcpSocket;
  readonly to: TcpSocket;
  /** Read, and not taken yet. */
  waiting: Uint8Array;
  ended: boolean;
}

const NOTHING = new Uint8Array(0);

/** Listens on `port` and passes every connection on to `address` and `port` there, byte for byte and half for half. */
export function splice(host: Host, port: number, to: { readonly address: string; readonly port: number }): Splice {
  const listener = openTcp(host, { family: 6 });
  const pairs: (readonly [TcpSocket, TcpSocket])[] = [];
  let bytes = 0;
  listener.set("SO_REUSEADDR", 1);
  listener.bind({ port });
  listener.listen();
  listener.onReady = () => {
    for (let socket = listener.accept(); socket !== undefined; socket = listener.accept()) join(socket);
  };

  function join(near: TcpSocket): void {
    const far = openTcp(host, { family: to.address.includes(":") ? 6 : 4 });
    pairs.push([near, far]);
    const halves: readonly Half[] = [
      { from: near, to: far, waiting: NOTHING, ended: false },
      { from: far, to: near, waiting: NOTHING, ended: false },
    ];
    const work = (): void => {
      // One end gone takes the other with it: iperf3 ends its connections by a reset where bytes are left unread.
      const isBroken = [near, far].some((socket) => socket.closed || (socket.poll() & EPOLLERR) !== 0);
      if (!isBroken) for (const half of halves) move(half);
      if (!isBroken && !halves.every(({ ended }) => ended)) return;
      near.close();
      far.close();
    };
    near.onReady = work;
    far.onReady = work;
    far.connect(to);
    work();
  }

  function move(half: Half): void {
    const { from, to: out } = half;
    if (from.closed || out.closed || half.ended || out.state === "SYN_SENT" || from.state === "SYN_SENT") return;
    while (!half.ended) {
      if (half.waiting.length > 0) {
        const taken = out.send(half.waiting);
        bytes += taken;
        half.waiting = half.waiting.subarray(taken);
        // Whoever finds no room is told when there is some.
        if (half.waiting.length > 0) return void out.poll();
      }
      if ((from.poll() & (EPOLLIN | EPOLLHUP)) === 0) return;
      const part = from.recv();
      if (part === undefined) return;
      half.waiting = part;
      if (part.length > 0) continue;
      half.ended = true;
      out.shutdown(SHUT_WR);
    }
  }

  return {
    get bytes() {
      return bytes;
    },
    get connections() {
      return pairs.length;
    },
    pairs,
    close() {
      listener.close();
      for (const socket of pairs.flat()) if (!socket.closed) socket.close();
    },
  };
}
