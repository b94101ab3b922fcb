import { NS_PER_SEC, type EventHandler, type EventId, type Nanos, type Random } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import { openUdp, type Host, type UdpSocket } from "@seville/stack";
import { numberedDatagram, stamp } from "../datagram.ts";
import { drain } from "../drain.ts";
import { UdpSender } from "../sender.ts";
import type { World } from "../world.ts";

/** What a flow of a pattern can be told and asked, whatever its protocol. */
export interface PatternFlow {
  start(now: Nanos): void;
  stop(now: Nanos): void;
  /** The run is over: frees its sockets. Payload that the receiver was given, and over which time. */
  finish(now: Nanos): { readonly bytes: number; readonly span: Nanos; readonly completion?: Nanos };
}

export interface FlowEnds {
  readonly name: string;
  readonly sender: Host;
  readonly receiver: Host;
  readonly to: IpAddress;
  readonly port: number;
}

/** Datagrams with exponential gaps: a Poisson process. */
export class PoissonFlow implements PatternFlow, EventHandler {
  readonly #world: World;
  readonly #sender: UdpSender;
  readonly #receiver: UdpSocket;
  readonly #payload: Uint8Array;
  readonly #meanGap: number;
  readonly #random: Random;
  #sequence = 0;
  #bytes = 0;
  #startedAt: Nanos | undefined;
  #stoppedAt: Nanos | undefined;
  #pending: EventId | undefined;

  constructor(world: World, ends: FlowEnds, bitsPerSecond: number, size: number, random: Random) {
    this.#world = world;
    this.#sender = new UdpSender(world, ends.name, ends.sender, ends.to, ends.port);
    this.#payload = numberedDatagram(size);
    this.#meanGap = (size * 8 * NS_PER_SEC) / bitsPerSecond;
    this.#random = random;
    this.#receiver = openUdp(ends.receiver, { family: typeof ends.to === "number" ? 4 : 6 });
    this.#receiver.bind({ port: ends.port });
    this.#receiver.onReadable = () => {
      drain(
        this.#receiver,
        (packet) => (this.#bytes += packet.length),
        () => undefined, // a socket that only receives is told of no error
      );
    };
  }

  start(now: Nanos): void {
    this.#startedAt ??= now;
    this.#stoppedAt = undefined;
    this.#pending ??= this.#next(now);
  }

  stop(now: Nanos): void {
    if (this.#pending !== undefined) this.#world.simulator.cancel(this.#pending);
    this.#pending = undefined;
    this.#stoppedAt ??= now;
  }

  finish(now: Nanos): { bytes: number; span: Nanos } {
    this.stop(now);
    this.#sender.finish();
    this.#receiver.close();
    return { bytes: this.#bytes, span: (this.#stoppedAt ?? now) - (this.#startedAt ?? now) };
  }

  handleEvent(_argument: number, now: Nanos): void {
    stamp(this.#payload, this.#sequence++, now);
    this.#sender.send(this.#payload);
    this.#pending = this.#next(now);
  }

  #next(now: Nanos): EventId {
    return this.#world.simulator.schedule(now + Math.round(this.#random.exponential(this.#meanGap)), this);
  }
}
