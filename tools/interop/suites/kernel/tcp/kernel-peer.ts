import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { parseMib } from "../../../../../packages/host-link/src/index.ts";
import { CaseFailure } from "../../../lib/suite.ts";
import { readKernelInfo, type KernelInfo } from "./kernel-info.ts";

type Argument = number | string | readonly number[] | readonly string[];
type Arguments = Readonly<Record<string, Argument>>;

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A call into the kernel failed with an errno. */
export class KernelError extends Error {
  readonly code: string;

  constructor(code: string, call: string) {
    super(`the kernel's ${call}: ${code}`);
    this.code = code;
  }
}

const PATIENCE_MS = 60_000;

/** What came of one end's transfer. */
export interface Drained {
  readonly bytes: number;
  readonly hash: string;
  readonly seconds: number;
}

/** Sockets of the kernel, in a network namespace. */
export class KernelPeer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #last = 0;

  constructor(netns: string) {
    const script = new URL("scripts/peer.py", import.meta.url).pathname;
    const child = spawn("ip", ["netns", "exec", netns, "python3", "-u", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => this.#answer(JSON.parse(line) as Answer));
    child.once("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new CaseFailure("the kernel's peer ended"));
    });
  }

  /** @throws KernelError with the errno's name */
  async call(what: string, args: Arguments = {}, patienceMs: number = PATIENCE_MS): Promise<unknown> {
    const id = ++this.#last;
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, {
        resolve,
        reject: (error) => reject(error instanceof KernelError ? new KernelError(error.code, what) : error),
      });
      timer = setTimeout(
        () => reject(new CaseFailure(`the kernel's ${what} (${JSON.stringify(args)}) took more than ${patienceMs} ms`)),
        patienceMs,
      );
      this.#child.stdin?.write(`${JSON.stringify({ ...args, id, do: what })}\n`);
    });
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  async socket(family: 4 | 6): Promise<KernelSocket> {
    return new KernelSocket(this, (await this.call("socket", { family })) as number);
  }

  /** Listens at any address of `family`. */
  async listen(
    family: 4 | 6,
    port: number,
    options: Readonly<Record<string, number | string>> = {},
    backlog = 64,
  ): Promise<KernelSocket> {
    const socket = await this.socket(family);
    for (const [name, value] of Object.entries(options)) await socket.set(name, value);
    await this.call("bind", { fd: socket.fd, address: family === 4 ? "0.0.0.0" : "::", port });
    await this.call("listen", { fd: socket.fd, backlog });
    return socket;
  }

  async sysctl(name: string, value: number | string): Promise<void> {
    await this.call("write", { path: `/proc/sys/${name.replaceAll(".", "/")}`, text: String(value) });
  }

  async readSysctl(name: string): Promise<string> {
    return String(await this.call("read", { paths: [`/proc/sys/${name.replaceAll(".", "/")}`] })).trim();
  }

  /** The namespace's counters, by the names of `nstat`. */
  async mib(): Promise<Record<string, number>> {
    return parseMib(
      (await this.call("read", { paths: ["/proc/net/snmp", "/proc/net/snmp6", "/proc/net/netstat"] })) as string,
    );
  }

  close(): Promise<void> {
    const ended = new Promise<void>((resolve) => void this.#child.once("close", () => resolve()));
    this.#child.stdin?.end();
    return ended;
  }

  #answer({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new KernelError(error, ""));
  }
}

const SOL_SOCKET = "SOL_SOCKET";
const IPPROTO_TCP = "IPPROTO_TCP";

/** A socket of the kernel; its calls block as the kernel's do, and fail with its errno. */
export class KernelSocket {
  readonly #peer: KernelPeer;
  readonly fd: number;

  constructor(peer: KernelPeer, fd: number) {
    this.#peer = peer;
    this.fd = fd;
  }

  /** A level's option by its name: `SO_…`, `TCP_…`. A list of numbers is a struct of ints. */
  async set(name: string, value: number | string | readonly number[]): Promise<void> {
    await this.#call("setopt", { level: levelOf(name), name, value });
  }

  async get(name: string): Promise<number> {
    return (await this.#call("getopt", { level: levelOf(name), name })) as number;
  }

  async info(): Promise<KernelInfo> {
    return readKernelInfo(
      (await this.#call("getopt", { level: IPPROTO_TCP, name: "TCP_INFO", length: 512 })) as string,
    );
  }

  async bind(address: string, port: number): Promise<void> {
    await this.#call("bind", { address, port });
  }

  async connect(address: string, port: number): Promise<void> {
    await this.#call("connect", { address, port });
  }

  async accept(): Promise<KernelSocket> {
    const { fd } = (await this.#call("accept", {})) as { fd: number };
    return new KernelSocket(this.#peer, fd);
  }

  async port(): Promise<number> {
    return (await this.#call("port", {})) as number;
  }

  async send(text: string, flags = 0): Promise<number> {
    return (await this.#call("send", { hex: Buffer.from(text, "latin1").toString("hex"), flags })) as number;
  }

  /** MSG_FASTOPEN. */
  async sendTo(text: string, flags: number, address: string, port: number): Promise<number> {
    const hex = Buffer.from(text, "latin1").toString("hex");
    return (await this.#call("sendto", { hex, flags, address, port })) as number;
  }

  /** Some bytes; none at the end. */
  async recv(max = 65_536, flags = 0): Promise<string> {
    return Buffer.from((await this.#call("recv", { max, flags })) as string, "hex").toString("latin1");
  }

  async shutdown(how: 0 | 1 | 2): Promise<void> {
    await this.#call("shutdown", { how });
  }

  async close(): Promise<void> {
    await this.#call("close", {});
  }

  /** Sends so many bytes of the stream of `seed`; answers their SHA-256. */
  async pour(seed: string, bytes: number): Promise<string> {
    return (await this.#call("pour", { seed, bytes }, TRANSFER_MS)) as string;
  }

  /** Reads until the end, at most `piece` bytes at once, with `pause` seconds in between. */
  async drain(options: { readonly piece?: number; readonly pause?: number } = {}): Promise<Drained> {
    return (await this.#call("drain", { ...options }, TRANSFER_MS)) as Drained;
  }

  /** Accepts so many connections as they come, and answers each in capitals. */
  async serve(count: number): Promise<void> {
    await this.#call("serve", { count }, TRANSFER_MS);
  }

  async echo(): Promise<number> {
    return (await this.#call("echo", {}, TRANSFER_MS)) as number;
  }

  /** Sends single characters and waits for each to come back: the round trips, ms. */
  async type(count: number, pause: number): Promise<number[]> {
    return (await this.#call("type", { count, pause }, TRANSFER_MS)) as number[];
  }

  #call(what: string, args: Arguments, patienceMs?: number): Promise<unknown> {
    return this.#peer.call(what, { ...args, fd: this.fd }, patienceMs);
  }
}

const TRANSFER_MS = 300_000;

function levelOf(name: string): string {
  if (name.startsWith("SO_")) return SOL_SOCKET;
  if (name.startsWith("IPV6_")) return "IPPROTO_IPV6";
  return name.startsWith("IP_") ? "IPPROTO_IP" : IPPROTO_TCP;
}
