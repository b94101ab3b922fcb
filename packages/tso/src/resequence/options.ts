import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { LinkKind } from "../virtio/frame.ts";

export interface ResequencerOptions {
  /** Takes over every packet that goes on. */
  readonly sink: (packet: Packet) => void;
  /** What begins a packet. Default: `ethernet`. */
  readonly link?: LinkKind;
  /** How long a packet waits for those before it, ns. Default 1 ms: a little more than paths differ, and far less than an RTO. */
  readonly timeout?: Nanos;
  /** Flows that are remembered; the one that was quiet for longest goes. Default 256. */
  readonly flows?: number;
  /** Packets of a flow that wait. Default 64. */
  readonly packets?: number;
  /** Bytes of payload, over all flows, that wait. Default 1 MiB. */
  readonly bytes?: number;
}

export interface ResequencerStats {
  /** Packets that went in. */
  received: number;
  /** Went on at once, in order or because order means nothing to them. */
  passed: number;
  /** Waited, and the gap before them was filled. */
  reordered: number;
  /** Waited in vain: for longer than the timeout. */
  timedOut: number;
  /** Let go of before the timeout because there was no room for more. */
  overflowed: number;
}

/** Puts the segments of TCP flows into order, for as long as it is worth the wait. */
export interface Resequencer {
  /** A packet came in; takes it over. */
  receive(packet: Packet, now: Nanos): void;
  /** Lets go of everything, each flow in order. */
  flush(): void;
  /** When {@link Resequencer.handleTimeout} is to be called; Infinity: not. */
  nextTimeout(): Nanos;
  handleTimeout(now: Nanos): void;
  /** Packets that wait. */
  readonly held: number;
  readonly stats: Readonly<ResequencerStats>;
}
