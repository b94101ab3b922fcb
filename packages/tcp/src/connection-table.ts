import { jhash2 } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import { takesFrom } from "./bound-device.ts";

/** What stands in the table under a four-tuple: a connection, an embryo, or a TIME-WAIT. */
export interface TableEntry {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  /** Bound to this device; 0: to none. */
  readonly ifindex: number;
  hash: number;
  chain: TableEntry | undefined;
}

/**
 * Four-tuples to what owns them (`inet_ehash`): a chained hash whose seed is secret, so that nobody chooses tuples that
 * collide. Lookup makes nothing.
 */
export class ConnectionTable {
  readonly #chains = new Map<number, TableEntry>();
  readonly #seed: number;
  #size = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  get size(): number {
    return this.#size;
  }

  /** The entry whose ends these are, seen from here, and which takes what comes in there. */
  lookup(
    localAddress: IpAddress,
    localPort: number,
    remoteAddress: IpAddress,
    remotePort: number,
    ifindex: number,
    sdif: number,
    acceptL3mdev = false,
  ): TableEntry | undefined {
    const hash = this.#hash(localAddress, localPort, remoteAddress, remotePort);
    for (let entry = this.#chains.get(hash); entry !== undefined; entry = entry.chain) {
      if (
        entry.remotePort === remotePort &&
        entry.localPort === localPort &&
        entry.remoteAddress === remoteAddress &&
        entry.localAddress === localAddress &&
        takesFrom(entry.ifindex, ifindex, sdif, acceptL3mdev)
      ) {
        return entry;
      }
    }
    return undefined;
  }

  insert(entry: TableEntry): void {
    const hash = this.#hash(entry.localAddress, entry.localPort, entry.remoteAddress, entry.remotePort);
    entry.hash = hash;
    entry.chain = this.#chains.get(hash);
    this.#chains.set(hash, entry);
    this.#size++;
  }

  /** Takes `entry` out; nothing if it is not there. */
  remove(entry: TableEntry): void {
    let previous: TableEntry | undefined;
    for (let at = this.#chains.get(entry.hash); at !== undefined; previous = at, at = at.chain) {
      if (at !== entry) continue;
      this.#size--;
      const next = at.chain;
      at.chain = undefined;
      if (previous !== undefined) previous.chain = next;
      else if (next !== undefined) this.#chains.set(entry.hash, next);
      else this.#chains.delete(entry.hash);
      return;
    }
  }

  /** All entries, in no order that means anything. */
  *entries(): IterableIterator<TableEntry> {
    for (const first of this.#chains.values()) {
      for (let entry: TableEntry | undefined = first; entry !== undefined; entry = entry.chain) yield entry;
    }
  }

  #hash(localAddress: IpAddress, localPort: number, remoteAddress: IpAddress, remotePort: number): number {
    let count = put(0, remoteAddress);
    count = put(count, localAddress);
    words[count++] = (localPort << 16) | remotePort;
    return jhash2(words, this.#seed, count) | 0;
  }
}

const words = new Int32Array(9);

function put(at: number, address: IpAddress): number {
  if (typeof address === "number") {
    words[at] = address | 0;
    return at + 1;
  }
  words[at] = address.w0;
  words[at + 1] = address.w1;
  words[at + 2] = address.w2;
  words[at + 3] = address.w3;
  return at + 4;
}
