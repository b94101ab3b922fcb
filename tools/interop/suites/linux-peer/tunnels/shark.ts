import { execFileSync } from "node:child_process";
import { FOU_PORTS, GUE_PORT } from "./tunnel-spec.ts";

const GUE = "gue";
const DISSECTORS: Readonly<Record<string, string>> = { ipip: "ip", sit: "ipv6", gre: "gre", [GUE]: "data" };
const CHECKS = ["ip", "udp", "tcp"];
const WRONG = ["ip", "udp", "tcp", "icmp", "icmpv6", "gre", "sctp"];

/** Lines of tshark about frames of `file` that are malformed or have a wrong checksum at any level; at most ten. */
export function complaints(file: string): string[] {
  const filter = ["_ws.malformed", ...WRONG.map((name) => `${name}.checksum.status == 0`)].join(" || ");
  return shark(file, ["-Y", filter]).slice(0, 10);
}

/** How many frames there are, and of which protocols. */
export function protocolsIn(file: string): { readonly frames: number; readonly protocols: ReadonlySet<string> } {
  const lines = shark(file, ["-T", "fields", "-e", "frame.protocols"]);
  return { frames: lines.length, protocols: new Set(lines.flatMap((line) => line.split(":"))) };
}

function shark(file: string, more: readonly string[]): string[] {
  const options = CHECKS.flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);
  // tshark knows no GUE, and shall not guess by the other port.
  const ports = [...Object.entries(FOU_PORTS), [GUE, GUE_PORT] as const];
  const decode = ports.flatMap(([name, port]) => ["-d", `udp.port==${port},${DISSECTORS[name] ?? name}`]);
  const out = execFileSync("tshark", ["-r", file, ...options, ...decode, ...more], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 2 ** 28,
  });
  return out.split("\n").filter((line) => line !== "");
}
