import {
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  openTcp,
  ready,
  SHUT_WR,
  type OptionInput,
  type TcpSocket,
} from "../../../../../packages/stack/src/tcp/index.ts";
import type { TcpInfo } from "../../../../../packages/tcp/src/index.ts";
import { CaseFailure } from "../../../lib/suite.ts";
import type { Drained } from "./kernel-peer.ts";
import type { TcpLab } from "./lab.ts";
import { Source } from "./stream.ts";
import { createHash } from "node:crypto";

const PATIENCE_MS = 60_000;

export type Options = Readonly<Record<string, OptionInput>>;

/** A socket of ours; calls wait for what they wait for on a blocking socket, and fail with its errno. */
export class OurSocket {
  readonly #lab: TcpLab;
  readonly socket: TcpSocket;

  constructor(lab: TcpLab, socket: TcpSocket) {
    this.#lab = lab;
    this.socket = socket;
  }

  static async open(lab: TcpLab, family: 4 | 6, options: Options = {}): Promise<OurSocket> {
    const socket = await lab.inWorld(() => openTcp(lab.host, { family }));
    const ours = new OurSocket(lab, socket);
    for (const [name, value] of Object.entries({ SO_REUSEADDR: 1, ...options })) await ours.set(name, value);
    return ours;
  }

  /** Listens at any address of `family`. */
  static async listen(
    lab: TcpLab,
    family: 4 | 6,
    port: number,
    options: Options = {},
    backlog = 64,
  ): Promise<OurSocket> {
    const ours = await OurSocket.open(lab, family, options);
    await ours.do((socket) => {
      socket.bind({ port });
      socket.listen(backlog);
    });
    return ours;
  }

  /** Runs `call` in simulated time. */
  do<Result>(call: (socket: TcpSocket) => Result): Promise<Result> {
    return this.#lab.inWorld(() => call(this.socket));
  }

  /** Waits for one of `events`, an error or the end. */
  async ready(events: number, what: string): Promise<number> {
    const waited = this.do((socket) => ready(socket, events));
    return patient(waited, PATIENCE_MS, () => `our ${what} in ${this.socket.state}`);
  }

  set(name: string, value: OptionInput): Promise<void> {
    return this.do((socket) => socket.setsockopt(name, value));
  }

  async info(): Promise<TcpInfo> {
    const info = await this.do((socket) => socket.info());
    if (info === undefined) throw new CaseFailure("our socket has no connection");
    return info;
  }

  async connect(address: string, port: number): Promise<void> {
    await this.do((socket) => socket.connect({ address, port }));
    await this.ready(EPOLLOUT, "connect");
    await this.throwError("connect");
  }

  async accept(): Promise<OurSocket> {
    for (;;) {
      const accepted = await this.do((socket) => socket.accept());
      if (accepted !== undefined) return new OurSocket(this.#lab, accepted);
      await this.ready(EPOLLIN, "accept");
    }
  }

  async send(text: string, flags = 0): Promise<void> {
    const bytes = Buffer.from(text, "latin1");
    for (let at = 0; at < bytes.length;) {
      const taken = await this.do((socket) => socket.send(bytes.subarray(at), flags));
      at += taken;
      if (taken === 0) await this.ready(EPOLLOUT, "send");
    }
  }

  /** Some bytes; none at the end. */
  async recv(max = 65_536, flags = 0): Promise<string> {
    for (;;) {
      const part = await this.do((socket) => socket.recv(max, flags));
      if (part !== undefined) return Buffer.from(part).toString("latin1");
      await this.ready(EPOLLIN | EPOLLRDHUP | EPOLLPRI, "recv");
    }
  }

  /** Everything until the end. */
  async recvAll(): Promise<string> {
    let all = "";
    for (let part = await this.recv(); part !== ""; part = await this.recv()) all += part;
    return all;
  }

  shutdown(how: 0 | 1 | 2): Promise<void> {
    return this.do((socket) => socket.shutdown(how));
  }

  close(): Promise<void> {
    return this.do((socket) => socket.close());
  }

  /** Waits until the connection is in `state`. */
  async reaches(state: TcpSocket["state"], patienceMs = 10_000): Promise<void> {
    const end = performance.now() + patienceMs;
    while (this.socket.state !== state) {
      if (performance.now() > end) throw new CaseFailure(`our socket stays in ${this.socket.state}, not ${state}`);
      await pause(5);
    }
  }

  /** @throws Error with the pending error's code */
  async throwError(what: string): Promise<void> {
    const error = await this.do((socket) => socket.takeSocketError());
    if (error !== 0) throw Object.assign(new Error(`our ${what}: ${error}`), { code: error });
  }

  /** Sends so many bytes of the stream of `seed`, from inside simulated time; answers their SHA-256. */
  pour(seed: string, bytes: number): Promise<string> {
    const source = new Source(seed, bytes);
    const poured = new Promise<string>((resolve, reject) => {
      const work = (): void => {
        try {
          while (source.left > 0) {
            const taken = this.socket.send(source.next());
            if (taken === 0) return;
            source.took(taken);
          }
          this.socket.onReady = undefined;
          resolve(source.digest());
        } catch (error) {
          this.socket.onReady = undefined;
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      void this.do((socket) => {
        socket.onReady = work;
        work();
        // Without room: whoever polls is told of it.
        socket.poll();
      });
    });
    return patient(poured, TRANSFER_MS, () => `our send, ${source.left} bytes to go, ${this.#told()}`);
  }

  /** Reads until the end, from inside simulated time. */
  drain(): Promise<Drained> {
    const hash = createHash("sha256");
    const into = new Uint8Array(262_144);
    let [bytes, began] = [0, 0];
    const drained = new Promise<Drained>((resolve, reject) => {
      const work = (): void => {
        try {
          for (let count = this.socket.recvInto(into); count >= 0; count = this.socket.recvInto(into)) {
            began ||= performance.now();
            if (count === 0) {
              this.socket.onReady = undefined;
              resolve({ bytes, hash: hash.digest("hex"), seconds: (performance.now() - began) / 1000 });
              return;
            }
            bytes += count;
            hash.update(into.subarray(0, count));
          }
        } catch (error) {
          this.socket.onReady = undefined;
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      void this.do((socket) => {
        socket.onReady = work;
        work();
      });
    });
    return patient(drained, TRANSFER_MS, () => `our recv after ${bytes} bytes, ${this.#told()}`);
  }

  async pourAndFinish(seed: string, bytes: number): Promise<string> {
    const hash = await this.pour(seed, bytes);
    await this.shutdown(SHUT_WR);
    return hash;
  }

  #told(): string {
    return JSON.stringify(this.socket.info());
  }
}

const TRANSFER_MS = 300_000;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** `work`, which fails the case if it takes longer. */
export async function patient<Result>(work: Promise<Result>, ms: number, what: () => string): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new CaseFailure(`${what()} took more than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The errno with which `work` fails; `none`: it did not. */
export async function errnoOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === "string") return code;
    throw error;
  }
}
