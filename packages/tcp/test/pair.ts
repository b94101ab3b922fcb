import { createRandom, type Nanos, simulatedSecrets } from "@seville/core";
import { type IpAddress, type Packet, PacketPool, parseIp } from "@seville/packet";
import {
  type ConnectOptions,
  type ListenOptions,
  type TcpConnection,
  TcpEndpoint,
  type TcpEndpointOptions,
  type TcpEvent,
  type TcpListener,
  type TcpOutput,
} from "../src/index.ts";

/** What happens to a segment on its way: nothing, or it is lost, late, or twice. */
export type Fate = (output: TcpOutput, from: number, now: Nanos) => readonly Nanos[];

interface Flight {
  readonly at: Nanos;
  readonly order: number;
  readonly to: number;
  readonly packet: Packet;
  readonly output: TcpOutput;
  readonly ecn: number;
}

export interface PairOptions {
  readonly seed?: number;
  readonly delay?: Nanos;
  readonly mtu?: number;
  readonly endpoint?: Partial<TcpEndpointOptions>;
  readonly endpoints?: readonly [Partial<TcpEndpointOptions>, Partial<TcpEndpointOptions>];
  readonly fate?: Fate;
  /** The ECN field that a segment arrives with. */
  readonly mark?: (output: TcpOutput, from: number) => number;
  readonly addresses?: readonly [string, string];
  readonly pool?: PacketPool;
}

/** Two endpoints and a pipe between them, in virtual time. */
export class Pair {
  readonly pool: PacketPool;
  readonly ends: readonly [TcpEndpoint, TcpEndpoint];
  readonly addresses: readonly [IpAddress, IpAddress];
  readonly events: [TcpEvent[], TcpEvent[]] = [[], []];
  /** Everything that was sent, as it left. */
  readonly sent: {
    readonly from: number;
    readonly at: Nanos;
    readonly bytes: Uint8Array;
    readonly output: TcpOutput;
  }[] = [];
  keepSent = true;
  now: Nanos = 1_000_000_000;
  fate: Fate;
  onEvent: ((end: number, event: TcpEvent) => void) | undefined = undefined;
  readonly #flights: Flight[] = [];
  readonly #options: PairOptions;
  #order = 0;

  constructor(options: PairOptions = {}) {
    this.#options = options;
    this.pool = options.pool ?? new PacketPool({ small: 4096, jumbo: 64, super: 256 });
    this.fate = options.fate ?? ((_output, _from, now) => [now + (options.delay ?? 5_000_000)]);
    const [a, b] = options.addresses ?? ["10.0.0.1", "10.0.0.2"];
    this.addresses = [parseIp(a), parseIp(b)];
    const root = createRandom(options.seed ?? 1);
    const make = (index: 0 | 1): TcpEndpoint =>
      new TcpEndpoint({
        pool: this.pool,
        random: root.fork(`random ${index}`),
        secretRandom: simulatedSecrets(root.fork(`secrets ${index}`)),
        route: () => ({ mtu: options.mtu ?? 1500 }),
        ...options.endpoint,
        ...options.endpoints?.[index],
      });
    this.ends = [make(0), make(1)];
  }

  listen(options: Partial<ListenOptions> = {}): TcpListener {
    const listener = this.ends[1].listen({ port: 80, ...options }, this.now);
    this.drain();
    return listener;
  }

  connect(options: ConnectOptions = {}, port = 40_000): TcpConnection {
    const c = this.ends[0].connect(
      { address: this.addresses[0], port },
      { address: this.addresses[1], port: 80 },
      options,
      this.now,
    );
    this.drain();
    return c;
  }

  /** Listens, connects, and runs the handshake: the client's end and the server's. */
  open(
    listen: Partial<ListenOptions> = {},
    connect: ConnectOptions = {},
  ): readonly [TcpConnection, TcpConnection, TcpListener] {
    const listener = this.listen(listen);
    const client = this.connect(connect);
    this.run(1_000_000_000);
    const server = this.ends[1].accept(listener, this.now);
    this.drain();
    if (server === undefined) throw new Error("no connection came about");
    return [client, server, listener];
  }

