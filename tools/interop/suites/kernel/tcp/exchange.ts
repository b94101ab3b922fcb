import { check } from "../../../lib/suite.ts";
import type { TcpInfo } from "../../../../../packages/tcp/src/index.ts";
import type { KernelInfo } from "./kernel-info.ts";
import type { Drained, KernelSocket } from "./kernel-peer.ts";
import { ADDRESSES, type Path, type TcpLab } from "./lab.ts";
import { OurSocket, type Options } from "./our-socket.ts";

/** Who opens the connection. */
export type Opener = "ours" | "kernel";

export interface Connected {
  readonly ours: OurSocket;
  readonly theirs: KernelSocket;
  /** Closes both, and the listener. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly path?: Path;
  readonly family?: 4 | 6;
  readonly opener?: Opener;
  /** Options of our socket (of the listener, if the kernel opens), and of the kernel's. */
  readonly ours?: Options;
  readonly theirs?: Readonly<Record<string, number | string>>;
  /** Its frames are captured (on the link). */
  readonly captured?: boolean;
}

/** A connection between us and the kernel. */
export async function connectPair(lab: TcpLab, options: ConnectOptions = {}): Promise<Connected> {
  const { path = "link", family = 4, opener = "ours", ours = {}, captured = path === "link" } = options;
  // A namespace may not make it the default of all (only what is unrestricted), but root may ask for it.
  const theirs = { TCP_CONGESTION: "cubic", ...options.theirs };
  const port = lab.port(captured);
  const address = ADDRESSES[path][family];
  if (opener === "ours") {
    const listener = await lab.peer.listen(family, port, theirs);
    const client = await OurSocket.open(lab, family, ours);
    await client.connect(address.kernel, port);
    const server = await listener.accept();
    return {
      ours: client,
      theirs: server,
      close: async () => {
        await client.close();
        await server.close();
        await listener.close();
      },
    };
  }
  const listener = await OurSocket.listen(lab, family, port, ours);
  const client = await lab.peer.socket(family);
  for (const [name, value] of Object.entries(theirs)) await client.set(name, value);
  const accepting = listener.accept();
  await client.connect(address.ours, port);
  const server = await accepting;
  return {
    ours: server,
    theirs: client,
    close: async () => {
      await server.close();
      await client.close();
      await listener.close();
    },
  };
}

/** What a transfer came to. */
export interface Transferred {
  readonly bytes: number;
  readonly seconds: number;
  readonly hash: string;
  /** Both ends' TCP_INFO when all was there. */
  readonly ours: TcpInfo;
  readonly theirs: KernelInfo;
}

let seeds = 0;
const MIB = 1 << 20;
const GIB = 1 << 30;

/** Sends `bytes` from `sender` to the other end, which closes then, and compares SHA-256. */
export async function transfer(pair: Connected, sender: Opener, bytes: number): Promise<Transferred> {
  const seed = `seed ${seeds++}`;
  const { ours, theirs } = pair;
  let [sent, got]: [string, Drained] = ["", { bytes: 0, hash: "", seconds: 0 }];
  if (sender === "ours") [sent, got] = await Promise.all([ours.pourAndFinish(seed, bytes), theirs.drain()]);
  else {
    const poured = theirs.pour(seed, bytes).then(async (hash) => {
      await theirs.shutdown(1);
      return hash;
    });
    [sent, got] = await Promise.all([poured, ours.drain()]);
  }
  const infos = { ours: await ours.info(), theirs: await theirs.info() };
  check(
    got.bytes === bytes && got.hash === sent,
    "the same bytes arrive",
    `sent ${bytes} ${sent}\ngot  ${got.bytes} ${got.hash}`,
  );
  return { bytes, seconds: got.seconds, hash: sent, ...infos };
}

/** `64 MiB in 1.2 s, 450 Mbit/s, SHA-256 0123456789ab…`. */
export function tellTransfer({ bytes, seconds, hash }: Transferred): string {
  const size =
    [`${bytes >> 10} KiB`, `${bytes >> 20} MiB`, `${bytes >> 30} GiB`][bytes < MIB ? 0 : bytes < GIB ? 1 : 2] ?? "";
  return `${size} in ${seconds.toFixed(1)} s, ${((8 * bytes) / seconds / 1e6).toFixed(0)} Mbit/s, SHA-256 ${hash.slice(0, 12)}…`;
}
