import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pcapFile } from "./pcap-file.ts";

/** One field that tshark found. */
export interface TsharkField {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly show: string;
}

/** What tshark sees in one frame. */
export interface TsharkPacket {
  readonly fields: readonly TsharkField[];
  /** Expert information of severity warning or error, and "Malformed Packet". */
  readonly complaints: readonly string[];
}

/** Everything is verified, nothing is put together from several frames, and sequence numbers are those of the header. */
const PREFERENCES = [
  "ip.check_checksum:TRUE",
  "tcp.check_checksum:TRUE",
  "udp.check_checksum:TRUE",
  "ip.defragment:FALSE",
  "ipv6.defragment:FALSE",
  "tcp.relative_sequence_numbers:FALSE",
  "tcp.analyze_sequence_numbers:FALSE",
];

/** Severities of Wireshark's `PI_SEVERITY_MASK`. */
const WARNING = 0x0060_0000;

/** Dissects `frames` with one run of tshark. */
export function tshark(frames: readonly Uint8Array[], linkType = 1): TsharkPacket[] {
  const options = PREFERENCES.flatMap((preference) => ["-o", preference]);
  // Node's pipes are sockets, from which tshark does not read a capture.
  const folder = mkdtempSync(join(tmpdir(), "seville-packet-"));
  const file = join(folder, "frames.pcap");
  try {
    writeFileSync(file, pcapFile(frames, linkType));
    const pdml = run(["-r", file, "-T", "pdml", "-n", ...options]);
    const packets = pdml.split("<packet>").slice(1).map(readPacket);
    if (packets.length !== frames.length) throw new Error(`tshark saw ${packets.length} of ${frames.length} frames`);
    return packets;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(options: readonly string[]): string {
  return execFileSync("tshark", options, { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
}

function readPacket(pdml: string): TsharkPacket {
  const fields: TsharkField[] = [];
  const complaints: string[] = [];
  let message = "";
  for (const [, attributes = ""] of pdml.matchAll(/<(?:proto|field) ([^>]*?)\/?>/g)) {
    const get = (name: string): string => decode(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const name = get("name");
    if (name === "_ws.expert") message = get("showname");
    if (name === "_ws.expert.severity" && Number(get("show")) >= WARNING) complaints.push(message);
    if (name === "_ws.malformed") complaints.push(get("showname"));
    fields.push({ name, at: Number(get("pos")), size: Number(get("size")), show: get("show") });
  }
  return { fields, complaints };
}

function decode(text: string): string {
  const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => entities[name] ?? "");
}

/** Every field that this tshark knows, by abbreviation, with its name. */
export function tsharkFieldNames(): ReadonlyMap<string, string> {
  const text = run(["-G", "fields"]);
  const names = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [kind, name, abbreviation] = line.split("\t");
    if ((kind === "F" || kind === "P") && name !== undefined && abbreviation !== undefined) {
      names.set(abbreviation, name);
    }
  }
  return names;
}
