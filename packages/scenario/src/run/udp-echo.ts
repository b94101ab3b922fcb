import type { Nanos } from "@seville/core";
import { formatIp } from "@seville/packet";
import { openUdp, type Host, type UdpSocket } from "@seville/stack";
import { duration } from "../quantities.ts";
import type { Traffic, TrafficUdpEcho } from "../types.ts";
import { numberedDatagram, readSequence, stamp } from "./datagram.ts";
import { answerAll, drain } from "./drain.ts";
import { Requests } from "./requests.ts";
import { SendClock } from "./send-clock.ts";
import { ownerOf, UdpSender } from "./sender.ts";
import { senderHost, type RunningTraffic, type TrafficReport, type World } from "./world.ts";

/** Numbered datagrams that the receiver sends back (RFC 862). */
export function udpEcho(world: World, name: string, traffic: Traffic): RunningTraffic {
  const { udpEcho: spec } = traffic;
  if (spec === undefined) throw new TypeError(`traffic ${name} is no udpEcho`);
  return new UdpEcho(world, name, spec);
}

class UdpEcho implements RunningTraffic {
  readonly #world: World;
  readonly #name: string;
  readonly #spec: TrafficUdpEcho;
  readonly #payload: Uint8Array;
  readonly #sender: UdpSender;
  readonly #server: UdpSocket | undefined;
  readonly #clock: SendClock;
  readonly #requests: Requests;
  readonly #address: string;

  constructor(world: World, name: string, spec: TrafficUdpEcho) {
    const { size = 64, port = 7, interval = "100ms", timeout = "10s" } = spec;
    const to = world.resolve(spec.from, spec.to, spec.family);
    this.#world = world;
    this.#name = name;
    this.#spec = spec;
    this.#address = formatIp(to);
    this.#payload = numberedDatagram(size);
    this.#requests = new Requests(duration(timeout));
    this.#sender = new UdpSender(world, name, senderHost(world, spec.from), to, port);
    this.#clock = new SendClock(world.simulator, duration(interval), (now) => this.#send(now));
    const owner = ownerOf(world, to);
    // Without an owner in the scenario somebody outside may answer.
    this.#server = owner === undefined ? undefined : echoServer(owner, typeof to === "number" ? 4 : 6, port);
  }

  start(now: Nanos): void {
    this.#clock.start(now);
  }

  stop(): void {
    this.#clock.stop();
  }

  finish(): TrafficReport {
    this.#clock.stop();
    this.#requests.finish();
    this.#sender.finish();
    this.#server?.close();
    const { transmitted, received, duplicates, errors, delays } = this.#requests;
    const { from, to } = this.#spec;
    const counts = { transmitted, received, duplicates, errors, rtt: delays.distribution() };
    return {
      ping: { name: this.#name, kind: "udp", from, to, address: this.#address, ...counts },
      delays,
      delayKind: "rtt",
    };
  }

  #send(now: Nanos): boolean {
    const sequence = this.#requests.send(now);
    stamp(this.#payload, sequence, now);
    if (!this.#sender.send(this.#payload)) this.#requests.takeBack(sequence);
    const { socket } = this.#sender;
    if (socket !== undefined) socket.onReadable ??= () => this.#receive(socket);
    return this.#requests.transmitted < (this.#spec.count ?? Infinity);
  }

  #receive(socket: UdpSocket): void {
    const { now } = this.#world.simulator;
    drain(
      socket,
      (packet) => {
        const sequence = readSequence(packet.pool.memory, packet.data, packet.length);
        if (sequence !== undefined) this.#requests.answer(sequence, now);
      },
      () => this.#requests.errors++,
    );
  }
}

function echoServer(host: Host, family: 4 | 6, port: number): UdpSocket {
  const socket = openUdp(host, { family });
  socket.bind({ port });
  answerAll(socket);
  return socket;
}