  send(end: 0 | 1, c: TcpConnection, bytes: Uint8Array, flags = 0): number {
    const sent = this.ends[end].send(c, bytes, flags, this.now);
    this.drain();
    return sent;
  }

  receive(end: 0 | 1, c: TcpConnection, count = 65_536, flags = 0): Uint8Array {
    const into = new Uint8Array(count);
    const read = this.ends[end].receive(c, into, flags, this.now);
    this.drain();
    return into.subarray(0, Math.max(read, 0));
  }

  close(end: 0 | 1, c: TcpConnection): void {
    this.ends[end].close(c, this.now);
    this.drain();
  }

  /** Lets `duration` pass, or less if nothing happens any more. */
  run(duration: Nanos, until?: () => boolean): void {
    const end = this.now + duration;
    for (;;) {
      if (until?.() === true) return;
      const next = Math.min(this.#next(), this.ends[0].nextTimeout(), this.ends[1].nextTimeout());
      if (!(next <= end)) break;
      this.now = Math.max(this.now, next);
      const flight = this.#take();
      if (flight === undefined) {
        for (const e of this.ends) if (e.nextTimeout() <= this.now) e.handleTimeout(this.now);
      } else this.#deliver(flight);
      this.drain();
    }
    if (duration !== Infinity) this.now = Math.max(this.now, end);
  }

  /** Gives a packet to an end, as if it had come over the pipe. */
  inject(to: 0 | 1, bytes: Uint8Array, ecn = 0): void {
    const packet = this.pool.from(bytes);
    if (packet === undefined) throw new Error("the pool is empty");
    this.ends[to].handle(
      packet,
      { source: this.addresses[1 - to] as IpAddress, destination: this.addresses[to], ecn },
      this.now,
    );
    packet.release();
    this.drain();
  }

  drain(): void {
    for (const from of [0, 1] as const) {
      const e = this.ends[from];
      for (let output = e.poll(this.now); output !== undefined; output = e.poll(this.now)) this.#send(from, output);
      for (let event = e.pollEvent(); event !== undefined; event = e.pollEvent()) {
        this.events[from].push(event);
        this.onEvent?.(from, event);
      }
    }
  }

  /** The end: everything goes back to the pool. */
  finish(): void {
    for (const flight of this.#flights.splice(0)) flight.packet.release();
    for (const e of this.ends) e.destroy();
    this.pool.assertDrained();
  }

  #send(from: 0 | 1, output: TcpOutput): void {
    const { packet } = output;
    if (this.keepSent) this.sent.push({ from, at: this.now, bytes: packet.bytes().slice(), output });
    const arrivals = this.fate(output, from, Math.max(this.now, output.departure));
    const ecn = this.#options.mark?.(output, from) ?? output.ecn;
    arrivals.forEach((at, i) => {
      const copy = i === arrivals.length - 1 ? packet : packet.clone();
      this.#push({ at, order: this.#order++, to: 1 - from, packet: copy, output, ecn });
    });
    if (arrivals.length === 0) packet.release();
  }

  #push(flight: Flight): void {
    const flights = this.#flights;
    let at = flights.length;
    while (at > 0 && earlier(flight, flights[at - 1] as Flight)) at--;
    flights.splice(at, 0, flight);
  }

  #next(): Nanos {
    return this.#flights[0]?.at ?? Infinity;
  }

  #take(): Flight | undefined {
    return this.#next() <= this.now ? this.#flights.shift() : undefined;
  }

  #deliver(flight: Flight): void {
    const { output, packet } = flight;
    packet.data = packet.transportHeader;
    const flowLabel = typeof output.destination === "number" ? 0 : output.txhash & 0xf_ffff;
    const meta = { source: output.source, destination: output.destination, ecn: flight.ecn, flowLabel };
    this.ends[flight.to as 0 | 1].handle(packet, meta, this.now);
    packet.release();
  }
}

function earlier(a: Flight, b: Flight): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
