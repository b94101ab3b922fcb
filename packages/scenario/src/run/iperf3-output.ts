import { formatIp, tryParseIp } from "@seville/packet";
import type { ProgramIperf3 } from "../results.ts";

/** What iperf3 measured, and the connections that it measured on. */
export interface Iperf3Reading {
  readonly iperf3: ProgramIperf3;
  readonly connections: readonly Iperf3Connection[];
}

export interface Iperf3Connection {
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
}

/** What {@link readIperf3} found instead: iperf3's own words. */
export interface Iperf3Complaint {
  readonly error: string;
}

/** Reads what `iperf3 -J` printed. Numbers that this version of it does not print are left out. */
export function readIperf3(output: string): Iperf3Reading | Iperf3Complaint {
  const root = parse(output);
  if (root === undefined) return { error: "what it printed is no JSON (iperf3 needs -J)" };
  const complaint = root["error"];
  if (typeof complaint === "string") return { error: complaint };
  const start = object(root["start"]);
  const end = object(root["end"]);
  const isUdp = object(start["test_start"])["protocol"] === "UDP";
  const sum = object(end["sum"]);
  const sender = end["sum_sent"] === undefined ? sum : object(end["sum_sent"]);
  const receiver = end["sum_received"] === undefined ? sum : object(end["sum_received"]);
  if (number(receiver["bits_per_second"]) === undefined) return { error: "it ended before it had measured" };
  const iperf3: ProgramIperf3 = {
    protocol: isUdp ? "udp" : "tcp",
    seconds: number(receiver["seconds"]) ?? 0,
    sentBytes: number(sender["bytes"]) ?? 0,
    receivedBytes: number(receiver["bytes"]) ?? 0,
    throughput: number(receiver["bits_per_second"]) ?? 0,
    ...(isUdp ? udpFigures(end, sender, receiver) : tcpFigures(end, sender)),
  };
  const connected = Array.isArray(start["connected"]) ? (start["connected"] as unknown[]) : [];
  return { iperf3, connections: connected.map(connectionOf) };
}

function udpFigures(end: Fields, sender: Fields, receiver: Fields): Partial<ProgramIperf3> {
  const packets = number(sender["packets"]);
  const lost = number(receiver["lost_packets"]);
  const read = number(receiver["packets"]);
  const streams = Array.isArray(end["streams"]) ? (end["streams"] as unknown[]) : [];
  const outOfOrder = streams.reduce<number>((all, stream) => {
    return all + (number(object(object(stream)["udp"])["out_of_order"]) ?? 0);
  }, 0);
  const jitter = number(receiver["jitter_ms"]);
  return {
    ...(packets === undefined ? {} : { packets }),
    ...(lost === undefined ? {} : { lost }),
    ...(read === undefined || lost === undefined ? {} : { received: read - lost }),
    ...(jitter === undefined ? {} : { jitter: Math.round(jitter * 1e6) }),
    outOfOrder,
  };
}

function tcpFigures(end: Fields, sender: Fields): Partial<ProgramIperf3> {
  const retransmits = number(sender["retransmits"]);
  const congestion = end["sender_tcp_congestion"];
  return {
    ...(retransmits === undefined ? {} : { retransmits }),
    ...(typeof congestion === "string" ? { congestion } : {}),
  };
}

function connectionOf(value: unknown): Iperf3Connection {
  const { local_host, local_port, remote_host, remote_port } = object(value);
  return {
    local: address(local_host),
    localPort: number(local_port) ?? 0,
    remote: address(remote_host),
    remotePort: number(remote_port) ?? 0,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined; // the caller says so
  }
}

function object(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Spelled as we spell addresses; iperf3 writes IPv4 through an IPv6 socket as `::ffff:10.0.0.1`. */
function address(value: unknown): string {
  const text = typeof value === "string" ? (value.replace(/^::ffff:(?=\d+\.)/i, "").split("%")[0] as string) : "";
  const parsed = tryParseIp(text);
  return parsed === undefined ? text : formatIp(parsed);
}
