import type { Nanos } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import { SevilleError } from "@seville/core";
import type { Errno } from "../../host/errno.ts";
import type { Host } from "../../host/host.ts";
import { EPOLLERR, EPOLLIN, EPOLLOUT, MSG_FASTOPEN } from "../constants.ts";
import { openTcp } from "../install.ts";
import type { TcpSocket } from "../tcp-socket.ts";

/** A server that reads `request` bytes and answers with `response` bytes, as often as it is asked on a connection. */
export interface TcpResponderOptions {
  readonly family?: 4 | 6;
  readonly port: number;
  readonly request: number;
  readonly response: number;
  /** TCP_FASTOPEN: how many SYNs with data may wait; 0: none. */
  readonly fastOpen?: number;
}

export interface TcpResponder {
  readonly served: number;
  close(): void;
}

const ZEROS = new Uint8Array(65_536);

export function startTcpResponder(host: Host, options: TcpResponderOptions): TcpResponder {
  const sockets = new Set<TcpSocket>();
  const scratch = new Uint8Array(65_536);
  let served = 0;
  const listener = openTcp(host, { family: options.family ?? 4 });
  if (options.fastOpen !== undefined) listener.setsockopt("TCP_FASTOPEN", options.fastOpen);
  listener.bind({ port: options.port });
  listener.listen();
  listener.onReady = () => {
    for (let socket = listener.accept(); socket !== undefined; socket = listener.accept()) serve(socket);
  };

  function serve(socket: TcpSocket): void {
    let unread = options.request;
    let owed = 0;
    sockets.add(socket);
    const work = (): void => {
      if (socket.closed) return;
      if (socket.takeSocketError() !== 0) {
        end(socket);
        return;
      }
      for (;;) {
        while (owed > 0) {
          const count = Math.min(owed, ZEROS.length);
          const taken = socket.send(ZEROS.subarray(0, count));
          owed -= taken;
          if (taken < count) return;
        }
        const count = socket.recvInto(scratch, 0, Math.min(unread, scratch.length));
        if (count < 0) return;
        if (count === 0) {
          end(socket);
          return;
        }
        unread -= count;
        if (unread > 0) continue;
        unread = options.request;
        owed = options.response;
        served++;
      }
    };
    socket.onReady = work;
    work();
  }

  function end(socket: TcpSocket): void {
    sockets.delete(socket);
    socket.close();
  }

  return {
    get served() {
      return served;
    },
    close() {
      listener.close();
      for (const socket of sockets) socket.close();
      sockets.clear();
    },
  };
}

export interface TcpRequesterOptions {
  readonly to: IpAddress;
  readonly port: number;
  readonly request: number;
  readonly response: number;
  /** A connection for each request, instead of one for all. */
  readonly fresh?: boolean;
  /** With `fresh`: the request goes with the SYN (TCP Fast Open). */
  readonly fastOpen?: boolean;
  readonly congestion?: string;
  /** The answer to request `sequence` is complete, or the connection failed. */
  readonly onAnswer: (sequence: number, now: Nanos) => void;
  readonly onError: (sequence: number, code: Errno) => void;
}

/** Asks and waits; requests on one connection are sent at once and answered in order. */
export interface TcpRequester {
  /** @throws nothing: failures are told by `onError` */
  ask(sequence: number): void;
  readonly socket: TcpSocket | undefined;
  close(): void;
}

export function startTcpRequester(host: Host, options: TcpRequesterOptions): TcpRequester {
  const scratch = new Uint8Array(65_536);
  const talks = new Set<Talk>();
  let kept: Talk | undefined;

  interface Talk {
    readonly socket: TcpSocket;
    /** Requests that are not answered, oldest first, and how many bytes of the first one's answer are missing. */
    readonly asked: number[];
    missing: number;
    /** Bytes of requests that TCP has not taken. */
    unsent: number;
  }

  function open(): Talk {
    const { to, port, congestion } = options;
    const socket = openTcp(host, { family: typeof to === "number" ? 4 : 6 });
    if (congestion !== undefined) socket.setsockopt("TCP_CONGESTION", congestion);
    socket.setsockopt("TCP_NODELAY", 1);
    const talk: Talk = { socket, asked: [], missing: options.response, unsent: 0 };
    talks.add(talk);
    socket.onReady = (events) => work(talk, events);
    try {
      if (options.fastOpen === true) {
        talk.unsent =
          options.request - socket.send(ZEROS.subarray(0, options.request), MSG_FASTOPEN, { address: to, port });
      } else {
        socket.connect({ address: to, port });
        talk.unsent = options.request;
      }
    } catch (error) {
      talks.delete(talk);
      socket.close();
      throw error;
    }
    return talk;
  }

  function work(talk: Talk, events: number): void {
    const { socket } = talk;
    if (socket.closed) return;
    if ((events & EPOLLERR) !== 0) {
      const code = socket.takeSocketError();
      if (code !== 0) fail(talk, code);
      return;
    }
    if ((events & EPOLLOUT) !== 0 && talk.unsent > 0) {
      talk.unsent -= socket.send(ZEROS.subarray(0, Math.min(talk.unsent, ZEROS.length)));
    }
    if ((events & EPOLLIN) === 0) return;
    for (let count = socket.recvInto(scratch); count >= 0; count = socket.recvInto(scratch)) {
      if (count === 0) {
        fail(talk, "ECONNRESET");
        return;
      }
      if (answered(talk, count)) return;
    }
  }

  /** Whether the connection is done with. */
  function answered(talk: Talk, count: number): boolean {
    talk.missing -= count;
    while (talk.missing <= 0 && talk.asked.length > 0) {
      talk.missing += options.response;
      options.onAnswer(talk.asked.shift() as number, host.now);
    }
    if (options.fresh !== true || talk.asked.length > 0) return false;
    talks.delete(talk);
    talk.socket.close();
    return true;
  }

  function fail(talk: Talk, code: Errno): void {
    talks.delete(talk);
    if (kept === talk) kept = undefined;
    talk.socket.close();
    for (const sequence of talk.asked) options.onError(sequence, code);
  }

  return {
    get socket() {
      return kept?.socket;
    },
    ask(sequence) {
      try {
        if (options.fresh === true) {
          open().asked.push(sequence);
          return;
        }
        if (kept === undefined) kept = open();
        else {
          kept.unsent += options.request;
          work(kept, kept.socket.poll() & EPOLLOUT);
        }
        kept.asked.push(sequence);
      } catch (error) {
        // What a program is told by an errno, it lives with. Anything else is a bug and goes on up.
        if (!(error instanceof SevilleError) || error.code.startsWith("ERR_")) throw error;
        options.onError(sequence, error.code as Errno);
      }
    },
    close() {
      for (const { socket } of talks) socket.close();
      talks.clear();
      kept = undefined;
    },
  };
}
