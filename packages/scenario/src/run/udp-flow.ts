import { NS_PER_SEC, type Nanos } from "@seville/core";
import { openUdp, type UdpSocket } from "@seville/stack";
import { rate } from "../quantities.ts";
import type { Traffic, TrafficUdp } from "../types.ts";
import { numberedDatagram, readSentAt, readSequence, stamp } from "./datagram.ts";
import { DelayRecorder } from "./delays.ts";
import { drain } from "./drain.ts";
import { SendClock } from "./send-clock.ts";
import { ownerOf, UdpSender } from "./sender.ts";
import { SequenceSet } from "./sequence-set.ts";
import { senderHost, type RunningTraffic, type TrafficReport, type World } from "./world.ts";

/** Of so many datagrams it is remembered when they were sent, to mark those that were lost on the time axis. */
const MOST_REMEMBERED = 1 << 20;

/** A one-way stream of numbered datagrams at a constant rate. */
export function udpFlow(world: World, name: string, traffic: Traffic): RunningTraffic {
  const { udp: spec } = traffic;
  if (spec === undefined) throw new TypeError(`traffic ${name} is no udp`);
  return new UdpFlow(world, name, spec);
}

class UdpFlow implements RunningTraffic {
  readonly #world: World;
  readonly #name: string;
  readonly #spec: TrafficUdp;
  readonly #payload: Uint8Array;
  readonly #sender: UdpSender;
  readonly #receiver: UdpSocket | undefined;
  readonly #clock: SendClock;
  readonly #delays = new DelayRecorder();
  readonly #seen = new SequenceSet();
  readonly #sentAt: Nanos[] = [];
  #sent = 0;
  #duplicated = 0;
  #reordered = 0;
  #firstArrival: Nanos = 0;
  #lastArrival: Nanos = 0;
  #lastTransit: Nanos | undefined;
  #jitter = 0;

  constructor(world: World, name: string, spec: TrafficUdp) {
    const { size = 1200, port = 5001 } = spec;
    const to = world.resolve(spec.from, spec.to, spec.family);
    this.#world = world;
    this.#name = name;
    this.#spec = spec;
    this.#payload = numberedDatagram(size);
    this.#sender = new UdpSender(world, name, senderHost(world, spec.from), to, port);
    this.#clock = new SendClock(world.simulator, (size * 8 * NS_PER_SEC) / rate(spec.rate), (now) => this.#send(now));
    const owner = ownerOf(world, to);
    if (owner === undefined) {
      world.warn(`traffic ${name}: nobody in the scenario has the address ${spec.to}, so arrivals are not counted`);
      return;
    }
    const receiver = openUdp(owner, { family: typeof to === "number" ? 4 : 6 });
    receiver.bind({ port });
    receiver.onReadable = () => this.#receive(receiver);
    this.#receiver = receiver;
  }

  start(now: Nanos): void {
    this.#clock.start(now);
  }

  stop(): void {
    this.#clock.stop();
  }

  finish(): TrafficReport {
    this.#clock.stop();
    for (const [sequence, at] of this.#sentAt.entries()) if (!this.#seen.has(sequence)) this.#delays.addLost(at);
    const { tuple } = this.#sender;
    this.#sender.finish();
    this.#receiver?.close();
    const size = this.#payload.length;
    const received = this.#seen.size;
    const span = this.#lastArrival - this.#firstArrival;
    const flow = {
      name: this.#name,
      kind: "udp",
      from: this.#spec.from,
      to: this.#spec.to,
      tuple,
      sent: this.#sent,
      sentBytes: this.#sent * size,
      received,
      receivedBytes: received * size,
      lost: this.#sent - received,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      // The first datagram opens the stretch of time and does not count in it.
      throughput: span === 0 ? 0 : ((received - 1) * size * 8 * NS_PER_SEC) / span,
      delay: this.#delays.distribution(),
      jitter: Math.round(this.#jitter),
    } as const;
    return { flow, delays: this.#delays, delayKind: "one-way" };
  }

  #send(now: Nanos): boolean {
    stamp(this.#payload, this.#sent, now);
    if (this.#sender.send(this.#payload)) {
      if (this.#sent < MOST_REMEMBERED) this.#sentAt.push(now);
      this.#sent++;
    }
    return this.#sent < (this.#spec.count ?? Infinity);
  }

  #receive(socket: UdpSocket): void {
    const { now } = this.#world.simulator;
    drain(
      socket,
      (packet) => {
        const { memory } = packet.pool;
        const sequence = readSequence(memory, packet.data, packet.length);
        if (sequence === undefined || sequence >= this.#sent) return;
        this.#arrived(sequence, readSentAt(memory, packet.data), now);
      },
      () => undefined, // a socket that only receives is told of no error
    );
  }

  #arrived(sequence: number, sentAt: Nanos, now: Nanos): void {
    const expected = this.#seen.next;
    if (!this.#seen.add(sequence)) {
      this.#duplicated++;
      return;
    }
    if (sequence < expected) this.#reordered++;
    if (this.#seen.size === 1) this.#firstArrival = now;
    this.#lastArrival = now;
    const transit = now - sentAt;
    this.#delays.add(sentAt, transit);
    // RFC 3550 §6.4.1: J += (|D| - J) / 16.
    if (this.#lastTransit !== undefined) this.#jitter += (Math.abs(transit - this.#lastTransit) - this.#jitter) / 16;
    this.#lastTransit = transit;
  }
}
