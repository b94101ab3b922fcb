import type { Nanos } from "@seville/core";
import { formatIp, type IpAddress } from "@seville/packet";
import { startTcpRequester, startTcpResponder, type TcpRequester, type TcpResponder } from "@seville/stack/tcp";
import { duration, size } from "../../quantities.ts";
import type { Traffic, TrafficTcpRequests } from "../../types.ts";
import { Requests } from "../requests.ts";
import { SendClock } from "../send-clock.ts";
import { ownerOf } from "../sender.ts";
import { senderHost, type RunningTraffic, type TrafficReport, type World } from "../world.ts";
import { whenAddressed } from "./when-addressed.ts";

/** SYNs with data that may wait at the server. */
const FAST_OPEN_QUEUE = 128;

/** Requests over TCP at a fixed rhythm, and how long their answers took. */
export function tcpRequests(world: World, name: string, traffic: Traffic): RunningTraffic {
  const { tcpRequests: spec } = traffic;
  if (spec === undefined) throw new TypeError(`traffic ${name} is no tcpRequests`);
  return new RequestTraffic(world, name, spec);
}

class RequestTraffic implements RunningTraffic {
  readonly #name: string;
  readonly #spec: TrafficTcpRequests;
  readonly #to: IpAddress;
  #cancel: () => void = () => undefined;
  readonly #requester: TcpRequester;
  readonly #responder: TcpResponder | undefined;
  readonly #requests: Requests;
  readonly #clock: SendClock;
  readonly #world: World;
  readonly #failures = new Map<string, number>();

  constructor(world: World, name: string, spec: TrafficTcpRequests) {
    const { port = 80, request = "100b", response = "1kb", interval = "100ms", timeout = "10s", congestion } = spec;
    const to = world.resolve(spec.from, spec.to, spec.family);
    this.#world = world;
    this.#name = name;
    this.#spec = spec;
    this.#to = to;
    this.#requests = new Requests(duration(timeout));
    const sizes = { request: size(request), response: size(response) };
    const owner = ownerOf(world, to);
    if (owner !== undefined) {
      const family = typeof to === "number" ? 4 : 6;
      this.#responder = startTcpResponder(owner, {
        family,
        port,
        ...sizes,
        ...(spec.fastOpen === true ? { fastOpen: FAST_OPEN_QUEUE } : {}),
      });
      if (spec.fastOpen === true) owner.sysctls.set("net.ipv4.tcp_fastopen", 3);
    }
    this.#requester = startTcpRequester(senderHost(world, spec.from), {
      to,
      port,
      ...sizes,
      fresh: spec.fresh ?? false,
      fastOpen: spec.fastOpen ?? false,
      ...(congestion === undefined ? {} : { congestion }),
      onAnswer: (sequence, now) => this.#requests.answer(sequence, now),
      onError: (_sequence, code) => {
        this.#requests.errors++;
        this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
      },
    });
    this.#clock = new SendClock(world.simulator, duration(interval), (now) => this.#ask(now));
  }

  start(): void {
    const { simulator } = this.#world;
    const host = senderHost(this.#world, this.#spec.from);
    this.#cancel = whenAddressed(this.#world, host, this.#to, () => this.#clock.start(simulator.now));
  }

  stop(): void {
    this.#cancel();
    this.#clock.stop();
  }

  finish(): TrafficReport {
    this.#cancel();
    this.#clock.stop();
    this.#requests.finish();
    this.#requester.close();
    this.#responder?.close();
    for (const [code, count] of this.#failures) {
      this.#world.warn(`traffic ${this.#name}: ${count === 1 ? "a request" : `${count} requests`} failed with ${code}`);
    }
    const { transmitted, received, duplicates, errors, delays } = this.#requests;
    const counts = { transmitted, received, duplicates, errors, rtt: delays.distribution() };
    const { from, to } = this.#spec;
    return {
      ping: { name: this.#name, kind: "tcp", from, to, address: formatIp(this.#to), ...counts },
      delays,
      delayKind: "rtt",
    };
  }

  #ask(now: Nanos): boolean {
    this.#requester.ask(this.#requests.send(now));
    return this.#requests.transmitted < (this.#spec.count ?? Infinity);
  }
}
