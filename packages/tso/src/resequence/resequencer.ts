import { invalidArgument, millis, type Nanos } from "@seville/core";
import { tcp, type Packet } from "@seville/packet";
import type { LinkKind } from "../virtio/frame.ts";
import type { Resequencer, ResequencerOptions, ResequencerStats } from "./options.ts";
import { newSegmentFacts, readSegment, type SegmentFacts } from "./read-segment.ts";

/** What is this far ahead is not of this connection any more. */
const WINDOW = 1 << 30;

/** A segment that waits for one before it. */
interface Waiting {
  readonly packet: Packet;
  readonly sequence: number;
  /** The sequence number behind it. */
  readonly next: number;
  readonly payload: number;
  readonly deadline: Nanos;
}

interface Flow {
  readonly key: string;
  /** The sequence number that is to come. */
  next: number;
  /** By sequence number. */
  readonly waiting: Waiting[];
}

/**
 * A resequencer in front of GRO, as Juggler (Geng et al., EuroSys 2016) puts one there: segments that overtook others wait until the gap
 * is filled, so that what spraying does to their order stays hidden from TCP and from GRO. It knows no connection: only sequence numbers. A
 * loss costs its flow one timeout; what comes again goes on at once, so that duplicates are seen.
 *
 * @throws SevilleError `ERR_INVALID_ARGUMENT` for options that make no sense
 */
export function createResequencer(options: ResequencerOptions): Resequencer {
  return new ResequencerEngine(options);
}

class ResequencerEngine implements Resequencer {
  readonly stats: ResequencerStats = { received: 0, passed: 0, reordered: 0, timedOut: 0, overflowed: 0 };
  readonly #sink: (packet: Packet) => void;
  readonly #link: LinkKind;
  readonly #timeout: Nanos;
  readonly #mostFlows: number;
  readonly #mostPackets: number;
  readonly #mostBytes: number;
  /** The one that was quiet for longest comes first. */
  readonly #flows = new Map<string, Flow>();
  readonly #facts: SegmentFacts = newSegmentFacts();
  #held = 0;
  #heldBytes = 0;

  constructor(options: ResequencerOptions) {
    this.#sink = options.sink;
    this.#link = options.link ?? "ethernet";
    this.#timeout = atLeastOne("timeout", options.timeout ?? millis(1));
    this.#mostFlows = atLeastOne("flows", options.flows ?? 256);
    this.#mostPackets = atLeastOne("packets", options.packets ?? 64);
    this.#mostBytes = atLeastOne("bytes", options.bytes ?? 1 << 20);
  }

  get held(): number {
    return this.#held;
  }

