import { readFileSync } from "node:fs";

/** Datagrams that the kernel dropped because the socket at local port `port` was not read fast enough; `undefined`: unknown. */
export function readUdpDrops(port: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  const own = parseUdpDrops(readFileSync("/proc/self/net/udp", "utf8"), port);
  return own ?? parseUdpDrops(readFileSync("/proc/self/net/udp6", "utf8"), port);
}

/** The `drops` column of the line of `port` in the text of /proc/net/udp (net/ipv4/udp.c, `udp4_format_sock`). */
export function parseUdpDrops(text: string, port: number): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of text.split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(suffix) === true) return Number(fields.at(-1));
  }
  return undefined;
}
