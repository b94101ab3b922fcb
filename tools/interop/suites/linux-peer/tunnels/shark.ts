import { execFileSync } from "node:child_process";
import { PORT as SINK_PORT } from "./sink.ts";
import { FOU_PORTS, GUE_PORT } from "./tunnel-spec.ts";

const DISSECTORS: Readonly<Record<string, string>> = { ipip: "ip", sit: "ipv6" };
const CHECKS = ["ip", "udp", "tcp"];
const WRONG = ["ip", "udp", "tcp", "icmp", "icmpv6", "gre", "sctp"];

/**
 * Lines of tshark about frames of `file` that are malformed or have a wrong checksum at any level; at most ten.
 * @param unfinished inner UDP and TCP checksums are left to the receiver there
 */
export function complaints(file: string, unfinished = false): string[] {
  const looked = unfinished ? WRONG.filter((name) => name !== "udp" && name !== "tcp") : WRONG;
  const filter = ["_ws.malformed", ...looked.map((name) => `${name}.checksum.status == 0`)].join(" || ");
  return shark(file, ["-Y", filter]).slice(0, 10);
}

export function framesIn(file: string): number {
  return shark(file, ["-T", "fields", "-e", "frame.number"]).length;
}

function shark(file: string, more: readonly string[]): string[] {
  const options = CHECKS.flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);
  // tshark knows no GUE, and shall not guess what lies in it and in our datagrams by the other port.
  const ports = [...Object.entries(FOU_PORTS), ["data", GUE_PORT], ["data", SINK_PORT]] as const;
  const decode = ports.flatMap(([name, port]) => ["-d", `udp.port==${port},${DISSECTORS[name] ?? name}`]);
  const out = execFileSync("tshark", ["-r", file, ...options, ...decode, ...more], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 2 ** 28,
  });
  return out.split("\n").filter((line) => line !== "");
}
