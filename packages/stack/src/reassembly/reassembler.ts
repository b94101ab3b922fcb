import type { DropReason, EventHandler, EventId, Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { FragmentQueue } from "./fragment-queue.ts";

/** A datagram in pieces. */
export interface Datagram<Key> {
  readonly key: Key;
  readonly queue: FragmentQueue;
  /** Length of the whole payload as far as it is known; final once `lastSeen`. */
  length: number;
  lastSeen: boolean;
  /** Bits of the ECN codepoints seen: bit n stands for codepoint n. */
  ecnSeen: number;
  /** Length of the largest fragment, with its header. */
  maxSize: number;
  /** Where the last fragment came in. */
  dev: NetInterface;
  /** Memory that it holds. */
  bytes: number;
  /** A number that the family's rules keep (`rid` of `struct ipq`). */
  rid: number;
}

export interface ReassemblerOptions<Key> {
  readonly host: Host;
  /** The string under which the fragments of one datagram meet. */
  readonly nameOf: (key: Key) => string;
  /** Nanoseconds that a datagram may take. */
  readonly timeout: () => Nanos;
  /** Bytes of memory beyond which no new datagram is begun (`ipfrag_high_thresh`). */
  readonly highThreshold: () => number;
  /** It took too long. The fragments are still there and are released afterwards. */
  readonly expired: (datagram: Datagram<Key>, now: Nanos) => void;
}

/**
 * The datagrams of one family that are being put together: their memory and their timers. What a fragment may be is
 * the family's business.
 */
export class Reassembler<Key> implements EventHandler {
  readonly #options: ReassemblerOptions<Key>;
  readonly #byName = new Map<string, number>();
  readonly #entries = new Map<
    number,
    { readonly name: string; readonly datagram: Datagram<Key>; readonly timer: EventId }
  >();
  #nextId = 1;
  #memory = 0;

  constructor(options: ReassemblerOptions<Key>) {
    this.#options = options;
  }

  /** Bytes of packet memory held (`FRAG: memory` of /proc/net/sockstat). */
  get memory(): number {
    return this.#memory;
  }

  /** Datagrams under way. */
  get size(): number {
    return this.#entries.size;
  }

  /** The datagram of `key`, begun if need be; `undefined`: no memory is left for another. */
  find(key: Key, dev: NetInterface): Datagram<Key> | undefined {
    const name = this.#options.nameOf(key);
    const known = this.#byName.get(name);
    if (known !== undefined) return this.#entries.get(known)?.datagram;
    if (this.#memory > this.#options.highThreshold()) return undefined;
    const { scheduler } = this.#options.host;
    const id = this.#nextId++;
    const datagram: Datagram<Key> = {
      key,
      queue: new FragmentQueue(),
      length: 0,
      lastSeen: false,
      ecnSeen: 0,
      maxSize: 0,
      dev,
      bytes: 0,
      rid: 0,
    };
    const timer = scheduler.schedule(scheduler.now + this.#options.timeout(), this, id);
    this.#byName.set(name, id);
    this.#entries.set(id, { name, datagram, timer });
    return datagram;
  }

  /** Counts the memory of a fragment that was inserted. */
  account(datagram: Datagram<Key>, packet: Packet): void {
    const size = packet.end - packet.head;
    datagram.bytes += size;
    this.#memory += size;
  }

  /** The datagram is whole or spoilt: forget it. Its fragments are the caller's now. */
  remove(datagram: Datagram<Key>): void {
    const name = this.#options.nameOf(datagram.key);
    const id = this.#byName.get(name);
    if (id === undefined) return;
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#options.host.scheduler.cancel(entry.timer);
    this.#byName.delete(name);
    this.#entries.delete(id);
    this.#memory -= datagram.bytes;
  }

  /** Forgets the datagram and loses its fragments. */
  discard(datagram: Datagram<Key>, reason: DropReason): void {
    this.remove(datagram);
    for (const { packet } of datagram.queue.fragments) this.#options.host.drop(packet, reason, datagram.dev);
  }

  /** Loses every datagram whose fragments came in on `dev`, or all of them. */
  flush(reason: DropReason, dev?: NetInterface): void {
    for (const { datagram } of [...this.#entries.values()]) {
      if (dev === undefined || datagram.dev === dev) this.discard(datagram, reason);
    }
  }

  handleEvent(id: number, now: Nanos): void {
    const datagram = this.#entries.get(id)?.datagram;
    if (datagram === undefined) return;
    this.#options.expired(datagram, now);
    this.discard(datagram, "FRAG_REASM_TIMEOUT");
  }
}

/**
 * The ECN codepoint of a datagram from those of its fragments (RFC 3168 §5.3; `ip_frag_ecn_table`): -1: Not-ECT and CE
 * together, which cannot be; 3: some were CE; otherwise leave the first fragment's.
 */
export function combinedEcn(seen: number): number {
  const notEct = (seen & 1) !== 0;
  const ce = (seen & 8) !== 0;
  const ect = (seen & 6) !== 0;
  if (ce) return notEct ? -1 : 3;
  return notEct && ect ? -1 : 0;
}
