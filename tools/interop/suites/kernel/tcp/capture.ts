import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { start, type Running } from "../../../lib/netns-programs.ts";

const run = promisify(execFile);

/** Frames of these ports are captured. */
export const CAPTURED_PORTS = [7000, 7999] as const;

/** A frame with something to say about it. */
export interface Remark {
  readonly severity: "error" | "warning" | "note" | "chat";
  readonly message: string;
  readonly count: number;
  /** Frames that have it, as tshark describes the first of them. */
  readonly example: string;
}

export interface Seen {
  readonly frames: number;
  /** Frames with a TCP checksum that was verified. */
  readonly verified: number;
  readonly badChecksums: number;
  readonly malformed: number;
  readonly remarks: readonly Remark[];
}

const SEVERITIES = new Map<number, Remark["severity"]>([
  [0x80_0000, "error"],
  [0x60_0000, "warning"],
  [0x40_0000, "note"],
  [0x20_0000, "chat"],
]);

/** Captures at a device while a suite runs, and reads it at the end. */
export class Capture {
  readonly #directory: string;
  readonly #file: string;
  readonly #dump: Running;

  private constructor(directory: string, file: string, dump: Running) {
    this.#directory = directory;
    this.#file = file;
    this.#dump = dump;
  }

  static async start(netns: string, device: string): Promise<Capture> {
    const directory = await mkdtemp(join(tmpdir(), "seville-kernel-tcp-"));
    const file = join(directory, "capture.pcapng");
    const filter = `tcp portrange ${CAPTURED_PORTS.join("-")} or icmp or icmp6`;
    const words = ["dumpcap", "-q", "-i", device, "-B", "64", "-w", file, "-f", filter];
    const dump = start(netns, words, 3_600_000);
    await dump.printed("File:");
    return new Capture(directory, file, dump);
  }

  /** Ends the capture and answers what tshark says of it, and what the capture lost. */
  async read(): Promise<Seen & { readonly dropped: string }> {
    this.#dump.stop("SIGINT");
    const { output } = await this.#dump.ended;
    const dropped = /received\/dropped on interface[^\n]*: (\d+\/\d+)/.exec(output)?.[1] ?? "unknown";
    return { ...(await look(this.#file)), dropped };
  }

  async discard(): Promise<void> {
    this.#dump.stop("SIGKILL");
    await this.#dump.ended;
    await rm(this.#directory, { recursive: true });
  }
}

const FIELDS = [
  "frame.number",
  "_ws.malformed",
  "ip.checksum.status",
  "tcp.checksum.status",
  "icmp.checksum.status",
  "icmpv6.checksum.status",
  "_ws.expert.severity",
  "_ws.expert.message",
  "_ws.col.Info",
  "tcp.stream",
];
/** Both are zero in one's complement; what Linux's skb_checksum_help leaves where the sum is 0, for every protocol. */
const OTHER_ZERO = "TCP Checksum 0xffff instead of 0x0000";
const BAD = "0";
const GOOD = "1";
const BETWEEN = "\u001f";

async function look(file: string): Promise<Seen> {
  const verify = ["ip", "tcp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
  // What is in our segments is noise: no other protocol shall be seen in it.
  const noise = ["-d", `tcp.port==${CAPTURED_PORTS.join("-")},data`];
  const format = ["-T", "fields", "-E", "separator=/t", "-E", `aggregator=${BETWEEN}`];
  const words = ["-r", file, ...verify, ...noise, ...format, ...FIELDS.flatMap((field) => ["-e", field])];
  const { stdout } = await run("tshark", words, { maxBuffer: 512 << 20 });
  const remarks = new Map<string, { severity: Remark["severity"]; message: string; count: number; example: string }>();
  let [frames, verified, badChecksums, malformed] = [0, 0, 0, 0];
  for (const line of stdout.trimEnd().split("\n")) {
    const [
      number = "",
      bad = "",
      ip = "",
      tcp = "",
      icmp = "",
      icmp6 = "",
      severity = "",
      message = "",
      info = "",
      stream = "",
    ] = line.split("\t");
    frames++;
    const isError = icmp !== "" || icmp6 !== "";
    // The segment that an ICMP error quotes is cut off: of that frame only the error itself is judged.
    const statuses = (isError ? [icmp, icmp6] : [ip, tcp]).flatMap((status) => status.split(BETWEEN));
    if (statuses.includes(BAD) && !message.includes(OTHER_ZERO)) badChecksums++;
    if (isError) continue;
    if (bad !== "") malformed++;
    if (tcp.split(BETWEEN).includes(GOOD)) verified++;
    const messages = message.split(BETWEEN);
    severity.split(BETWEEN).forEach((code, i) => {
      const level = SEVERITIES.get(Number(code));
      if (level === undefined) return;
      const name = messages[i] ?? "";
      const known = remarks.get(name);
      if (known !== undefined) known.count++;
      else
        remarks.set(name, {
          severity: level,
          message: name,
          count: 1,
          example: `frame ${number}, stream ${stream}: ${info}`,
        });
    });
  }
  return { frames, verified, badChecksums, malformed, remarks: [...remarks.values()] };
}
