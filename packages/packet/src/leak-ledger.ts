import { SevilleError } from "@seville/core";
import type { Packet } from "./packet.ts";

/** What a slot is filled with when it comes back, as Linux `POISON_FREE`: easy to recognise in a dump. */
export const POISON = 0x6b;

/** More places than this are not listed. */
const MAX_LISTED = 10;

/** Who holds what: the memory of a pool that was made with `debug`. */
export class LeakLedger {
  readonly #origins = new Map<Packet, string>();

  static poison(u8: Uint8Array, from: number, to: number): void {
    u8.fill(POISON, from, to);
  }

  /** @param inUse how many slots are out */
  static complaint(inUse: number, ledger: LeakLedger | undefined): SevilleError {
    const where = ledger === undefined ? "make the pool with { debug: true } to see where" : ledger.#list();
    return new SevilleError("ERR_PACKETS_LEAKED", `${inUse} packet slots were not given back: ${where}`, "pool");
  }

  allocated(packet: Packet): void {
    this.#origins.set(packet, new Error("allocated").stack ?? "");
  }

  released(packet: Packet): void {
    this.#origins.delete(packet);
  }

  /** The places from which packets came that are still out, with how many of each. */
  #list(): string {
    const counts = new Map<string, number>();
    for (const origin of this.#origins.values()) {
      const frames = callersOf(origin);
      counts.set(frames, (counts.get(frames) ?? 0) + 1);
    }
    const lines = [...counts].map(([frames, count]) => `\n${count} × allocated\n${frames}`);
    const more = lines.length > MAX_LISTED ? `\n… and from ${lines.length - MAX_LISTED} more places` : "";
    return lines.slice(0, MAX_LISTED).join("") + more;
  }
}

/** The stack without its first line and the frames of the pool's own files. */
function callersOf(stack: string): string {
  const frames = stack.split("\n").filter((line) => /^\s+at |@/.test(line));
  const first = frames.findIndex((line) => !/(?:leak-ledger|pool|packet)\.[jt]s/.test(line));
  return frames.slice(Math.max(first, 0), Math.max(first, 0) + 4).join("\n");
}