  receive(packet: Packet, now: Nanos): void {
    this.stats.received++;
    const facts = this.#facts;
    if (!readSegment(packet, this.#link, facts)) {
      this.#pass(packet);
      return;
    }
    const key = keyOf(packet, facts);
    const flow = this.#flows.get(key);
    if (facts.special !== 0) this.#receiveSpecial(key, flow, packet);
    else if (facts.length === 0) this.#pass(packet);
    else if (flow === undefined) this.#begin(key, facts, packet);
    else this.#receiveData(flow, packet, now);
  }

  flush(): void {
    for (const flow of this.#flows.values()) this.#letGo(flow, "overflowed");
  }

  nextTimeout(): Nanos {
    let earliest = Infinity;
    if (this.#held === 0) return earliest;
    for (const { waiting } of this.#flows.values()) {
      for (const { deadline } of waiting) earliest = Math.min(earliest, deadline);
    }
    return earliest;
  }

  handleTimeout(now: Nanos): void {
    for (const flow of this.#flows.values()) {
      // Giving up a gap may leave another one, whose packets came later.
      while (flow.waiting.some(({ deadline }) => deadline <= now)) this.#skipGap(flow, "timedOut");
    }
  }

  /** A new flow begins wherever it is seen first. */
  #begin(key: string, { sequence, length }: SegmentFacts, packet: Packet): void {
    if (this.#flows.size >= this.#mostFlows) this.#evict();
    this.#flows.set(key, { key, next: (sequence + length) >>> 0, waiting: [] });
    this.#pass(packet);
  }

  /** SYN begins a flow, RST ends it, urgent data is not to wait: they let go of what waits, and go on behind it. */
  #receiveSpecial(key: string, flow: Flow | undefined, packet: Packet): void {
    if (flow !== undefined) this.#letGo(flow, "overflowed");
    this.#flows.delete(key);
    if ((this.#facts.special & tcp.RST) === 0) this.#begin(key, this.#facts, packet);
    else this.#pass(packet);
  }

  #receiveData(flow: Flow, packet: Packet, now: Nanos): void {
    const { sequence, payload, length } = this.#facts;
    this.#touch(flow);
    const gap = ahead(sequence, flow.next);
    const next = (sequence + length) >>> 0;
    if (gap > WINDOW || gap < -WINDOW) {
      this.#letGo(flow, "overflowed");
      flow.next = next;
      this.#pass(packet);
      return;
    }
    if (gap <= 0) {
      if (ahead(next, flow.next) > 0) flow.next = next;
      this.#pass(packet);
      this.#release(flow, "reordered");
      return;
    }
    const at = flow.waiting.findIndex((other) => ahead(other.sequence, sequence) >= 0);
    if (flow.waiting[at]?.sequence === sequence) {
      // It is here already: the receiver is to see that it came twice.
      this.#pass(packet);
      return;
    }
    flow.waiting.splice(at < 0 ? flow.waiting.length : at, 0, {
      packet,
      sequence,
      next,
      payload,
      deadline: now + this.#timeout,
    });
    this.#held++;
    this.#heldBytes += payload;
    if (flow.waiting.length > this.#mostPackets) this.#skipGap(flow, "overflowed");
    while (this.#heldBytes > this.#mostBytes) this.#skipGap(this.#longest(), "overflowed");
  }

  /** Hands on what follows without a gap. */
  #release(flow: Flow, why: "reordered" | "timedOut" | "overflowed"): void {
    const { waiting } = flow;
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      if (ahead(first.sequence, flow.next) > 0) return;
      waiting.shift();
      this.#held--;
      this.#heldBytes -= first.payload;
      if (ahead(first.next, flow.next) > 0) flow.next = first.next;
      this.stats[why]++;
      this.#sink(first.packet);
    }
  }

  /** Gives up the first gap. */
  #skipGap(flow: Flow, why: "timedOut" | "overflowed"): void {
    const [first] = flow.waiting;
    if (first !== undefined) flow.next = first.sequence;
    this.#release(flow, why);
  }

  #letGo(flow: Flow, why: "timedOut" | "overflowed"): void {
    while (flow.waiting.length > 0) this.#skipGap(flow, why);
  }

  #touch(flow: Flow): void {
    this.#flows.delete(flow.key);
    this.#flows.set(flow.key, flow);
  }

  #evict(): void {
    for (const flow of this.#flows.values()) {
      this.#letGo(flow, "overflowed");
      this.#flows.delete(flow.key);
      return;
    }
  }

  /** The flow of which most waits. Called only when something does. */
  #longest(): Flow {
    let longest: Flow | undefined;
    for (const flow of this.#flows.values()) {
      if (longest === undefined || flow.waiting.length > longest.waiting.length) longest = flow;
    }
    return longest as Flow;
  }

  #pass(packet: Packet): void {
    this.stats.passed++;
    this.#sink(packet);
  }
}

/** How far `sequence` is ahead of `of`; negative: behind (RFC 9293 §3.4). */
function ahead(sequence: number, of: number): number {
  return (sequence - of) | 0;
}

/** Addresses and ports as a string of 16-bit units. */
function keyOf(packet: Packet, { addresses, addressBytes, ports }: SegmentFacts): string {
  const { view } = packet.pool.memory;
  let key = String.fromCharCode(view.getUint16(ports), view.getUint16(ports + 2));
  for (let at = 0; at < addressBytes; at += 2) key += String.fromCharCode(view.getUint16(addresses + at));
  return key;
}

function atLeastOne(name: string, value: number): number {
  if (!(value >= 1)) throw invalidArgument(name, "at least 1", value);
  return value;
}
