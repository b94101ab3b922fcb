import { closeSync, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { formatDuration, formatSize, NS_PER_MS, SevilleError } from "@seville/core";
import { LINK_ETHERNET } from "@seville/packet";
import { PcapngWriter } from "@seville/packet/pcapng";
import { raisePriority, type RealtimeResult } from "@seville/host-link";
import { parseLink } from "@seville/sim";
import { EXIT } from "../exit-codes.ts";
import { TcpProxy, type Endpoint, type ProxiedConnection } from "../proxy/tcp-proxy.ts";
import { version } from "../version.ts";

export interface ProxyFlags {
  readonly listen: string;
  readonly to: string;
  readonly link: string;
  readonly up?: string;
  readonly down?: string;
  readonly seed?: number;
  readonly congestion?: string;
  readonly pcap?: string;
  /** In seconds. */
  readonly duration?: number;
  /** Changes of the link are read from standard input, a line each. */
  readonly control?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Carries connections until Ctrl-C or `duration`, then says what there was. */
export async function proxy(flags: ProxyFlags): Promise<number> {
  const stop = new AbortController();
  const end = (): void => {
    stop.abort();
  };
  const tells = flags.json !== true && flags.quiet !== true;
  const instance = new TcpProxy({
    listen: endpoint(flags.listen, "--listen"),
    to: endpoint(flags.to, "--to"),
    link: parseLink(flags.link),
    ...(flags.up === undefined ? {} : { up: parseLink(flags.up) }),
    ...(flags.down === undefined ? {} : { down: parseLink(flags.down) }),
    seed: flags.seed ?? 1,
    ...(flags.congestion === undefined ? {} : { congestion: flags.congestion }),
    ...(tells ? { onConnection: tell } : {}),
  });
  const { address, port } = await instance.listen();
  const capture = flags.pcap === undefined ? undefined : openCapture(instance, flags.pcap);
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  const timer = flags.duration === undefined ? undefined : setTimeout(end, flags.duration * 1000);
  const control = flags.control === true ? readCommands(instance) : undefined;
  const priority = await raisePriority();
  try {
    if (tells) process.stderr.write(`${address}:${port} → ${flags.to}, ${flags.link}; Ctrl-C ends it\n`);
    report(instance, await instance.run(stop.signal), flags);
    return EXIT.OK;
  } finally {
    priority.restore();
    control?.close();
    clearTimeout(timer);
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
    capture?.();
  }
}

/** `host:port`, `[v6]:port` or a port alone. @throws SevilleError `ERR_INVALID_ARGUMENT` */
export function endpoint(text: string, option: string): Endpoint {
  const parts = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) {
    throw new SevilleError(
      "ERR_INVALID_ARGUMENT",
      `${option} takes HOST:PORT, [IPV6]:PORT or a port, such as 127.0.0.1:5432; received ${JSON.stringify(text)}`,
      option,
    );
  }
  return { host: parts[1] ?? parts[2] ?? "127.0.0.1", port };
}

function tell({ number, client, state, up, down, error }: ProxiedConnection): void {
  const how = state === "open" ? "opened" : `${error ?? "closed"}, ${formatSize(up)} up, ${formatSize(down)} down`;
  process.stderr.write(`#${number} ${client} ${how}\n`);
}

/** A line is a change of the link; what makes no sense is told and passed over. */
function readCommands(instance: TcpProxy): { close(): void } {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    try {
      instance.command(line);
    } catch (error) {
      process.stderr.write(`seville: ${(error as Error).message}\n`);
    }
  });
  return lines;
}

function openCapture(instance: TcpProxy, file: string): () => void {
  const descriptor = openSync(file, "w");
  const writer = new PcapngWriter(
    (chunk) => {
      for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
    },
    { application: `seville ${version()}` },
  );
  const number = writer.addInterface({ name: "proxy", linkType: LINK_ETHERNET });
  const epoch = Date.now() * NS_PER_MS;
  instance.link.tap({
    frame(direction, point, frame, now, reason) {
      // What was lost is seen when it set out.
      if (point !== "sent") return;
      const { u8 } = frame.pool.memory;
      writer.packet({
        interface: number,
        time: epoch + now,
        data: u8.subarray(frame.data, frame.tail),
        direction: direction === "aToB" ? "outbound" : "inbound",
        ...(reason === undefined ? {} : { comment: reason }),
      });
    },
  });
  return () => {
    writer.flush();
    closeSync(descriptor);
  };
}

function report(instance: TcpProxy, { now, lateness }: RealtimeResult, flags: ProxyFlags): void {
  const directions = { up: instance.link.stats("aToB"), down: instance.link.stats("bToA") };
  if (flags.json === true) {
    const { connections, failed } = instance;
    process.stdout.write(
      `${JSON.stringify({ seconds: now / 1e9, connections, failed, link: directions, lateness })}\n`,
    );
    return;
  }
  if (flags.quiet === true) return;
  process.stderr.write(
    `${instance.connections} connections in ${formatDuration(Math.round(now))}, ${instance.failed} failed\n`,
  );
  for (const [name, { framesIn, framesDropped, bytesDelivered, dropped }] of Object.entries(directions)) {
    const reasons = Object.entries(dropped).map(([reason, count]) => `${reason} ${count}`);
    const why = reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
    process.stderr.write(
      `${name}: ${framesIn} frames, ${framesDropped} lost${why}, ${formatSize(bytesDelivered)} delivered\n`,
    );
  }
}
