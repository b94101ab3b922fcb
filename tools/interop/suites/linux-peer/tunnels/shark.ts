import { execFileSync } from "node:child_process";
import { PORT as SINK_PORT } from "./sink.ts";
import { FOU_PORTS, GUE_PORT } from "./tunnel-spec.ts";

const DISSECTORS: Readonly<Record<string, string>> = { ipip: "ip", sit: "ipv6" };
/** Tunnels whose source ports are drawn from all there are: some of them are other protocols' own. */
const ENTROPY: Readonly<Record<string, string>> = { 6081: "geneve", 4789: "vxlan", 4790: "vxlan_gpe" };
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
  return run(file, [...options, ...decode, ...entropyPorts(file), ...more]);
}

/** Has the source ports of tunnels read as the tunnel: tshark would ask the lower of two ports first. */
function entropyPorts(file: string): string[] {
  const fields = ["-T", "fields", "-E", "occurrence=f", "-e", "udp.srcport", "-e", "udp.dstport"];
  const pairs = new Set(run(file, ["-Y", "udp", ...fields]));
  return [...pairs].flatMap((pair) => {
    const [from = "", to = ""] = pair.split("\t");
    const tunnel = ENTROPY[to];
    return tunnel === undefined || from in ENTROPY ? [] : ["-d", `udp.port==${from},${tunnel}`];
  });
}

function run(file: string, given: readonly string[]): string[] {
  const out = execFileSync("tshark", ["-r", file, ...given], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 2 ** 28,
  });
  return out.split("\n").filter((line) => line !== "");
}
