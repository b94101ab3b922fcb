import { SevilleError, type Nanos } from "@seville/core";
import { formatIp, type IpAddress } from "@seville/packet";
import { openPing, type Host, type PingSocket } from "@seville/stack";
import { duration } from "../quantities.ts";
import type { Traffic, TrafficPing } from "../types.ts";
import { Requests } from "./requests.ts";
import { SendClock } from "./send-clock.ts";
import { senderHost, type RunningTraffic, type TrafficReport, type World } from "./world.ts";

/** ICMP echo requests and their replies (RFC 792, RFC 4443 §4), as ping(8) sends and counts them. */
export function ping(world: World, name: string, traffic: Traffic): RunningTraffic {
  const { ping: spec } = traffic;
  if (spec === undefined) throw new TypeError(`traffic ${name} is no ping`);
  return new Ping(world, name, spec);
}

class Ping implements RunningTraffic {
  readonly #world: World;
  readonly #name: string;
  readonly #spec: TrafficPing;
  readonly #host: Host;
  readonly #to: IpAddress;
  readonly #payload: Uint8Array;
  readonly #clock: SendClock;
  readonly #requests: Requests;
  readonly #failures = new Map<string, number>();
  #socket: PingSocket | undefined;

  constructor(world: World, name: string, spec: TrafficPing) {
    const { size = 56, interval = "1s", timeout = "10s" } = spec;
    this.#world = world;
    this.#name = name;
    this.#spec = spec;
    this.#host = senderHost(world, spec.from);
    this.#to = world.resolve(spec.from, spec.to, spec.family);
    this.#payload = Uint8Array.from({ length: size }, (_, i) => i & 0xff);
    this.#requests = new Requests(duration(timeout));
    this.#clock = new SendClock(world.simulator, duration(interval), (now) => this.#send(now));
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
    this.#socket?.close();
    for (const [code, count] of this.#failures) {
      this.#world.warn(
        `traffic ${this.#name}: sending failed with ${code}, ${count === 1 ? "once" : `${count} times`}`,
      );
    }
    const { transmitted, received, duplicates, errors, delays } = this.#requests;
    const { from, to } = this.#spec;
    const counts = { transmitted, received, duplicates, errors, rtt: delays.distribution() };
    return {
      ping: { name: this.#name, kind: "icmp", from, to, address: formatIp(this.#to), ...counts },
      delays,
      delayKind: "rtt",
    };
  }

  #send(now: Nanos): boolean {
    const socket = (this.#socket ??= this.#open());
    const sequence = this.#requests.send(now);
    try {
      // The first is 1, as people are used to; the field has 16 bits.
      socket.sendEcho((sequence + 1) & 0xffff, this.#payload, { address: this.#to });
    } catch (error) {
      this.#requests.takeBack(sequence);
      this.#failed(error);
    }
    return this.#requests.transmitted < (this.#spec.count ?? Infinity);
  }

  #open(): PingSocket {
    const isIpv4 = typeof this.#to === "number";
    const socket = openPing(this.#host, isIpv4 ? 4 : 6);
    socket.set(isIpv4 ? "IP_RECVERR" : "IPV6_RECVERR", 1);
    if (this.#spec.ttl !== undefined) socket.set(isIpv4 ? "IP_TTL" : "IPV6_UNICAST_HOPS", this.#spec.ttl);
    socket.onReadable = () => this.#receive(socket);
    return socket;
  }

  #receive(socket: PingSocket): void {
    const { now } = this.#world.simulator;
    while (socket.recvError() !== undefined) this.#requests.errors++;
    socket.takeError(); // counted above, in detail
    for (let reply = socket.recv(); reply !== undefined; reply = socket.recv()) {
      this.#requests.answer(this.#numberOf(reply.sequence), now);
    }
  }

  /** Of the requests whose low 16 bits are `sequence`, the one that was sent last. */
  #numberOf(sequence: number): number {
    const last = this.#requests.transmitted;
    return last - ((last - sequence) & 0xffff) - 1;
  }

  #failed(error: unknown): void {
    if (!(error instanceof SevilleError) || error.code.startsWith("ERR_")) throw error;
    this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1);
  }
}
