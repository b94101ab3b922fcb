import {
  createIndirectionTable,
  createToeplitzHasher,
  invalidArgument,
  MICROSOFT_RSS_KEY,
  queueOf,
  SYMMETRIC_RSS_KEY,
  type ToeplitzHasher,
} from "@seville/core";
import type { ParsedFrame } from "../hardware/receive-parse.ts";

/** Longest input: two IPv6 addresses and two ports. */
const MAX_INPUT = 36;

/** What goes into the hash (`ethtool -N rx-flow-hash`): addresses, or addresses and ports. */
export type FlowFields = "sd" | "sdfn";

/** `ethtool -X` and `ethtool -N … rx-flow-hash`. */
export interface RssOptions {
  /** At least 40 bytes; `symmetric`: both directions of a flow hash the same. Default: Microsoft's. */
  readonly key?: Uint8Array | "symmetric";
  /** Entries of the indirection table, a power of 2. Default 128. */
  readonly tableSize?: number;
  /** How much of the traffic each queue gets. Default: all the same. */
  readonly weights?: readonly number[];
  /** For TCP. Default `sdfn`. */
  readonly tcp?: FlowFields;
  /** For UDP. Default `sdfn`. Linux drivers often begin with `sd`, since fragments of a datagram have no ports. */
  readonly udp?: FlowFields;
  /** Hash the headers inside a tunnel where the parser reaches them. Default: the outer ones. */
  readonly inner?: boolean;
}

const UNHASHED = { hash: 0, isL4: false } as const;

/** Receive-side scaling: spreads flows over queues by the Toeplitz hash of their addresses and ports. */
export class ReceiveSideScaling {
  readonly #input = new Uint8Array(MAX_INPUT);
  #options: RssOptions = {};
  #hasher: ToeplitzHasher;
  #key: Uint8Array = MICROSOFT_RSS_KEY;
  #table: Uint16Array;

  constructor(queues: number, options: RssOptions = {}) {
    this.#hasher = createToeplitzHasher(MICROSOFT_RSS_KEY, MAX_INPUT);
    this.#table = createIndirectionTable(queues, 128);
    this.configure(queues, options);
  }

  get key(): Uint8Array {
    return this.#key;
  }

  /** Entry i is the queue of all hashes whose low bits are i. A copy. */
  get table(): Uint16Array {
    return this.#table.slice();
  }

  get options(): RssOptions {
    return this.#options;
  }

  /** Changes what `options` names. A new number of queues fills the table anew. */
  configure(queues: number, options: RssOptions = {}): void {
    const merged: { -readonly [K in keyof RssOptions]: RssOptions[K] } = { ...this.#options, ...options };
    // Weights are for as many queues as there were.
    if (options.weights === undefined && merged.weights?.length !== queues) delete merged.weights;
    const { key = MICROSOFT_RSS_KEY, tableSize = 128, weights } = merged;
    const bytes = key === "symmetric" ? SYMMETRIC_RSS_KEY : key;
    const hasher = bytes === this.#key ? this.#hasher : createToeplitzHasher(bytes, MAX_INPUT);
    this.#table = createIndirectionTable(queues, tableSize, weights);
    this.#key = bytes;
    this.#hasher = hasher;
    this.#options = merged;
  }

  /** Sets entries one by one (`ethtool -X … `, netlink's RSS_SET). */
  setTable(entries: readonly number[], queues: number): void {
    if (entries.length !== this.#table.length) {
      throw invalidArgument("entries", `${this.#table.length} queues`, entries.length);
    }
    if (entries.some((queue) => !Number.isInteger(queue) || queue < 0 || queue >= queues)) {
      throw invalidArgument("entries", `queues from 0 to ${queues - 1}`, entries);
    }
    this.#table = Uint16Array.from(entries);
  }

  /** The hash of a frame, as the hardware computes it; 0: no IP, not hashed. */
  hash(view: DataView, parsed: ParsedFrame): { readonly hash: number; readonly isL4: boolean } {
    const { transports, innerFrom } = parsed;
    const wantsInner = this.#options.inner === true && innerFrom !== -1;
    const header = transports[wantsInner ? innerFrom : 0] ?? transports[0];
    const network = header?.network ?? parsed.network;
    if (network === -1) return UNHASHED;
    let length = this.#addresses(view, network);
    const fields = header?.protocol === "tcp" ? this.#options.tcp : this.#options.udp;
    const hasPorts = header?.protocol === "tcp" || header?.protocol === "udp";
    const isL4 = hasPorts && fields !== "sd";
    if (isL4) {
      for (let i = 0; i < 4; i++) this.#input[length++] = view.getUint8(header.at + i);
    }
    return { hash: this.#hasher.hash(this.#input, 0, length), isL4 };
  }

  /** The queue for a hash. What was not hashed goes to queue 0. */
  queueOf(hash: number): number {
    return hash === 0 ? 0 : queueOf(this.#table, hash);
  }

  /** Source and destination, as they stand in the header. Answers how many bytes. */
  #addresses(view: DataView, network: number): number {
    const isV4 = view.getUint8(network) >>> 4 === 4;
    const at = network + (isV4 ? 12 : 8);
    const length = isV4 ? 8 : 32;
    for (let i = 0; i < length; i++) this.#input[i] = view.getUint8(at + i);
    return length;
  }
}
