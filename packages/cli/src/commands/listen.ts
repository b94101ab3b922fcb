import { closeSync, openSync, writeSync } from "node:fs";
import { NS_PER_MS } from "@seville/core";
import { LINK_ETHERNET, LINK_RAW, summarize } from "@seville/packet";
import { PcapngWriter } from "@seville/packet/pcapng";
import {
  listenGeneve,
  listenGue,
  listenVxlan,
  type ListenerStats,
  type TunnelFrame,
  type TunnelListener,
} from "@seville/tunnel-encap/node";
import { EXIT } from "../exit-codes.ts";
import { version } from "../version.ts";

export interface ListenFlags {
  readonly protocol: "vxlan" | "geneve" | "gue";
  readonly port?: number;
  readonly host?: string;
  /** Empty: all. */
  readonly vni: readonly number[];
  readonly gpe?: boolean;
  /** A pcapng file for the inner frames. */
  readonly pcap?: string;
  readonly count?: number;
  /** In seconds. */
  readonly duration?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Receives until Ctrl-C, `count` or `duration`, then says what there was. */
export async function listen(flags: ListenFlags): Promise<number> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  const timer = flags.duration === undefined ? undefined : setTimeout(end, flags.duration * 1000);
  const capture = flags.pcap === undefined ? undefined : new Capture(flags.pcap);
  try {
    const listener = open(flags, stop.signal);
    const { address, port } = await listener.listening;
    if (flags.json !== true) process.stderr.write(`listening for ${flags.protocol} on ${address} port ${port}\n`);
    await receive(listener, flags, capture);
    report(listener.stats, flags);
    return EXIT.OK;
  } finally {
    clearTimeout(timer);
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
    capture?.close();
  }
}

function open({ protocol, port, host, vni, gpe }: ListenFlags, signal: AbortSignal): TunnelListener {
  const options = { port, host, signal, vni: vni.length === 0 ? undefined : vni };
  if (protocol === "vxlan") return listenVxlan({ ...options, gpe });
  return protocol === "geneve" ? listenGeneve(options) : listenGue({ port, host, signal });
}

async function receive(listener: TunnelListener, flags: ListenFlags, capture: Capture | undefined): Promise<void> {
  let left = flags.count ?? Infinity;
  if (left === 0) {
    listener.close();
    return;
  }
  for await (const frame of listener) {
    capture?.write(frame);
    if (flags.json !== true && flags.quiet !== true) process.stdout.write(`${line(frame)}\n`);
    if (--left === 0) break;
  }
}

function line({ address, port, vni, data, linkType }: TunnelFrame): string {
  const network = vni === undefined ? "" : ` vni ${vni}`;
  return `${address}.${port}${network}: ${summarize(data, linkType)}`;
}

function report(stats: Readonly<ListenerStats>, flags: ListenFlags): void {
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(stats)}\n`);
    return;
  }
  const { datagrams, frames, filtered, malformed, overflowed } = stats;
  const lost = `${filtered} of other networks, ${malformed} malformed, ${overflowed} not read in time`;
  process.stderr.write(`${datagrams} datagrams, ${frames} frames; ${lost}\n`);
}

/** A pcapng file with an interface for each network and kind of packet. */
class Capture {
  readonly #descriptor: number;
  readonly #writer: PcapngWriter;
  readonly #interfaces = new Map<string, number>();

  constructor(file: string) {
    this.#descriptor = openSync(file, "w");
    this.#writer = new PcapngWriter(
      (chunk) => {
        for (let at = 0; at < chunk.length;) at += writeSync(this.#descriptor, chunk, at);
      },
      { application: `seville ${version()}`, chunkBytes: 65_536 },
    );
  }

  write({ data, vni, linkType, time }: TunnelFrame): void {
    const name = vni === undefined ? "tunnel" : `vni${vni}`;
    const key = `${name} ${linkType}`;
    let number = this.#interfaces.get(key);
    if (number === undefined) {
      number = this.#writer.addInterface({ name, linkType: linkType === 1 ? LINK_ETHERNET : LINK_RAW });
      this.#interfaces.set(key, number);
    }
    this.#writer.packet({ interface: number, time: time * NS_PER_MS, data, direction: "inbound" });
  }

  /** Whatever ended it, the file is whole. */
  close(): void {
    this.#writer.flush();
    closeSync(this.#descriptor);
  }
}
